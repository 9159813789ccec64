//! Queries over hand-made series; the bulk is in `tests/promql_conformance.rs`.

use std::time::Duration;

use super::{Budget, Matcher, Options, Prepared, QueryError, Series, Storage, Value, instant, range};
use crate::series::{Labels, Sample, Timestamp};

struct Fixed(Vec<Series>);

impl Storage for Fixed {
    fn select(
        &self,
        matchers: &[Matcher],
        from: Timestamp,
        to: Timestamp,
        budget: &Budget,
    ) -> Result<Vec<Series>, QueryError> {
        let mut found = Vec::new();
        for s in self.0.iter().filter(|s| matchers.iter().all(|m| m.matches(&s.labels))) {
            let samples: Vec<Sample> =
                s.samples.iter().copied().filter(|x| x.at > from && x.at <= to).collect();
            budget.charge(1, samples.len())?;
            found.push(Series { labels: s.labels.clone(), samples });
        }
        Ok(found)
    }
}

fn counter(job: &str, per_step: f64) -> Series {
    let labels = Labels::from_pairs([("__name__", "hits_total"), ("job", job)]);
    let samples = (0..=20).map(|i| Sample::new(Timestamp::from_secs(i * 15), i as f64 * per_step)).collect();
    Series { labels, samples }
}

fn fixed() -> Fixed {
    Fixed(vec![counter("a", 15.0), counter("b", 30.0)])
}

fn ask(expr: &str) -> Result<Value, QueryError> {
    instant(&fixed(), &Prepared::new(expr)?, Timestamp::from_secs(300), &Options::default())
}

#[test]
fn rates_and_sums() {
    let Value::Vector(v) = ask("sum by (job) (rate(hits_total[1m]))").unwrap() else { panic!() };
    let shown: Vec<String> = v.iter().map(|(l, v)| format!("{l} {v:.9}")).collect();
    assert_eq!(shown, ["{job=\"a\"} 1.000000000", "{job=\"b\"} 2.000000000"]);
    assert_eq!(ask("scalar(sum(hits_total)) / 2").unwrap(), Value::Scalar(450.0));
    assert_eq!(ask("nothing_here").unwrap(), Value::Vector(Vec::new()));
}

#[test]
fn ranges_keep_gaps() {
    let got = range(
        &fixed(),
        &Prepared::new("hits_total{job=\"a\"} > 100 < 200").unwrap(),
        Timestamp::from_secs(0),
        Timestamp::from_secs(300),
        Duration::from_secs(60),
        &Options::default(),
    )
    .unwrap();
    assert_eq!(got.len(), 1);
    let times: Vec<i64> = got[0].1.iter().map(|s| s.at.as_millis() / 1000).collect();
    assert_eq!(times, [120, 180]);
}

#[test]
fn limits_name_themselves() {
    let options = Options { max_series: 1, ..Options::default() };
    let query = Prepared::new("hits_total").unwrap();
    let error = instant(&fixed(), &query, Timestamp::from_secs(300), &options).unwrap_err();
    assert!(error.to_string().contains("max_series"), "{error}");
    let options = Options { max_samples: 5, ..Options::default() };
    let error = instant(&fixed(), &query, Timestamp::from_secs(300), &options).unwrap_err();
    assert!(error.to_string().contains("max_samples"), "{error}");
    let (from, to) = (Timestamp::from_secs(0), Timestamp::from_secs(86_400));
    let error = range(&fixed(), &query, from, to, Duration::from_secs(1), &Options::default()).unwrap_err();
    assert!(error.to_string().contains("max_steps"), "{error}");
}

#[test]
fn hostile_expressions_are_refused() {
    for depth in [200, 7000] {
        let deep = format!("{}1{}", "(".repeat(depth), ")".repeat(depth));
        assert!(matches!(Prepared::new(&deep), Err(QueryError::Parse(_))));
        assert!(matches!(Prepared::new(&format!("1{}", "+1".repeat(depth))), Err(QueryError::Parse(_))));
        assert!(matches!(Prepared::new(&format!("{}a", "-".repeat(depth))), Err(QueryError::Parse(_))));
    }
    // Durations and everything else that can be put together over and over.
    let sum = |terms| format!("1{}", "+1".repeat(terms));
    let nested = |levels| (0..levels).fold(sum(100), |inner, _| format!("({inner}){}", "+1".repeat(100)));
    for depth in [200, 900] {
        for text in [
            format!("sum_over_time(m[{}])", sum(depth)),
            format!("sum_over_time(m[5m:{}])", sum(depth)),
            format!("m offset ({})", sum(depth)),
            format!("m[1{}]", "^1".repeat(depth)),
            format!("m[{}1]", "-".repeat(depth)),
            format!("m[{}1{}]", "max(1,".repeat(depth), ")".repeat(depth)),
            // Each level of parentheses is shallow, all together are not.
            format!("m offset ({})", nested(depth / 10)),
            nested(depth / 10),
            format!("{}a{}", "abs(".repeat(depth), ")".repeat(depth)),
            format!("{}a{}", "sum(".repeat(depth), ")".repeat(depth)),
            format!("{}a{}", "last_over_time(".repeat(depth), "[1m:])".repeat(depth)),
            format!("a{}", "^-a".repeat(depth)),
        ] {
            let error = Prepared::new(&text).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains("nested deeper") || error.contains("longer than"), "{text}: {error}");
        }
    }
    assert!(Prepared::new(&format!("m offset ({})", sum(100))).is_ok());
    assert!(matches!(Prepared::new(&"a".repeat(20_000)), Err(QueryError::Parse(_))));
    assert!(matches!(Prepared::new("sum("), Err(QueryError::Parse(_))));
    assert!(matches!(Prepared::new("{a=\"b\" or c=\"d\"}"), Err(QueryError::Parse(_))));
}

fn one(name: &str, labels: &[(&str, &str)], points: &[(i64, f64)]) -> Series {
    let mut pairs = vec![("__name__", name)];
    pairs.extend_from_slice(labels);
    let samples = points.iter().map(|(t, v)| Sample::new(Timestamp::from_secs(*t), *v)).collect();
    Series { labels: Labels::from_pairs(pairs), samples }
}

fn shown(storage: &Fixed, expr: &str, at: i64, options: &Options) -> Result<Vec<String>, QueryError> {
    match instant(storage, &Prepared::new(expr)?, Timestamp::from_secs(at), options)? {
        Value::Vector(v) => Ok(v.iter().map(|(l, v)| format!("{l} {v}")).collect()),
        other => Ok(vec![format!("{other:?}")]),
    }
}

#[test]
fn names_are_dropped_at_once_unless_told_otherwise() {
    let data = Fixed(vec![one("a", &[("x", "1")], &[(0, 1.0)]), one("b", &[("x", "1")], &[(0, 2.0)])]);
    let (now, delayed) = (Options::default(), Options { delayed_name_removal: true, ..Options::default() });
    let expr = "label_replace(abs({x=\"1\"}), \"was\", \"$1\", \"__name__\", \"(.*)\")";
    assert!(shown(&data, expr, 0, &now).is_err(), "two equal label sets");
    assert_eq!(shown(&data, expr, 0, &delayed).unwrap(), ["{was=\"a\",x=\"1\"} 1", "{was=\"b\",x=\"1\"} 2"]);
    for options in [now, delayed] {
        assert!(shown(&data, "abs({x=\"1\"})", 0, &options).is_err());
        assert_eq!(shown(&data, "-a", 0, &options).unwrap(), ["{x=\"1\"} -1"]);
        assert_eq!(shown(&data, "a < 5", 0, &options).unwrap(), ["a{x=\"1\"} 1"]);
        assert_eq!(shown(&data, "a < bool 5", 0, &options).unwrap(), ["{x=\"1\"} 1"]);
        assert_eq!(shown(&data, "a + on (x) b", 0, &options).unwrap(), ["{x=\"1\"} 3"]);
    }
}

#[test]
fn windows_are_open_at_their_start() {
    let data = Fixed(vec![one("m", &[], &[(0, 1.0), (10, 2.0), (20, 3.0)])]);
    let ask = |expr: &str, at| shown(&data, expr, at, &Options::default()).unwrap();
    assert_eq!(ask("count_over_time(m[20s])", 20), ["{} 2"]);
    assert_eq!(ask("count_over_time(m[20s] offset 10s)", 30), ["{} 2"]);
    assert_eq!(ask("count_over_time(m[10s])", 31), [] as [&str; 0]);
    assert_eq!(ask("m", 319), ["m 3"]);
    assert_eq!(ask("m", 320), [] as [&str; 0]);
    assert_eq!(ask("m @ 10 + 0", 1000), ["{} 2"]);
    assert_eq!(ask("m @ 20 offset 20s", 1000), ["m 1"]);
    // Subquery instants are multiples of the step, whatever the evaluation time.
    assert_eq!(ask("count_over_time(m[30s:10s])", 27), ["{} 3"]);
    assert_eq!(ask("sum_over_time(vector(time())[1m:20s])", 61), ["{} 120"]);
}

#[test]
fn classic_histograms() {
    let bucket = |le: &str, v| one("h_bucket", &[("le", le)], &[(0, v)]);
    let data = Fixed(vec![bucket("1", 10.0), bucket("2", 30.0), bucket("4", 40.0), bucket("+Inf", 40.0)]);
    let ask = |expr: &str| shown(&data, expr, 0, &Options::default()).unwrap();
    assert_eq!(ask("histogram_quantile(0.5, h_bucket)"), ["{} 1.5"]);
    assert_eq!(ask("histogram_quantile(0.125, h_bucket)"), ["{} 0.5"]);
    assert_eq!(ask("histogram_quantile(1, h_bucket)"), ["{} 4"]);
    assert_eq!(ask("histogram_quantile(1.5, h_bucket)"), ["{} inf"]);
    assert_eq!(ask("histogram_quantile(0.5, h_bucket{le!=\"+Inf\"})"), ["{} NaN"]);
    assert_eq!(ask("histogram_fraction(1, 2, h_bucket)"), ["{} 0.5"]);
    assert_eq!(ask("histogram_fraction(0, 3, h_bucket)"), ["{} 0.875"]);
    // A count that falls is raised to the one before.
    let data = Fixed(vec![bucket("1", 10.0), bucket("2", 5.0), bucket("+Inf", 20.0)]);
    assert_eq!(shown(&data, "histogram_quantile(0.9, h_bucket)", 0, &Options::default()).unwrap(), ["{} 2"]);
}

#[test]
fn many_to_one_and_its_errors() {
    let data = Fixed(vec![
        one("req", &[("pod", "a"), ("node", "n")], &[(0, 1.0)]),
        one("req", &[("pod", "b"), ("node", "n")], &[(0, 2.0)]),
        one("info", &[("node", "n"), ("zone", "z")], &[(0, 10.0)]),
    ]);
    let ask = |expr: &str| shown(&data, expr, 0, &Options::default());
    assert_eq!(
        ask("req * on (node) group_left (zone) info").unwrap(),
        ["{node=\"n\",pod=\"a\",zone=\"z\"} 10", "{node=\"n\",pod=\"b\",zone=\"z\"} 20"]
    );
    assert_eq!(ask("info * on (node) group_right req").unwrap().len(), 2);
    assert!(ask("req * on (node) info").unwrap_err().to_string().contains("many-to-one"));
    assert!(ask("info * on (node) req").unwrap_err().to_string().contains("many-to-many"));
    assert_eq!(ask("req unless on (node) info").unwrap(), [] as [&str; 0]);
    assert_eq!(ask("req{pod=\"a\"} or req").unwrap().len(), 2);
}

#[test]
fn old_names_still_parse_and_plans_cross_threads() {
    fn crosses_threads<T: Send + Sync>(_: &T) {}
    let prepared = Prepared::new("holt_winters(m[1m], 0.5, 0.5)").unwrap();
    crosses_threads(&prepared);
    crosses_threads(&crate::store::Store::default());
    let data = Fixed(vec![one("m", &[], &[(0, 1.0), (10, 2.0), (20, 3.0)])]);
    assert_eq!(
        shown(&data, "holt_winters(m[1m], 0.5, 0.5)", 20, &Options::default()).unwrap(),
        shown(&data, "double_exponential_smoothing(m[1m], 0.5, 0.5)", 20, &Options::default()).unwrap()
    );
    assert!(shown(&data, "holt_winters(m[1m], 2, 0.5)", 20, &Options::default()).is_err());
}

#[test]
fn what_a_window_still_holds_is_told_from_what_is_measured() {
    // The last sample of `b` is older than the look-back, but within the window of its rate.
    let mut ended = counter("b", 30.0);
    ended.samples.retain(|s| s.at <= Timestamp::from_secs(60));
    let both = Fixed(vec![counter("a", 15.0), ended]);
    let options = Options { lookback: Duration::from_secs(60), ..Options::default() };
    let jobs = |query: &Prepared| {
        let value = instant(&both, query, Timestamp::from_secs(300), &options).unwrap();
        let Value::Vector(vector) = value else { panic!("{value:?}") };
        vector.iter().filter_map(|(labels, _)| labels.get("job").map(str::to_owned)).collect::<Vec<_>>()
    };
    for expr in [
        "sum by (job) (rate(hits_total[5m]))",
        "rate(hits_total[5m]) / on (job) group_left sum by (job) (increase(hits_total[5m]))",
        "-max by (job) (quantile_over_time(0.9, hits_total[5m]))",
    ] {
        let query = Prepared::new(expr).unwrap();
        assert_eq!(jobs(&query), ["a", "b"], "{expr}");
        assert_eq!(jobs(&query.of_the_moment().unwrap()), ["a"], "{expr}");
    }
    for expr in ["hits_total", "rate(hits_total[1m]) > 1", "topk(1, rate(hits_total[1m]))"] {
        assert!(Prepared::new(expr).unwrap().of_the_moment().is_none(), "{expr}");
    }
}

#[test]
fn texts_and_their_comparisons_are_paid_for() {
    let labels = |i: i64| [("x", "0123456789".repeat(10)), ("n", i.to_string())];
    let data = Fixed(
        (0..50)
            .map(|i| {
                let own = labels(i);
                let pairs: Vec<(&str, &str)> = own.iter().map(|(n, v)| (*n, v.as_str())).collect();
                one("m", &pairs, &[(0, 1.0)])
            })
            .collect(),
    );
    let options = Options { max_samples: 20_000, ..Options::default() };
    let ask = |expr: &str| shown(&data, expr, 0, &options).map(|found| found.len());
    let many = "${1}".repeat(300);
    let once = format!("label_replace(m, \"y\", \"{many}\", \"x\", \"(.*)\")");
    let twice = format!("label_replace({once}, \"z\", \"{many}\", \"y\", \"(.*)\")");
    let joined = format!("label_join(m, \"y\", \"\"{})", ", \"x\"".repeat(300));
    let sorted = format!("sort_by_label(m{})", ", \"n\"".repeat(1000));
    for expr in [&once, &twice, &joined, &sorted] {
        let error = ask(expr).unwrap_err().to_string();
        assert!(error.contains("max_samples"), "{error}");
    }
    for expr in [
        "label_replace(m, \"y\", \"$1\", \"x\", \"(.*)\")",
        "label_join(m, \"y\", \",\", \"x\", \"n\")",
        "sort_by_label(m, \"n\")",
    ] {
        assert_eq!(ask(expr), Ok(50), "{expr}");
    }
}

#[test]
fn info_is_paid_for() {
    let target = |name: &str, label: (&str, &str)| one(name, &[("job", "a"), label], &[(0, 1.0)]);
    let mut series: Vec<Series> = (0..40).map(|i| target("up", ("i", &i.to_string()))).collect();
    series.extend((0..40).map(|i| target(&format!("x{i}_info"), ("build", "1"))));
    let data = Fixed(series);
    let ask = |max_samples: usize| {
        let options = Options { max_samples, ..Options::default() };
        let (from, to) = (Timestamp::from_secs(0), Timestamp::from_secs(20));
        let query = Prepared::new("info(up, {__name__=~\".+_info\"})").unwrap();
        range(&data, &query, from, to, Duration::from_secs(1), &options).map(|found| found.len())
    };
    let error = ask(5_000).unwrap_err().to_string();
    assert!(error.contains("visits of samples"), "{error}");
    assert_eq!(ask(10_000), Ok(40));
}
