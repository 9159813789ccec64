//! What another size of the replicas did: how much of the request is used, and what hurts when there is too little.

use crate::execution::Operation;
use crate::fleet::Field;
use crate::series::{Timestamp, Unit, Window};
use crate::signals::SignalKind;

use super::Comparison;
use super::measure::{History, median};

/// Label of the count of containers killed for their memory.
const KILLED: &str = "out of memory";
/// Label of the share of periods in which a container was throttled.
const THROTTLED: &str = "throttled periods";
/// Throttling that grew by less is noise.
const MORE: f64 = 0.05;

/// Beginning and end of a window.
type Span = (Timestamp, Timestamp);

/// Rows for a change of size; none for other changes.
pub(super) fn comparisons(
    operation: &Operation,
    history: &History<'_>,
    before: Span,
    after: Span,
) -> Vec<Comparison> {
    let Some((from, to)) = operation.change.request().filter(|(from, to)| *from > 0 && *to > 0) else {
        return Vec::new();
    };
    let memory = operation.change.field.in_template() == Field::MemoryRequest;
    let (used, requested, label) = if memory {
        (SignalKind::MemoryUsed, SignalKind::MemoryRequested, "memory used of the request")
    } else {
        (SignalKind::CpuUsed, SignalKind::CpuRequested, "cpu used of the request")
    };
    let share = |(a, b): Span| ratio(&history(used, a, b), &history(requested, a, b));
    let was = share(before);
    let mut rows = vec![Comparison {
        label: label.into(),
        unit: Unit::Ratio,
        before: was,
        // What is used stays; the request moves under it.
        expected: was.map(|w| w * f64::from(from) / f64::from(to)),
        observed: share(after),
    }];
    let most = |kind, (a, b): Span| history(kind, a, b).points().map(|(_, v)| v).max_by(f64::total_cmp);
    let mut row = |label: &str, unit, before: Option<f64>, observed| {
        rows.push(Comparison { label: label.into(), unit, before, expected: before, observed });
    };
    if memory {
        let kind = SignalKind::OomKills;
        row(KILLED, Unit::Count, most(kind, before), most(kind, after));
    } else {
        let throttled = |(a, b): Span| median(&history(SignalKind::Throttle, a, b));
        row(THROTTLED, Unit::Ratio, throttled(before), throttled(after));
    }
    rows
}

/// Whether replicas are killed or throttled more than before.
pub(super) fn hurts(comparisons: &[Comparison]) -> bool {
    comparisons.iter().any(|c| {
        let grown = c.observed.zip(c.before).map(|(is, was)| is - was);
        match c.label.as_str() {
            KILLED => grown.is_some_and(|more| more >= 1.0),
            THROTTLED => grown.is_some_and(|more| more > MORE),
            _ => false,
        }
    })
}

/// Median of one over the other, over the minutes in which both are known.
fn ratio(used: &Window, requested: &Window) -> Option<f64> {
    let shares =
        used.points().filter_map(|(at, u)| requested.value_at(at).filter(|r| *r > 0.0).map(|r| u / r));
    let mut shares: Vec<f64> = shares.collect();
    shares.sort_by(f64::total_cmp);
    shares.get(shares.len() / 2).copied().filter(|_| shares.len() >= 3)
}
