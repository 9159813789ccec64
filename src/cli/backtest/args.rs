//! What can be typed after `weescale backtest`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, ValueEnum};

/// `weescale backtest`.
#[derive(Clone, Debug, Args)]
#[command(group = ArgGroup::new("trace").required(true).args(["input", "query", "recording"]))]
pub struct Backtest {
    /// A history: CSV of a time and a demand, plain or gzip (- for standard input)
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// A history: the one series that this expression gives at the server of --prometheus
    #[arg(long, value_name = "PROMQL")]
    pub query: Option<String>,
    /// A history: the demand of this workload (namespace/name@region) as the journal of --journal recorded it, or as
    /// --bundle shows it
    #[arg(long, value_name = "WORKLOAD")]
    pub recording: Option<String>,
    /// The bundle that --recording is about, instead of the journal
    #[arg(long, value_name = "FILE", conflicts_with_all = ["input", "query"])]
    pub bundle: Option<PathBuf>,
    /// The column of values, where no column is named value
    #[arg(long, value_name = "NAME")]
    pub column: Option<String>,
    /// History asked of the server
    #[arg(long, value_name = "DURATION", default_value = "14d", value_parser = span)]
    pub history: Duration,
    /// Distance of slots [default: that of the rows; 1m for a query or a journal, 5m for a bundle]
    #[arg(long, value_name = "DURATION", value_parser = span)]
    pub step: Option<Duration>,
    /// Demand that one pod holds [default: a tenth of the mean before the test]
    #[arg(long, value_name = "W")]
    pub pod_capacity: Option<f64>,
    /// Time from a decision to warm pods
    #[arg(long, value_name = "DURATION", default_value = "3m", value_parser = lead)]
    pub lead: Duration,
    /// Share of the history, at its end, that is the test; what comes before is only learned from
    #[arg(long, value_name = "SHARE", default_value_t = 0.3)]
    pub test_fraction: f64,
    /// Wanted share of minutes short of capacity, per cent
    #[arg(long, value_name = "PERCENT", default_value_t = 0.1)]
    pub short: f64,
    /// Price of a pod-hour, $
    #[arg(long, value_name = "DOLLARS")]
    pub price: Option<f64>,
    /// Time a person takes to approve a change of the day's plan
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = lead)]
    pub approval: Duration,
    /// Decisions a person takes on a workload a day, at most
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub decisions: u16,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: As,
}

/// Output format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum As {
    /// A table with a picture, for a terminal
    #[default]
    Table,
    /// One object, with every setting that was tried
    Json,
    /// Tables for a page
    Markdown,
    /// A picture of the frontiers
    Svg,
}

/// A duration of at least a second.
fn span(text: &str) -> Result<Duration, String> {
    let span = lead(text)?;
    if span < Duration::from_secs(1) { Err("at least 1s".into()) } else { Ok(span) }
}

fn lead(text: &str) -> Result<Duration, String> {
    crate::config::parse_duration(text)
}
