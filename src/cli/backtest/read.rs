//! The history that is replayed: a file, a query, or what the journal recorded.

use std::time::Duration;

use crate::cli::args::Live;
use crate::cli::exit::Failure;
use crate::cli::forecast::query;
use crate::cli::samples::{apart, read, rows, slots};
use crate::series::Window;

use super::args::Backtest;
use super::recorded;

/// History used at most.
const KEEP: Duration = Duration::from_secs(400 * 86_400);

/// Its name and its slots.
pub async fn history(live: &Live, args: &Backtest) -> Result<(String, Window), Failure> {
    if let Some(expr) = &args.query {
        let step = args.step.unwrap_or(Duration::from_secs(60));
        let found = query::history(live, expr, args.history, step).await?;
        return Ok((found.name, found.window));
    }
    if let Some(path) = &args.input {
        let name = path.display().to_string();
        let text = read(path)?;
        let rows = rows(&name, &text, args.column.as_deref())?;
        let Some(origin) = rows.iter().filter(|r| r.value.is_some()).map(|r| r.at).max() else {
            return Err(Failure::Other(format!("{name}: no row has a value; there is nothing to replay")));
        };
        let step = args.step.or_else(|| apart(&rows)).ok_or_else(|| {
            Failure::Other(format!("{name}: fewer than three rows; give a history of days"))
        })?;
        return Ok((name, slots(&rows, origin, step, KEEP).window));
    }
    let workload = args.recording.as_deref().unwrap_or_default();
    recorded::history(live, workload, args.bundle.as_deref(), args.step)
}
