//! `index.csv` of a task: which series is forecast from which file, from when and how far.

use std::path::{Component, Path};
use std::time::Duration;

use crate::cli::exit::Failure;
use crate::cli::samples::{read, split};
use crate::series::Timestamp;
use crate::series::text::clean;

/// Most points of one forecast.
const MAX_HORIZON: usize = 4096;
/// Most forecasts of one task.
const MAX_TASKS: usize = 1_000_000;

/// One forecast to make.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// The history, beside the index.
    pub file: String,
    /// Name of the series, for the output.
    pub series: String,
    /// Distance between points.
    pub step: Duration,
    /// Latest instant that may be known.
    pub origin: Timestamp,
    /// Points.
    pub horizon: usize,
}

/// Reads `index.csv` of `folder`.
///
/// # Errors
/// One sentence with file, line, column and fix.
pub fn tasks(folder: &Path) -> Result<Vec<Task>, Failure> {
    let path = folder.join("index.csv");
    let name = path.display().to_string();
    let text = read(&path)?;
    let mut lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    let head: Vec<&str> = lines.next().map(|(_, l)| split(l, ',').collect()).unwrap_or_default();
    let columns = Columns::of(&head).map_err(|why| Failure::Other(format!("{name}:1: {why}")))?;
    let mut found = Vec::new();
    for (at, line) in lines.filter(|(_, l)| !l.trim().is_empty()) {
        let wrong = |why: String| Failure::Other(format!("{name}:{}: {why}", at + 1));
        if found.len() >= MAX_TASKS {
            return Err(wrong(format!("more than {MAX_TASKS} forecasts; split the task")));
        }
        found.push(columns.task(line).map_err(wrong)?);
    }
    Ok(found)
}

struct Columns {
    places: [usize; 5],
}

const NAMES: [&str; 5] = ["file", "series_id", "step", "origin_unix", "horizon"];

impl Columns {
    fn of(head: &[&str]) -> Result<Self, String> {
        let mut places = [0; 5];
        for (place, name) in places.iter_mut().zip(NAMES) {
            *place = head
                .iter()
                .position(|h| *h == name)
                .ok_or_else(|| format!("no column {name:?}; the first line names {}", NAMES.join(",")))?;
        }
        Ok(Self { places })
    }

    fn task(&self, line: &str) -> Result<Task, String> {
        let [file, series, step, origin, horizon] =
            self.places.map(|i| split(line, ',').nth(i).unwrap_or(""));
        let wrong = |i: usize, text: &str, fix: &str| {
            let (place, name) = (self.places.get(i).map_or(0, |p| p + 1), NAMES.get(i).unwrap_or(&""));
            format!("column {place} ({name}): {:?} {fix}", clean(text, 40))
        };
        let mut parts = Path::new(file).components();
        let beside = parts.next().is_some_and(|p| matches!(p, Component::Normal(_)))
            && parts.all(|p| matches!(p, Component::Normal(_)));
        if !beside {
            return Err(wrong(
                0,
                file,
                "is no file beside the index; give its name without .. or a leading /",
            ));
        }
        let step: u64 = step
            .parse()
            .ok()
            .filter(|s| (1..=31 * 86_400).contains(s))
            .ok_or_else(|| wrong(2, step, "is no step; write seconds from 1 to 2678400"))?;
        let origin: i64 = origin
            .parse()
            .ok()
            .filter(|o: &i64| o.abs() < 100_000_000_000)
            .ok_or_else(|| wrong(3, origin, "is no instant; write Unix seconds"))?;
        let horizon = horizon
            .parse()
            .ok()
            .filter(|h| (1..=MAX_HORIZON).contains(h))
            .ok_or_else(|| wrong(4, horizon, "is no number of steps; write 1 to 4096"))?;
        Ok(Task {
            file: file.to_owned(),
            series: clean(series, 200),
            step: Duration::from_secs(step),
            origin: Timestamp::from_secs(origin),
            horizon,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(index: &str) -> Result<Vec<Task>, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("index.csv"), index).unwrap();
        tasks(folder.path()).map_err(|e| e.to_string())
    }

    #[test]
    fn rows_become_tasks_in_any_order_of_columns() {
        let found =
            told("series_id,file,horizon,origin_unix,step\na@b,t/1.csv,288,1700000000,300\n").unwrap();
        let expected = Task {
            file: "t/1.csv".into(),
            series: "a@b".into(),
            step: Duration::from_secs(300),
            origin: Timestamp::from_secs(1_700_000_000),
            horizon: 288,
        };
        assert_eq!(found, vec![expected]);
    }

    #[test]
    fn what_cannot_be_done_is_refused_with_its_place() {
        let head = "file,series_id,step,origin_unix,horizon\n";
        for (row, words) in [
            ("../a.csv,a,300,1,1", "column 1 (file)"),
            ("/etc/passwd,a,300,1,1", "column 1 (file)"),
            ("a.csv,a,0,1,1", "column 3 (step)"),
            ("a.csv,a,300,x,1", "column 4 (origin_unix)"),
            ("a.csv,a,300,1,99999", "column 5 (horizon)"),
            ("a.csv,a", "column 3 (step)"),
        ] {
            let why = told(&format!("{head}{row}\n")).unwrap_err();
            assert!(why.contains("index.csv:2:") && why.contains(words), "{row}: {why}");
        }
        assert!(told("file,step\n").unwrap_err().contains("series_id"));
        assert!(tasks(Path::new("/nonexistent")).unwrap_err().to_string().contains("/nonexistent/index.csv"));
    }
}
