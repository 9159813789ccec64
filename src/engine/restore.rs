//! What earlier runs knew, read back from the journal before anything else happens.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::clock::Clock;
use crate::config::Settings;
use crate::execution::{
    self, History as OperationHistory, Operation, OperationId, PastMove, past_moves, rolled_back, unfinished,
};
use crate::fleet::WorkloadId;
use crate::journal::{self, Journal, Kind, Record};
use crate::learning::ScoredProposal;
use crate::outcome::Outcome;
use crate::series::Timestamp;
use crate::signals::SignalKind;
use crate::view::JournalLine;

use super::kpi::{StoredBase, StoredFigures, StoredRelief};
use super::{EngineError, State, Tuning, learn, record};

/// Signal minutes read back at most: 200 workloads of 6 long signals would be cut at two days, a dozen never is.
const MAX_POINTS: usize = 4_000_000;

/// What was read.
#[derive(Debug, Default)]
pub struct Restored {
    /// Number of the last proposal.
    pub last_proposal: u64,
    /// Number of the last operation.
    pub last_operation: u64,
    /// Moves of earlier runs that cool-down and moves-an-hour still count.
    pub moved: Vec<PastMove>,
    /// Keys of operations of earlier runs that are over, whose leases would not be over yet.
    pub noted: Vec<String>,
    /// Operations that were halted and that nobody has seen to.
    pub halted: Vec<Operation>,
    /// Operations that are not over.
    pub unfinished: Vec<OperationHistory>,
    /// Approvals of which nothing was begun: proposal, who approved, and the approval's sentence.
    pub abandoned: Vec<(String, String, String)>,
    outcomes: Vec<Outcome>,
    scores: Vec<ScoredProposal>,
    figures: Vec<StoredFigures>,
    bases: Vec<StoredBase>,
    reliefs: Vec<StoredRelief>,
    reviews: Vec<((WorkloadId, String), Timestamp)>,
    lines: Vec<JournalLine>,
    people: super::people::People,
    rules: super::rules::RuleBook,
    signals: Vec<crate::journal::SignalPoint>,
    past: super::pooling::Past,
}

impl Restored {
    /// Notes of others that people set aside.
    pub fn set_aside(&self) -> impl Iterator<Item = &str> {
        self.people.asides.claimed()
    }
}

/// Reads the journal.
pub fn read(
    journal: &Journal,
    clock: &Clock,
    tuning: &Tuning,
    settings: &Settings,
) -> Result<Restored, EngineError> {
    let timed = executed_entries(journal.of_kinds(&Kind::EXECUTED)?)?;
    let past = past_moves(timed.iter().map(|(at, entry)| (*at, entry)));
    let undone = rolled_back(timed.iter().map(|(at, entry)| (*at, entry)));
    let moved = execution::counting(&past, &undone, clock.now());
    let open = unfinished(timed.iter().map(|(_, entry)| entry));
    let noted = execution::let_go(&past, &open, clock.now());
    let halted = execution::halted(timed.iter().map(|(at, entry)| (*at, entry)), clock.now());
    let begun = begun(&timed);
    let entries: Vec<execution::Entry> = timed.into_iter().map(|(_, entry)| entry).collect();
    let mut rules = super::rules::RuleBook::default();
    journal.each_of(&[Kind::Start], |r| rules.started(r.at, &r.body))?;
    entries.iter().filter_map(|e| e.data.mandate.as_deref()).for_each(|m| rules.begun(m));
    let number = |text: &str| text.rsplit('-').next().and_then(|n| n.parse().ok()).unwrap_or(0);
    let id = |r: &Record| r.body.pointer("/proposal/id").and_then(|v| v.as_str()).map_or(0, number);
    let mut last_proposal = 0;
    journal.each_of(&[Kind::Propose], |r| last_proposal = last_proposal.max(id(&r)))?;
    let mut lines: Vec<JournalLine> = journal.tail(tuning.journal_lines)?.iter().map(record::line).collect();
    lines.reverse();
    let from = (clock.now() - tuning.keep_signals).as_millis().div_euclid(60_000);
    Ok(Restored {
        last_proposal,
        last_operation: entries.iter().map(|e| number(e.operation.as_str())).max().unwrap_or(0),
        moved,
        noted,
        halted,
        unfinished: open.into_iter().map(|h| begun_at(h, &begun)).collect(),
        abandoned: abandoned(journal, &entries)?,
        figures: bodies(journal.of_kinds(&[Kind::Outcome])?),
        bases: bodies(journal.of_kinds(&[Kind::Score])?),
        reliefs: bodies(journal.of_kinds(&[Kind::Score])?),
        reviews: journal.of_kinds(&[Kind::Approve, Kind::Reject])?.into_iter().filter_map(review).collect(),
        outcomes: bodies(journal.of_kinds(&[Kind::Outcome])?),
        scores: bodies(journal.of_kinds(&[Kind::Score])?),
        lines,
        people: super::people::People::read(journal)?,
        rules,
        signals: journal.load_signals(from, MAX_POINTS)?,
        past: super::pooling::Past::read(journal, clock.now(), &|id| settings.zone_for(id))?,
    })
}

/// When operations began, by the first that the journal tells of each.
fn begun(timed: &[(Timestamp, execution::Entry)]) -> BTreeMap<OperationId, Timestamp> {
    // Read backwards, the first entry of each is what stays.
    timed.iter().rev().map(|(at, entry)| (entry.operation.clone(), *at)).collect()
}

fn begun_at(history: OperationHistory, begun: &BTreeMap<OperationId, Timestamp>) -> OperationHistory {
    let begun = begun.get(&history.mandate.operation).copied();
    OperationHistory { begun, ..history }
}

/// Who decided on which workload, and when.
fn review(record: Record) -> Option<((WorkloadId, String), Timestamp)> {
    let workload = record.body.get("proposal")?.get("workload")?.as_str()?;
    let workload: WorkloadId =
        workload.parse().unwrap_or_else(|never: std::convert::Infallible| match never {});
    (!record.user.is_empty()).then_some(((workload, record.user), record.at))
}

/// Floors that what stands in the journal at `path` still holds, read beside whoever writes it.
pub fn held(path: &Path) -> Result<Vec<execution::Lease>, EngineError> {
    let timed = executed_entries(journal::records(path, &Kind::EXECUTED)?)?;
    Ok(unfinished(timed.iter().map(|(_, entry)| entry)).iter().filter_map(OperationHistory::held).collect())
}

/// What the executor recorded. A record of it that cannot be read is no reason to believe that nothing was sent: it
/// stops the start. Refusals are also written by the gate, in another form, and mean nothing here.
fn executed_entries(records: Vec<Record>) -> Result<Vec<(Timestamp, execution::Entry)>, EngineError> {
    let mut entries = Vec::with_capacity(records.len());
    for record in records {
        match serde_json::from_value(record.body) {
            Ok(entry) => entries.push((record.at, entry)),
            Err(_) if record.kind == Kind::Refuse => {}
            Err(error) => {
                return Err(EngineError::Record {
                    seq: record.seq,
                    kind: record.kind.name(),
                    why: error.to_string(),
                });
            }
        }
    }
    Ok(entries)
}

/// Approvals on the disk without a beginning, and not accounted for since: weescale stopped in between.
fn abandoned(
    journal: &Journal,
    entries: &[execution::Entry],
) -> Result<Vec<(String, String, String)>, EngineError> {
    let begun: BTreeSet<&str> =
        entries.iter().filter_map(|e| e.data.mandate.as_deref()).map(|m| m.proposal.as_str()).collect();
    let refused = journal.of_kinds(&[Kind::Refuse])?;
    let text = |r: &Record, at: &str| r.body.pointer(at).and_then(|v| v.as_str()).map(str::to_owned);
    let accounted = |id: &str, seq: u64| {
        refused.iter().any(|r| r.seq > seq && text(r, "/proposal").is_some_and(|p| p == id))
    };
    let approvals = journal.of_kinds(&[Kind::Approve])?;
    Ok(approvals
        .into_iter()
        .filter_map(|r| text(&r, "/proposal/id").map(|id| (id, r)))
        .filter(|(id, r)| !begun.contains(id.as_str()) && !accounted(id, r.seq))
        .map(|(id, r)| (id, r.user, r.text))
        .collect())
}

fn bodies<T: serde::de::DeserializeOwned>(records: Vec<Record>) -> Vec<T> {
    records.into_iter().filter_map(|r| serde_json::from_value(r.body).ok()).collect()
}

/// Puts it where it belongs.
pub fn into_state(state: &mut State, restored: Restored) {
    for outcome in restored.outcomes {
        learn::keep(state, outcome);
    }
    for stored in restored.figures {
        stored.keep(&mut state.learned.kpis);
    }
    state.left = restored.halted;
    state.learned.rules = restored.rules;
    state.learned.rules.freezes_from(state.started, &state.settings.freezes);
    state.learned.people = restored.people;
    state.learned.pool.remember(restored.past, state.started);
    for (key, source, shapes) in std::mem::take(&mut state.learned.people.shapes) {
        state.learned.pool.take_in(&key, &source, &shapes);
    }
    // In the order of the journal: the last decision of a person stays.
    state.learned.kpis.reviews.extend(restored.reviews);
    if let Some(stored) = restored.bases.into_iter().next() {
        state.learned.kpis.base = Some(stored.cost_base);
    }
    for stored in restored.reliefs {
        state.learned.kpis.resizes.keep(stored.relief);
    }
    for row in restored.scores {
        state.learned.scores.restore(row);
    }
    for line in restored.lines {
        state.journal_line(line);
    }
    let kinds: std::collections::BTreeMap<&str, SignalKind> =
        SignalKind::ALL.iter().map(|k| (k.name(), *k)).collect();
    for point in restored.signals {
        let Some(kind) = kinds.get(point.kind.as_str()) else {
            state.learned.kpis.restore(&point);
            continue;
        };
        let workload =
            point.workload.parse().unwrap_or_else(|never: std::convert::Infallible| match never {});
        let at = crate::series::Timestamp::from_millis(point.minute.saturating_mul(60_000));
        state.history.import(&workload, *kind, at, point.value);
    }
    // So that a first zero after the restart is judged against the past.
    state.resolver.remember(&state.history);
    super::absent::recall(state, state.started);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execution::EntryKind;

    #[test]
    fn an_operation_began_when_the_journal_first_tells_of_it_not_at_the_restart() {
        let entry = |operation: &str, kind, at: i64| {
            let entry = execution::Entry {
                kind,
                operation: OperationId::new(operation),
                workload: WorkloadId::new("shop", "cart", ""),
                user: String::new(),
                text: String::new(),
                data: execution::EntryData::default(),
            };
            (Timestamp::from_secs(at), entry)
        };
        let timed = [
            entry("op-1", EntryKind::Begin, 100),
            entry("op-2", EntryKind::Begin, 150),
            entry("op-1", EntryKind::Intent, 200),
        ];
        let begun = begun(&timed);
        assert_eq!(begun.get(&OperationId::new("op-1")), Some(&Timestamp::from_secs(100)));
        assert_eq!(begun.get(&OperationId::new("op-2")), Some(&Timestamp::from_secs(150)));
    }

    /// Entries of an operation that somebody else's write halted, and of one like it that was kept.
    async fn halted_and_kept() -> [Vec<execution::Entry>; 2] {
        use crate::execution::tests::{platform::Platform, world};
        let mut w = world::World::new(Platform::new(6, Some(6)));
        w.start(world::proposal("p-1", crate::fleet::Field::MinReplicas, 6, 8, None), "op-1").await;
        w.run(10).await;
        w.platform.set(|i| i.write(crate::fleet::Field::MinReplicas, 12));
        w.run(10).await;
        let halted = std::mem::take(&mut *w.journal.entries.lock().unwrap());
        w.clock.advance(std::time::Duration::from_secs(3600));
        w.start(world::proposal("p-2", crate::fleet::Field::MinReplicas, 12, 13, None), "op-2").await;
        w.run(700).await;
        let kept = w.journal.entries.lock().unwrap().clone();
        [halted, kept]
    }

    #[tokio::test]
    async fn what_was_halted_is_handed_over_after_a_restart_until_somebody_has_seen_to_it() {
        let [halted, kept] = halted_and_kept().await;
        let settings = crate::config::load_without_file(&crate::config::Given::default()).unwrap();
        let start = super::super::tests::NOW;
        let hour = std::time::Duration::from_secs(3600);
        let read = |entries: &[&[execution::Entry]], later: u32| {
            let mut journal = Journal::in_memory().unwrap();
            for (hours, some) in (0..).zip(entries) {
                journal.append(start + hour * hours, &super::super::tests::recorded(some)).unwrap();
            }
            read(&journal, &Clock::paused(start + hour * later), &Tuning::default(), &settings).unwrap()
        };
        let mut state = super::super::tests::state(vec![]);
        into_state(&mut state, read(&[&halted], 2));
        let view = super::super::publish::view(&state, start + hour * 2);
        let handed = crate::view::Handover::of(&view);
        assert!(handed.in_flight.is_empty() && state.operations.is_empty(), "nothing is at work");
        let [told] = handed.halted.as_slice() else { panic!("{handed:?}") };
        assert!(
            told.contains("op-1 shop/checkout@eu 6→8: halted, needs a person: someone else changed"),
            "{told}"
        );
        assert!(handed.summary().contains("1 halted"), "{}", handed.summary());
        let shown = &view.operations.data[0];
        assert_eq!(
            (shown.started, shown.checkpoint.as_ref().map(|c| (c.old, c.ours))),
            (start, Some((6, 8)))
        );
        assert!(read(&[&halted, &kept], 3).halted.is_empty(), "somebody has seen to it");
        assert!(read(&[&kept], 3).halted.is_empty());
        assert!(read(&[&halted], 31 * 24).halted.is_empty(), "who has not looked in a month will not");
        // Unlike what came before it.
        assert_eq!(read(&[&kept, &halted], 3).halted.len(), 1);
    }

    #[tokio::test]
    async fn whose_floor_is_still_held_is_not_let_go_and_what_is_over_is() {
        let (history, mut entries) = super::super::tests::holding().await;
        let settings = crate::config::load_without_file(&crate::config::Given::default()).unwrap();
        let clock = Clock::paused(super::super::tests::NOW);
        let read = |entries: &[execution::Entry]| {
            let mut journal = Journal::in_memory().unwrap();
            journal.append(clock.now(), &super::super::tests::recorded(entries)).unwrap();
            read(&journal, &clock, &Tuning::default(), &settings).unwrap()
        };
        let open = read(&entries);
        assert_eq!((open.noted.len(), open.unfinished.len(), open.moved.len()), (0, 1, 1));
        let lease = execution::Lease {
            state: execution::LeaseState::Foreign { found: None },
            ..history.held().unwrap()
        };
        let data = execution::EntryData { lease: Some(Box::new(lease)), ..Default::default() };
        entries.push(execution::Entry { kind: EntryKind::Restore, data, ..entries[0].clone() });
        let over = read(&entries);
        assert_eq!((over.noted, over.unfinished.len()), (vec![history.mandate.key], 0));
    }
}
