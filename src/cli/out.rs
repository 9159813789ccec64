//! Standard output that may go away, or the file that was asked for instead.

use std::io::Write;
use std::path::Path;

use super::exit::{Failure, Outcome};
use super::whole::Whole;

/// Writes to standard output; a reader that went away (`| head`) is no failure.
pub fn print(text: &str) -> Outcome {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::other(error)),
        _ => Ok(()),
    }
}

/// Writes the file at `place`, whole or not at all; standard output if no place is given.
pub fn deliver(text: &str, place: Option<&Path>) -> Outcome {
    let Some(place) = place else { return print(text) };
    let mut whole = Whole::create(place)?;
    let written = whole.file().write_all(text.as_bytes());
    written.map_err(|e| Failure::Other(format!("{}: {e}", place.display())))?;
    whole.keep()
}
