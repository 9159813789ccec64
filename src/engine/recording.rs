//! What was shown goes to the record, without ever holding up who shows it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::config::Settings;
use crate::fleet::WorkloadId;
use crate::journal::{Encoder, JournalHandle, Keep, NewFrame, is_decision};
use crate::series::Timestamp;
use crate::view::{ForecastState, JournalLine, View, slim};

use super::EngineError;

/// Lines, rows and operations of one frame. Earlier ones are in earlier frames, and in the records themselves.
const LISTED: usize = 40;
/// Views that may wait to be written; more are dropped and counted.
const QUEUE: usize = 4;
/// Between frames while something is in flight.
const BUSY: Duration = Duration::from_secs(10);
/// Between frames while something waits for a person; the decision itself has a frame of its own.
const WAITING: Duration = Duration::from_secs(30);
/// Between frames otherwise.
const QUIET: Duration = Duration::from_secs(60);
/// Kinds of records at which a frame is taken at once, and to which a replay steps.
const MARKED: [&str; 16] = [
    "approve", "reject", "edit", "snooze", "refuse", "begin", "step", "rollback", "end", "abort", "restore",
    "outcome", "handover", "note", "lesson", "mute",
];

struct Offer {
    view: Arc<View>,
    mark: String,
}

/// Chooses the moments that are recorded and hands them to a thread of its own.
#[derive(Debug, Default)]
pub(super) struct Recording {
    out: Option<SyncSender<Offer>>,
    thread: Option<JoinHandle<()>>,
    last: Option<Timestamp>,
    seen: u64,
    /// A mark whose frame was dropped goes with the next.
    owed: String,
    dropped: u64,
}

impl std::fmt::Debug for Offer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Offer")
    }
}

impl Recording {
    /// Starts the thread, unless nothing is to be recorded; group numbers go on from `first`.
    pub(super) fn of(settings: &Settings, journal: &JournalHandle, first: i64) -> Result<Self, EngineError> {
        let Some(keep) = settings.record.filter(|_| settings.journal.is_some()) else {
            return Ok(Self::default());
        };
        let (out, offers) = sync_channel(QUEUE);
        let journal = journal.clone();
        let thread = std::thread::Builder::new()
            .name("record".into())
            .spawn(move || write(&offers, &journal, first, keep))
            .map_err(|source| EngineError::Io { what: "cannot start the record's thread".into(), source })?;
        Ok(Self { out: Some(out), thread: Some(thread), ..Self::default() })
    }

    /// Takes a frame of `view` if it is time for one. Never waits.
    pub(super) fn offer(&mut self, view: &Arc<View>) {
        let Some(out) = &self.out else { return };
        let fresh = self.seen;
        self.seen = view.journal.first().map_or(self.seen, |l| l.seq);
        let marked = view.journal.iter().take_while(|l| l.seq > fresh).find(|l| is_marked(l));
        if let Some(line) = marked {
            self.owed = format!("{}: {}", line.kind, line.text);
        }
        let pause = match (view.header.in_flight, view.header.waiting) {
            (1.., _) => BUSY,
            (0, 1..) => WAITING,
            (0, 0) => QUIET,
        };
        let gone = |last: Timestamp| view.at.since(last).max(last.since(view.at));
        if self.owed.is_empty() && self.last.is_some_and(|last| gone(last) < pause) {
            return;
        }
        let offer = Offer { view: Arc::clone(view), mark: self.owed.clone() };
        if out.try_send(offer).is_ok() {
            self.last = Some(view.at);
            self.owed.clear();
        } else {
            self.dropped += 1;
            if self.dropped.is_power_of_two() {
                tracing::warn!(
                    "record: {} frames were dropped, because writing them is too slow",
                    self.dropped
                );
            }
        }
    }

    /// Ends the thread after what it was given; `None` if there is none.
    pub(super) fn close(&mut self) -> Option<JoinHandle<()>> {
        self.out = None;
        self.thread.take()
    }
}

/// The forecasts of the frames between two keys: as they stood at the key, or at a decision since. Fans are issued anew
/// every minute and are most of a view; between decisions those of a few minutes ago say the same.
#[derive(Debug, Default)]
struct Fans(BTreeMap<WorkloadId, ForecastState>);

impl Fans {
    /// Puts the fans held into a view, or with `renew` holds those that it has.
    fn hold(&mut self, view: &mut View, renew: bool) {
        if renew {
            self.0.clear();
        }
        for row in &mut view.forecasts.data {
            match self.0.get(&row.workload) {
                Some(held) if held.fan().is_some() => row.forecast.clone_from(held),
                _ => _ = self.0.insert(row.workload.clone(), row.forecast.clone()),
            }
        }
    }
}

/// Leaves out what other frames and the records hold.
fn shorten(view: &mut View) {
    view.journal.truncate(LISTED);
    view.outcomes.truncate(LISTED);
    view.learning.data.scoreboard.rows.truncate(LISTED);
    let open = view.operations.data.iter().filter(|o| !o.state.is_final()).count();
    let mut over = LISTED.saturating_sub(open);
    view.operations.data.retain(|o| {
        let keep = !o.state.is_final() || over > 0;
        over = over.saturating_sub(usize::from(o.state.is_final()));
        keep
    });
}

fn is_marked(line: &JournalLine) -> bool {
    MARKED.contains(&line.kind.as_str())
}

fn write(offers: &Receiver<Offer>, journal: &JournalHandle, first: i64, keep: Keep) {
    let mut encoder = Encoder::new(first);
    let mut fans = Fans::default();
    while let Ok(Offer { view, mark }) = offers.recv() {
        let decided = is_decision(&mark);
        let mut kept = View::clone(&view);
        fans.hold(&mut kept, encoder.is_key_due() || decided);
        shorten(&mut kept);
        let encoded = slim(&kept).ok().and_then(|value| encoder.encode(value));
        let Some(encoded) = encoded else {
            tracing::warn!("record: a frame was too large to be kept");
            continue;
        };
        if !journal.store_frame(NewFrame { at: view.at, mark, encoded }, keep) {
            encoder.lost();
            tracing::warn!("record: a frame was dropped, because the journal is busy");
        }
    }
}
