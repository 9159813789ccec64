//! Beginnings of lines that were read before, in little memory.
//!
//! Neighbouring lines mostly begin alike, or say another thing of the same long labels. So each is stored as the number
//! of bytes that it shares with the one stored before it, at its beginning and at its end, and the bytes between.
//! Comparing line after line with a body in the stored order needs no copy: what is shared is compared with the body's
//! line before.

/// A beginning is stored whole at least once in so many, which bounds the walk back of a comparison out of order.
const WHOLE_EVERY: usize = 32;

/// Fewest bytes that are shared at the end: for fewer another comparison is not worth it.
const LEAST_TAIL: usize = 12;

/// What a stored beginning stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark(u32);

impl Mark {
    /// A whole comment line.
    pub(super) const NOTE: Self = Self(u32::MAX);
    /// A whole `# TYPE` line.
    pub(super) const TYPE: Self = Self(u32::MAX - 1);
    /// A sample that tells when its family was created.
    pub(super) const CREATED: Self = Self(u32::MAX - 2);
    /// Nothing any more.
    pub(super) const DEAD: Self = Self(u32::MAX - 3);
    /// Set on a slot whose meaning hangs on the lines before it.
    const DOUBT: u32 = 1 << 30;

    /// A series.
    pub(super) const fn slot(slot: u32) -> Self {
        Self(slot & !Self::DOUBT)
    }

    /// A series whose name could also tell of a creation.
    pub(super) const fn doubtful(slot: u32) -> Self {
        Self(slot | Self::DOUBT)
    }

    /// The slot of a series that is nothing but that.
    pub(super) const fn plain_slot(self) -> Option<u32> {
        if self.0 < Self::DOUBT { Some(self.0) } else { None }
    }

    /// The slot of a series.
    pub(super) const fn any_slot(self) -> Option<u32> {
        if self.0 < 2 * Self::DOUBT { Some(self.0 & !Self::DOUBT) } else { None }
    }

    /// Whether the lines before it must be the same for the mark to hold.
    pub(super) const fn is_doubtful(self) -> bool {
        self.0 == Self::CREATED.0 || (self.0 >= Self::DOUBT && self.0 < 2 * Self::DOUBT)
    }
}

/// Slots there can be.
pub(super) const MOST_SLOTS: u32 = Mark::DOUBT;

#[derive(Clone, Copy, Debug)]
struct Line {
    /// Where its own bytes begin; they end where the next line's begin.
    start: u32,
    mark: Mark,
    /// Bytes shared with the line stored before, at the beginning and at the end.
    shared: u16,
    tail: u16,
}

/// How a beginning is stored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts<'l> {
    /// Bytes that it begins with as the line stored before it does.
    pub(super) shared: usize,
    /// What follows.
    pub(super) own: &'l [u8],
    /// Bytes that it ends with as the line stored before it does.
    pub(super) tail: usize,
    /// What it stands for.
    pub(super) mark: Mark,
}

impl Parts<'_> {
    /// Bytes in all.
    pub(super) const fn len(&self) -> usize {
        self.shared + self.own.len() + self.tail
    }
}

/// Beginnings by number, in the order in which they were stored.
#[derive(Debug, Default)]
pub(super) struct Lines {
    text: Vec<u8>,
    lines: Vec<Line>,
}

impl Lines {
    /// How many.
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// What line `id` stands for.
    pub(super) fn mark(&self, id: u32) -> Mark {
        self.lines.get(id as usize).map_or(Mark::DEAD, |line| line.mark)
    }

    /// Gives line `id` another meaning.
    pub(super) fn set_mark(&mut self, id: u32, mark: Mark) {
        if let Some(line) = self.lines.get_mut(id as usize) {
            line.mark = mark;
        }
    }

    /// How line `id` is stored.
    #[inline]
    pub(super) fn parts(&self, id: u32) -> Option<Parts<'_>> {
        let id = id as usize;
        let line = self.lines.get(id)?;
        let end = self.lines.get(id + 1).map_or(self.text.len(), |next| next.start as usize);
        Some(Parts {
            shared: usize::from(line.shared),
            own: self.text.get(line.start as usize..end)?,
            tail: usize::from(line.tail),
            mark: line.mark,
        })
    }

    /// Stores a beginning; its number. `before` is the text of the line stored last, if the caller has it. `None`
    /// if there is no room.
    pub(super) fn push(&mut self, before: Option<&[u8]>, key: &[u8], mark: Mark) -> Option<u32> {
        let id = u32::try_from(self.lines.len()).ok()?;
        let start =
            u32::try_from(self.text.len()).ok().filter(|s| s.checked_add(key.len() as u32).is_some())?;
        let before = before.filter(|_| !self.lines.len().is_multiple_of(WHOLE_EVERY)).unwrap_or_default();
        let shared = common(before, key).min(usize::from(u16::MAX));
        let (rest, other) = (key.get(shared..)?, before.get(shared..).unwrap_or_default());
        let alike = rest.iter().rev().zip(other.iter().rev()).take_while(|(a, b)| a == b).count();
        let tail = if alike < LEAST_TAIL { 0 } else { alike.min(usize::from(u16::MAX)) };
        self.text.extend_from_slice(rest.get(..rest.len() - tail)?);
        self.lines.push(Line { start, mark, shared: shared as u16, tail: tail as u16 });
        Some(id)
    }

    /// The length of line `id` if `text` begins with it.
    pub(super) fn begins(&self, id: u32, text: &[u8]) -> Option<usize> {
        let line = self.parts(id)?;
        let (mut need, length) = (line.shared, line.len());
        if length > text.len() || text.get(need..need + line.own.len())? != line.own {
            return None;
        }
        let mut at = id;
        let mut tailed = line.tail > 0;
        while need > 0 && !tailed {
            at = at.checked_sub(1)?;
            let line = self.parts(at)?;
            // What it ends with is written in a line before it.
            tailed = line.tail > 0 && line.shared < need;
            if line.shared < need && !tailed {
                if text.get(line.shared..need)? != line.own.get(..need - line.shared)? {
                    return None;
                }
                need = line.shared;
            }
        }
        if tailed {
            let mut whole = Vec::with_capacity(length);
            self.read(id, &mut whole);
            return text.starts_with(&whole).then_some(length);
        }
        Some(length)
    }

    /// Writes line `id` to `out`, from its first byte.
    pub(super) fn read(&self, id: u32, out: &mut Vec<u8>) {
        let mut first = id as usize;
        while self.lines.get(first).is_some_and(|line| line.shared > 0 || line.tail > 0) && first > 0 {
            first -= 1;
        }
        out.clear();
        for at in first as u32..=id {
            if let Some(line) = self.parts(at) {
                // What is shared at both ends stays where it is.
                let from = line.shared.min(out.len());
                let to = out.len().saturating_sub(line.tail).max(from);
                out.splice(from..to, line.own.iter().copied());
            }
        }
    }

    /// Forgets all but the first `length` lines.
    pub(super) fn truncate(&mut self, length: usize) {
        if let Some(line) = self.lines.get(length) {
            self.text.truncate(line.start as usize);
            self.lines.truncate(length);
        }
    }

    /// Gives spare memory back.
    pub(super) fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.lines.shrink_to_fit();
    }

    /// Heap bytes.
    pub(super) fn bytes(&self) -> usize {
        self.text.capacity() + self.lines.capacity() * size_of::<Line>()
    }
}

/// Length of the common beginning.
fn common(a: &[u8], b: &[u8]) -> usize {
    let blocks = a.chunks_exact(8).zip(b.chunks_exact(8)).take_while(|(x, y)| x == y).count() * 8;
    let (a, b) = (a.get(blocks..).unwrap_or_default(), b.get(blocks..).unwrap_or_default());
    blocks + a.iter().zip(b).take_while(|(x, y)| x == y).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn gives_back_what_was_stored(keys in proptest::collection::vec("[ab]{0,9}(longlonglonglong)?[ab]{0,9}", 1..120)) {
            let mut lines = Lines::default();
            let mut before: Option<&[u8]> = None;
            for (i, key) in keys.iter().enumerate() {
                let id = lines.push(before, key.as_bytes(), Mark::slot(i as u32)).unwrap();
                assert_eq!(id as usize, i);
                before = (i % 7 != 3).then_some(key.as_bytes());
            }
            let mut out = Vec::new();
            for (i, key) in keys.iter().enumerate() {
                lines.read(i as u32, &mut out);
                assert_eq!(out, key.as_bytes());
                for other in &keys {
                    let expected = other.starts_with(key.as_str()).then_some(key.len());
                    assert_eq!(lines.begins(i as u32, other.as_bytes()), expected);
                }
            }
            lines.truncate(1);
            assert_eq!(lines.begins(0, keys[0].as_bytes()), Some(keys[0].len()));
        }
    }

    #[test]
    fn marks_are_told_apart() {
        assert_eq!(Mark::slot(5).plain_slot(), Some(5));
        assert_eq!((Mark::doubtful(5).plain_slot(), Mark::doubtful(5).any_slot()), (None, Some(5)));
        for special in [Mark::NOTE, Mark::TYPE, Mark::CREATED, Mark::DEAD] {
            assert_eq!((special.plain_slot(), special.any_slot()), (None, None));
        }
        assert!(Mark::CREATED.is_doubtful() && Mark::doubtful(0).is_doubtful());
        assert!(!Mark::slot(5).is_doubtful() && !Mark::NOTE.is_doubtful());
    }
}
