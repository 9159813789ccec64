//! The resolver over hand-made answers: recipes, identity, freshness, fallback, suspicion.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::scrape::{Answer, SourceId};
use crate::series::{Labels, Timestamp};

pub(super) const STEP: Duration = Duration::from_secs(15);

/// A resolver, one source with the given metrics, and its answers by a substring of the expression.
pub(super) struct Bench {
    pub resolver: Resolver,
    pub source: SourceId,
    pub exprs: Vec<Arc<str>>,
}

pub(super) type Row<'a> = (&'a [(&'a str, &'a str)], f64);

impl Bench {
    pub fn new(metrics: &[&str]) -> Self {
        let mut resolver = Resolver::new(&Catalogue::embedded().unwrap());
        let source = SourceId::new("http://prom:9090");
        let specs = resolver.queries(&source, &|m| metrics.contains(&m), STEP);
        Self { resolver, source, exprs: specs.into_iter().map(|s| s.expr).collect() }
    }

    /// Answers every asked expression at `at` seconds: the first needle found in it decides, none gives an
    /// empty vector.
    pub fn answers(&self, at: i64, rows: &[(&str, &[Row])]) -> (SourceId, Vec<Answer>) {
        let answer = |expr: &Arc<str>| {
            let found = rows.iter().find(|(needle, _)| expr.contains(needle));
            let series = found.map_or(&[][..], |(_, r)| r);
            let series = series.iter().map(|(l, v)| (Labels::from_pairs(l.iter().copied()), *v)).collect();
            Answer { expr: Arc::clone(expr), at: Timestamp::from_secs(at), result: Ok(series) }
        };
        (self.source.clone(), self.exprs.iter().map(answer).collect())
    }

    pub fn tick(&mut self, at: i64, rows: &[(&str, &[Row])]) -> Vec<SignalSet> {
        let answers = self.answers(at, rows);
        self.resolver.resolve(Timestamp::from_secs(at), &[answers])
    }
}

fn ids(sets: &[SignalSet]) -> Vec<String> {
    sets.iter().map(|s| s.workload.to_string()).collect()
}

const SHOP: &[(&str, &str)] = &[("service_name", "checkout"), ("namespace", "shop"), ("region", "eu")];

#[test]
fn otel_http_gives_demand_errors_quantiles_and_little() {
    let mut bench = Bench::new(&[
        "http_server_request_duration_seconds_count",
        "http_server_request_duration_seconds_sum",
        "http_server_request_duration_seconds_bucket",
    ]);
    // Four signals, a histogram, and three breakdowns.
    assert_eq!(bench.exprs.len(), 8, "one query per entry, one for all three quantiles: {:?}", bench.exprs);
    let le = |b: &'static str| [SHOP, &[("le", b)]].concat();
    let (a, b, c) = (le("0.1"), le("0.5"), le("+Inf"));
    let sets = bench.tick(
        1000,
        &[
            ("_bucket", &[(&a, 40.0), (&b, 90.0), (&c, 100.0)]),
            ("5..", &[(SHOP, 2.0)]),
            ("_sum[1m])) /", &[(SHOP, 0.2)]),
            ("_sum", &[(SHOP, 20.0)]),
            ("_count", &[([SHOP, &[("team", "pay\u{7}")]].concat().as_slice(), 60.0), (SHOP, 40.0)]),
        ],
    );
    assert_eq!(ids(&sets), ["shop/checkout@eu"]);
    let set = &sets[0];
    assert_eq!(set.fresh(SignalKind::Demand), Some(100.0), "series of one workload add up");
    assert_eq!(set.fresh(SignalKind::Errors), Some(2.0));
    assert_eq!(set.fresh(SignalKind::InFlight), Some(20.0));
    assert_eq!(set.fresh(SignalKind::LatencyMean), Some(0.2));
    assert!((set.fresh(SignalKind::LatencyP50).unwrap() - 0.18).abs() < 1e-12);
    assert_eq!(set.latency.as_ref().unwrap().rates, [40.0, 50.0, 10.0]);
    assert_eq!(&*set.team, "pay\\u{7}");
    let p = set.get(SignalKind::LatencyP95).unwrap().provenance.clone().unwrap();
    assert_eq!(&*p.recipe, "otel_http");
    assert!(p.expr.starts_with("histogram_quantile(0.95, sum by (le, namespace"), "{}", p.expr);
    assert!(set.get(SignalKind::CpuUsed).is_none());
}

#[test]
fn sources_that_know_more_or_less_of_a_name_speak_of_one_workload() {
    let mut bench = Bench::new(&[
        "http_requests_total",
        "kube_deployment_spec_replicas",
        "kube_deployment_status_replicas_ready",
        "container_cpu_usage_seconds_total",
    ]);
    let sets = bench.tick(
        1000,
        &[
            ("code=", &[]),
            ("http_requests_total", &[(&[("job", "checkout")], 50.0)]),
            (
                "spec_replicas",
                &[(&[("deployment", "checkout"), ("namespace", "shop"), ("region", "eu")], 4.0)],
            ),
            (
                "replicas_ready",
                &[(&[("deployment", "checkout"), ("namespace", "shop"), ("region", "eu")], 3.0)],
            ),
            ("cpu_usage", &[(&[("workload", "checkout"), ("namespace", "shop")], 1.5)]),
        ],
    );
    assert_eq!(ids(&sets), ["shop/checkout@eu"]);
    let got =
        [SignalKind::Demand, SignalKind::ReplicasDesired, SignalKind::ReplicasReady, SignalKind::CpuUsed]
            .map(|k| sets[0].fresh(k));
    assert_eq!(got, [Some(50.0), Some(4.0), Some(3.0), Some(1.5)]);
    assert_eq!(sets[0].freshness(SignalKind::Errors), Freshness::Missing, "no status label: not zero");
}

/// A cluster says no region where the metrics do, and a metric may say no namespace where the cluster does.
#[test]
fn a_platform_object_and_its_metrics_are_one_workload() {
    let id = |s: &str| s.parse::<crate::fleet::WorkloadId>().unwrap();
    let mut bench = Bench::new(&["http_requests_total"]);
    let full: &[(&str, &str)] = &[("job", "web"), ("namespace", "shop"), ("region", "prod")];
    let rows: &[Row] = &[(full, 50.0), (&[("job", "cart")], 5.0)];
    bench.resolver.listed("kubernetes", [id("shop/web"), id("shop/cart"), id("shop/idle")].into());
    let sets = bench.tick(1000, &[("code=", &[]), ("http_requests_total", rows)]);
    assert_eq!(ids(&sets), ["shop/cart", "shop/web@prod"], "what only the platform knows has no signals");
    assert_eq!(bench.resolver.meant_by(&id("shop/web")), id("shop/web@prod"));
    assert_eq!(bench.resolver.meant_by(&id("shop/cart")), id("shop/cart"));
    // Two could be meant: the object stands alone, and so does the metric without namespace.
    bench.resolver.listed("other", [id("shop/web@east"), id("ops/cart")].into());
    let sets = bench.tick(1015, &[("code=", &[]), ("http_requests_total", rows)]);
    assert_eq!(ids(&sets), ["cart", "shop/web@prod"]);
    assert_eq!(bench.resolver.meant_by(&id("shop/web")), id("shop/web"));
    // Named as fully by both: still one, and a third naming means it.
    bench.resolver.listed("other", [id("shop/web@prod")].into());
    let rows: &[Row] = &[(full, 50.0), (&[("job", "web"), ("region", "prod")], 5.0)];
    let sets = bench.tick(1030, &[("code=", &[]), ("http_requests_total", rows)]);
    assert_eq!(ids(&sets), ["shop/cart", "shop/web@prod"]);
}

#[test]
fn values_turn_stale_then_missing_and_never_zero() {
    let mut bench = Bench::new(&["http_requests_total"]);
    let rows: &[(&str, &[Row])] = &[("code=", &[]), ("http_requests_total", &[(SHOP, 50.0)])];
    bench.tick(1000, rows);
    let state = |sets: &[SignalSet]| {
        let s = sets[0].get(SignalKind::Demand).unwrap().clone();
        (s.freshness, s.value.map(crate::series::Finite::get), s.note)
    };
    let sets = bench.tick(1030, &[]);
    assert_eq!(state(&sets), (Freshness::Fresh, Some(50.0), String::new()));
    let (freshness, value, note) = state(&bench.tick(1031, &[]));
    assert_eq!((freshness, value), (Freshness::Stale, Some(50.0)));
    assert!(note.contains("31 s ago"), "{note}");
    let failing = bench.exprs.iter().map(|e| Answer {
        expr: Arc::clone(e),
        at: Timestamp::from_secs(1100),
        result: Err("refused\u{1b}[2J".into()),
    });
    let sets = bench
        .resolver
        .resolve(Timestamp::from_secs(1100), &[(bench.source.clone(), failing.collect::<Vec<_>>())]);
    let (_, _, note) = state(&sets);
    assert!(note.contains("http://prom:9090: refused\\u{1b}[2J"), "{note}");
    assert_eq!(sets[0].fresh(SignalKind::Demand), None);
    assert_eq!(sets[0].latest(SignalKind::Demand), Some(50.0));
    let (freshness, value, _) = state(&bench.tick(1000 + 3700, &[]));
    assert_eq!((freshness, value), (Freshness::Missing, None));
    assert!(bench.tick(1000 + 7300, &[]).is_empty(), "forgotten");
}

#[test]
fn the_first_source_with_fresh_data_wins_within_one_family() {
    let mut bench =
        Bench::new(&["istio_requests_total", "http_requests_total", "redis_commands_processed_total"]);
    let istio: &[(&str, &str)] = &[("destination_workload", "checkout")];
    let app: &[(&str, &str)] = &[("job", "checkout")];
    let all: &[(&str, &[Row])] = &[
        ("code=", &[]),
        ("istio", &[(istio, 10.0)]),
        ("http_requests", &[(app, 11.0)]),
        ("redis", &[(app, 9000.0)]),
    ];
    assert_eq!(bench.tick(1000, all)[0].fresh(SignalKind::Demand), Some(10.0));
    let sets = bench.tick(1060, &all[2..3]);
    assert_eq!(sets[0].fresh(SignalKind::Demand), Some(11.0), "the next one stands in");
    assert_eq!(
        &*sets[0].get(SignalKind::Demand).unwrap().provenance.as_ref().unwrap().recipe,
        "http_requests_total"
    );
    let sets = bench.tick(1120, &all[3..]);
    assert_eq!(
        sets[0].freshness(SignalKind::Demand),
        Freshness::Stale,
        "commands are no stand-in for requests"
    );
    let sets = bench.tick(1135, &[("code=", &[]), ("http_requests", &[(app, 0.0)])]);
    assert_eq!(sets[0].fresh(SignalKind::Demand), None, "nor is a stand-in's zero");
}

#[test]
fn a_sudden_zero_is_suspect_until_a_living_witness_confirms_it() {
    let mut bench = Bench::new(&["http_requests_total", "container_cpu_usage_seconds_total"]);
    let workload: &[(&str, &str)] = &[("workload", "checkout"), ("namespace", "shop"), ("region", "eu")];
    let mut at = 1000;
    let mut tick = |demand: f64, cpu: f64| {
        at += 15;
        let rows: &[(&str, &[Row])] =
            &[("code=", &[]), ("http_requests", &[(SHOP, demand)]), ("cpu_usage", &[(workload, cpu)])];
        bench.tick(at, rows).remove(0)
    };
    assert_eq!(tick(100.0, 2.0).fresh(SignalKind::Demand), Some(100.0));
    for _ in 0..40 {
        let set = tick(0.0, 2.0);
        assert_eq!(set.freshness(SignalKind::Demand), Freshness::Suspect);
        assert_eq!((set.fresh(SignalKind::Demand), set.latest(SignalKind::Demand)), (None, None));
        assert_eq!(set.at_least(SignalKind::Demand), None, "a zero is at least nothing");
    }
    for _ in 0..40 {
        let set = tick(0.0, 0.0);
        assert_eq!(set.fresh(SignalKind::Demand), None, "everything zero at once is an outage of telemetry");
        assert_eq!(set.fresh(SignalKind::CpuUsed), None);
    }
    let back: Vec<SignalSet> = (0..3).map(|_| tick(80.0, 1.6)).collect();
    let fresh = |set: &SignalSet| set.fresh(SignalKind::Demand);
    assert_eq!(back.iter().map(fresh).collect::<Vec<_>>(), [None, None, Some(80.0)]);
    let least = |set: &SignalSet| (set.latest(SignalKind::Demand), set.at_least(SignalKind::Demand));
    assert_eq!(least(&back[0]), (None, Some(80.0)), "enough to raise, and shown as what it was");
    assert_eq!(back[0].get(SignalKind::Demand).unwrap().value.map(crate::series::Finite::get), Some(100.0));
    assert_eq!(tick(f64::NAN, 2.0).freshness(SignalKind::Demand), Freshness::Suspect);
    for _ in 0..3 {
        tick(80.0, 1.6);
    }
    let believed = (0..20).find(|_| tick(0.0, 0.1).fresh(SignalKind::Demand) == Some(0.0));
    assert_eq!(believed, Some(13), "after three minutes");
}

#[test]
fn ambiguous_ratios_and_broken_histograms_are_unknown() {
    let mut bench = Bench::new(&[
        "session_affinity_requests_total",
        "http_request_duration_seconds_bucket",
        "http_request_duration_seconds_count",
    ]);
    let le = |b: &'static str| [SHOP, &[("le", b)]].concat();
    let (a, b) = (le("0.1"), le("+Inf"));
    let sets = bench.tick(
        1000,
        &[
            ("affinity", &[(SHOP, 0.9), ([SHOP, &[("job", "b")]].concat().as_slice(), 0.1)]),
            ("_bucket", &[(&a, 40.0), (&b, 30.0)]),
        ],
    );
    let signal = |kind| sets[0].get(kind).unwrap();
    assert_eq!(signal(SignalKind::AffinityRatio).freshness, Freshness::Missing);
    assert!(signal(SignalKind::AffinityRatio).note.contains("2 series"));
    assert_eq!(signal(SignalKind::LatencyP95).value, None);
    assert!(signal(SignalKind::LatencyP95).note.contains("less than the one below"));
    assert!(sets[0].latency.is_none());
}

#[test]
fn milliseconds_become_seconds() {
    let mut bench = Bench::new(&[
        "istio_requests_total",
        "istio_request_duration_milliseconds_bucket",
        "istio_request_duration_milliseconds_sum",
        "istio_request_duration_milliseconds_count",
    ]);
    let w: &[(&str, &str)] = &[("destination_workload", "cart"), ("destination_workload_namespace", "shop")];
    let (a, b) = ([w, &[("le", "100")]].concat(), [w, &[("le", "+Inf")]].concat());
    let sets = bench.tick(1000, &[("_bucket", &[(&a, 10.0), (&b, 10.0)])]);
    assert_eq!(ids(&sets), ["shop/cart"]);
    assert_eq!(sets[0].fresh(SignalKind::LatencyP50), Some(0.05));
    let p = sets[0].get(SignalKind::LatencyP50).unwrap().provenance.clone().unwrap();
    assert!(p.expr.starts_with("0.001 * histogram_quantile("), "{}", p.expr);
    assert!(bench.exprs.iter().any(|e| e.starts_with("0.001 * (sum by")), "{:?}", bench.exprs);
    assert!(bench.exprs.iter().all(|e| e.contains("reporter=\"destination\"")));
}

#[test]
fn the_number_of_workloads_is_bounded() {
    let mut bench = Bench::new(&["http_requests_total"]);
    bench.resolver = bench.resolver.with_max_workloads(2);
    let names: Vec<String> = (0..5).map(|i| format!("w{i}")).collect();
    let labels: Vec<[(&str, &str); 1]> = names.iter().map(|n| [("job", n.as_str())]).collect();
    let rows: Vec<Row> = labels.iter().map(|l| (l.as_slice(), 1.0)).collect();
    let sets = bench.tick(1000, &[("code=", &[]), ("http_requests", &rows)]);
    assert_eq!((ids(&sets), bench.resolver.refused()), (vec!["w0".into(), "w1".into()], 3));
}

#[test]
fn a_zero_as_the_first_sample_after_a_restart_is_judged_against_history() {
    let rows: &[(&str, &[Row])] = &[("code=", &[]), ("http_requests", &[(SHOP, 0.0)])];
    let first = |history: &History| {
        let mut bench = Bench::new(&["http_requests_total"]);
        bench.resolver.remember(history);
        bench.tick(100_000, rows).remove(0)
    };
    assert_eq!(first(&History::new()).fresh(SignalKind::Demand), Some(0.0));
    let mut history = History::new();
    let id = "shop/checkout@eu".parse().unwrap();
    history.import(&id, SignalKind::Demand, Timestamp::from_secs(90_000), 300.0);
    let set = first(&history);
    assert_eq!(set.freshness(SignalKind::Demand), Freshness::Suspect);
    assert!(set.get(SignalKind::Demand).unwrap().note.contains("exactly zero"));
    let mut quiet = History::new();
    quiet.import(&id, SignalKind::Demand, Timestamp::from_secs(90_000), 0.2);
    assert_eq!(first(&quiet).fresh(SignalKind::Demand), Some(0.0));
}
