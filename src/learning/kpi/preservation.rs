//! KPIs 5–8: users while scaling.

use std::collections::BTreeMap;

use crate::execution::judge::Shift;
use crate::learning::wilson;
use crate::outcome::Figures;

use super::measure::{Measure, weighted_mean};

const NO_OPERATION: &str =
    "no executed operation with requests and errors known before and during: approve a proposal with `a`";
/// A cell is as good as usual down to this much below its reference.
const APDEX_SLACK: f64 = 0.05;
/// A change of demand beyond this between the windows asks for the model's p95 at that load.
const LOAD_CHANGED: f64 = 0.20;

/// KPI 5. Per operation `d = max(0, (g_B − g_O)/g_B)` with `g = good/total`; mean weighted by requests.
pub fn degradation(operations: &[&Figures]) -> Measure {
    let per: Vec<(&Figures, f64)> = operations
        .iter()
        .filter_map(|f| {
            let (b, o) = (f.before.good_ratio()?, f.during.good_ratio()?);
            (b > 0.0 && o.is_finite()).then(|| (*f, ((b - o) / b).max(0.0)))
        })
        .collect();
    if per.is_empty() {
        return Measure::lacking(NO_OPERATION);
    }
    let items: Vec<(f64, f64)> = per.iter().map(|(f, d)| (*d, f.during.requests)).collect();
    Measure::mean(&items, worst(&per))
}

/// Names the operation with the largest value, if any was above zero.
fn worst(per: &[(&Figures, f64)]) -> String {
    per.iter().filter(|(_, d)| *d > 0.0).max_by(|a, b| a.1.total_cmp(&b.1)).map_or_else(
        || "none was worse than before".into(),
        |(f, d)| format!("worst {} {} {:.2} %", f.operation, f.workload, d * 100.0),
    )
}

/// One service and region over five minutes.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Region; empty where there is none.
    pub region: String,
    /// Apdex of the cell.
    pub apdex: f64,
    /// What is usual there.
    pub reference: f64,
    /// Requests.
    pub weight: f64,
}

/// KPI 6. `Σ w·[Apdex ≥ ref − 0.05] / Σ w` over cells.
pub fn consistency(cells: &[Cell]) -> Measure {
    let usable = |c: &&Cell| c.apdex.is_finite() && c.reference.is_finite() && c.weight > 0.0;
    let mut by_region: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    let mut items = Vec::new();
    for cell in cells.iter().filter(usable) {
        let item = (f64::from(u8::from(cell.apdex >= cell.reference - APDEX_SLACK)), cell.weight);
        items.push(item);
        by_region.entry(&cell.region).or_default().push(item);
    }
    if items.is_empty() {
        return Measure::lacking(
            "no five minutes of Apdex with an hour of reference yet: needs a latency histogram (LatencyP95's recipe)",
        );
    }
    let regions = by_region.iter().filter_map(|(r, v)| weighted_mean(v).map(|m| (*r, m)));
    let note = regions
        .filter(|(region, _)| !region.is_empty())
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .map_or_else(String::new, |(region, m)| format!("worst region {region} {:.1} %", m * 100.0));
    Measure::mean(&items, note)
}

/// KPI 7. Per operation `ℓ = p95(O)/p95(B) − 1`; mean of `max(0, ℓ)` weighted by requests. Where demand changed by
/// more than a fifth, `p95(B)` is what the capacity model expects at that load.
pub fn latency_increase(operations: &[&Figures]) -> Measure {
    let mut by_model = 0;
    let per: Vec<(&Figures, f64)> = operations
        .iter()
        .filter_map(|f| {
            let (before, during) = (f.before.p95?, f.during.p95?);
            let changed = f
                .before
                .demand
                .zip(f.during.demand)
                .is_some_and(|(b, o)| b > 0.0 && (o / b - 1.0).abs() > LOAD_CHANGED);
            let base = match f.p95_expected.filter(|_| changed) {
                Some(expected) => {
                    by_model += 1;
                    expected
                }
                None => before,
            };
            (base > 0.0 && during.is_finite()).then(|| (*f, (during / base - 1.0).max(0.0)))
        })
        .collect();
    if per.is_empty() {
        return Measure::lacking(
            "no executed operation with p95 known before and during: approve a proposal with `a`",
        );
    }
    let mut note = worst(&per);
    if by_model > 0 {
        note.push_str(&format!(" · {by_model} against the model's p95: demand changed by more than 20 %"));
    }
    note.push_str(&significance(&per));
    let items: Vec<(f64, f64)> = per.iter().map(|(f, l)| (*l, f.during.requests)).collect();
    Measure::mean(&items, note)
}

/// How many increases are more than chance (Mann–Whitney, 95 %), and the largest Hodges–Lehmann shift of those.
fn significance(per: &[(&Figures, f64)]) -> String {
    let shifts: Vec<Shift> = per.iter().filter_map(|(f, _)| f.p95_shift).collect();
    if shifts.is_empty() {
        return String::new();
    }
    let larger: Vec<&Shift> = shifts.iter().filter(|s| s.is_larger()).collect();
    let most = larger.iter().max_by(|a, b| a.estimate.total_cmp(&b.estimate));
    let by = most.map_or_else(String::new, |s| {
        let ms = |v: f64| v * 1000.0;
        let (low, high) = s.interval;
        format!(", by up to {:.0} ms ({:.0} to {:.0})", ms(s.estimate), ms(low), ms(high))
    });
    format!(" · {} of {} slower beyond chance{by}", larger.len(), shifts.len())
}

/// KPI 8. `1 − Σ err / Σ total` over all operations' windows.
pub fn availability(operations: &[&Figures]) -> Measure {
    let (total, failed) = operations
        .iter()
        .filter(|f| f.during.requests.is_finite() && f.during.failed.is_finite())
        .fold((0.0, 0.0), |(t, e), f| (t + f.during.requests, e + f.during.failed));
    if total < 1.0 {
        return Measure::lacking(NO_OPERATION);
    }
    let n = total.round() as usize;
    let good = (total - failed).max(0.0).round() as usize;
    let interval = wilson(good, n);
    Measure {
        value: Some((1.0 - failed / total).clamp(0.0, 1.0)),
        interval: Some(interval),
        previous: None,
        n,
        note: format!("at least {:.3} % with 95 % confidence", interval.0 * 100.0),
    }
}

#[cfg(test)]
mod tests;
