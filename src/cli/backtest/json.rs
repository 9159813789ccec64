//! For scripts.

use serde_json::json;

use crate::backtest::Report;
use crate::cli::exit::Failure;

/// Everything, with the name of what was replayed.
pub fn json(name: &str, report: &Report) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(
        &json!({ "schema": "weescale.backtest/1", "trace": name, "report": report }),
    )
    .map_err(Failure::other)?;
    Ok(format!("{text}\n"))
}
