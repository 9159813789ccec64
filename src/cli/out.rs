//! Standard output that may go away.

use std::io::Write;

use super::exit::{Failure, Outcome};

/// Writes to standard output; a reader that went away (`| head`) is no failure.
pub fn print(text: &str) -> Outcome {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::other(error)),
        _ => Ok(()),
    }
}
