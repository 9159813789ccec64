//! One workload over the recorded time.

use std::collections::BTreeMap;

use crate::series::Timestamp;
use crate::view::{ForecastView, Satisfaction, ServiceRow};

/// A fan's band: instant, 5 %, 50 % and 95 % quantile.
pub type Band = (Timestamp, f64, f64, f64);

/// One workload over the recorded time. Values that were missing are not there.
#[derive(Clone, Debug, Default)]
pub struct Track {
    /// Requests a second, as measured.
    pub demand: Vec<(Timestamp, f64)>,
    /// Highest demand at which the objective holds, requests a second.
    pub capacity: Vec<(Timestamp, f64)>,
    /// Ready replicas.
    pub ready: Vec<(Timestamp, u32)>,
    /// 95th percentile of response times, seconds.
    pub p95: Vec<(Timestamp, f64)>,
    /// $/h.
    pub cost: Vec<(Timestamp, f64)>,
    /// Share of the error budget left.
    pub budget: Vec<(Timestamp, f64)>,
    /// Medians given an hour ahead for times that came.
    pub ahead: BTreeMap<Timestamp, f64>,
    /// The fan that was known at the first decision.
    pub known: Vec<Band>,
    /// When decisions were made.
    pub decisions: Vec<Timestamp>,
}

impl Track {
    /// Takes in a row of the service table.
    pub(super) fn row(&mut self, at: Timestamp, row: &ServiceRow, satisfaction: Option<&Satisfaction>) {
        let push = |to: &mut Vec<(Timestamp, f64)>, value: Option<f64>| {
            to.extend(value.filter(|v| v.is_finite()).map(|v| (at, v)));
        };
        push(&mut self.demand, row.demand.value);
        // Headroom is 1 - demand / capacity.
        let capacity =
            row.headroom.zip(row.demand.value).filter(|(h, _)| *h < 1.0).map(|(h, x)| x / (1.0 - h));
        push(&mut self.capacity, capacity);
        push(&mut self.p95, row.p95.value);
        push(&mut self.cost, row.cost.value);
        push(&mut self.budget, satisfaction.and_then(|s| s.budget_left));
        self.ready.extend(row.replicas.map(|r| (at, r.ready)));
    }

    /// Takes in what was forecast before.
    pub(super) fn forecast(&mut self, forecast: &ForecastView) {
        // As issued: what was said first for an instant stays.
        for (at, value) in &forecast.issued_before {
            self.ahead.entry(*at).or_insert(*value);
        }
    }

    /// Notes a decision and the fan that was shown.
    pub(super) fn decided(&mut self, at: Timestamp, forecast: Option<&ForecastView>) {
        self.decisions.push(at);
        let fan = forecast.and_then(|f| f.forecast.fan());
        if let Some(fan) = fan.filter(|_| self.known.is_empty()) {
            // A recording may come from anybody: a step that leads beyond time is no step.
            let steps = (1..=fan.points.len()).map_while(|i| {
                let ahead = fan.step.checked_mul(u32::try_from(i).ok()?)?;
                Some(fan.issued + ahead)
            });
            let at = |q, t| fan.quantile_at(q, t);
            self.known = steps.filter_map(|t| Some((t, at(0.05, t)?, at(0.5, t)?, at(0.95, t)?))).collect();
        }
    }

    /// Lowest headroom, `1 - demand / capacity`; infinite if it is not known.
    pub fn least_headroom(&self) -> f64 {
        let shares = self.demand.iter().filter_map(|(at, x)| {
            let (_, c) = self.capacity.iter().find(|(t, _)| t == at)?;
            (*c > 0.0).then(|| 1.0 - x / c)
        });
        shares.fold(f64::INFINITY, f64::min)
    }

    /// Minutes in which demand was above capacity, by the time between frames.
    pub fn minutes_short(&self) -> f64 {
        let mut short = 0.0;
        for pair in self.demand.windows(2) {
            let [(from, x), (to, _)] = pair else { continue };
            let capacity = self.capacity.iter().find(|(t, _)| t == from).map(|(_, c)| *c);
            if capacity.is_some_and(|c| *x > c) {
                short += to.since(*from).as_secs_f64().min(120.0) / 60.0;
            }
        }
        short
    }

    /// $ spent, by the time between frames.
    pub fn spent(&self) -> Option<f64> {
        let hours = |a: Timestamp, b: Timestamp| b.since(a).as_secs_f64() / 3600.0;
        let parts = self.cost.windows(2).filter_map(|w| match w {
            [(a, cost), (b, _)] => Some(cost * hours(*a, *b)),
            _ => None,
        });
        (self.cost.len() > 1).then(|| parts.sum())
    }

    /// Share of the window's error budget spent, `0.0..=1.0`; `None` where it was not known.
    pub fn budget_spent(&self) -> Option<f64> {
        let (first, last) = (self.budget.first()?.1, self.budget.last()?.1);
        Some((first - last).max(0.0))
    }

    /// Mean absolute error of the medians given an hour ahead, as a share of mean demand, and how many there are.
    pub fn error_ahead(&self) -> Option<(f64, usize)> {
        let mut pairs = Vec::new();
        for (at, said) in &self.ahead {
            let came = self.demand.iter().min_by_key(|(t, _)| t.millis_since(*at).abs());
            pairs.extend(came.filter(|(t, _)| t.millis_since(*at).abs() < 120_000).map(|(_, x)| (said, *x)));
        }
        let total: f64 = pairs.iter().map(|(_, x)| x).sum();
        let off: f64 = pairs.iter().map(|(s, x)| (**s - x).abs()).sum();
        (total > 0.0).then(|| (off / total, pairs.len()))
    }
}
