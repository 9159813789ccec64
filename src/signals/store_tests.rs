//! Recipes over the real path of scraped endpoints: exposition text, reader, store, evaluator, resolver.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use super::SignalKind as K;
use super::*;
use crate::scrape::exposition::{Format, Reader};
use crate::scrape::{Answer, SourceId};
use crate::series::Timestamp;
use crate::store::query::{Options, Prepared, Value, instant};
use crate::store::{self, Store};

const STEP: i64 = 15;

/// Endpoints scraped into one store, which is one source to the resolver.
pub(super) struct Rig {
    pub(super) store: Store,
    readers: BTreeMap<String, Reader>,
    pub(super) resolver: Resolver,
    source: SourceId,
}

impl Rig {
    pub fn new() -> Self {
        Self {
            store: Store::new(store::Limits::default()),
            readers: BTreeMap::new(),
            resolver: Resolver::new(&Catalogue::embedded().unwrap()),
            source: SourceId::new("scraped endpoints"),
        }
    }

    /// One scrape of `target` at `at` seconds.
    pub fn scrape(&mut self, target: &str, at: i64, body: &str) {
        let labels = BTreeMap::from([("instance".into(), target.into()), ("job".into(), "scraped".into())]);
        let reader = self
            .readers
            .entry(target.into())
            .or_insert_with(|| Reader::new(SourceId::new(target), &labels, crate::scrape::Limits::default()));
        let at = Timestamp::from_secs(at);
        let reading = reader.read(body.as_bytes(), Format::Text, at, true).unwrap();
        assert!(reading.problems.is_empty(), "{:?}", reading.problems);
        self.store.append_block(&reading.block);
    }

    /// Asks and resolves as the engine does.
    pub fn resolve(&mut self, at: i64) -> BTreeMap<String, SignalSet> {
        self.resolve_over(at, rate_span(Duration::from_secs(STEP as u64)))
    }

    /// The same with rates over `window`.
    fn resolve_over(&mut self, at: i64, window: Duration) -> BTreeMap<String, SignalSet> {
        let now = Timestamp::from_secs(at);
        let Self { store, resolver, source, .. } = self;
        let interval = Duration::from_secs(STEP as u64);
        let specs = resolver.queries_over(source, &|m| store.has_metric(m), interval, window);
        let answers = specs.into_iter().map(|spec| {
            let value = instant(&*store, &Prepared::new(&spec.expr).unwrap(), now, &Options::default());
            let Value::Vector(series) = value.unwrap_or_else(|e| panic!("{}: {e}", spec.expr)) else {
                panic!("{} is no vector", spec.expr)
            };
            Answer { expr: Arc::clone(&spec.expr), at: now, result: Ok(series) }
        });
        let answers = answers.collect();
        let sets = resolver.resolve(now, &[(source.clone(), answers)]);
        sets.into_iter().map(|s| (s.workload.to_string(), s)).collect()
    }
}

fn close(set: &SignalSet, kind: SignalKind, expected: f64) {
    let signal = set.get(kind).unwrap_or_else(|| panic!("{kind:?} is absent"));
    let value = set.fresh(kind).unwrap_or_else(|| panic!("{signal:?}"));
    assert!(
        (value - expected).abs() <= 1e-6 * expected.abs().max(1.0),
        "{kind:?}: {value}, expected {expected}"
    );
}

/// From the second poll on the rate is the true one, wherever in the first interval an endpoint was scraped first.
#[test]
fn a_rate_is_true_before_its_window_is_full() {
    for late in [0, 7, 14] {
        let mut rig = Rig::new();
        // Counters of a service that has run for a day.
        for at in 0..=90 {
            for (target, offset) in [("a", 0), ("b", late)] {
                if at >= offset && (at - offset) % STEP == 0 {
                    let n = 20 * (86_400 + at);
                    let body = format!(
                        "http_requests_total{{namespace=\"shop\",service=\"cart\",code=\"200\"}} {n}\n"
                    );
                    rig.scrape(target, at, &body);
                }
            }
            if at < late + STEP {
                continue;
            }
            let held = Duration::from_secs(at as u64);
            let sets = rig.resolve_over(at, young_span(Duration::from_secs(STEP as u64), held));
            let demand = sets["shop/cart"].fresh(K::Demand).unwrap();
            assert!((demand - 40.0).abs() < 0.5, "{demand} after {at} s, the second endpoint {late} s late");
        }
        // The whole window would not do, which is why it grows.
        let mut rig = Rig::new();
        for at in [0, STEP] {
            let n = 20 * (86_400 + at);
            rig.scrape("a", at, &format!("http_requests_total{{namespace=\"shop\",service=\"cart\"}} {n}\n"));
        }
        assert!(rig.resolve(STEP)["shop/cart"].fresh(K::Demand).unwrap() < 15.0);
    }
}

/// What two OpenTelemetry pods say after `t` seconds at 20 requests a second each, one in ten failing.
fn otel(t: f64) -> String {
    let mut text = String::new();
    for pod in ["checkout-7d9f8b6c5d-x2x4z", "checkout-7d9f8b6c5d-b5b6c"] {
        for (status, rate) in [("200", 18.0), ("503", 2.0)] {
            let l = format!(
                "service_name=\"checkout\",namespace=\"shop\",region=\"eu\",pod=\"{pod}\",http_response_status_code=\"{status}\""
            );
            let n = rate * t;
            let name = "http_server_request_duration_seconds";
            for (le, share) in [("0.1", 0.5), ("0.2", 0.9), ("+Inf", 1.0)] {
                writeln!(text, "{name}_bucket{{{l},le=\"{le}\"}} {}", share * n).unwrap();
            }
            writeln!(text, "{name}_count{{{l}}} {n}\n{name}_sum{{{l}}} {}", 0.12 * n).unwrap();
        }
    }
    text
}

fn cluster(t: f64) -> String {
    let mut text = String::from(
        "kube_deployment_spec_replicas{namespace=\"shop\",deployment=\"checkout\",region=\"eu\"} 2\n\
         kube_deployment_status_replicas_ready{namespace=\"shop\",deployment=\"checkout\",region=\"eu\"} 2\n\
         kube_deployment_labels{namespace=\"shop\",deployment=\"checkout\",region=\"eu\",label_team=\"payments\"} 1\n\
         kube_horizontalpodautoscaler_info{namespace=\"shop\",horizontalpodautoscaler=\"co-hpa\",region=\"eu\",scaletargetref_kind=\"Deployment\",scaletargetref_name=\"checkout\"} 1\n\
         kube_horizontalpodautoscaler_spec_min_replicas{namespace=\"shop\",horizontalpodautoscaler=\"co-hpa\",region=\"eu\"} 2\n\
         kube_horizontalpodautoscaler_spec_max_replicas{namespace=\"shop\",horizontalpodautoscaler=\"co-hpa\",region=\"eu\"} 10\n",
    );
    for (pod, phase) in
        [("checkout-7d9f8b6c5d-x2x4z", 0), ("checkout-7d9f8b6c5d-b5b6c", 0), ("checkout-7d9f8b6c5d-zzzzz", 1)]
    {
        let l = format!("namespace=\"shop\",region=\"eu\",pod=\"{pod}\"");
        writeln!(
            text,
            "kube_pod_container_resource_requests{{{l},container=\"app\",resource=\"cpu\",unit=\"core\"}} 0.5"
        )
        .unwrap();
        writeln!(text, "kube_pod_status_phase{{{l},phase=\"Succeeded\"}} {phase}").unwrap();
        if phase == 0 {
            let cpu = 0.25 * t;
            writeln!(text, "container_cpu_usage_seconds_total{{{l},container=\"app\"}} {cpu}").unwrap();
            writeln!(text, "container_cpu_usage_seconds_total{{{l},container=\"POD\"}} {cpu}").unwrap();
            writeln!(text, "container_cpu_usage_seconds_total{{{l}}} {cpu}").unwrap();
            writeln!(text, "container_memory_working_set_bytes{{{l},container=\"app\"}} 1e8").unwrap();
        }
    }
    writeln!(text, "container_memory_working_set_bytes{{namespace=\"shop\",region=\"eu\",pod=\"redis-cache-0\",container=\"redis\"}} 5e8").unwrap();
    text
}

#[test]
fn a_cluster_is_understood_from_its_expositions() {
    let mut rig = Rig::new();
    let mut sets = BTreeMap::new();
    for i in 0..8 {
        let (at, t) = (10_000 + i * STEP, (i * STEP) as f64);
        rig.scrape("app", at, &otel(t));
        rig.scrape("cluster", at, &cluster(t));
        sets = rig.resolve(at);
    }
    assert_eq!(sets.keys().collect::<Vec<_>>(), ["shop/checkout@eu", "shop/redis-cache@eu"]);
    let checkout = &sets["shop/checkout@eu"];
    for (kind, expected) in [
        (K::Demand, 40.0),
        (K::Errors, 4.0),
        (K::LatencyP50, 0.1),
        (K::LatencyMean, 0.12),
        (K::InFlight, 4.8),
        (K::CpuUsed, 0.5),
        (K::CpuRequested, 1.0),
        (K::MemoryUsed, 2e8),
        (K::ReplicasDesired, 2.0),
        (K::ReplicasReady, 2.0),
        (K::AutoscalerMin, 2.0),
        (K::AutoscalerMax, 10.0),
    ] {
        close(checkout, kind, expected);
    }
    assert_eq!(&*checkout.team, "payments");
    close(&sets["shop/redis-cache@eu"], K::MemoryUsed, 5e8);
    let histogram = checkout.latency.as_ref().unwrap();
    assert!((histogram.total() - 40.0).abs() < 1e-6 && histogram.bounds == [0.1, 0.2], "{histogram:?}");
    // What is shown as provenance, asked again, gives the same number.
    let p95 = checkout.get(K::LatencyP95).unwrap();
    let expr = &p95.provenance.as_ref().unwrap().expr;
    let at = Timestamp::from_secs(10_000 + 7 * STEP);
    let again = instant(&rig.store, &Prepared::new(expr).unwrap(), at, &Options::default()).unwrap();
    let Value::Vector(again) = again else { panic!("{again:?}") };
    assert!((again[0].1 - p95.value.unwrap().get()).abs() < 1e-12, "{again:?} {p95:?}");
}

#[test]
fn a_machine_is_a_workload_and_its_exporter_is_not() {
    let mut rig = Rig::new();
    let mut sets = BTreeMap::new();
    for i in 0..6 {
        let t = (i * STEP) as f64;
        let mut body = String::from(
            "node_exporter_build_info{version=\"1\"} 1\nprocess_start_time_seconds 1\nprocess_resident_memory_bytes 9\n\
             node_uname_info{nodename=\"vm\",machine=\"x86_64\",sysname=\"Linux\"} 1\n\
             node_memory_MemTotal_bytes 8e9\nnode_memory_MemAvailable_bytes 6e9\n",
        );
        for cpu in 0..2 {
            for (mode, share) in [("idle", 0.7), ("user", 0.2), ("system", 0.1)] {
                writeln!(body, "node_cpu_seconds_total{{cpu=\"{cpu}\",mode=\"{mode}\"}} {}", share * t)
                    .unwrap();
            }
        }
        rig.scrape("127.0.0.1:9100", 5_000 + i * STEP, &body);
        sets = rig.resolve(5_000 + i * STEP);
    }
    assert_eq!(sets.keys().collect::<Vec<_>>(), ["vm"]);
    let expected = [
        (K::CpuUsed, 0.6),
        (K::CpuLimit, 2.0),
        (K::MemoryUsed, 2e9),
        (K::MemoryLimit, 8e9),
        (K::ReplicasReady, 1.0),
    ];
    for (kind, value) in expected {
        close(&sets["vm"], kind, value);
    }
    assert!(sets["vm"].get(K::Demand).is_none(), "a machine has no demand of its own");
}

#[test]
fn haproxy_backends_are_workloads_with_affinity_only_where_sessions_stick() {
    let mut rig = Rig::new();
    let mut sets = BTreeMap::new();
    for i in 0..6 {
        let t = (i * STEP) as f64;
        let mut body = String::new();
        for (proxy, balanced) in [("shop", 2.0), ("plain", 10.0)] {
            let p = format!("proxy=\"{proxy}\"");
            writeln!(body, "haproxy_backend_http_requests_total{{{p}}} {}", 10.0 * t).unwrap();
            writeln!(body, "haproxy_backend_http_responses_total{{{p},code=\"2xx\"}} {}", 9.0 * t).unwrap();
            writeln!(body, "haproxy_backend_http_responses_total{{{p},code=\"5xx\"}} {t}").unwrap();
            writeln!(body, "haproxy_backend_response_time_average_seconds{{{p}}} 0.03").unwrap();
            writeln!(body, "haproxy_backend_current_queue{{{p}}} 4\nhaproxy_backend_active_servers{{{p}}} 3")
                .unwrap();
            // Two tries more than requests: retries are sessions too, and stick to nothing.
            writeln!(body, "haproxy_server_sessions_total{{{p},server=\"a\"}} {}", 12.0 * t).unwrap();
            writeln!(body, "haproxy_server_retry_warnings_total{{{p},server=\"a\"}} {}", 2.0 * t).unwrap();
            writeln!(body, "haproxy_server_loadbalanced_total{{{p},server=\"a\"}} {}", balanced * t).unwrap();
        }
        rig.scrape("lb", 5_000 + i * STEP, &body);
        sets = rig.resolve(5_000 + i * STEP);
    }
    let expected = [
        (K::Demand, 10.0),
        (K::Errors, 1.0),
        (K::LatencyMean, 0.03),
        (K::QueueDepth, 4.0),
        (K::ReplicasReady, 3.0),
    ];
    for (kind, value) in expected {
        close(&sets["shop"], kind, value);
    }
    close(&sets["shop"], K::AffinityRatio, 0.8);
    assert!(sets["plain"].get(K::AffinityRatio).is_none());
    assert!(sets["shop"].get(K::LatencyP95).is_none(), "a mean is never shown as a percentile");
}

#[test]
fn load_balancers_of_aws_are_understood() {
    let mut rig = Rig::new();
    let labels = "{dimension_LoadBalancer=\"app/shop/1\",namespace=\"prod\",region=\"eu-west-1\",workload=\"checkout\"}";
    let mut body = String::new();
    for (name, value) in [
        ("aws_applicationelb_request_count_sum", 6000.0),
        ("aws_applicationelb_request_count_sum_per_second", 100.0),
        ("aws_applicationelb_target_response_time_p95", 0.25),
    ] {
        writeln!(body, "{name}{labels} {value}").unwrap();
    }
    rig.scrape("cloudwatch", 5_000, &body);
    let sets = rig.resolve(5_000);
    let set = &sets["prod/checkout@eu-west-1"];
    close(set, K::Demand, 100.0);
    close(set, K::LatencyP95, 0.25);
    assert!(set.get(K::Errors).is_none(), "a minute without errors has no value, which is not zero");
}

#[test]
fn a_locale_is_served_when_the_answer_is_in_its_language() {
    let mut rig = Rig::new();
    let mut sets = BTreeMap::new();
    for i in 0..6 {
        let t = (i * STEP) as f64;
        let mut body = String::new();
        for (locale, language, rate) in
            [("en-IE", "en", 6.0), ("fr-FR", "fr", 2.0), ("pl-PL", "en", 1.0), ("fr-BE", "en", 1.0)]
        {
            writeln!(body, "app_requests_by_locale_total{{deployment=\"checkout\",client_locale=\"{locale}\",content_language=\"{language}\"}} {}", rate * t).unwrap();
        }
        rig.scrape("app", 5_000 + i * STEP, &body);
        sets = rig.resolve(5_000 + i * STEP);
    }
    close(&sets["checkout"], SignalKind::LocaleRatio, 0.8);
}
