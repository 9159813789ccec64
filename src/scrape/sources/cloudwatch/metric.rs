//! What is asked of `CloudWatch`, and the names its answers get.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::scrape::aws::{Access, AwsSetup};
use crate::series::{Labels, METRIC_NAME, Timestamp};

/// Metrics of one request, as AWS allows.
pub(super) const BATCH: usize = 500;
/// Metrics of one source at most.
pub(super) const MAX_METRICS: usize = 5_000;
/// Periods asked for after a gap, or at the start.
const MOST_PERIODS: i64 = 180;

/// Metrics of one account and region.
#[derive(Clone, Debug, PartialEq)]
pub struct CloudWatch {
    /// Shown as `cloudwatch:NAME`.
    pub name: String,
    /// Region, endpoint, authorities.
    pub setup: AwsSetup,
    /// Which keys.
    pub access: Access,
    /// How often they are asked for, in the clock's time.
    pub interval: Duration,
    /// How long ago a period must have ended: values of the youngest still grow.
    pub delay: Duration,
    /// What is asked.
    pub metrics: Vec<Metric>,
}

/// One metric and statistic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metric {
    /// `AWS/ApplicationELB`.
    pub namespace: String,
    /// `RequestCount`.
    pub metric: String,
    /// `Sum`, `Average`, `Maximum`, `Minimum`, `SampleCount`, `p95`.
    pub stat: String,
    /// Length of a period, whole minutes (or 1, 5, 10, 30 s of high-resolution metrics).
    pub period: Duration,
    /// By name.
    pub dimensions: BTreeMap<String, String>,
    /// Labels of the series beside `dimension_NAME` and `region`.
    pub labels: BTreeMap<String, String>,
    /// Name of the series instead of `aws_NAMESPACE_METRIC_STAT`.
    pub name: Option<String>,
}

impl Metric {
    /// The series it makes, each with what a value is divided by. They are named as yet-another-cloudwatch-exporter
    /// names them; a sum also comes as a rate, since only we know how long its period is.
    pub(super) fn series(&self, region: &str) -> Vec<(Labels, f64)> {
        let name = self.name.clone().unwrap_or_else(|| {
            let namespace = plain(self.namespace.trim_start_matches('/')).to_ascii_lowercase();
            let aws = if namespace.starts_with("aws") { "" } else { "aws_" };
            format!("{aws}{namespace}_{}_{}", snake(&self.metric), snake(&self.stat))
        });
        let dimensions = self.dimensions.iter().map(|(n, v)| (format!("dimension_{}", plain(n)), v.clone()));
        let own = self.labels.iter().map(|(n, v)| (plain(n), v.clone()));
        let fixed = [(METRIC_NAME.to_owned(), plain(&name)), ("region".to_owned(), region.to_owned())];
        let labels = Labels::from_pairs(fixed.into_iter().chain(dimensions).chain(own));
        let mut series = vec![(labels.clone(), 1.0)];
        if self.stat == "Sum" {
            let rate = labels.with(METRIC_NAME, &format!("{}_per_second", plain(&name)));
            series.push((rate, self.seconds() as f64));
        }
        series
    }

    /// Seconds of a period.
    pub(super) fn seconds(&self) -> i64 {
        i64::try_from(self.period.as_secs()).unwrap_or(i64::MAX).max(1)
    }

    /// The query called `id`.
    pub(super) fn query(&self, id: &str) -> Value {
        let dimensions: Vec<Value> =
            self.dimensions.iter().map(|(n, v)| json!({ "Name": n, "Value": v })).collect();
        json!({
            "Id": id,
            "ReturnData": true,
            "MetricStat": {
                "Metric": { "Namespace": self.namespace, "MetricName": self.metric, "Dimensions": dimensions },
                "Period": self.seconds(),
                "Stat": self.stat,
            },
        })
    }
}

/// Seconds since the epoch between which complete periods of `period` seconds lie that began at `known` or later;
/// `None` if there is none yet.
pub(super) fn span(at: Timestamp, delay: Duration, period: i64, known: Option<i64>) -> Option<(i64, i64)> {
    let now = (at - delay).as_millis().div_euclid(1000);
    let end = now.div_euclid(period) * period;
    let oldest = end - period * MOST_PERIODS;
    let start = known.map_or(oldest, |k| k.max(oldest));
    (start < end).then_some((start, end))
}

/// `RequestCount` becomes `request_count`, `HTTPCode_Target_5XX_Count` becomes `httpcode_target_5_xx_count`: as the
/// exporter does it, so that dashboards and rules fit.
fn snake(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut before = '_';
    for c in plain(&text.replace('%', "_percent")).chars() {
        if c.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
        before = c;
    }
    out
}

/// Only what the name of a metric or label may have.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_named_like_the_exporters() {
        let metric = |namespace: &str, metric: &str, stat: &str| {
            let metric = Metric {
                namespace: namespace.into(),
                metric: metric.into(),
                stat: stat.into(),
                dimensions: [("LoadBalancer".to_owned(), "app/shop/1".to_owned())].into(),
                labels: [("service".to_owned(), "checkout".to_owned())].into(),
                ..Metric::default()
            };
            metric.series("eu-west-1").into_iter().map(|(l, _)| l.to_string()).collect::<Vec<_>>()
        };
        let labels = "{dimension_LoadBalancer=\"app/shop/1\",region=\"eu-west-1\",service=\"checkout\"}";
        let name = "aws_applicationelb_request_count_sum";
        assert_eq!(
            metric("AWS/ApplicationELB", "RequestCount", "Sum"),
            [format!("{name}{labels}"), format!("{name}_per_second{labels}")]
        );
        let one =
            |namespace, name, stat| metric(namespace, name, stat)[0].split_once('{').unwrap().0.to_owned();
        assert_eq!(one("AWS/ECS", "CPUUtilization", "Average"), "aws_ecs_cpuutilization_average");
        assert_eq!(
            one("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", "Sum"),
            "aws_applicationelb_httpcode_target_5_xx_count_sum"
        );
        assert_eq!(
            one("ECS/ContainerInsights", "RunningTaskCount", "p95"),
            "aws_ecs_containerinsights_running_task_count_p95"
        );
    }

    #[test]
    fn only_periods_that_have_settled_are_asked_for() {
        let at = Timestamp::from_millis(1_000_179_999);
        let minute = Duration::from_secs(60);
        // At 10:00:59 less a minute, the minute that ended at :00 is the newest.
        let (start, end) = span(at, minute, 60, None).unwrap();
        assert_eq!((start, end), (1_000_080 - 180 * 60, 1_000_080));
        assert!(end + 60 <= 1_000_179, "it ended a delay ago");
        assert_eq!(span(at, minute, 60, Some(1_000_020)), Some((1_000_020, 1_000_080)));
        assert_eq!(span(at, minute, 60, Some(1_000_080)), None, "nothing new yet");
        let (start, _) = span(at, minute, 60, Some(5)).unwrap();
        assert_eq!(start, 1_000_080 - 180 * 60, "a long gap is not filled at once");
    }
}
