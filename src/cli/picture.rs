//! Saving a picture of the screen as a text file, beside the screen.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::screen::Pictures;
use crate::series::Timestamp;

/// Starts the task that writes pictures into the current folder; must be called inside a runtime.
pub fn start() -> Pictures {
    let (save, mut wanted) = mpsc::channel::<String>(1);
    let (say, said) = mpsc::channel(1);
    tokio::spawn(async move {
        let clock = Clock::real();
        while let Some(text) = wanted.recv().await {
            let at = clock.now();
            let written = tokio::task::spawn_blocking(move || here(at, &text)).await;
            let told = match written {
                Ok(Ok(path)) => format!("picture saved: {}", path.display()),
                Ok(Err(error)) => format!("picture not saved: {error}"),
                Err(_) => "picture not saved: writing it failed".to_owned(),
            };
            if say.send(told).await.is_err() {
                break;
            }
        }
    });
    Pictures { save, said }
}

fn here(at: Timestamp, text: &str) -> std::io::Result<PathBuf> {
    write(&std::env::current_dir()?, at, text)
}

/// Writes a new file that only its owner may read: service names and costs are on it. Never overwrites.
fn write(folder: &Path, at: Timestamp, text: &str) -> std::io::Result<PathBuf> {
    let path = folder.join(format!("weescale-{}.txt", at.to_jiff().strftime("%Y%m%d-%H%M%S")));
    let named = |e: std::io::Error| std::io::Error::new(e.kind(), format!("{}: {e}", path.display()));
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(named)?;
    file.write_all(text.as_bytes()).map_err(named)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_picture_is_private_named_by_its_time_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let at = Timestamp::from_secs(1_700_000_000); // 2023-11-14 22:13:20 UTC
        let path = write(folder.path(), at, "shown\n").unwrap();
        assert_eq!(path.file_name().unwrap(), "weescale-20231114-221320.txt");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "shown\n");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let again = write(folder.path(), at, "other").unwrap_err();
        assert_eq!(again.kind(), std::io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "shown\n");
    }
}
