//! What can be typed after `weescale anomalies`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};

/// `weescale anomalies`.
#[expect(clippy::doc_markdown, reason = "the text is shown as help")]
#[derive(Clone, Debug, Args)]
#[command(group = ArgGroup::new("of").required(true).args(["input", "data"]))]
pub struct Anomalies {
    /// A series: CSV of a time and a value, plain or gzip (- for standard input), in order of time
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// A folder of such files, in folders of its own
    #[arg(long, value_name = "DIR", requires = "output")]
    pub data: Option<PathBuf>,
    /// Write here instead of to standard output; for a folder: the same tree, with timestamp,anomaly_score
    #[arg(long, value_name = "PATH")]
    pub output: Option<PathBuf>,
    /// The column of values, where no column is named value
    #[arg(long, value_name = "NAME")]
    pub column: Option<String>,
    /// How many of the worst rows the table has
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub top: usize,
    /// Output format of one series
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: As,
}

/// Output format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum As {
    /// A picture and the worst rows, for people
    #[default]
    Table,
    /// One object with every row
    Json,
    /// Every row with its score
    Csv,
}
