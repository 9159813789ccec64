//! KPIs 13 and 14: forecasts as issued, and what is known of each service.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::engine::{State, WorkloadFacts};
use crate::learning::kpi::{self, DaySkill, Known, Measure};
use crate::proposal::ProposalState;
use crate::series::Timestamp;
use crate::signals::SignalKind;

const DAY: Duration = Duration::from_secs(86_400);
/// Load points that a capacity curve needs.
const LOAD_POINTS: usize = 50;
/// Forecast points as issued that are worth more than the backtest.
const ISSUED: usize = 100;
/// The 90 % band is the third of `forecast::BANDS`.
const NINETY: usize = 2;

fn day_of(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(86_400_000)
}

/// Notes today's skill and coverage of the forecasts as issued, weighted by traffic.
pub(super) fn note_day(state: &mut State, now: Timestamp) {
    let (mut skill, mut coverage, mut weight, mut n) = (0.0, 0.0, 0.0, 0);
    for w in state.fleet.values() {
        let traffic = w.signals.latest(SignalKind::Demand).filter(|d| *d > 0.0);
        let Some((s, c, k)) = issued(state, w) else { continue };
        let Some(traffic) = traffic else { continue };
        (skill, coverage) = (skill + s * traffic, coverage + c * traffic);
        (weight, n) = (weight + traffic, n + k);
    }
    if weight > 0.0 {
        let day = day_of(now);
        *state.learned.kpis.day(day) =
            DaySkill { day, skill: skill / weight, coverage: coverage / weight, n };
    }
}

/// Skill and coverage of a workload's forecasts as issued, and how many points were scored.
fn issued(state: &State, w: &WorkloadFacts) -> Option<(f64, f64, usize)> {
    let (mut skill, mut coverage, mut n) = (0.0, 0.0, 0);
    for score in state.learned.accuracy.of(&w.workload.id) {
        let covered = score.coverage.get(NINETY).copied().flatten();
        if let (Some(s), Some(c)) = (score.skill, covered) {
            skill += s * score.n as f64;
            coverage += c * score.n as f64;
            n += score.n;
        }
    }
    (n > 0).then(|| (skill / n as f64, coverage / n as f64, n))
}

/// KPI 13.
pub(super) fn learning_quality(state: &State, now: Timestamp) -> Measure {
    let days: Vec<DaySkill> = state.learned.kpis.days.values().copied().collect();
    kpi::learning_quality(&days, day_of(now))
}

/// KPI 14.
pub(super) fn knowledge(state: &State, now: Timestamp) -> Measure {
    let of = |w: &WorkloadFacts| {
        let traffic = w.signals.latest(SignalKind::Demand).filter(|d| *d > 0.0)?;
        Some(Known { traffic, lacks: lacks(state, w, now), reviewers: reviewers(state, w, now).len() })
    };
    let services: Vec<Known> = state.fleet.values().filter_map(of).collect();
    kpi::knowledge(&services)
}

/// What is lacking first of: a model, fitted within a day, better than naive, calibrated, and a capacity curve with enough points.
fn lacks(state: &State, w: &WorkloadFacts, now: Timestamp) -> Option<&'static str> {
    let Some(fan) = w.forecast.fan() else { return Some("a forecast") };
    let Some((skill, coverage)) = quality(state, w) else { return Some("a forecast that was checked") };
    let checks = [
        (now.since(fan.issued) < DAY, "a forecast of today"),
        (skill > 0.0, "skill"),
        ((coverage - 0.9).abs() <= 0.05, "calibrated intervals"),
        (w.capacity.observations() >= LOAD_POINTS, "50 load points"),
    ];
    checks.into_iter().find(|(holds, _)| !holds).map(|(_, what)| what)
}

/// Skill and coverage of the 90 % band: of the forecasts as issued where enough came true, otherwise of the backtest.
pub fn quality(state: &State, w: &WorkloadFacts) -> Option<(f64, f64)> {
    let issued = issued(state, w).filter(|(_, _, n)| *n >= ISSUED).map(|(s, c, _)| (s, c));
    issued.or_else(|| w.forecast.fan().and_then(|fan| fan.skill.zip(fan.coverage)))
}

/// People who decided on a workload in ninety days.
pub fn reviewers<'a>(state: &'a State, w: &WorkloadFacts, now: Timestamp) -> BTreeSet<&'a str> {
    let lately = |at: &Timestamp| now.since(*at) <= DAY * 90;
    let decided = state.learned.proposals.values().filter(|p| p.workload == w.workload.id);
    let by = decided.filter_map(|p| match &p.state {
        ProposalState::Approved { by, at } | ProposalState::Rejected { by, at, .. } => {
            lately(at).then_some(by.as_str())
        }
        _ => None,
    });
    let before = state.learned.kpis.reviews.iter();
    let before = before.filter(|((id, _), at)| *id == w.workload.id && lately(at));
    by.chain(before.map(|((_, who), _)| who.as_str())).collect()
}
