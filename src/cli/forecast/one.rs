//! One forecast: from a file or a server to a picture, a table, JSON or CSV.

use std::path::Path;
use std::time::Duration;

use crate::cli::args::Live;
use crate::cli::exit::{Failure, Outcome};
use crate::cli::out;
use crate::cli::printed::Look;
use crate::cli::samples::{apart, read, rows, slots};
use crate::forecast::{Batch, Fan};
use crate::series::{Timestamp, Window};

use super::args::{As, Forecast};
use super::bursts::Known;
use super::{query, task, text};

/// History used at most.
const KEEP: Duration = Duration::from_secs(60 * 86_400);
/// Most points of a forecast.
const MAX_POINTS: u128 = 4096;

/// A history that is forecast.
pub struct History {
    /// What it is called.
    pub name: String,
    /// Its slots; the last one ends at the origin.
    pub window: Window,
    /// What a person should know about how it was read.
    pub notes: Vec<String>,
}

/// Makes the forecast that was asked for.
pub async fn run(live: &Live, args: &Forecast) -> Outcome {
    if let (Some(folder), Some(output)) = (&args.task, &args.output) {
        let (folder, output, column) = (folder.clone(), output.clone(), args.column.clone());
        let work = move || task::run(&folder, column.as_deref(), &output);
        return tokio::task::spawn_blocking(work).await.map_err(Failure::other)?;
    }
    let points = args.horizon.as_millis() / args.step.as_millis().max(1);
    if !(1..=MAX_POINTS).contains(&points) {
        return Err(Failure::Usage(format!(
            "--horizon is {points} times --step; give a horizon of 1 to {MAX_POINTS} steps"
        )));
    }
    let history = match (&args.input, &args.query) {
        (Some(path), _) => from_file(path, args)?,
        (None, Some(expr)) => query::history(live, expr, args.history, args.step).await?,
        (None, None) => return Err(Failure::Usage("give --input, --query or --task".into())),
    };
    let fan = made(&history, args.horizon)?;
    let bursts = Known::of(&history.window);
    let printed = match args.format {
        As::Table => text::table(&history, &fan, &bursts, Look::of(live, args.output.is_none())),
        As::Json => text::json(&history, &fan, &bursts)?,
        As::Csv => text::csv(&fan),
    };
    out::deliver(&printed, args.output.as_deref())
}

fn from_file(path: &Path, args: &Forecast) -> Result<History, Failure> {
    let name = path.display().to_string();
    let text = read(path)?;
    let rows = rows(&name, &text, args.column.as_deref())?;
    let mut notes = Vec::new();
    let known = rows.iter().filter(|r| r.value.is_some());
    let Some(origin) = known.map(|r| r.at).max() else {
        return Err(Failure::Other(format!("{name}: no row has a value; there is nothing to forecast from")));
    };
    let mut step = args.step;
    // A forecast is no finer than what is known.
    if let Some(apart) = apart(&rows).filter(|a| a.as_secs_f64() > 1.5 * step.as_secs_f64()) {
        step = Duration::from_secs(apart.as_secs().max(1));
        notes.push(format!("rows are {} apart, so are the points of the forecast", text::span(step)));
    }
    let found = slots(&rows, origin, step, KEEP);
    if found.repeated > 0 {
        notes.push(format!("{} rows have the time of a later row, which counts instead", found.repeated));
    }
    let lacking = rows.iter().filter(|r| r.value.is_none()).count();
    if lacking > 0 {
        notes.push(format!("{lacking} rows have no finite value and are left out"));
    }
    let gaps = found.window.len() - found.window.present().min(found.window.len());
    if gaps > 0 {
        notes.push(format!(
            "{gaps} of {} slots of {} have no row: gaps, or rows further apart there",
            found.window.len(),
            text::span(step)
        ));
    }
    let negative = rows.iter().filter(|r| r.value.is_some_and(|v| v < 0.0)).count();
    if negative > 0 {
        notes.push(format!("{negative} rows are negative, which demand cannot be, and are left out"));
    }
    Ok(History { name, window: found.window, notes })
}

fn made(history: &History, horizon: Duration) -> Result<Fan, Failure> {
    let step = history.window.step();
    let points = (horizon.as_millis() / step.as_millis().max(1)).clamp(1, MAX_POINTS) as usize;
    let origin = history.window.end() - step;
    let samples: Vec<(Timestamp, f64)> = history.window.points().collect();
    let batch = Batch { history: &samples, origin, step, steps: points, levels: &[] };
    let fan = batch.fan().map_err(|why| Failure::Other(format!("{}: {why}", history.name)))?;
    Ok(std::sync::Arc::unwrap_or_clone(fan))
}
