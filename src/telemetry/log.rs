//! Where log lines go. Nothing reaches a terminal but through the logs panel, and text is inert by then.

use std::fs::{OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Mutex;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::series::text::clean;

/// The log file is begun anew above this.
const MAX_FILE: u64 = 8 << 20;
/// Longest line kept, characters.
const MAX_LINE: usize = 2_000;

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file cannot be used.
    #[error("log file {path}: {source}; set another with --log")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// Logging was set up already.
    #[error("logging was set up twice")]
    Twice,
}

/// Sends log lines to the logs panel if `panel`, and to `file` (0600) if given.
pub fn init(panel: bool, file: Option<&Path>) -> Result<(), LogError> {
    let file_layer = file
        .map(open)
        .transpose()?
        .map(|out| tracing_subscriber::fmt::layer().with_ansi(false).with_writer(Mutex::new(Inert(out))));
    let panel_layer = panel.then_some(tui_logger::TuiTracingSubscriberLayer);
    let level = tracing_subscriber::filter::LevelFilter::INFO;
    tracing_subscriber::registry()
        .with(level)
        .with(file_layer)
        .with(panel_layer)
        .try_init()
        .map_err(|_| LogError::Twice)?;
    if panel {
        // Moves log lines to the panel's buffer from a thread of its own.
        tui_logger::init_logger(tui_logger::LevelFilter::Info).map_err(|_| LogError::Twice)?;
        tui_logger::set_default_level(tui_logger::LevelFilter::Info);
    }
    Ok(())
}

/// As [`init`] with the panel and a file that nobody named: where it cannot be used (a home that is read-only), the panel
/// alone has the lines, and says so. Who is woken needs the picture, not the file.
pub fn init_or_panel(file: Option<&Path>) -> Result<(), LogError> {
    match init(true, file) {
        Err(error @ LogError::File { .. }) => {
            init(true, None)?;
            tracing::warn!("nothing is written to a log file: {error}");
            Ok(())
        }
        other => other,
    }
}

fn open(path: &Path) -> Result<std::fs::File, LogError> {
    let failed = |source| LogError::File { path: path.display().to_string(), source };
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    }
    match std::fs::symlink_metadata(path) {
        Ok(meta) if !meta.is_file() => return Err(failed(std::io::Error::other("not a plain file"))),
        Ok(meta) if meta.len() > MAX_FILE => {
            let _ = std::fs::remove_file(path);
        }
        _ => {}
    }
    // What is put there after that look is not followed and not waited for either.
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let mut how = OpenOptions::new();
    how.create(true).append(true).mode(0o600).custom_flags(flags.bits().cast_signed());
    let file = how.open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600)).map_err(failed)?;
    }
    Ok(file)
}

/// Makes what it writes inert: other crates log what they were sent.
struct Inert<W>(W);

impl<W: Write> Write for Inert<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        for line in text.lines() {
            writeln!(self.0, "{}", clean(line, MAX_LINE))?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_lines_cannot_drive_a_terminal() {
        let mut out = Vec::new();
        Inert(&mut out).write_all("a\u{1b}]0;x\u{7}\nb\n".as_bytes()).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "a\\u{1b}]0;x\\u{7}\nb\n");
    }

    #[test]
    fn others_cannot_read_the_log_even_if_they_could_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::write(&path, "old\n").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        open(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn links_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("log");
        std::os::unix::fs::symlink("/dev/null", &link).unwrap();
        assert!(open(&link).is_err());
    }
}
