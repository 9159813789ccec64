//! What the services themselves expose: OpenTelemetry names, and older ones for one service.

use super::super::catalog::Dialect;
use super::super::counters::{Histogram, ROUTES, Route, STATUSES};
use super::super::pod::Pod;
use super::super::queueing::BUCKETS;
use super::super::workload::Running;
use super::super::world::World;
use super::text::{Text, serving, workload_labels};

/// Bounds of the buckets as label values.
const BOUNDS: [&str; BUCKETS.len()] =
    ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10"];

/// The application metrics of `region`; `None` while its endpoint fails.
pub fn application(world: &World, region: &str) -> Option<String> {
    let here: Vec<&Running> = world.workloads.iter().filter(|w| w.spec.region == region).collect();
    if here.is_empty() || here.iter().any(|w| w.effects.metrics_gone || w.effects.region_down) {
        return None;
    }
    let mut text = Text::new();
    let now = world.second();
    let of = |dialect: Dialect| here.iter().copied().filter(move |w| w.spec.dialect == dialect);
    otel(&mut text, now, &of(Dialect::Otel).collect::<Vec<_>>());
    legacy(&mut text, now, &of(Dialect::Legacy).collect::<Vec<_>>());
    let speaking: Vec<&Running> =
        here.iter().copied().filter(|w| w.spec.dialect != Dialect::Haproxy).collect();
    common(&mut text, now, &speaking);
    Some(text.finish())
}

fn otel(text: &mut Text, now: i64, workloads: &[&Running]) {
    let name = "http_server_request_duration_seconds";
    text.family(name, "histogram", "Duration of HTTP server requests.");
    each_answer(now, workloads, |labels, route, status, pod, workload, histogram| {
        let error = if status == "200" { String::new() } else { format!(",error_type=\"{status}\"") };
        let labels = format!(
            "{labels},service_name=\"{}\",service_version=\"{}\",http_route=\"{}\",http_request_method=\"{}\",\
             http_response_status_code=\"{status}\"{error}",
            workload.spec.name, pod.version.0, route.0, route.1
        );
        write_histogram(text, name, &labels, histogram);
    });
    sizes(text, now, workloads);
    let name = "http_server_active_requests";
    text.family(name, "gauge", "Number of active HTTP server requests.");
    for workload in workloads {
        for (pod, labels) in serving(workload, now) {
            let labels = format!("{labels},service_name=\"{}\"", workload.spec.name);
            text.sample(name, &labels, pod.active.round());
        }
    }
}

fn legacy(text: &mut Text, now: i64, workloads: &[&Running]) {
    if workloads.is_empty() {
        return;
    }
    text.family("http_requests_total", "counter", "Requests by method, path and status code.");
    each_answer(now, workloads, |labels, route, status, _, _, histogram| {
        let labels = format!("{labels},path=\"{}\",method=\"{}\",code=\"{status}\"", route.0, route.1);
        text.count("http_requests_total", &labels, histogram.count);
    });
    let name = "http_request_duration_seconds";
    text.family(name, "histogram", "Duration of requests.");
    each_answer(now, workloads, |labels, route, status, _, _, histogram| {
        let labels = format!("{labels},path=\"{}\",method=\"{}\",code=\"{status}\"", route.0, route.1);
        write_histogram(text, name, &labels, histogram);
    });
}

/// Mean size of an answer, bytes.
const ANSWER: f64 = 24_000.0;

/// Sizes of answers; their buckets are left out, as a view of the SDK may.
fn sizes(text: &mut Text, now: i64, workloads: &[&Running]) {
    let name = "http_server_response_body_size_bytes";
    text.family(name, "histogram", "Size of HTTP server response bodies.");
    for workload in workloads {
        for (pod, labels) in serving(workload, now) {
            let count: f64 = pod.counters.answers.iter().flatten().map(|h| h.count.floor()).sum();
            let labels = format!("{labels},service_name=\"{}\"", workload.spec.name);
            text.sample_with(&format!("{name}_bucket"), &labels, ("le", "+Inf"), count);
            text.sample(&format!("{name}_sum"), &labels, count * ANSWER);
            text.count(&format!("{name}_count"), &labels, count);
        }
    }
}

/// Calls `write` for every pod, route and status: labels of the pod, path and method, status, pod, histogram.
fn each_answer(
    now: i64,
    workloads: &[&Running],
    mut write: impl FnMut(&str, (&str, &str), &str, &Pod, &Running, &Histogram),
) {
    for workload in workloads {
        for (pod, labels) in serving(workload, now) {
            for (route, answers) in ROUTES.iter().zip(&pod.counters.answers) {
                for (status, histogram) in STATUSES.iter().zip(answers) {
                    let path = path(workload.spec.name, *route);
                    write(&labels, (path, route.method), status, pod, workload, histogram);
                }
            }
        }
    }
}

/// What a service calls its routes: the second one of a shop can be done without.
fn path(service: &str, route: Route) -> &'static str {
    match (service, route.index) {
        ("checkout" | "cart", 0) => "/v1/basket",
        ("checkout" | "cart", _) => "/v1/recommendations",
        ("search", 0) => "/v1/search",
        ("search", _) => "/v1/suggestions",
        _ => route.path,
    }
}

fn write_histogram(text: &mut Text, name: &str, labels: &str, histogram: &Histogram) {
    let bucket = format!("{name}_bucket");
    let whole = whole_requests(histogram);
    for (bound, n) in BOUNDS.iter().zip(whole) {
        text.sample_with(&bucket, labels, ("le", bound), n);
    }
    let count = whole.last().copied().unwrap_or_default();
    text.sample_with(&bucket, labels, ("le", "+Inf"), count);
    text.sample(&format!("{name}_sum"), labels, histogram.sum);
    text.count(&format!("{name}_count"), labels, count);
}

/// The cumulative buckets, then the count, in whole requests. Each bucket is rounded before they are added up: rounding
/// the sums would let a bucket grow by one while the one above stands still, which no real histogram does.
fn whole_requests(histogram: &Histogram) -> [f64; BUCKETS.len() + 1] {
    let mut whole = [0.0; BUCKETS.len() + 1];
    let (mut below, mut sum) = (0.0, 0.0);
    let cumulative = histogram.buckets.iter().chain(std::iter::once(&histogram.count));
    for (out, n) in whole.iter_mut().zip(cumulative) {
        sum += (n - below).max(0.0).floor();
        below = *n;
        *out = sum;
    }
    whole
}

/// Metrics every service has, whatever its dialect.
fn common(text: &mut Text, now: i64, workloads: &[&Running]) {
    text.family("http_client_retries_total", "counter", "Requests that clients sent again.");
    for workload in workloads {
        text.count("http_client_retries_total", &workload_labels(workload), workload.retries);
    }
    text.family(
        "session_affinity_requests_total",
        "counter",
        "Requests by whether their session was on the pod.",
    );
    for workload in workloads.iter().filter(|w| w.spec.sticky) {
        let labels = workload_labels(workload);
        let (hit, miss) = workload.sessions;
        let name = "session_affinity_requests_total";
        text.sample_with(name, &labels, ("result", "hit"), hit.floor());
        text.sample_with(name, &labels, ("result", "miss"), miss.floor());
    }
    text.family("cache_gets_total", "counter", "Look-ups in the pod's own cache.");
    let own_only = |w: &&&Running| w.store.as_ref().is_none_or(|s| s.spec.cache.is_none());
    for workload in workloads.iter().filter(own_only) {
        for (pod, labels) in serving(workload, now) {
            let name = "cache_gets_total";
            text.sample_with(name, &labels, ("result", "hit"), pod.counters.local_hits.floor());
            text.sample_with(name, &labels, ("result", "miss"), pod.counters.local_misses.floor());
        }
    }
    locales(text, workloads);
    pools(text, now, workloads);
}

/// Requests by whether they were answered in the client's language.
fn locales(text: &mut Text, workloads: &[&Running]) {
    let name = "locale_requests_total";
    text.family(name, "counter", "Requests by whether the answer was in the client's locale.");
    for workload in workloads.iter().filter(|w| w.spec.sticky) {
        let total = workload.sessions.0 + workload.sessions.1;
        for (locale, result, share) in locale_shares(workload.spec.region) {
            let labels = format!("{},client_locale=\"{locale}\"", workload_labels(workload));
            text.sample_with(name, &labels, ("result", result), (total * share).floor());
        }
    }
}

/// `(asked for, how it was answered, share of requests)`: some people are not answered in their language.
fn locale_shares(region: &str) -> &'static [(&'static str, &'static str, f64)] {
    match region {
        "eu-west" => &[
            ("en-IE", "native", 0.52),
            ("fr-FR", "native", 0.27),
            ("de-DE", "native", 0.17),
            ("pl-PL", "fallback", 0.04),
        ],
        "us-east" => &[("en-US", "native", 0.82), ("es-US", "native", 0.16), ("pt-BR", "fallback", 0.02)],
        _ => &[("en-SG", "native", 0.58), ("zh-SG", "native", 0.31), ("ms-MY", "fallback", 0.11)],
    }
}

/// Connection pools, in OpenTelemetry's names.
fn pools(text: &mut Text, now: i64, workloads: &[&Running]) {
    let with_pool = || {
        workloads.iter().filter_map(move |w| {
            let ready = f64::from(w.ready(now).max(1));
            w.store.as_ref().map(|s| (*w, s, ready))
        })
    };
    let pool = |database: &str| format!("db_client_connection_pool_name=\"{database}\"");
    text.family("db_client_connection_count", "gauge", "Connections by state.");
    for (workload, store, ready) in with_pool() {
        for (_, labels) in serving(workload, now) {
            let labels = format!("{labels},{}", pool(store.spec.database));
            let idle = f64::from(store.spec.connections) - store.in_use;
            let name = "db_client_connection_count";
            text.sample_with(name, &labels, ("db_client_connection_state", "used"), store.in_use / ready);
            text.sample_with(name, &labels, ("db_client_connection_state", "idle"), idle / ready);
        }
    }
    text.family("db_client_connection_max", "gauge", "Most connections allowed.");
    for (workload, store, ready) in with_pool() {
        for (_, labels) in serving(workload, now) {
            let labels = format!("{labels},{}", pool(store.spec.database));
            text.sample("db_client_connection_max", &labels, f64::from(store.spec.connections) / ready);
        }
    }
    text.family("db_client_connection_pending_requests", "gauge", "Requests waiting for a connection.");
    for (workload, store, ready) in with_pool() {
        for (_, labels) in serving(workload, now) {
            let labels = format!("{labels},{}", pool(store.spec.database));
            text.sample("db_client_connection_pending_requests", &labels, (store.pending / ready).round());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_never_grows_by_more_than_the_one_above_it() {
        let mut histogram = Histogram::default();
        let mut before = whole_requests(&histogram);
        for step in 0..500_u32 {
            let share = f64::from(step % 7) / 7.0;
            for (i, bucket) in histogram.buckets.iter_mut().enumerate() {
                *bucket += share * (i as f64 + 1.0) / BUCKETS.len() as f64;
            }
            histogram.count += share;
            let now = whole_requests(&histogram);
            let grown: Vec<f64> = now.iter().zip(before).map(|(n, b)| n - b).collect();
            assert!(grown.iter().all(|g| *g >= 0.0), "{grown:?}");
            assert!(grown.windows(2).all(|w| w[0] <= w[1]), "{grown:?}");
            before = now;
        }
        assert!((histogram.count - before[BUCKETS.len()]).abs() < 12.0, "at most one short a bucket");
    }
}
