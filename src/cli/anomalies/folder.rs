//! A tree of series: scored on all cores, written as the same tree.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::cli::exit::{Failure, Outcome};
use crate::cli::parallel;
use crate::cli::progress::Progress;
use crate::cli::samples::{read, rows};
use crate::cli::table::six;
use crate::cli::whole::Whole;

use super::one::{field, in_order, scored};

/// Most files of a tree, and most folders within each other.
const MAX_FILES: usize = 100_000;
const MAX_DEPTH: usize = 8;
/// Files that are told of where they cannot be scored.
const NAMED: usize = 20;

/// Scores every CSV file below `data` and writes its scores below `output`, under the same name.
pub fn run(data: &Path, column: Option<&str>, output: &Path) -> Outcome {
    let mut files = Vec::new();
    walk(data, Path::new(""), 0, &mut files)?;
    if files.is_empty() {
        return Err(Failure::Other(format!("{}: there is no .csv or .csv.gz file below it", data.display())));
    }
    let make = |folder: &Path| {
        std::fs::create_dir_all(folder).map_err(|e| Failure::Other(format!("{}: {e}", folder.display())))
    };
    make(output)?;
    let place =
        |path: &Path| path.canonicalize().map_err(|e| Failure::Other(format!("{}: {e}", path.display())));
    if place(output)?.starts_with(place(data)?) {
        return Err(Failure::Usage("--output lies within --data; give another folder".into()));
    }
    for folder in files.iter().filter_map(|f| f.parent()) {
        make(&output.join(folder))?;
    }
    let mut progress = Progress::new(files.len(), "series");
    let mut failed: Vec<Failure> = Vec::new();
    parallel::in_order(
        &files,
        |file| one(data, file, column, output),
        |done: Outcome| {
            progress.step();
            failed.extend(done.err());
            Ok::<(), Failure>(())
        },
    )?;
    drop(progress);
    let Some(first) = failed.first() else { return Ok(()) };
    let mut why =
        format!("{} of {} files were not scored, the others are: {first}", failed.len(), files.len());
    for failure in failed.iter().take(NAMED).skip(1) {
        why.push_str(&format!("\n  {failure}"));
    }
    if failed.len() > NAMED {
        why.push_str(&format!("\n  and {} more", failed.len() - NAMED));
    }
    Err(Failure::Other(why))
}

/// Collects the files below `root`/`at`, sorted, without following links to folders.
fn walk(root: &Path, at: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let folder = root.join(at);
    let cannot = |e: std::io::Error| Failure::Other(format!("{}: {e}", folder.display()));
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(cannot)?.take(MAX_FILES + 1) {
        let entry = entry.map_err(cannot)?;
        entries.push((at.join(entry.file_name()), entry.file_type().map_err(cannot)?));
    }
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    for (path, kind) in entries {
        if kind.is_dir() && depth < MAX_DEPTH {
            walk(root, &path, depth + 1, files)?;
        } else if !kind.is_dir() && is_series(&path) {
            files.push(path);
        }
        if files.len() > MAX_FILES {
            return Err(Failure::Other(format!(
                "{}: more than {MAX_FILES} files; score parts of it",
                root.display()
            )));
        }
    }
    Ok(())
}

/// Whether the name ends in `.csv` or `.csv.gz`.
fn is_series(path: &Path) -> bool {
    let ends = |path: &Path, with: &str| path.extension().is_some_and(|e| e.eq_ignore_ascii_case(with));
    ends(path, "csv") || (ends(path, "gz") && path.file_stem().is_some_and(|s| ends(Path::new(s), "csv")))
}

fn one(data: &Path, file: &Path, column: Option<&str>, output: &Path) -> Outcome {
    let path = data.join(file);
    let name = path.display().to_string();
    let text = read(&path)?;
    let (rows, _) = in_order(&name, rows(&name, &text, column)?)?;
    let mut csv = String::from("timestamp,anomaly_score\n");
    for s in scored(&rows) {
        csv.push_str(&format!("{},{}\n", field(s.row.stamp), six(s.evidence.score)));
    }
    let mut place = output.join(file);
    if place.extension().is_some_and(|e| e.eq_ignore_ascii_case("gz")) {
        place.set_extension("");
    }
    let mut whole = Whole::create(&place)?;
    let written = whole.file().write_all(csv.as_bytes());
    written.map_err(|e| Failure::Other(format!("{}: {e}", place.display())))?;
    whole.keep()
}
