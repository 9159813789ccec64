//! Which of the designed states a widget is in.

use std::time::Duration;

use crate::engine::State;
use crate::scrape::{Health, SourceKind, SourceStatus};
use crate::series::{Timestamp, Unit};
use crate::signals::{Freshness, Signal, SignalKind};
use crate::view::{Reading, Widget, WidgetState};

/// The end of the step that runs at `now`: charts whose steps stay where they are change in their last value alone, and
/// cost next to nothing to send and to keep.
pub fn step_end(now: Timestamp, step: std::time::Duration) -> Timestamp {
    now.floor_to(step) + step
}

/// Time in which an answer becomes signals.
const SETTLE: Duration = Duration::from_secs(3);

/// A signal as a reading.
pub fn reading(signal: Option<&Signal>, kind: SignalKind, now: Timestamp) -> Reading {
    let Some(signal) = signal else { return Reading::missing(kind.unit(), "no source has it") };
    Reading {
        value: signal.value.map(crate::series::Finite::get),
        unit: kind.unit(),
        freshness: signal.freshness,
        age: now.since(signal.at),
        note: signal.note.clone(),
        provenance: signal.provenance.clone(),
    }
}

/// A derived value, or why it is missing.
pub fn derived(value: Option<f64>, unit: Unit, why: &str) -> Reading {
    value.filter(|v| v.is_finite()).map_or_else(|| Reading::missing(unit, why), |v| Reading::derived(v, unit))
}

/// A widget that rests on `kinds`: loading before the first data, an error if every source fails, empty with the line
/// that would provide the first kind, stale or degraded by the workloads' signals.
pub fn of<T: Default>(state: &State, kinds: &[SignalKind], now: Timestamp, data: T, any: bool) -> Widget<T> {
    let widget_state = if any { freshness(state, kinds, now) } else { without_data(state, kinds, now) };
    Widget { data: if widget_state.has_data() { data } else { T::default() }, state: widget_state }
}

/// Whether a first answer is still on its way.
pub fn is_starting(state: &State, now: Timestamp) -> bool {
    let longest = state.sources.values().map(|s| s.status.interval).max().unwrap_or_default();
    // Rates need two polls; one more for the answer itself.
    if now.since(state.started) >= longest * 3 + Duration::from_secs(5) {
        return false;
    }
    let nothing = state.fleet.values().all(|w| w.signals.signals.is_empty());
    let live = state.sources.values().filter(|s| !s.history_only);
    nothing || live.into_iter().any(|s| !has_answered(&s.status, now))
}

/// Whether what a source has is known: after two polls of an endpoint, one answer of a server that takes rates itself,
/// and a moment to work it out. A metric that is not there by then does not come by waiting.
fn has_answered(status: &SourceStatus, now: Timestamp) -> bool {
    let polls = if status.kind == SourceKind::Exposition { 2 } else { 1 };
    match status.last_success {
        Some(at) => status.requests > polls || (status.requests == polls && now.since(at) >= SETTLE),
        None => false,
    }
}

/// The state of a widget without data.
pub fn without_data(state: &State, kinds: &[SignalKind], now: Timestamp) -> WidgetState {
    let failing = state.sources.values().filter(|s| !s.history_only).filter_map(|s| match &s.status.health {
        Health::Failing { error, next_try, .. } => Some((error.clone(), Some(next_try.since(now)))),
        Health::Stopped { reason } => Some((reason.clone(), None)),
        Health::Starting | Health::Healthy => None,
    });
    let failing: Vec<_> = failing.collect();
    let live = state.sources.values().filter(|s| !s.history_only).count();
    if live > 0 && failing.len() == live {
        let (what, next_try) = failing.into_iter().next().unwrap_or_default();
        return WidgetState::Error { what, next_try };
    }
    if live > 0 && is_starting(state, now) {
        return WidgetState::Loading {
            waiting_for: "two polls, to take rates from".into(),
            progress: backfill(state),
        };
    }
    empty(state, kinds)
}

/// Names the metric that is lacking and the line that would provide it.
pub fn empty(state: &State, kinds: &[SignalKind]) -> WidgetState {
    let Some(kind) = kinds.first() else {
        return WidgetState::Empty {
            lacks: "data".into(),
            provide: "weescale check says what is reachable".into(),
        };
    };
    let hint = state.catalogue.hint(*kind);
    let metrics = hint.metrics.join(", ");
    WidgetState::Empty {
        lacks: format!("{} ({metrics})", kind.name().replace('_', " ")),
        provide: format!("{} — {}", hint.line, hint.place),
    }
}

/// Progress of a backfill, while one runs.
pub fn backfill(state: &State) -> Option<crate::scrape::Progress> {
    state.sources.values().find_map(|s| s.status.backfill).filter(|p| p.done < p.total)
}

fn freshness(state: &State, kinds: &[SignalKind], now: Timestamp) -> WidgetState {
    let mut oldest: Option<Duration> = None;
    let (mut fresh, mut missing) = (0usize, Vec::new());
    for kind in kinds {
        let signals: Vec<&Signal> = state.fleet.values().filter_map(|w| w.signals.get(*kind)).collect();
        if signals.is_empty() {
            missing.push(kind.name().replace('_', " "));
        }
        for signal in signals {
            match signal.freshness {
                Freshness::Fresh => fresh += 1,
                Freshness::Stale | Freshness::Suspect => {
                    oldest = oldest.max(Some(now.since(signal.at)));
                }
                Freshness::Missing => {}
            }
        }
    }
    match oldest {
        Some(age) if fresh == 0 => WidgetState::Stale { age },
        _ if !missing.is_empty() => WidgetState::Degraded { missing },
        _ => WidgetState::Live,
    }
}
