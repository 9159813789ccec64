//! What can be typed after `weescale forecast`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, ValueEnum};

/// `weescale forecast`.
#[expect(clippy::doc_markdown, reason = "the text is shown as help")]
#[derive(Clone, Debug, Args)]
#[command(group = ArgGroup::new("of").required(true).args(["input", "query", "task"]))]
pub struct Forecast {
    /// A history: CSV of a time and a value, plain or gzip (- for standard input)
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// A history: the one series that this expression gives at the server of --prometheus
    #[arg(long, value_name = "PROMQL")]
    pub query: Option<String>,
    /// A folder with index.csv (file, series_id, step, origin_unix, horizon) and a history beside it for each row
    #[arg(long, value_name = "DIR", requires = "output")]
    pub task: Option<PathBuf>,
    /// Write here instead of to standard output
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Distance between points of the forecast
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = span)]
    pub step: Duration,
    /// How far to look ahead
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = span)]
    pub horizon: Duration,
    /// History asked of the server
    #[arg(long, value_name = "DURATION", default_value = "28d", value_parser = span)]
    pub history: Duration,
    /// The column of values, where no column is named value
    #[arg(long, value_name = "NAME")]
    pub column: Option<String>,
    /// Output format of one forecast
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: As,
}

/// Output format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum As {
    /// A picture and a table, for people
    #[default]
    Table,
    /// One object with every point
    Json,
    /// A row for every point and quantile
    Csv,
}

/// A duration of at least a second.
fn span(text: &str) -> Result<Duration, String> {
    let span = crate::config::parse_duration(text)?;
    if span < Duration::from_secs(1) {
        return Err("at least 1s".into());
    }
    Ok(span)
}
