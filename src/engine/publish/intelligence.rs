//! The Intelligence panel.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::engine::{State, WorkloadFacts, decisions};
use crate::proposal::ProposalState;
use crate::series::Timestamp;
use crate::signals::SignalKind;
use crate::view::{Growth, Knowledge, LearningView, Lesson, Operation, OperationState, Widget, WidgetState};

/// Observations a lesson needs.
const SUPPORT: usize = 5;
/// Successes in a row of one class that would allow earned autonomy (`algorithms.md` §15).
const AUTONOMY: usize = 20;

/// Widget 13.
pub fn learning(state: &State) -> Widget<LearningView> {
    let data = LearningView {
        horizons: state.learned.accuracy.horizons(),
        decisions: decisions::stats(state),
        scoreboard: state.learned.scores.board(),
    };
    if data.horizons.is_empty() && data.scoreboard.rows.is_empty() {
        let waiting_for =
            "the first forecast to come true: fans are scored as their instants pass".to_owned();
        return Widget {
            state: WidgetState::Loading { waiting_for, progress: None },
            data: LearningView::default(),
        };
    }
    Widget::live(data)
}

/// Widget 14.
pub fn knowledge(state: &State, now: Timestamp) -> Widget<Vec<Knowledge>> {
    let rows: Vec<Knowledge> = state
        .fleet
        .values()
        .filter(|w| w.signals.get(SignalKind::Demand).is_some())
        .map(|w| known(state, w, now))
        .collect();
    let any = !rows.is_empty();
    super::widget::of(state, &[SignalKind::Demand], now, rows, any)
}

fn known(state: &State, w: &WorkloadFacts, now: Timestamp) -> Knowledge {
    let fan = w.forecast.fan();
    let reviewers: BTreeSet<&str> = state
        .learned
        .proposals
        .values()
        .filter(|p| p.workload == w.workload.id)
        .filter_map(|p| match &p.state {
            ProposalState::Approved { by, .. } | ProposalState::Rejected { by, .. } => Some(by.as_str()),
            _ => None,
        })
        .collect();
    Knowledge {
        workload: w.workload.id.clone(),
        model: fan.is_some(),
        fresh: fan.is_some_and(|f| now.since(f.issued) < Duration::from_secs(86_400)),
        skilled: fan.and_then(|f| f.skill).map(|s| s > 0.0),
        calibrated: fan.and_then(|f| f.coverage).map(|c| (c - 0.9).abs() <= 0.05),
        load_points: w.capacity.observations(),
        reviewers: reviewers.len(),
        best_model: fan.and_then(|f| f.models.first()).map(|m| m.name.clone()).unwrap_or_default(),
    }
}

/// Widget 15.
pub fn growth(state: &State, now: Timestamp) -> Widget<Growth> {
    let rows: Vec<&WorkloadFacts> =
        state.fleet.values().filter(|w| w.signals.get(SignalKind::Demand).is_some()).collect();
    let classes = classes(state);
    let data = Growth {
        covered: (rows.iter().filter(|w| w.forecast.fan().is_some()).count(), rows.len()),
        pooled_gain: None,
        n: 0,
        lessons_validated: mined(state).len(),
        autonomy: (classes.values().filter(|(kept, n)| *n >= AUTONOMY && kept == n).count(), classes.len()),
    };
    let any = !rows.is_empty();
    super::widget::of(state, &[SignalKind::Demand], now, data, any)
}

/// Kept and all operations by class: workload and direction.
fn classes(state: &State) -> BTreeMap<String, (usize, usize)> {
    let mut classes: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for o in state.operations.values().filter(|o| o.state.is_final()) {
        let class = classes.entry(class(o)).or_default();
        class.0 += usize::from(o.state == OperationState::Kept);
        class.1 += 1;
    }
    classes
}

fn class(o: &Operation) -> String {
    let direction = if o.change.to > o.change.from { "raising" } else { "lowering" };
    format!("{direction} the {} of {}", o.change.field.name().replace('_', " "), o.workload)
}

fn mined(state: &State) -> Vec<Lesson> {
    classes(state)
        .into_iter()
        .filter(|(_, (_, n))| *n >= SUPPORT)
        .map(|(class, (kept, n))| Lesson {
            rule: format!("{class} was kept {kept} of {n} times"),
            support: n,
            success: kept as f64 / n as f64,
            interval: crate::learning::wilson(kept, n),
            counter_example: counter_example(state, &class),
        })
        .collect()
}

fn counter_example(state: &State, wanted: &str) -> Option<String> {
    let failed = state.operations.values().filter(|o| class(o) == wanted && o.state.is_final());
    failed
        .filter(|o| o.state != OperationState::Kept)
        .max_by_key(|o| o.started)
        .map(|o| format!("{} at {} was {}", o.id, o.started, o.state.label()))
}

/// Widget 16.
pub fn lessons(state: &State) -> Widget<Vec<Lesson>> {
    let lessons = mined(state);
    if lessons.is_empty() {
        let most = classes(state).values().map(|(_, n)| *n).max().unwrap_or(0);
        return Widget {
            state: WidgetState::Empty {
                lacks: format!("outcomes: {most} of {SUPPORT} finished operations of one kind"),
                provide: "approve proposals with `a`; every finished operation counts".into(),
            },
            data: Vec::new(),
        };
    }
    Widget::live(lessons)
}
