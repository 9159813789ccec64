//! What a target exposed last: its lines in order, and which series they are.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use super::index::Index;
use super::lines::{Lines, MOST_SLOTS, Mark};

/// Bodies without need of the index after which it is given up at first; doubled each time it was needed again.
const PATIENCE: u32 = 2;

/// Most bodies for which an unneeded index is kept.
const LONGEST_PATIENCE: u32 = 256;

/// Bodies between two rewrites that only restore the order.
const REWRITE_EVERY: u32 = 16;

/// Finds lines that are not where they were.
#[derive(Debug)]
pub(super) struct Lookup {
    /// Lines by their text.
    pub(super) texts: Index,
    /// Lines of series by their labels, however they are written.
    pub(super) labels: Index,
}

/// Lines, their order in the last body, and slots of series.
#[derive(Debug)]
pub(super) struct Table {
    /// Number of this table, unlike that of any other in this process.
    pub(super) number: u64,
    pub(super) lines: Lines,
    /// Line numbers as the last body had them.
    pub(super) order: Vec<u32>,
    pub(super) lookup: Option<Lookup>,
    /// Seeded, so that nobody can choose texts that collide.
    pub(super) hasher: RandomState,
    /// Slots in use or once in use.
    pub(super) slots: u32,
    /// Slots that may be used again.
    free: Vec<u32>,
    /// Slots whose series the last body did not have any more.
    leaving: Vec<u32>,
    /// Bodies since the lookup was needed, and how many it is kept for.
    idle: u32,
    patience: u32,
    /// Bodies since the lines were last rewritten.
    since_rewrite: u32,
}

impl Table {
    /// An empty table whose first `reserved` slots are taken.
    pub(super) fn new(reserved: u32) -> Self {
        static NUMBERS: AtomicU64 = AtomicU64::new(1);
        Self {
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            lines: Lines::default(),
            order: Vec::new(),
            lookup: None,
            hasher: RandomState::new(),
            slots: reserved,
            free: Vec::new(),
            leaving: Vec::new(),
            idle: 0,
            patience: PATIENCE,
            since_rewrite: 0,
        }
    }

    /// A slot for a new series; `None` if there are none left.
    pub(super) fn take_slot(&mut self) -> Option<u32> {
        if let Some(slot) = self.free.pop() {
            return Some(slot);
        }
        let slot = self.slots;
        self.slots = slot.checked_add(1).filter(|slots| *slots < MOST_SLOTS)?;
        Some(slot)
    }

    /// Gives slots back that nobody was told of.
    pub(super) fn return_slots(&mut self, slots: impl Iterator<Item = u32>) {
        self.free.extend(slots);
    }

    /// Has a slot released after this scrape.
    pub(super) fn leave(&mut self, slot: u32) {
        self.leaving.push(slot);
    }

    /// Slots of series that the body before did not have any more; from now on they may be used again.
    pub(super) fn release(&mut self) -> Vec<u32> {
        let left = std::mem::take(&mut self.leaving);
        self.free.extend(&left);
        left
    }

    /// The lookup, made from the lines in use if it is not there. `labels` tells the hash of a series'
    /// labels by its text.
    pub(super) fn lookup(&mut self, labels: impl FnMut(&[u8]) -> Option<u64>) -> &mut Lookup {
        self.idle = 0;
        if self.lookup.is_none() {
            self.patience = (self.patience * 2).min(LONGEST_PATIENCE);
            let made = self.make_lookup(labels);
            self.lookup = Some(made);
        }
        self.lookup.get_or_insert_with(|| Lookup { texts: Index::default(), labels: Index::default() })
    }

    fn make_lookup(&self, mut labels: impl FnMut(&[u8]) -> Option<u64>) -> Lookup {
        let room = self.order.len();
        let mut made = Lookup { texts: Index::with_room(room), labels: Index::with_room(room) };
        let mut text = Vec::new();
        for id in 0..self.lines.len() as u32 {
            let mark = self.lines.mark(id);
            if mark == Mark::DEAD {
                continue;
            }
            self.lines.read(id, &mut text);
            made.texts.insert(self.hasher.hash_one(text.as_slice()), id);
            if mark.any_slot().is_some()
                && let Some(hash) = labels(&text)
            {
                made.labels.insert(hash, id);
            }
        }
        made
    }

    /// The line that is written exactly so, if the lookup is there.
    pub(super) fn written(&self, text: &[u8]) -> Option<u32> {
        let lookup = self.lookup.as_ref()?;
        let is = |id| self.lines.mark(id) != Mark::DEAD && self.lines.begins(id, text) == Some(text.len());
        lookup.texts.find(self.hasher.hash_one(text), is)
    }

    /// Stores a line that is new and enters it in the lookup; its number. `before` begins with the line stored last.
    pub(super) fn store(
        &mut self,
        before: Option<&[u8]>,
        text: &[u8],
        mark: Mark,
        label_hash: Option<u64>,
    ) -> Option<u32> {
        let hash = self.hasher.hash_one(text);
        let id = self.lines.push(before, text, mark)?;
        if let Some(lookup) = &mut self.lookup {
            lookup.texts.insert(hash, id);
            if let Some(hash) = label_hash {
                lookup.labels.insert(hash, id);
            }
        }
        Some(id)
    }

    /// The slot of a series however it is written, if the lookup is there. `hash` is that of its labels; `same` tells
    /// whether a text has them.
    pub(super) fn slot_of(&self, hash: u64, mut same: impl FnMut(&[u8]) -> bool) -> Option<u32> {
        let lookup = self.lookup.as_ref()?;
        let mut text = Vec::new();
        let is = |id| {
            self.lines.mark(id).any_slot().is_some() && {
                self.lines.read(id, &mut text);
                same(&text)
            }
        };
        let id = lookup.labels.find(hash, is)?;
        self.lines.mark(id).any_slot()
    }

    /// Takes the order of a body that was not like the one before. What it does not have is forgotten; the slots of
    /// series among it are released after this scrape.
    pub(super) fn accept(&mut self, order: Vec<u32>) {
        let mut in_use = vec![false; self.lines.len()];
        let mut alive = vec![false; self.slots as usize];
        let mut breaks = 0;
        let mut expected = 0;
        for id in &order {
            breaks += usize::from(*id != expected);
            expected = id + 1;
            if let Some(used) = in_use.get_mut(*id as usize) {
                *used = true;
            }
            let slot = self.lines.mark(*id).any_slot();
            if let Some(alive) = slot.and_then(|slot| alive.get_mut(slot as usize)) {
                *alive = true;
            }
        }
        for (id, _) in in_use.iter().enumerate().filter(|(_, used)| !**used) {
            let id = id as u32;
            if let Some(slot) = self.lines.mark(id).any_slot()
                && let Some(alive @ false) = alive.get_mut(slot as usize)
            {
                // Once, though it may have been written in two ways.
                *alive = true;
                self.leaving.push(slot);
            }
            self.lines.set_mark(id, Mark::DEAD);
        }
        self.order = order;
        let mostly_dead = self.lines.len() > 2 * self.order.len() + 64;
        let scattered = breaks * 8 > self.order.len() && self.since_rewrite >= REWRITE_EVERY;
        if mostly_dead || scattered {
            self.rewrite();
        }
    }

    /// Stores the lines anew, in the order of the last body.
    fn rewrite(&mut self) {
        self.since_rewrite = 0;
        let mut lines = Lines::default();
        let mut renumbered = vec![u32::MAX; self.lines.len()];
        let (mut text, mut before) = (Vec::new(), Vec::new());
        for id in &self.order {
            self.lines.read(*id, &mut text);
            // A line that stands twice in the body is stored once: the next is told by the one stored before it.
            let Some(new) = renumbered.get_mut(*id as usize).filter(|new| **new == u32::MAX) else {
                continue;
            };
            if let Some(number) = lines.push(Some(&before), &text, self.lines.mark(*id)) {
                *new = number;
                std::mem::swap(&mut text, &mut before);
            }
        }
        let new = |id: u32| renumbered.get(id as usize).copied().filter(|new| *new != u32::MAX);
        self.order = self.order.iter().filter_map(|id| new(*id)).collect();
        if let Some(lookup) = &mut self.lookup {
            lookup.texts.renumber(new);
            lookup.labels.renumber(new);
        }
        self.lines = lines;
    }

    /// A body was read; what was not needed for long is given back.
    pub(super) fn settle(&mut self) {
        self.since_rewrite = self.since_rewrite.saturating_add(1);
        if self.lookup.is_none() {
            return;
        }
        self.idle += 1;
        if self.idle > self.patience {
            self.lookup = None;
            self.lines.shrink();
            self.order.shrink_to_fit();
        }
    }

    /// Heap bytes.
    pub(super) fn bytes(&self) -> usize {
        let lookup = self.lookup.as_ref().map_or(0, |l| l.texts.bytes() + l.labels.bytes());
        let lists = self.order.capacity() + self.free.capacity() + self.leaving.capacity();
        self.lines.bytes() + lookup + lists * size_of::<u32>()
    }
}
