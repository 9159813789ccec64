//! For a terminal: tables and a picture.

use crate::backtest::Report;
use crate::cli::table::columns;

use super::{draw, words};

/// The whole text.
pub fn table(name: &str, report: &Report) -> String {
    let owned = |heads: &[&str]| heads.iter().map(|h| (*h).to_owned()).collect::<Vec<_>>();
    let rows: Vec<Vec<String>> =
        report.families.iter().filter_map(|f| Some(words::row(f, words::shown(f)?))).collect();
    let levels: Vec<Vec<String>> = report.comparisons.iter().map(words::level).collect();
    format!(
        "{}\n\n{}\nPod-hours over the oracle's, at equal minutes short:\n\n{}\n{}\n{}\n",
        words::setting(name, report),
        columns(&owned(&words::HEADS), &rows),
        columns(&owned(&words::LEVEL_HEADS), &levels),
        draw::picture(report),
        words::notes(report)
    )
}
