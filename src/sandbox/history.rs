//! The fortnight before the start, as a metrics server would have kept it: one pseudo pod per workload, every
//! two minutes, computed from the same demand, sizes and queue formulas as the live fleet.

use crate::fleet::Owner;
use crate::series::{Labels, METRIC_NAME, Sample, Timestamp};
use crate::store::query::{Budget, Matcher, QueryError, Series, Storage};

use super::catalog::{Dialect, Spec};
use super::queueing::{BUCKETS, ResponseTime};
use super::world::World;

/// Seconds between two computed points.
const STEP: i64 = 120;
/// Points answered for each computed one: counters grow evenly in between, so that a rate over one minute finds
/// the two points it needs.
const FINE: i64 = 4;
/// Days before the start.
const DAYS: i64 = 14;
/// Share of requests that fail in ordinary times.
const ERRORS: f64 = 0.000_2;
/// Points for which a lower need must last before the replica count falls.
const SETTLE: usize = 3;

/// Series with a value at every step.
#[derive(Clone, Debug)]
struct Column {
    labels: Labels,
    values: Vec<f64>,
    counter: bool,
}

impl Column {
    /// The value at the fine point `index`.
    fn at(&self, index: i64) -> Option<f64> {
        let coarse = index.div_euclid(FINE) as usize;
        let before = *self.values.get(coarse)?;
        let part = index.rem_euclid(FINE) as f64 / FINE as f64;
        if !self.counter || part == 0.0 {
            return Some(before);
        }
        self.values.get(coarse + 1).map(|after| before + (after - before) * part)
    }
}

/// All past series.
#[derive(Clone, Debug)]
pub struct History {
    /// Milliseconds of the first point.
    first: i64,
    columns: Vec<Column>,
}

impl History {
    /// Computes the past of `world`, up to its scenario's start.
    pub fn of(world: &World) -> Self {
        let start = world.scenario().start.as_millis().div_euclid(1000);
        let first = start - DAYS * 86_400;
        let steps = DAYS * 86_400 / STEP;
        let mut columns = Vec::new();
        for spec in world.workloads.iter().map(|w| &w.spec) {
            let rates: Vec<f64> = (0..=steps).map(|i| world.expected(spec, first + i * STEP)).collect();
            let past = Past::of(spec, &rates);
            past.publish(spec, &mut columns);
        }
        Self { first: first * 1000, columns }
    }

    /// Names of all metrics, sorted.
    pub fn names(&self) -> Vec<String> {
        let names: std::collections::BTreeSet<&str> =
            self.columns.iter().filter_map(|c| c.labels.metric_name()).collect();
        names.into_iter().map(str::to_owned).collect()
    }
}

impl Storage for History {
    fn select(
        &self,
        matchers: &[Matcher],
        from: Timestamp,
        to: Timestamp,
        budget: &Budget,
    ) -> Result<Vec<Series>, QueryError> {
        let step = STEP * 1000 / FINE;
        // First and last step within `(from, to]`.
        let skip = (from.millis_since(Timestamp::from_millis(self.first)).div_euclid(step) + 1).max(0);
        let last = to.millis_since(Timestamp::from_millis(self.first)).div_euclid(step);
        let mut found = Vec::new();
        if last < skip {
            return Ok(found);
        }
        for column in &self.columns {
            if !matchers.iter().all(|m| m.matches(&column.labels)) {
                continue;
            }
            let at = |index: i64| Timestamp::from_millis(self.first + index * step);
            let samples: Vec<Sample> =
                (skip..=last).map_while(|index| Some(Sample::new(at(index), column.at(index)?))).collect();
            if !samples.is_empty() {
                budget.charge(1, samples.len())?;
                found.push(Series { labels: column.labels.clone(), samples });
            }
        }
        Ok(found)
    }
}

/// What one workload did, step by step; counters are cumulative.
#[derive(Clone, Debug, Default)]
struct Past {
    good: Vec<f64>,
    failed: Vec<f64>,
    seconds: Vec<f64>,
    buckets: [Vec<f64>; BUCKETS.len()],
    cpu: Vec<f64>,
    replicas: Vec<f64>,
    response: Vec<f64>,
}

impl Past {
    fn of(spec: &Spec, rates: &[f64]) -> Self {
        let service = spec.service + spec.query_time();
        let needed: Vec<u32> = rates.iter().map(|rate| need(spec, *rate)).collect();
        let mut past = Self::default();
        for (index, rate) in rates.iter().enumerate() {
            let recent = needed.iter().skip(index.saturating_sub(SETTLE)).take(SETTLE.min(index) + 1);
            let replicas = recent.max().copied().unwrap_or(spec.min);
            let response = ResponseTime::new(rate / f64::from(replicas.max(1)), spec.workers, service, 0.0);
            let count = rate * STEP as f64;
            let good = count * (1.0 - ERRORS);
            push_sum(&mut past.good, good);
            push_sum(&mut past.failed, count - good);
            push_sum(&mut past.seconds, good * response.mean(1.0));
            for (bucket, bound) in past.buckets.iter_mut().zip(BUCKETS) {
                push_sum(bucket, good * response.within(bound, 1.0));
            }
            let busy = rate * spec.service / f64::from(spec.workers);
            push_sum(&mut past.cpu, (busy + 0.02 * f64::from(replicas)) * spec.cpu * STEP as f64);
            past.replicas.push(f64::from(replicas));
            past.response.push(response.mean(1.0));
        }
        past
    }

    /// Adds the series in the names the workload's live metrics have.
    fn publish(self, spec: &Spec, columns: &mut Vec<Column>) {
        let mut add = |name: &str, further: &[(&str, &str)], values: Vec<f64>| {
            let own = [
                (METRIC_NAME, name),
                ("namespace", spec.namespace),
                ("deployment", spec.name),
                ("region", spec.region),
                ("team", spec.namespace),
            ];
            let labels = Labels::from_pairs(own.iter().chain(further).copied());
            let counter = ["_total", "_count", "_sum", "_bucket"].iter().any(|end| name.ends_with(end));
            columns.push(Column { labels, values, counter });
        };
        let cores: Vec<f64> = self.replicas.iter().map(|n| n * spec.cpu).collect();
        let bound = |bound: u32| vec![f64::from(bound); self.replicas.len()];
        if matches!(spec.owner, Owner::Autoscaler { .. }) {
            let hpa = [("horizontalpodautoscaler", spec.name)];
            add("kube_horizontalpodautoscaler_spec_min_replicas", &hpa, bound(spec.min));
            add("kube_horizontalpodautoscaler_spec_max_replicas", &hpa, bound(spec.max));
        }
        add("kube_deployment_spec_replicas", &[], self.replicas.clone());
        add("kube_deployment_status_replicas_ready", &[], self.replicas.clone());
        let pod = [("pod", "history"), ("container", spec.name)];
        add("container_cpu_usage_seconds_total", &pod, self.cpu.clone());
        let request = [("pod", "history"), ("container", spec.name), ("resource", "cpu"), ("unit", "core")];
        add("kube_pod_container_resource_requests", &request, cores);
        if let Some((store, cache)) = spec.store.and_then(|s| Some((s, s.cache?))) {
            let instance = format!("{cache}:6379");
            let looked_up = |share: f64| self.good.iter().map(|n| n * store.queries * share).collect();
            let labels = [("instance", instance.as_str())];
            add("redis_keyspace_hits_total", &labels, looked_up(store.hit));
            add("redis_keyspace_misses_total", &labels, looked_up(1.0 - store.hit));
        }
        match spec.dialect {
            Dialect::Otel => self.otel(spec, add),
            Dialect::Legacy => self.legacy(add),
            Dialect::Haproxy => self.haproxy(spec, add),
        }
    }

    fn otel(self, spec: &Spec, mut add: impl FnMut(&str, &[(&str, &str)], Vec<f64>)) {
        let labels = |status: &'static str| {
            [
                ("pod", "history"),
                ("service_name", spec.name),
                ("http_request_method", "GET"),
                ("http_response_status_code", status),
            ]
        };
        let name = |suffix: &str| format!("http_server_request_duration_seconds_{suffix}");
        add(&name("count"), &labels("500"), self.failed.clone());
        self.histogram(&name, &labels("200"), add);
    }

    fn legacy(self, mut add: impl FnMut(&str, &[(&str, &str)], Vec<f64>)) {
        let labels = |status: &'static str| [("pod", "history"), ("method", "GET"), ("code", status)];
        add("http_requests_total", &labels("200"), self.good.clone());
        add("http_requests_total", &labels("500"), self.failed.clone());
        self.histogram(&|suffix| format!("http_request_duration_seconds_{suffix}"), &labels("200"), add);
    }

    fn histogram(
        self,
        name: &dyn Fn(&str) -> String,
        labels: &[(&str, &str)],
        mut add: impl FnMut(&str, &[(&str, &str)], Vec<f64>),
    ) {
        for (bucket, bound) in self.buckets.into_iter().zip(BUCKETS) {
            let bound = bound.to_string();
            let labels: Vec<(&str, &str)> = labels.iter().copied().chain([("le", bound.as_str())]).collect();
            add(&name("bucket"), &labels, bucket);
        }
        let all: Vec<(&str, &str)> = labels.iter().copied().chain([("le", "+Inf")]).collect();
        add(&name("bucket"), &all, self.good.clone());
        add(&name("sum"), labels, self.seconds);
        add(&name("count"), labels, self.good);
    }

    fn haproxy(self, spec: &Spec, mut add: impl FnMut(&str, &[(&str, &str)], Vec<f64>)) {
        let proxy = ("proxy", spec.name);
        let total: Vec<f64> =
            self.good.iter().zip(&self.failed).map(|(good, failed)| good + failed).collect();
        add("haproxy_backend_http_requests_total", &[proxy], total);
        add("haproxy_backend_http_responses_total", &[proxy, ("code", "2xx")], self.good);
        add("haproxy_backend_http_responses_total", &[proxy, ("code", "5xx")], self.failed);
        add("haproxy_backend_response_time_average_seconds", &[proxy], self.response);
        add("haproxy_backend_active_servers", &[proxy], self.replicas);
    }
}

/// Replicas the owner would have had for `rate`.
pub fn need(spec: &Spec, rate: f64) -> u32 {
    let needed = if matches!(spec.owner, Owner::Autoscaler { .. }) {
        rate * spec.service / f64::from(spec.workers) / spec.target
    } else {
        rate / (spec.pod_capacity() * 0.6)
    };
    (needed.ceil() as u32).clamp(spec.min, spec.max)
}

fn push_sum(values: &mut Vec<f64>, more: f64) {
    let before = values.last().copied().unwrap_or(0.0);
    values.push(before + more);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::Scenario;
    use super::*;
    use crate::store::query::{Options, Prepared, range};

    #[test]
    fn a_rate_over_the_past_is_the_demand_of_that_time() {
        let world = World::new(7, Scenario::named("morning-ramp").unwrap());
        let history = History::of(&world);
        let start = world.scenario().start;
        let query = Prepared::new(
            "sum by (namespace, deployment, region) (rate(http_server_request_duration_seconds_count[5m]))",
        )
        .unwrap();
        let from = start - Duration::from_secs(7 * 86_400);
        let to = from + Duration::from_secs(6 * 3600);
        let step = Duration::from_secs(300);
        let answer = range(&history, &query, from, to, step, &Options::default()).unwrap();
        assert_eq!(answer.len(), 11, "all workloads that speak OpenTelemetry");
        let spec = &world.workloads[0].spec;
        let (_, samples) = answer
            .iter()
            .find(|(l, _)| l.get("deployment") == Some("checkout") && l.get("region") == Some("eu-west"))
            .unwrap();
        assert_eq!(samples.len(), 73);
        for sample in samples {
            // The rate over five minutes is the mean of the demand inside them.
            let second = sample.at.as_millis() / 1000 - 120;
            let expected = world.expected(spec, second);
            assert!((sample.value / expected - 1.0).abs() < 0.06, "{} {expected}", sample.value);
        }
    }

    #[test]
    fn counters_never_fall_and_reach_the_start() {
        let world = World::new(7, Scenario::named("calm").unwrap());
        let history = History::of(&world);
        let start = world.scenario().start;
        let budget = Budget::new(&Options::default());
        let all = history.select(&[], start - Duration::from_secs(7200), start, &budget).unwrap();
        for series in &all {
            assert_eq!(series.samples.last().unwrap().at, start);
            let name = series.labels.metric_name().unwrap();
            if name.ends_with("_total") || name.ends_with("_count") || name.ends_with("_bucket") {
                assert!(series.samples.windows(2).all(|w| w[0].value <= w[1].value), "{}", series.labels);
            }
        }
        let after = start + Duration::from_secs(1);
        assert!(history.select(&[], start, after, &budget).unwrap().is_empty());
    }
}
