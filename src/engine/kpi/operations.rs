//! Figures of an executed operation from what the engine holds.

use std::time::Duration;

use crate::engine::{State, stances};
use crate::execution::Operation;
use crate::learning::Circumstances;
use crate::outcome::{self, Around, Figures, OutcomeVerdict};
use crate::series::Timestamp;
use crate::signals::PartKind;

use super::KpiBook;
use super::minute::summed;

const MINUTE: Duration = Duration::from_secs(60);
/// An operation has just begun for so long: it is looked for once a minute.
const JUST_BEGUN: Duration = Duration::from_secs(180);
/// Operations of which it is known what surrounded them.
const NOTED: usize = 4_000;

/// The figures, once its settling time is over; `None` if it wrote nothing.
pub fn figures_of(state: &State, operation: &Operation) -> Option<Figures> {
    let id = &operation.workload;
    let facts = state.fleet.get(id);
    let objective = facts.map(|f| f.workload.objective);
    let service = facts.map_or("", |f| &f.workload.service);
    let declared = state.settings.rule_for(id, service).capacity;
    let learned = || facts.and_then(|f| f.capacity.capacity(&f.workload.objective)).map(|c| c.per_replica);
    let quantile = objective.map_or(0.95, |o| o.latency_quantile());
    let histogram = |from: Timestamp, to: Timestamp| {
        let heat = &facts?.heat;
        let all_held = heat.front().is_some_and(|(at, _)| *at <= from + MINUTE);
        if !all_held {
            return None;
        }
        summed(heat.iter().filter(|(at, _)| *at >= from && *at < to).map(|(_, h)| h))
    };
    // What was said within a day of the operation: phases change with images and machines, not by the minute.
    let day = Duration::from_secs(86_400);
    let phases = state.resolver.parts().of(id, PartKind::Lifecycle, operation.started, day);
    let lifecycle: Vec<(String, f64)> = phases.iter().map(|(name, s)| (name.to_string(), *s)).collect();
    let proposal = state.learned.proposals.get(&operation.proposal);
    outcome::figures(&Around {
        lifecycle: &lifecycle,
        operation,
        proposed: proposal.map(|p| p.created),
        per_replica: declared.or_else(learned),
        price: facts.and_then(|f| f.workload.pod.dollars_per_hour),
        // The model learns the objective's quantile; only at 95 % is that a p95.
        expected_p95: &|load| facts.filter(|_| quantile == 0.95)?.capacity.latency_at(load, 0.95),
        history: &|kind, from, to| state.history.window(id, kind, from, to, MINUTE),
        histogram: &histogram,
        settle: state.tuning.settle,
    })
}

/// Figures as they stand in an outcome's journal entry.
#[derive(Debug, serde::Deserialize)]
pub struct StoredFigures {
    /// The figures.
    pub figures: Figures,
    /// How it went; an outcome always says it.
    #[serde(default)]
    pub verdict: Option<OutcomeVerdict>,
    /// What surrounded it when it began, if that was noted.
    #[serde(default)]
    pub circumstances: Option<Circumstances>,
}

impl StoredFigures {
    /// Keeps them in the book.
    pub fn keep(self, book: &mut KpiBook) {
        let Self { figures, verdict, circumstances } = self;
        if let Some(circumstances) = circumstances {
            book.around.insert(figures.operation.clone(), circumstances);
        }
        book.keep(Figures { verdict: figures.verdict.or(verdict), ..figures });
    }
}

/// Notes what surrounds operations that have just begun: when they are judged it is another hour. Of one that began while
/// nobody watched it is not known.
pub fn note_begun(state: &mut State, now: Timestamp) {
    let known = &state.learned.kpis.around;
    let fresh = state
        .operations
        .values()
        .filter(|o| now.since(o.started) <= JUST_BEGUN && !known.contains_key(&o.id));
    let noted: Vec<_> =
        fresh.map(|o| (o.id.clone(), stances::circumstances(state, &o.workload, o.started))).collect();
    let around = &mut state.learned.kpis.around;
    around.extend(noted);
    while around.len() > NOTED {
        around.pop_first();
    }
}
