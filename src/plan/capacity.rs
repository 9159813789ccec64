//! The capacity curve: from observed load and latency, with a queue model where load was never high enough.

use std::time::Duration;

use crate::fleet::Objective;
use crate::series::Timestamp;

use super::isotonic::non_decreasing;
use super::queue_model::{highest_rate, response_quantile};
use super::{Capacity, CapacityMethod};

/// Load buckets: each 12 % wider than the one before, so that 60 span three orders of magnitude.
const BUCKETS: usize = 120;
const GROWTH: f64 = 1.12;
/// Smallest load per replica that is told apart, requests a second.
const SMALLEST: f64 = 0.05;
/// Observations lose half their weight in this time, so that a new version shows.
const HALF_LIFE: Duration = Duration::from_secs(7 * 86_400);
/// Weight a bucket needs before it counts.
const MIN_WEIGHT: f64 = 3.0;

#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    weight: f64,
    latency: f64,
    load: f64,
}

/// One measurement of a workload under load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation {
    /// Requests a second per ready replica.
    pub load: f64,
    /// Response time at the objective's quantile, seconds.
    pub latency: f64,
    /// CPU used over CPU requested, if both are known.
    pub utilisation: Option<f64>,
    /// Median response time, seconds, if known.
    pub median: Option<f64>,
}

/// What was observed of one workload's behaviour under load.
#[derive(Clone, Debug)]
pub struct CapacityModel {
    buckets: Vec<Bucket>,
    updated: Option<Timestamp>,
    observations: usize,
    tested_to: f64,
    /// CPU share one request a second costs a replica, exponentially smoothed.
    utilisation_per_load: Option<f64>,
    /// Median response time at low load: the service time.
    service: Option<f64>,
}

impl Default for CapacityModel {
    fn default() -> Self {
        Self {
            buckets: vec![Bucket::default(); BUCKETS],
            updated: None,
            observations: 0,
            tested_to: 0.0,
            utilisation_per_load: None,
            service: None,
        }
    }
}

impl CapacityModel {
    /// Takes one observation in. Anything not finite or without load is ignored.
    pub fn observe(&mut self, now: Timestamp, o: Observation) {
        if !(o.load.is_finite() && o.load >= SMALLEST && o.latency.is_finite() && o.latency > 0.0) {
            return;
        }
        self.decay(now);
        let index = ((o.load / SMALLEST).ln() / GROWTH.ln()) as usize;
        if let Some(bucket) = self.buckets.get_mut(index.min(BUCKETS - 1)) {
            bucket.weight += 1.0;
            bucket.latency += (o.latency - bucket.latency) / bucket.weight;
            bucket.load += (o.load - bucket.load) / bucket.weight;
        }
        self.observations += 1;
        self.tested_to = self.tested_to.max(o.load);
        if let Some(u) = o.utilisation.filter(|u| u.is_finite() && *u > 0.02) {
            let ratio = u / o.load;
            self.utilisation_per_load =
                Some(self.utilisation_per_load.map_or(ratio, |r| r + (ratio - r) * 0.05));
        }
        // The fastest medians are those without queueing; creep up slowly so that a slower version shows.
        if let Some(m) = o.median.filter(|m| m.is_finite() && *m > 0.0) {
            self.service = Some(self.service.map_or(m, |s| if m < s { m } else { s + (m - s) * 0.002 }));
        }
    }

    fn decay(&mut self, now: Timestamp) {
        let Some(updated) = self.updated.replace(now) else { return };
        let factor = 0.5_f64.powf(now.since(updated).as_secs_f64() / HALF_LIFE.as_secs_f64());
        for bucket in &mut self.buckets {
            bucket.weight *= factor;
        }
    }

    /// Load points with enough weight: `(load, latency, weight)`, ascending in load, latency non-decreasing.
    fn curve(&self) -> Vec<(f64, f64)> {
        let used: Vec<&Bucket> = self.buckets.iter().filter(|b| b.weight >= MIN_WEIGHT).collect();
        let fitted = non_decreasing(&used.iter().map(|b| (b.latency, b.weight)).collect::<Vec<_>>());
        used.iter().map(|b| b.load).zip(fitted).collect()
    }

    /// Load at which CPU requests are used up, from the utilisation law.
    fn full_load(&self) -> Option<f64> {
        self.utilisation_per_load.map(|r| 1.0 / r).filter(|x| x.is_finite() && *x > 0.0)
    }

    /// Servers of the queue model: as many requests as fit into the full load at the service time (Little's law).
    fn servers(&self) -> Option<(u32, f64)> {
        let (full, service) = (self.full_load()?, self.service?);
        Some((((full * service).round() as u32).max(1), service))
    }

    /// Capacity of a replica within `objective`; `None` before anything useful was observed.
    pub fn capacity(&self, objective: &Objective) -> Option<Capacity> {
        let threshold = objective.latency().as_secs_f64();
        let curve = self.curve();
        let tested_to = self.tested_to();
        let make = |per_replica, method| Capacity {
            per_replica,
            method,
            observations: self.observations,
            tested_to,
            scaling: None,
        };
        let crossing = curve.iter().position(|(_, latency)| *latency > threshold);
        if let Some(index) = crossing {
            let over = curve.get(index)?;
            let load = match index.checked_sub(1).and_then(|i| curve.get(i)) {
                Some(under) => {
                    let share = (threshold - under.1) / (over.1 - under.1);
                    under.0 + (over.0 - under.0) * share.clamp(0.0, 1.0)
                }
                // Too slow at every load seen: no load is known to be safe.
                None => return self.modelled(objective, &make).filter(|c| c.per_replica < over.0),
            };
            return Some(make(load, CapacityMethod::Observed));
        }
        // Latency never came near the threshold: without a model of the limit nothing is known of it, and the highest
        // load seen is no limit.
        self.modelled(objective, &make)
    }

    /// Highest load per replica seen so far, requests a second.
    pub fn tested_to(&self) -> Option<f64> {
        (self.tested_to > 0.0).then_some(self.tested_to)
    }

    fn modelled(
        &self,
        objective: &Objective,
        make: &dyn Fn(f64, CapacityMethod) -> Capacity,
    ) -> Option<Capacity> {
        let (servers, service) = self.servers()?;
        let rate =
            highest_rate(servers, service, objective.latency().as_secs_f64(), objective.latency_quantile());
        match (rate, self.full_load()) {
            (Some(rate), Some(full)) => Some(make(rate.min(full), CapacityMethod::QueueModel)),
            (None, Some(full)) => Some(make(full * 0.7, CapacityMethod::Utilisation)),
            _ => None,
        }
    }

    /// Expected response time, seconds, at `load` requests a second per replica and quantile `q`:
    /// from the curve where it was observed, from the queue model above; `None` when overloaded or unknown.
    pub fn latency_at(&self, load: f64, q: f64) -> Option<f64> {
        let curve = self.curve();
        let after = curve.iter().position(|(x, _)| *x >= load);
        match after.and_then(|i| curve.get(i).map(|p| (i, p))) {
            Some((0, first)) => Some(first.1),
            Some((i, right)) => {
                let left = curve.get(i - 1)?;
                Some(left.1 + (right.1 - left.1) * ((load - left.0) / (right.0 - left.0)).clamp(0.0, 1.0))
            }
            None => {
                let (servers, service) = self.servers()?;
                let modelled = response_quantile(servers, service, load, q)?;
                Some(curve.last().map_or(modelled, |last| modelled.max(last.1)))
            }
        }
    }

    /// Takes over from `other` what was never observed here: the service time, the CPU a request costs.
    pub fn complete_from(&mut self, other: &Self) {
        self.service = self.service.or(other.service);
        self.utilisation_per_load = self.utilisation_per_load.or(other.utilisation_per_load);
    }

    /// Observations so far.
    pub fn observations(&self) -> usize {
        self.observations
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objective() -> Objective {
        Objective::declared(0.999, Duration::from_millis(250), 0.95, Duration::from_secs(86_400)).unwrap()
    }

    fn fed(loads: impl Iterator<Item = f64>) -> CapacityModel {
        let mut model = CapacityModel::default();
        for (i, load) in loads.enumerate() {
            // A pod of 10 servers at 50 ms: full at 200 rps.
            let latency = response_quantile(10, 0.05, load, 0.95).unwrap_or(3.0);
            let o = Observation { load, latency, utilisation: Some(load / 200.0), median: Some(0.05) };
            model.observe(Timestamp::from_secs(i as i64 * 60), o);
        }
        model
    }

    #[test]
    fn observed_where_load_was_high_enough() {
        let model = fed((0..2_000).map(|i| 20.0 + f64::from(i % 190)));
        let c = model.capacity(&objective()).unwrap();
        let truth = highest_rate(10, 0.05, 0.25, 0.95).unwrap();
        assert_eq!(c.method, CapacityMethod::Observed);
        assert!((c.per_replica / truth - 1.0).abs() < 0.12, "{} against {truth}", c.per_replica);
    }

    #[test]
    fn modelled_where_load_was_low_and_says_how_far_it_was_tested() {
        let model = fed((0..500).map(|i| 20.0 + f64::from(i % 40)));
        let c = model.capacity(&objective()).unwrap();
        assert_eq!(c.method, CapacityMethod::QueueModel);
        assert_eq!(c.tested_to, Some(59.0));
        assert!((150.0..200.0).contains(&c.per_replica), "{}", c.per_replica);
    }

    #[test]
    fn a_load_that_was_never_near_the_limit_is_no_limit() {
        let mut model = CapacityModel::default();
        for i in 0..100 {
            let o = Observation { load: 0.2, latency: 0.05, utilisation: None, median: Some(0.02) };
            model.observe(Timestamp::from_secs(i * 60), o);
        }
        assert!(model.capacity(&objective()).is_none());
        assert_eq!(model.tested_to(), Some(0.2));
    }

    #[test]
    fn nothing_observed_means_no_capacity() {
        let mut model = CapacityModel::default();
        model.observe(
            Timestamp::from_secs(0),
            Observation { load: f64::NAN, latency: 1.0, utilisation: None, median: None },
        );
        assert!(model.capacity(&objective()).is_none());
    }
}
