//! KPIs 1–4.

use crate::learning::{Tally, wilson};
use crate::outcome::Figures;
use crate::plan::Dimension;

use super::measure::{Measure, bootstrap, quantile};

/// Utilisation under which the full load cannot be read from it.
const UNLOADED: f64 = 0.15;
/// Change of demand, as a share of capacity, under which an operation was not put to the test.
const UNTESTED: f64 = 0.05;

/// KPI 1. Per operation with a changed replica count, `e = (Ĉ_O/Ĉ_B) / (N_O/N_B)` with `Ĉ = X/ρ`;
/// `Σ |ΔN|·min(e, 1.2) / Σ |ΔN|`.
pub fn horizontal(operations: &[&Figures]) -> Measure {
    let of_kind: Vec<&&Figures> =
        operations.iter().filter(|f| f.dimension == Dimension::Horizontal).collect();
    if of_kind.is_empty() {
        return Measure::lacking("no operation has changed a replica count yet: approve a proposal with `a`");
    }
    let items: Vec<(f64, f64)> = of_kind.iter().filter_map(|f| efficiency(f)).collect();
    let excluded = of_kind.len() - items.len();
    let note = if excluded > 0 {
        format!("{excluded} of {} left out: unloaded, unchanged count, or CPU not known", of_kind.len())
    } else {
        "below 100 %: contention, uneven balancing or cold replicas".into()
    };
    Measure::mean(&items, note)
}

fn efficiency(f: &Figures) -> Option<(f64, f64)> {
    let (b, o) = (&f.before, &f.after);
    let (n_before, n_after) = (b.ready?.round(), o.ready?.round());
    let changed = (n_after - n_before).abs();
    let loaded = b.utilisation? >= UNLOADED && o.utilisation? >= UNLOADED;
    let (full_before, full_after) = (b.full_load?, o.full_load?);
    let capacity = f.per_replica.map_or(full_before, |c| c * n_before);
    let tested = (o.demand? - b.demand?).abs() >= UNTESTED * capacity;
    if n_before < 1.0 || n_after < 1.0 || changed < 1.0 || !loaded || !tested || full_before <= 0.0 {
        return None;
    }
    // `min` would turn what is not a number into the best result.
    let e = (full_after / full_before) / (n_after / n_before);
    e.is_finite().then(|| (e.min(1.2), changed))
}

/// What a vertical operation was to relieve, and what it did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Relief {
    /// Relief of the bottleneck that was predicted.
    pub expected: f64,
    /// Relief observed.
    pub observed: f64,
    /// No out-of-memory kill, no unplanned restart and burn within its guard for 24 h.
    pub clean: bool,
}

/// KPI 2. Mean of `clamp(Δb_obs/Δb̂, 0, 1)`, zero where the follow-up was not clean.
pub fn vertical(reliefs: &[Relief]) -> Measure {
    if reliefs.is_empty() {
        return Measure::lacking(
            "no change of what a replica asks for was seen and followed for 24 h yet; whoever makes it, it is counted",
        );
    }
    let of = |r: &Relief| {
        let share = (r.observed / r.expected).clamp(0.0, 1.0);
        (if r.clean { share } else { 0.0 }, 1.0)
    };
    let items: Vec<(f64, f64)> = reliefs.iter().filter(|r| r.expected != 0.0).map(of).collect();
    Measure::mean(&items, "24 h after each")
}

/// KPI 3. The 95th percentile of the time from need to warm capacity, seconds.
pub fn response_time(operations: &[&Figures]) -> Measure {
    let responses: Vec<_> = operations.iter().filter_map(|f| f.response.map(|r| (*f, r))).collect();
    let mut seconds: Vec<f64> = responses.iter().map(|(_, r)| r.seconds).filter(|s| s.is_finite()).collect();
    if seconds.is_empty() {
        return Measure::lacking(
            "no capacity was raised yet with its capacity known: approve a proposal that raises a floor",
        );
    }
    seconds.sort_by(f64::total_cmp);
    let p95 = |values: &[f64]| {
        let mut values = values.to_vec();
        values.sort_by(f64::total_cmp);
        quantile(&values, 0.95)
    };
    let ahead = seconds.iter().filter(|s| **s == 0.0).count();
    let short = responses.iter().filter(|(_, r)| r.still_short).count();
    let mut note = format!("{ahead} of {} came before the need", seconds.len());
    if short > 0 {
        note.push_str(&format!(" · {short} still short at the end"));
    }
    let medians = phase_medians(operations);
    if !medians.is_empty() {
        note.push_str(&format!(" · median {medians}"));
    }
    Measure {
        value: quantile(&seconds, 0.95),
        interval: bootstrap(&seconds, p95),
        previous: None,
        n: seconds.len(),
        note,
    }
}

/// `decide 40 s · provision 35 s`.
fn phase_medians(operations: &[&Figures]) -> String {
    let middle = |name: &str| {
        let mut values: Vec<f64> = operations
            .iter()
            .flat_map(|f| &f.phases)
            .filter(|(phase, s)| phase == name && s.is_finite())
            .map(|(_, s)| *s)
            .collect();
        values.sort_by(f64::total_cmp);
        quantile(&values, 0.5).map(|s| format!("{name} {s:.0} s"))
    };
    // What provisioning is made of comes from the pods' own timestamps, where the platform tells.
    let names = ["detect", "decide", "provision", "schedule", "pull", "start", "warm up", "shift"];
    names.iter().filter_map(|n| middle(n)).collect::<Vec<_>>().join(" · ")
}

/// KPI 4. Share of minutes with `N* ≤ N_rec ≤ ⌈1.25·N*⌉ + 1`.
pub fn accuracy(now: Tally, before: Tally, worst: Option<(String, Tally)>) -> Measure {
    let n = now.total();
    if n == 0 {
        return Measure::lacking(
            "no minute scored yet: each minute's recommendation is held against the demand that came",
        );
    }
    let share = |count: u32| f64::from(count) / n as f64 * 100.0;
    let mut note =
        format!("too few {:.1} % · too many {:.1} % of minutes", share(now.under), share(now.over));
    if let Some((name, tally)) = worst.filter(|(_, t)| t.ratio().is_some_and(|r| r < 0.95)) {
        note.push_str(&format!(" · worst {name} {:.0} %", tally.ratio().unwrap_or(0.0) * 100.0));
    }
    Measure {
        value: now.ratio(),
        interval: Some(wilson(now.inside as usize, n)),
        previous: before.ratio(),
        n,
        note,
    }
}

#[cfg(test)]
mod tests;
