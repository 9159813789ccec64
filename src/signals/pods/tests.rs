use std::fmt::Write as _;

use super::*;
use crate::signals::store_tests::Rig;
use crate::signals::{Catalogue, Recipe};
use crate::store::query::{Options, Prepared, Value, instant};

/// What pods of one workload say after `t` seconds: name, requests a second, share of them below 0.1 s.
fn text(t: f64, workload: &str, pods: &[(&str, f64, f64)]) -> String {
    let mut text = String::new();
    let name = "http_server_request_duration_seconds";
    for (pod, rate, fast) in pods {
        let n = rate * t;
        for status in ["200", "503"] {
            let l = format!("{workload},pod=\"{pod}\",http_response_status_code=\"{status}\"");
            for (le, share) in [("0.1", *fast), ("0.4", 1.0), ("+Inf", 1.0)] {
                writeln!(text, "{name}_bucket{{{l},le=\"{le}\"}} {}", share * n / 2.0).unwrap();
            }
            writeln!(text, "{name}_count{{{l}}} {}\n{name}_sum{{{l}}} {n}", n / 2.0).unwrap();
        }
    }
    text
}

fn shop(name: &str) -> String {
    // Quotes, braces and backslashes are allowed in label values.
    format!("namespace=\"sh\\\"}}op\\\\\",deployment=\"{name}\",region=\"eu\",team=\"t\"")
}

/// Two workloads scraped for 105 s; `checkout` has the pods given.
fn rig(pods: &[(&str, f64, f64)]) -> (Rig, WorkloadId, Timestamp) {
    let mut rig = Rig::new();
    for i in 0..8 {
        let t = f64::from(i) * 15.0;
        let at = 10_000 + i64::from(i) * 15;
        let body = text(t, &shop("checkout"), pods) + &text(t, &shop("cart"), &[("cart-a", 5.0, 0.5)]);
        rig.scrape("app", at, &body);
        rig.resolve(at);
    }
    let id = WorkloadId::new("sh\"}op\\", "checkout", "eu");
    (rig, id, Timestamp::from_secs(10_105))
}

fn read(rig: &Rig, query: &PodQuery, now: Timestamp) -> BTreeMap<String, Finite> {
    let prepared = Prepared::new(&query.spec.expr).unwrap();
    let Value::Vector(series) = instant(&rig.store, &prepared, now, &Options::default()).unwrap() else {
        panic!("{} is no vector", query.spec.expr)
    };
    query.read(&Answer { expr: Arc::clone(&query.spec.expr), at: now, result: Ok(series) }).unwrap()
}

#[test]
fn every_pod_of_the_workload_is_measured_and_no_other() {
    let (rig, id, now) = rig(&[("checkout-a", 20.0, 1.0), ("checkout-b", 10.0, 0.5), ("idle", 0.0, 0.5)]);
    let queries = rig.resolver.pod_queries(&id, now);
    let kinds: Vec<_> = queries.iter().map(|q| q.kind).collect();
    assert_eq!(kinds, [SignalKind::LatencyP95, SignalKind::Demand]);
    for query in &queries {
        assert!(promql_parser::parser::parse(&query.spec.expr).is_ok(), "{}", query.spec.expr);
        assert!(query.spec.expr.contains(r#"{deployment="checkout",namespace="sh\"}op\\",region="eu"}"#));
    }
    let values = |query| -> Vec<(String, f64)> {
        let close = |v: Finite| (v.get() * 1e6).round() / 1e6;
        read(&rig, query, now).into_iter().map(|(pod, v)| (pod, close(v))).collect()
    };
    // All below 0.1: 95 % of the way; half below: 0.9 of the way from 0.1 to 0.4. Idle pods have no percentile.
    assert_eq!(values(&queries[0]), [("checkout-a".into(), 0.095), ("checkout-b".into(), 0.37)]);
    let demand = [("checkout-a".into(), 20.0), ("checkout-b".into(), 10.0), ("idle".into(), 0.0)];
    assert_eq!(values(&queries[1]), demand);
}

#[test]
fn unknown_and_stale_workloads_ask_nothing() {
    let (rig, id, now) = rig(&[("checkout-a", 20.0, 1.0)]);
    assert_eq!(rig.resolver.pod_queries(&WorkloadId::new("x", "y", "z"), now), []);
    assert_eq!(rig.resolver.pod_queries(&id, now + Duration::from_secs(60)), []);
}

#[test]
fn answers_are_bounded_and_errors_say_nothing() {
    let (rig, id, now) = rig(&[("checkout-a", 20.0, 1.0)]);
    let query = &rig.resolver.pod_queries(&id, now)[1];
    let labels = |pod: &str, name: &str| {
        Labels::from_pairs([
            ("namespace", "sh\"}op\\"),
            ("deployment", name),
            ("region", "eu"),
            ("pod", pod),
            ("instance", "10.0.0.1:80"),
        ])
    };
    let answer = |result| query.read(&Answer { expr: Arc::clone(&query.spec.expr), at: now, result });
    let many = (0..1_200).map(|i| (labels(&format!("p{i}"), "checkout"), 1.0)).collect();
    assert_eq!(answer(Ok(many)).unwrap().len(), MAX_PODS);
    let mixed = vec![
        (labels("a", "checkout"), 1.0),
        (labels("a", "checkout"), 2.0),
        (labels("b", "checkout"), f64::NAN),
        (labels("c", "cart"), 4.0),
        (labels("\u{1b}[2J", "checkout"), f64::INFINITY),
        (labels("", "checkout"), 5.0),
    ];
    let read: Vec<(String, f64)> =
        answer(Ok(mixed)).unwrap().into_iter().map(|(pod, v)| (pod, v.get())).collect();
    assert_eq!(read, [("10.0.0.1:80".into(), 5.0), ("a".into(), 3.0)]);
    assert_eq!(answer(Err("too busy".into())), None);
}

#[test]
fn a_mesh_in_milliseconds_counts_and_a_balancer_in_front_does_not() {
    let mut resolver = Resolver::new(&Catalogue::embedded().unwrap());
    let now = Timestamp::from_secs(1_000);
    let source = SourceId::new("prom");
    let answers_for = |resolver: &mut Resolver, has: &dyn Fn(&str) -> bool, pairs: &[(&str, &str)]| {
        let specs = resolver.queries(&source, has, Duration::from_secs(15));
        let one = |spec: QuerySpec| {
            let buckets = [("100", 1.0), ("200", 2.0), ("+Inf", 2.0)];
            let series = if spec.expr.contains("_bucket") {
                let of = |le| Labels::from_pairs(pairs.iter().copied().chain([("le", le)]));
                buckets.iter().map(|(le, v)| (of(*le), *v)).collect()
            } else {
                vec![(Labels::from_pairs(pairs.iter().copied()), 2.0)]
            };
            Answer { expr: spec.expr, at: now, result: Ok(series) }
        };
        let answers = specs.into_iter().map(one).collect();
        resolver.resolve(now, &[(source.clone(), answers)]);
    };
    let istio = [("destination_workload_namespace", "shop"), ("destination_workload", "cart")];
    answers_for(&mut resolver, &|m| m.starts_with("istio_"), &istio);
    let queries = resolver.pod_queries(&WorkloadId::new("shop", "cart", ""), now);
    let [p95, demand] = queries.as_slice() else { panic!("{queries:?}") };
    assert_eq!((&p95.source, &demand.source), (&source, &source));
    assert!(p95.spec.expr.contains(
        r#"{destination_workload="cart",destination_workload_namespace="shop",reporter="destination"}"#
    ));
    let of = |le| Labels::from_pairs(istio.into_iter().chain([("le", le), ("pod", "cart-a")]));
    let series = vec![(of("100"), 0.0), (of("200"), 2.0), (of("+Inf"), 2.0)];
    let read = p95.read(&Answer { expr: Arc::clone(&p95.spec.expr), at: now, result: Ok(series) }).unwrap();
    assert!((read["cart-a"].get() - 0.195).abs() < 1e-12, "{read:?}");

    let envoy = [("namespace", "shop"), ("envoy_cluster_name", "pay")];
    answers_for(&mut resolver, &|m| m.starts_with("envoy_"), &envoy);
    assert_eq!(resolver.pod_queries(&WorkloadId::new("shop", "pay", ""), now), []);
}

#[test]
fn every_shipped_recipe_has_a_form_by_pod_or_says_it_has_none() {
    let catalogue = Catalogue::embedded().unwrap();
    let with_pods = catalogue.recipes().iter().filter(|r| !r.identity.pod.is_empty());
    let of = |r: &Recipe| {
        let by = format!("{}, {}", r.identity.by(), r.identity.pod.join(", "));
        let entries = r
            .entries
            .iter()
            .filter(|e| matches!(e.target, Target::Histogram | Target::Signal(SignalKind::Demand)));
        entries.map(|e| e.expr(&by, "1m").to_string()).collect::<Vec<_>>()
    };
    let exprs: Vec<String> = with_pods.flat_map(of).collect();
    assert!(exprs.len() > 10, "{exprs:?}");
    for expr in exprs {
        let narrowed = narrow(&expr, &[("namespace", "a\nb\"\\"), ("app", "x}")]).expect(&expr);
        let selectors = narrowed.matches('{').count();
        assert_eq!(narrowed.matches(r#"namespace="a\nb\"\\""#).count(), selectors, "{narrowed}");
        assert!(Prepared::new(&narrowed).is_ok(), "{narrowed}");
    }
}
