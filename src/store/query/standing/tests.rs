//! What is kept gives the same answers as what is not, whatever happens to the series.

use proptest::prelude::*;

use super::super::{Options, Prepared, Standing, Value, instant};
use super::{Bounds, answers};
use crate::scrape::SourceId;
use crate::series::{Labels, Sample, Timestamp, stale_marker};
use crate::store::{Limits, Store};

/// Expressions with chains, and some whose chains cannot be kept.
const QUERIES: [&str; 18] = [
    "sum by (job) (rate(c_total[1m]))",
    "sum by (le, job) (rate(c_total[2m])) / on (job) group_left count by (job) (g)",
    "max by (job) (sum by (job, pod) (label_replace(rate(c_total[1m]), \"w\", \"$1\", \"pod\", \"(.*)-.*\")))",
    "sum by (w) (label_replace(3600 * increase(c_total[1m]), \"w\", \"$1\", \"pod\", \"(.*)-.*\"))",
    "sum by (job) (label_replace(g, \"job\", \"one\", \"pod\", \"a.*\"))",
    "avg without (pod) (g)",
    "min by (job) (g > 1) or max by (job) (g)",
    "count(g == bool 2)",
    "group by (pod) (g)",
    "stddev by (job) (abs(g - 2))",
    "sum by (job) (rate(c_total{pod=~\"a.*\"}[1m]) or rate(c_total{pod=~\".*-1\"}[1m]) or rate(c_total{pod=\"\"}[1m]))",
    "sum(last_over_time(g[90s]))",
    "sum(sum by (pod) (rate(c_total[1m])) * on (pod) group_left max by (pod) (g))",
    "quantile by (job) (0.5, g)",
    "sum by (__name__) (g)",
    "sum(rate(c_total[1m] offset 30s))",
    "topk(1, sum by (job) (g))",
    "max_over_time(sum(g)[1m:15s])",
];

const ANY: Bounds = Bounds { series: usize::MAX, samples: usize::MAX };

/// One scrape of one of two targets: per series no sample, a value, or a stale marker; and a time between.
type Step = (bool, Vec<Option<u8>>, u8);

fn series(target: bool, number: usize) -> Labels {
    let pod = format!("{}-{}", if number.is_multiple_of(3) { "a" } else { "b" }, number / 2);
    let name = if number.is_multiple_of(2) { "c_total" } else { "g" };
    let mut labels = vec![("__name__", name), ("job", if target { "x" } else { "y" })];
    if number != 4 {
        labels.push(("pod", &pod));
    }
    Labels::from_pairs(labels)
}

fn sorted(value: Value) -> Vec<(String, f64)> {
    let mut all: Vec<(String, f64)> = match value {
        Value::Vector(vector) => vector.into_iter().map(|(l, v)| (l.to_string(), v)).collect(),
        other => panic!("not a vector: {other:?}"),
    };
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

fn same(a: &[(String, f64)], b: &[(String, f64)]) -> bool {
    let near = |a: f64, b: f64| {
        a.to_bits() == b.to_bits()
            || (a - b).abs() <= 1e-12 * a.abs().max(b.abs())
            || (a.is_nan() && b.is_nan())
    };
    a.len() == b.len() && a.iter().zip(b).all(|((l, a), (m, b))| l == m && near(*a, *b))
}

fn compare(queries: &mut [Standing], store: &Store, at: Timestamp) {
    let options = Options::default();
    let mut all: Vec<&mut Standing> = queries.iter_mut().collect();
    let got = answers(&mut all, &store.snapshot(), at, &options, ANY);
    for (expr, got) in QUERIES.iter().zip(got) {
        let want = instant(store, &Prepared::new(expr).unwrap(), at, &options);
        match (got, want) {
            (Ok(got), Ok(want)) => {
                let (got, want) = (sorted(got), sorted(want));
                assert!(same(&got, &want), "{expr} at {at:?}: {got:?} instead of {want:?}");
            }
            (got, want) => assert_eq!(got.err(), want.err(), "{expr}"),
        }
    }
}

fn standing() -> Vec<Standing> {
    QUERIES.iter().map(|expr| Standing::new(Prepared::new(expr).unwrap())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Series that come, go, are reset, turn stale, are freed, and samples with times of their own: at each moment,
    /// what was kept before gives what an ordinary evaluation gives.
    #[test]
    fn kept_queries_answer_as_ordinary_ones_do(
        steps in prop::collection::vec(
            (any::<bool>(), prop::collection::vec(prop::option::weighted(0.8, 0..12u8), 1..9), 0..4u8), 1..90,
        ),
        retention in prop::sample::select(vec![120_u64, 600, 3600]),
    ) {
        let steps: Vec<Step> = steps;
        let limits = Limits { retention: std::time::Duration::from_secs(retention), ..Limits::default() };
        let mut store = Store::new(limits);
        let mut queries = standing();
        let mut now = 1000;
        for (number, (target, values, gap)) in steps.iter().enumerate() {
            now += 1 + 7 * i64::from(*gap) + if *gap == 3 { 40 } else { 0 };
            let at = Timestamp::from_secs(now);
            let samples: Vec<(Labels, Sample)> = values.iter().enumerate().filter_map(|(series_number, value)| {
                let value = match (*value)? { 11 => stale_marker(), 10 => f64::NAN, v => f64::from(v) };
                let own = if number % 7 == 6 && series_number == 2 { at - std::time::Duration::from_millis(300) } else { at };
                Some((series(*target, series_number), Sample::new(own, value)))
            }).collect();
            store.append_scrape(&SourceId::new(if *target { "x" } else { "y" }), at, &samples);
            if number.is_multiple_of(3) {
                compare(&mut queries, &store, at);
            }
        }
        compare(&mut queries, &store, Timestamp::from_secs(now + 200));
    }
}

/// A chain that is told nothing new does not go on counting what is gone, nor does it grow with churn.
#[test]
fn churn_is_followed_and_bounded() {
    let limits = Limits { retention: std::time::Duration::from_secs(60), ..Limits::default() };
    let mut store = Store::new(limits);
    let mut queries = standing();
    for round in 0..900_i64 {
        let at = Timestamp::from_secs(1000 + round * 15);
        let pods = (0..5).map(|n| format!("p{round}-{n}"));
        let samples: Vec<(Labels, Sample)> = pods
            .map(|pod| {
                let labels = Labels::from_pairs([("__name__", "g"), ("job", "x"), ("pod", &pod)]);
                (labels, Sample::new(at, 1.0))
            })
            .collect();
        store.append_scrape(&SourceId::new("x"), at, &samples);
        let mut all: Vec<&mut Standing> = queries.iter_mut().collect();
        let got = answers(&mut all, &store.snapshot(), at, &Options::default(), ANY);
        // count(g == bool 2), of the living only.
        assert_eq!(got[7], Ok(Value::Vector(vec![(Labels::empty(), 5.0)])), "round {round}");
    }
    let groups = queries.iter().flat_map(|q| &q.chains).map(|(_, members)| members.groups()).max();
    assert!(groups.is_some_and(|groups| groups < 3000), "{groups:?} groups");
    compare(&mut queries, &store, Timestamp::from_secs(1000 + 899 * 15));
}

/// What is added up is bounded, all of a query together, whatever may be loaded.
#[test]
fn limits_are_kept_and_named() {
    let mut store = Store::new(Limits::default());
    let source = SourceId::new("x");
    for round in 0..4_i64 {
        let at = Timestamp::from_secs(1000 + round * 15);
        let samples: Vec<(Labels, Sample)> = (0..20)
            .map(|n| {
                let pod = format!("p{n}");
                let name = if n < 10 { "c_total" } else { "g" };
                (Labels::from_pairs([("__name__", name), ("pod", &pod)]), Sample::new(at, f64::from(n)))
            })
            .collect();
        store.append_scrape(&source, at, &samples);
    }
    let at = Timestamp::from_secs(1045);
    let ask = |expr: &str, bounds: Bounds| {
        let mut query = Standing::new(Prepared::new(expr).unwrap());
        assert!(!query.chains.is_empty(), "{expr}");
        let options = Options { max_series: 10, ..Options::default() };
        let kept = answers(&mut [&mut query], &store.snapshot(), at, &options, bounds).remove(0);
        // Whatever was given up is whole again once there is room.
        let free = answers(&mut [&mut query], &store.snapshot(), at, &options, ANY).remove(0);
        assert_eq!(free, instant(&store, &Prepared::new(expr).unwrap(), at, &Options::default()), "{expr}");
        kept
    };
    let limit = |name: &str, bounds: Bounds, expr: &str| match ask(expr, bounds) {
        Err(error) => assert!(error.to_string().contains(&format!("limit `{name}`")), "{expr}: {error}"),
        Ok(value) => panic!("{expr} is over {name}: {value:?}"),
    };
    let few = |series, samples| Bounds { series, samples };
    limit("max_series", few(9, 1000), "sum(g)");
    limit("max_series", few(15, 1000), "sum(g) + sum(rate(c_total[1m]))");
    limit("max_samples", few(100, 30), "sum(rate(c_total[1m]))");
    assert!(ask("sum(g)", few(10, 1000)).is_ok());
    assert!(ask("sum(g) + quantile(0.5, g)", few(10, 1000)).is_ok());
    assert!(ask("sum(g) + sum(rate(c_total[1m]))", few(20, 1000)).is_ok());
    assert!(ask("sum(rate(c_total[1m]))", few(10, 50)).is_ok());
}

/// Most expressions of the recipes have chains, and what cannot have one has none.
#[test]
fn chains_are_found() {
    let count = |expr: &str| Standing::new(Prepared::new(expr).unwrap()).chains.len();
    assert_eq!(count("sum by (a) (rate(x[1m])) / sum by (a) (rate(y[1m]))"), 2);
    assert_eq!(count("histogram_quantile(0.9, sum by (le) (rate(x[1m])))"), 1);
    assert_eq!(count("sum(rate(x[1m] offset 1m))"), 0);
    assert_eq!(count("sum({a=\"b\"})"), 0);
    assert_eq!(count("sum(x or y)"), 0);
    assert_eq!(count("max_over_time(sum(x)[1m:])"), 0);
    assert_eq!(count("sum(x * on (a) group_left (b) y)"), 0);
    assert_eq!(count("topk(2, sum by (a) (x))"), 1);
}
