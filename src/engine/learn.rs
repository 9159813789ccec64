//! Looking back, once a minute: outcomes, accuracy, scoreboard.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::fleet::WorkloadId;
use crate::journal::{Entry, Kind};
use crate::learning::{Accuracy, Reality, ScoreKeeper};
use crate::outcome::{self, Outcome};
use crate::plan::CapacityModel;
use crate::proposal::{Proposal, ProposalId};
use crate::series::Timestamp;
use crate::signals::SignalKind;

use super::State;
use super::kpi::{self, KpiBook};

const MINUTE: Duration = Duration::from_secs(60);

/// What was learned so far.
#[derive(Debug, Default)]
pub struct Learned {
    /// Stored fans and their scores.
    pub accuracy: Accuracy,
    /// Every proposal against what really happened.
    pub scores: ScoreKeeper,
    /// Proposals by id, for the outcomes of their operations.
    pub proposals: BTreeMap<ProposalId, Proposal>,
    /// When it was last looked back.
    pub looked: Option<Timestamp>,
    /// Observations behind the KPIs, and the KPIs.
    pub kpis: KpiBook,
    /// Forecasts of young services by the rest of the fleet.
    pub pool: super::pooling::Pool,
    /// What people said.
    pub people: super::people::People,
    /// What operations were worth, by service and dimension.
    pub utilities: Vec<crate::learning::Utility>,
    /// What raises lost, by the steps they were made in.
    pub stagings: crate::learning::Stagings,
    /// The rules as they were.
    pub rules: super::rules::RuleBook,
}

/// Looks back if a minute has passed; returns what is to be journalled.
pub fn look_back(state: &mut State, now: Timestamp) -> Vec<Entry> {
    if state.learned.looked.is_some_and(|at| now.since(at) < MINUTE) {
        return Vec::new();
    }
    state.learned.looked = Some(now);
    score_fans(state, now);
    kpi::note_begun(state, now);
    let mut entries = score_proposals(state, now);
    entries.extend(measure_outcomes(state, now));
    state.learned.stagings = crate::learning::Stagings::of(state.learned.kpis.figures.values());
    state.learned.utilities = super::worths::measured(state);
    kpi::note_minute(state, now);
    entries.extend(kpi::note_resizes(state, now));
    entries.extend(kpi::freeze_base(state));
    kpi::update(state, now);
    entries.extend(super::stances::renew(state, now));
    entries.extend(state.learned.pool.record(now));
    entries
}

fn score_fans(state: &mut State, now: Timestamp) {
    let ids: Vec<WorkloadId> = state.fleet.keys().cloned().collect();
    let fleet = &state.fleet;
    state.learned.accuracy.retain(|id| fleet.contains_key(id));
    state.learned.pool.look_back(&state.history, now, |id| fleet.contains_key(id));
    for id in ids {
        let from = now - Duration::from_secs(50 * 3600);
        let actual = state.history.window(&id, SignalKind::Demand, from, now, Duration::from_secs(300));
        state.learned.accuracy.score(&id, &actual);
    }
}

fn score_proposals(state: &mut State, now: Timestamp) -> Vec<Entry> {
    let leads: BTreeMap<WorkloadId, Duration> =
        state.fleet.keys().map(|id| (id.clone(), super::planning::lead(state, id))).collect();
    let tuning_lead = state.tuning.lead;
    let (history, fleet, settings) = (&state.history, &state.fleet, &state.settings);
    let reality = |id: &WorkloadId, from: Timestamp, to: Timestamp| {
        let facts = fleet.get(id)?;
        let declared = settings.rule_for(id, &facts.workload.service).capacity;
        let per_replica = declared.or_else(|| known_capacity(&facts.capacity, facts))?;
        Some(Reality {
            demand: history.window(id, SignalKind::Demand, from, to, MINUTE),
            ready: history.window(id, SignalKind::ReplicasReady, from, to, MINUTE),
            per_replica,
            price: facts.workload.pod.dollars_per_hour,
            lead: leads.get(id).copied().unwrap_or(tuning_lead),
        })
    };
    let settled = state.learned.scores.score(now, reality);
    settled
        .into_iter()
        .map(|row| {
            let text = format!(
                "{}: {:.0} min short, {:.0} with it",
                row.workload,
                row.minutes_short.unwrap_or(0.0),
                row.minutes_short_with.unwrap_or(0.0)
            );
            Entry::new(Kind::Score, text, serde_json::to_value(&row).unwrap_or_default())
        })
        .collect()
}

fn known_capacity(model: &CapacityModel, facts: &super::state::WorkloadFacts) -> Option<f64> {
    model.capacity(&facts.workload.objective).map(|c| c.per_replica)
}

fn measure_outcomes(state: &mut State, now: Timestamp) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut measured: Vec<Outcome> = Vec::new();
    for operation in state.operations.values() {
        let known = state.outcomes.iter().find(|o| o.operation == operation.id);
        if known.is_some_and(|o| o.settled) {
            continue;
        }
        let id = &operation.workload;
        let threshold = state.fleet.get(id).map_or(0.25, |f| f.workload.objective.latency().as_secs_f64());
        let history = |kind, from, to| state.history.window(id, kind, from, to, MINUTE);
        let proposal = state.learned.proposals.get(&operation.proposal);
        measured.extend(outcome::measure(operation, proposal, threshold, &history, now, state.tuning.settle));
    }
    for outcome in measured {
        if outcome.settled {
            let mut body = serde_json::to_value(&outcome).unwrap_or_default();
            let figures = state.operations.get(&outcome.operation).and_then(|o| kpi::figures_of(state, o));
            if let Some(mut figures) = figures {
                figures.verdict = Some(outcome.verdict);
                if let Some(fields) = body.as_object_mut() {
                    fields.insert("figures".into(), serde_json::to_value(&figures).unwrap_or_default());
                    if let Some(around) = state.learned.kpis.around.get(&outcome.operation) {
                        fields
                            .insert("circumstances".into(), serde_json::to_value(around).unwrap_or_default());
                    }
                }
                let adds_pods =
                    state.operations.get(&outcome.operation).is_some_and(|o| o.change.adds_pods());
                if let Some(facts) = state.fleet.get_mut(&figures.workload) {
                    facts.starts.took(&figures, adds_pods);
                }
                state.learned.kpis.keep(figures);
            }
            entries.push(Entry::new(Kind::Outcome, outcome.summary.clone(), body));
        }
        keep(state, outcome);
    }
    entries
}

/// Keeps an outcome in place of the provisional one before it.
pub fn keep(state: &mut State, outcome: Outcome) {
    if let Some(known) = state.outcomes.iter_mut().find(|o| o.operation == outcome.operation) {
        *known = outcome;
        return;
    }
    while state.outcomes.len() >= state.tuning.outcomes {
        state.outcomes.pop_front();
    }
    state.outcomes.push_back(outcome);
}
