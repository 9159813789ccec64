//! KPIs 13–16: learning, knowledge, pooling, personal state.

use std::collections::BTreeMap;

use crate::outcome::Figures;

use super::measure::Measure;

/// The coverage that a 90 % band should have.
const NOMINAL: f64 = 0.9;

/// Skill of the forecasts scored on one day, weighted by traffic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DaySkill {
    /// Days since the epoch.
    pub day: i64,
    /// `S = 1 − WQL / WQL_naive`.
    pub skill: f64,
    /// Share of values inside the 90 % band.
    pub coverage: f64,
    /// Values scored.
    pub n: usize,
}

/// KPI 13. `½·clamp(S_7d / S_best, 0, 1) + ½·(1 − |cov_7d − .90| / .90)`, `S_best` the best seven days held (up to 90);
/// zero without skill. `days` ascending.
pub fn learning_quality(days: &[DaySkill], today: i64) -> Measure {
    let usable: Vec<DaySkill> =
        days.iter().copied().filter(|d| d.n > 0 && d.skill.is_finite() && d.coverage.is_finite()).collect();
    let Some((skill, coverage, n)) = week(&usable, today) else {
        return Measure::lacking(
            "no stored forecast has come true yet: fans are scored as their instants pass",
        );
    };
    let best = usable.iter().filter_map(|d| week(&usable, d.day)).map(|(s, ..)| s).fold(skill, f64::max);
    let quality = |skill: f64, coverage: f64| {
        if best <= 0.0 {
            return 0.0;
        }
        0.5 * (skill / best).clamp(0.0, 1.0) + 0.5 * (1.0 - (coverage - NOMINAL).abs() / NOMINAL)
    };
    let note = if best <= 0.0 {
        "no skill: seasonal naive is better".to_owned()
    } else {
        format!(
            "skill {:.0} %, best week {:.0} % · 90 % band held {:.0} %",
            skill * 100.0,
            best * 100.0,
            coverage * 100.0
        )
    };
    Measure {
        value: Some(quality(skill, coverage)),
        interval: None,
        previous: week(&usable, today - 7).map(|(s, c, _)| quality(s, c)),
        n,
        note,
    }
}

/// Skill and coverage of the seven days up to `day`, weighted by the values scored.
fn week(days: &[DaySkill], day: i64) -> Option<(f64, f64, usize)> {
    let in_week = days.iter().filter(|d| d.day > day - 7 && d.day <= day);
    let (skill, coverage, n) = in_week.fold((0.0, 0.0, 0usize), |(s, c, n), d| {
        (s + d.skill * d.n as f64, c + d.coverage * d.n as f64, n + d.n)
    });
    (n > 0).then(|| (skill / n as f64, coverage / n as f64, n))
}

/// What is known of one service.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Known {
    /// Requests a second: the weight.
    pub traffic: f64,
    /// What is lacking first of: model present, fitted within 24 h, skilled, calibrated, at least fifty load points; `None`
    /// if nothing is.
    pub lacks: Option<&'static str>,
    /// People who decided on it in 90 days.
    pub reviewers: usize,
}

/// KPI 14. Share of traffic of the services whose knowledge is complete; the bus factor in the note.
pub fn knowledge(services: &[Known]) -> Measure {
    if services.is_empty() {
        return Measure::lacking("no service with demand yet");
    }
    let items: Vec<(f64, f64)> =
        services.iter().map(|s| (f64::from(u8::from(s.lacks.is_none())), s.traffic)).collect();
    let (complete, shared) = (
        services.iter().filter(|s| s.lacks.is_none()).count(),
        services.iter().filter(|s| s.reviewers >= 2).count(),
    );
    let mut lacking: BTreeMap<&str, usize> = BTreeMap::new();
    for what in services.iter().filter_map(|s| s.lacks) {
        *lacking.entry(what).or_default() += 1;
    }
    let lacking: String = lacking.iter().map(|(what, n)| format!(" · {n} without {what}")).collect();
    let n = services.len();
    Measure::mean(
        &items,
        format!(
            "{complete} of {n} complete{lacking} · bus factor: {shared} of {n} decided on by two or more people in 90 d"
        ),
    )
}

/// Weighted quantile loss of a service's forecast with and without pooling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pooled {
    /// With the other services' shape.
    pub pooled: f64,
    /// From its own history alone.
    pub own: f64,
}

/// KPI 15. `G = 1 − WQL_pooled / WQL_own`, over services where both ran; negative is shown negative.
pub fn growth(services: &[Pooled]) -> Measure {
    if services.is_empty() {
        return Measure::lacking(
            "no service has less than 14 days of history beside three with more: nothing is pooled",
        );
    }
    let gain = |s: &Pooled| (1.0 - s.pooled / s.own, 1.0);
    let items: Vec<(f64, f64)> = services.iter().filter(|s| s.own > 0.0).map(gain).collect();
    let helped = items.iter().filter(|(g, _)| *g > 0.0).count();
    Measure::mean(&items, format!("pooling helps {helped} of {}", items.len()))
}

/// KPI 16. Per operation `m = min(1, R_O / R_B)` with `R` the affinity hit ratio; mean weighted by sessions' requests.
pub fn personalization(operations: &[&Figures]) -> Measure {
    let kept = |f: &&Figures| {
        let (before, during) = (f.before.affinity?, f.during.affinity?);
        (before > 0.0 && during.is_finite()).then(|| ((during / before).min(1.0), f.during.requests))
    };
    let items: Vec<(f64, f64)> = operations.iter().filter_map(kept).collect();
    let unmeasured = operations.len() - items.len();
    if items.is_empty() {
        let why = if unmeasured > 0 {
            format!("{unmeasured} operations without affinity measured: ")
        } else {
            "no executed operation yet: ".to_owned()
        };
        return Measure::lacking(why + "needs session_affinity_requests_total or HAProxy's session counters");
    }
    Measure::mean(&items, format!("{unmeasured} not measured and not counted"))
}

#[cfg(test)]
mod tests;
