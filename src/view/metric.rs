//! What targets say of the metrics that recipes read.

use serde::{Deserialize, Serialize};

/// A metric as its target describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricView {
    /// Its name.
    pub name: String,
    /// The server that told; empty for what was scraped here.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// The `# TYPE`, a word; empty if no target said it.
    pub kind: String,
    /// The `# HELP`; empty if no target said it.
    pub help: String,
    /// The `# UNIT`; empty if no target said it.
    pub unit: String,
}

impl MetricView {
    /// `http_requests_total is a counter: Requests served.`
    pub fn sentence(&self) -> String {
        let kind = match self.kind.as_str() {
            "" => String::new(),
            "info" => " is an info".into(),
            kind => format!(" is a {kind}"),
        };
        let unit = if self.unit.is_empty() { String::new() } else { format!(" in {}", self.unit) };
        let help = if self.help.is_empty() { String::new() } else { format!(": {}", self.help) };
        format!("{}{kind}{unit}{help}", self.name)
    }

    /// Those of `metrics` that a PromQL expression names, as `source` told them, in the order of `metrics`.
    pub fn named_in<'a>(metrics: &'a [Self], source: &str, expr: &str) -> Vec<&'a Self> {
        let part_of_a_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
        let words: Vec<&str> = expr.split(|c| !part_of_a_name(c)).filter(|w| !w.is_empty()).collect();
        metrics.iter().filter(|m| m.source == source && words.contains(&m.name.as_str())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_names_are_found_and_what_was_not_said_is_left_out() {
        let metric = |name: &str, kind: &str, help: &str, unit: &str| MetricView {
            name: name.into(),
            source: String::new(),
            kind: kind.into(),
            help: help.into(),
            unit: unit.into(),
        };
        let all = [
            metric("a_seconds", "histogram", "How long.", "seconds"),
            metric("a_seconds_bucket", "", "", ""),
            metric("b:rate", "gauge", "", ""),
            metric("build_info", "info", "", ""),
        ];
        let found =
            MetricView::named_in(&all, "", "sum by (le) (rate(a_seconds_bucket[5m])) / b:rate{x=\"y\"}");
        assert_eq!(found, [&all[1], &all[2]]);
        assert!(MetricView::named_in(&all, "http://other", "b:rate").is_empty());
        let told: Vec<String> = all.iter().map(MetricView::sentence).collect();
        assert_eq!(
            told,
            [
                "a_seconds is a histogram in seconds: How long.",
                "a_seconds_bucket",
                "b:rate is a gauge",
                "build_info is an info"
            ]
        );
    }
}
