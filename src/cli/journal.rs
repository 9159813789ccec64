//! `weescale journal export|verify|size`.

use std::path::{Path, PathBuf};

use crate::journal::{self, Integrity, JournalError, Sizes};

use super::args::{Journal, JournalAction, Live};
use super::exit::{Failure, Outcome};
use super::{live, out};

/// Does what was asked.
pub fn run(live: &Live, args: &Journal) -> Outcome {
    let path = path(live)?;
    match args.action {
        JournalAction::Export => {
            let mut stdout = std::io::stdout().lock();
            match journal::export(&path, &mut stdout) {
                Ok(_) => Ok(()),
                Err(JournalError::Io { source, .. }) if source.kind() == std::io::ErrorKind::BrokenPipe => {
                    Ok(())
                }
                Err(error) => Err(Failure::other(error)),
            }
        }
        JournalAction::Size => {
            let sizes = journal::sizes(&path).map_err(Failure::other)?;
            out::print(&format!("{}\n{}", path.display(), table(&sizes)))
        }
        JournalAction::Verify => verify(&path),
    }
}

fn verify(path: &Path) -> Outcome {
    // Before the database is opened, which may tidy up.
    let torn = journal::torn_tail(path).map_err(Failure::other)?;
    let found = journal::verify(path).map_err(Failure::other)?;
    let path = path.display();
    match (found, torn) {
        (Integrity::Whole { records }, None) => out::print(&format!("{path}: whole, {records} records\n")),
        (Integrity::Whole { records }, Some(bytes)) => Err(Failure::Torn(format!(
            "{path}: whole up to record {records}; {bytes} bytes after it were not finished and are dropped"
        ))),
        (Integrity::Corrupt { seq, why }, _) => {
            Err(Failure::Corrupt(format!("{path}: corrupt at record {seq}: {why}")))
        }
    }
}

/// A line for each part: how many, how much room, and each.
fn table(sizes: &Sizes) -> String {
    let line = |name: &str, count: u64, bytes: u64| {
        let each = bytes.checked_div(count).map_or_else(String::new, |each| format!("{each:>10} bytes each"));
        format!("{name:<24}{count:>12}{:>12.1} MiB{each}\n", bytes as f64 / f64::from(1 << 20))
    };
    let mut out = line("records", sizes.records, sizes.record_bytes);
    out.push_str(&format!(
        "{:<24}{:>12}  not packed yet, measured in the file only\n",
        "signal minutes", sizes.signals
    ));
    out.push_str(&line("signal hours", sizes.hours, sizes.hour_bytes));
    out.push_str(&line("forecasts as issued", sizes.fans, sizes.fan_bytes));
    out.push_str(&line("frames that stand alone", sizes.keys, sizes.key_bytes));
    out.push_str(&line("frames that differ", sizes.deltas, sizes.delta_bytes));
    let frames = sizes.key_bytes + sizes.delta_bytes;
    if let (Some(from), Some(to)) = (sizes.from, sizes.to) {
        let days = to.since(from).as_secs_f64() / 86_400.0;
        let a_day = if days > 0.0 { frames as f64 / days / f64::from(1 << 20) } else { 0.0 };
        out.push_str(&format!("shown from {from} to {to}: {days:.1} days, {a_day:.1} MiB a day\n"));
    }
    out.push_str(&line("the file in all", 1, sizes.file));
    out
}

/// The journal that is meant, if it is there.
pub(super) fn path(live: &Live) -> Result<PathBuf, Failure> {
    let settings = live::settings(live)?;
    let path =
        settings.journal.ok_or_else(|| Failure::Usage("say which journal with --journal FILE".into()))?;
    if path.exists() {
        Ok(path)
    } else {
        Err(Failure::Other(format!("{}: there is no journal", path.display())))
    }
}
