//! Many forecasts at once: an index and histories in, one file of quantiles out.

use std::io::{BufWriter, Write};
use std::path::Path;

use crate::cli::exit::{Failure, Outcome};
use crate::cli::parallel::in_order;
use crate::cli::progress::Progress;
use crate::cli::samples::{read, rows, samples};
use crate::cli::table::{QUANTILES, six};
use crate::cli::whole::Whole;
use crate::forecast::Batch;
use crate::series::Timestamp;

use super::index::{Task, tasks};

/// Makes every forecast of `folder`'s index, each from its own file alone, and writes them to `output`.
pub fn run(folder: &Path, column: Option<&str>, output: &Path) -> Outcome {
    let tasks = tasks(folder)?;
    let mut whole = Whole::create(output)?;
    let mut file = BufWriter::new(whole.file());
    let cannot = |e: std::io::Error| Failure::Other(format!("{}: {e}", output.display()));
    file.write_all(b"series_id,origin_unix,horizon_step,quantile,value\n").map_err(cannot)?;
    let mut progress = Progress::new(tasks.len(), "forecasts");
    let mut lacking: Vec<String> = Vec::new();
    in_order(
        &tasks,
        |task| one(folder, column, task),
        |made| {
            progress.step();
            match made? {
                Ok(text) => file.write_all(text.as_bytes()).map_err(cannot)?,
                Err(why) => lacking.push(why),
            }
            Ok::<(), Failure>(())
        },
    )?;
    drop(progress);
    file.flush().map_err(cannot)?;
    drop(file);
    whole.keep()?;
    match lacking.first() {
        None => Ok(()),
        Some(first) => Err(Failure::Other(format!(
            "{} of {} forecasts were not made and are not in {}; the first: {first}",
            lacking.len(),
            tasks.len(),
            output.display()
        ))),
    }
}

/// The rows of one forecast, or why there is none.
fn one(folder: &Path, column: Option<&str>, task: &Task) -> Result<Result<String, String>, Failure> {
    let path = folder.join(&task.file);
    let name = path.display().to_string();
    let text = read(&path)?;
    let history: Vec<(Timestamp, f64)> = samples(&rows(&name, &text, column)?);
    let batch = Batch {
        history: &history,
        origin: task.origin,
        step: task.step,
        steps: task.horizon,
        levels: &QUANTILES,
    };
    Ok(batch.forecast().map(|rows| written(task, &rows)).map_err(|why| format!("{name}: {why}")))
}

fn written(task: &Task, rows: &[Vec<f64>]) -> String {
    let mut out = String::with_capacity(task.horizon * QUANTILES.len() * 48);
    let origin = task.origin.as_millis() / 1000;
    for (i, values) in rows.iter().enumerate() {
        for (q, value) in QUANTILES.iter().zip(values) {
            out.push_str(&format!("{},{origin},{},{q},{}\n", task.series, i + 1, six(*value)));
        }
    }
    out
}
