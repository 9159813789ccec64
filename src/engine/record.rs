//! The journal as the executor and the engine use it.

use tokio::sync::mpsc;

use crate::execution::{self, Pending, RecordError, Recorder};
use crate::journal::{Entry, JournalHandle, Kind, Record};
use crate::proposal::{Proposal, ProposalState, QueueEvent};
use crate::series::text::clean;
use crate::view::JournalLine;

/// Writes the executor's entries to the journal and tells the engine of each.
#[derive(Debug)]
pub struct JournalRecorder {
    /// The journal.
    pub journal: JournalHandle,
    /// Where written records go, for the screen.
    pub written: mpsc::Sender<Vec<Record>>,
}

impl Recorder for JournalRecorder {
    fn record(&self, entry: execution::Entry) -> Pending<'_, Result<(), RecordError>> {
        Box::pin(async move {
            let kind = Kind::parse(entry.kind.word())
                .ok_or_else(|| RecordError(format!("unknown kind {}", entry.kind.word())))?;
            let body = serde_json::to_value(&entry).map_err(|e| RecordError(e.to_string()))?;
            let text = format!("{} {}: {}", entry.operation, entry.workload, entry.text);
            let entries = vec![Entry::new(kind, text, body).by(&entry.user)];
            let records = self.journal.record(entries).await.map_err(|e| RecordError(e.to_string()))?;
            // The screen may lag; the record is on the disk.
            let _ = self.written.try_send(records);
            Ok(())
        })
    }
}

/// A queue event as a journal entry.
pub fn of_queue(event: &QueueEvent) -> Entry {
    match event {
        QueueEvent::Proposed(p) => Entry::new(Kind::Propose, format!("{} {}", p.id, p.sentence), body(p)),
        QueueEvent::Snoozed(p) => {
            Entry::new(Kind::Snooze, format!("{} {} snoozed", p.id, p.workload), body(p))
        }
        QueueEvent::Closed(p) => closed(p),
    }
}

fn closed(p: &Proposal) -> Entry {
    let name = format!("{} {}", p.id, p.workload);
    match &p.state {
        ProposalState::Approved { by, .. } => {
            let change = &p.change;
            let text = format!("{name} {} {}", change.field.name(), change.words("→"));
            Entry::new(Kind::Approve, text, body(p)).by(by)
        }
        ProposalState::Rejected { by, reason, .. } => {
            Entry::new(Kind::Reject, format!("{name}: {}", reason.phrase()), body(p)).by(by)
        }
        ProposalState::Superseded { by } => Entry::new(Kind::Supersede, format!("{name} by {by}"), body(p)),
        ProposalState::Withdrawn { why, .. } => Entry::new(Kind::Withdraw, format!("{name}: {why}"), body(p)),
        ProposalState::Expired { .. } | ProposalState::Open | ProposalState::Snoozed { .. } => {
            Entry::new(Kind::Expire, name, body(p))
        }
    }
}

fn body(p: &Proposal) -> serde_json::Value {
    serde_json::json!({ "hash": p.hash(), "proposal": p })
}

/// A record as a line on the screen.
pub fn line(record: &Record) -> JournalLine {
    JournalLine {
        seq: record.seq,
        at: record.at,
        kind: clean(&record.word, 40),
        user: record.user.clone(),
        text: record.text.clone(),
    }
}
