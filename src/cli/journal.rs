//! `weescale journal export|verify`.

use std::path::PathBuf;

use crate::journal::{self, Integrity, JournalError};

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
        JournalAction::Verify => match journal::verify(&path).map_err(Failure::other)? {
            Integrity::Whole { records } => {
                out::print(&format!("{}: whole, {records} records\n", path.display()))
            }
            Integrity::Corrupt { seq, why } => {
                Err(Failure::Corrupt(format!("{}: corrupt at record {seq}: {why}", path.display())))
            }
        },
    }
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
