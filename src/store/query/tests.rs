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
    assert!(matches!(Prepared::new(&"a".repeat(20_000)), Err(QueryError::Parse(_))));
    assert!(matches!(Prepared::new("sum("), Err(QueryError::Parse(_))));
    assert!(matches!(Prepared::new("{a=\"b\" or c=\"d\"}"), Err(QueryError::Parse(_))));
}
