//! KPIs 9–12: money.

use crate::outcome::Figures;

use super::measure::{Measure, bootstrap};

/// What a workload used and served over a span, priced today.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnitCost {
    /// Hours of ready replicas, summed.
    pub replica_hours: f64,
    /// Requests that did not fail.
    pub good: f64,
    /// Price of a replica, $/h.
    pub price: f64,
}

/// `$ / 1 000 good requests`; `None` without good requests.
pub fn unit_cost(parts: &[UnitCost]) -> Option<f64> {
    let (dollars, good) =
        parts.iter().fold((0.0, 0.0), |(d, g), p| (d + p.replica_hours * p.price, g + p.good));
    (good > 0.0).then(|| dollars / good * 1000.0).filter(|u| u.is_finite())
}

/// KPI 9. `1 − u_7d / u_base`; `hours` since the base was frozen that are known. Pairs are the same workload in the
/// base and now; both at today's price, so that a vendor's price cut is not claimed.
pub fn cost_efficiency(pairs: &[(UnitCost, UnitCost)], hours: usize) -> Measure {
    let saved = |pairs: &[(UnitCost, UnitCost)]| {
        let (base, now): (Vec<UnitCost>, Vec<UnitCost>) = pairs.iter().copied().unzip();
        let base = unit_cost(&base).filter(|u| *u > 0.0)?;
        Some(1.0 - unit_cost(&now)? / base)
    };
    let Some(value) = saved(pairs) else {
        return Measure::lacking(
            "the base has no cost or no good requests: needs price, replicas, demand and errors",
        );
    };
    let (base, now): (Vec<UnitCost>, Vec<UnitCost>) = pairs.iter().copied().unzip();
    let dollars = |parts: &[UnitCost]| unit_cost(parts).unwrap_or(0.0);
    Measure {
        value: Some(value),
        interval: bootstrap(pairs, saved),
        previous: None,
        n: hours,
        note: format!(
            "${:.4} now against ${:.4} per 1 000 good requests, both at today's prices",
            dollars(&now),
            dollars(&base)
        ),
    }
}

/// Use of the binding resource of one workload over a day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Utilised {
    /// `u`: used over requested.
    pub used: f64,
    /// `ρ*`: highest utilisation at which the objective holds.
    pub safe: f64,
    /// $/h: the weight.
    pub dollars: f64,
    /// Whether `safe` lies beyond every load that was seen.
    pub untested: bool,
}

/// KPI 10. `a = u/ρ*`, score `a` up to 1 and `max(0, 2 − a)` above; mean weighted by cost.
pub fn utilisation(rows: &[Utilised]) -> Measure {
    if rows.is_empty() {
        return Measure::lacking(
            "no service with CPU used and requested, capacity and price known: add cAdvisor, kube-state-metrics, a price",
        );
    }
    let score = |r: &Utilised| {
        let a = r.used / r.safe;
        (if a <= 1.0 { a } else { (2.0 - a).max(0.0) }, r.dollars)
    };
    let items: Vec<(f64, f64)> =
        rows.iter().filter(|r| r.safe > 0.0 && r.used.is_finite()).map(score).collect();
    let raw: Vec<(f64, f64)> = rows.iter().map(|r| (r.used, r.dollars)).collect();
    let over = rows.iter().filter(|r| r.used > r.safe).count();
    let mut note = super::weighted_mean(&raw)
        .map_or_else(String::new, |u| format!("raw CPU use {:.0} % of requests", u * 100.0));
    if over > 0 {
        note.push_str(&format!(" · {over} above what is safe"));
    }
    let untested = rows.iter().filter(|r| r.untested).count();
    if untested > 0 {
        note.push_str(&format!(" · what is safe was never tried for {untested} of {}", rows.len()));
    }
    Measure::mean(&items, note)
}

/// KPI 11. $ paid for replicas that did not serve because of scaling, over `$` of the services. `flaps` are replicas
/// added and removed within half an hour by anyone: their $ and how many.
pub fn overhead(operations: &[&Figures], flaps: (f64, usize), services: f64) -> Measure {
    // The sum of nothing is minus zero.
    let warming: f64 = operations.iter().filter_map(|f| f.overhead).sum::<f64>() + 0.0;
    let priced = operations.iter().filter(|f| f.overhead.is_some()).count();
    let n = priced + flaps.1;
    if n == 0 {
        return Measure::lacking("nothing was scaled yet while its price was known");
    }
    let value = (services > 0.0).then(|| (warming + flaps.0) / services).filter(|v| v.is_finite());
    Measure {
        value,
        interval: None,
        previous: None,
        n,
        note: format!(
            "${warming:.2} before serving or rolled back · ${:.2} added and removed within 30 min · \
             terminating replicas are not seen",
            flaps.0
        ),
    }
}

/// KPI 12. `b = 1 − max(0, spend + rest − budget)/budget` with the quantiles 5 %, 50 %, 95 % of the rest, and in the
/// note `P(month-end ≤ budget)`. `hours` of the month whose spend was observed.
pub fn budget(spent: f64, rest: [f64; 3], budget: f64, hours: usize) -> Measure {
    let finite = spent.is_finite() && rest.iter().all(|r| r.is_finite());
    if !finite || !budget.is_finite() || budget <= 0.0 {
        return Measure::lacking("spend, its projection or the budget is not a positive number");
    }
    let adherence = |rest: f64| 1.0 - (spent + rest - budget).max(0.0) / budget;
    let [low, middle, high] = rest;
    Measure {
        value: Some(adherence(middle)),
        interval: Some((adherence(high.max(middle)), adherence(low.min(middle)))),
        previous: None,
        n: hours,
        note: format!("P(month-end ≤ ${budget:.0}) = {:.0} %", within(budget - spent, rest) * 100.0),
    }
}

/// `P(rest ≤ left)` with the rest linear between its quantiles, and beyond them as steep as beside them.
fn within(left: f64, [low, middle, high]: [f64; 3]) -> f64 {
    let step = |from: f64, to: f64, p: f64| {
        if to > from {
            p + 0.45 * (left - from) / (to - from)
        } else if left >= to {
            p + 0.45
        } else {
            p
        }
    };
    let p = if left <= middle { step(low, middle, 0.05) } else { step(middle, high, 0.5) };
    p.clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests;
