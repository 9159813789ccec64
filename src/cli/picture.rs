//! Saving a picture of the screen, or a patch of a manifest, as a file, beside the screen.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::screen::{Pictures, Saved};
use crate::series::Timestamp;

/// Starts the task that writes pictures into the current folder; must be called inside a runtime.
pub fn start() -> Pictures {
    let (save, mut wanted) = mpsc::channel::<Saved>(1);
    let (say, said) = mpsc::channel(1);
    tokio::spawn(async move {
        let clock = Clock::real();
        while let Some(saved) = wanted.recv().await {
            let at = clock.now();
            let what = if matches!(saved, Saved::Picture(_)) { "picture" } else { "patch" };
            let written = tokio::task::spawn_blocking(move || here(at, &saved)).await;
            let told = match written {
                Ok(Ok(path)) => format!("{what} saved: {}", path.display()),
                Ok(Err(error)) => format!("{what} not saved: {error}"),
                Err(_) => format!("{what} not saved: writing it failed"),
            };
            if say.send(told).await.is_err() {
                break;
            }
        }
    });
    Pictures { save, said }
}

fn here(at: Timestamp, saved: &Saved) -> std::io::Result<PathBuf> {
    write(&std::env::current_dir()?, at, saved)
}

/// Writes a new file that only its owner may read: service names and costs are on it. Never overwrites.
fn write(folder: &Path, at: Timestamp, saved: &Saved) -> std::io::Result<PathBuf> {
    let (name, text) = match saved {
        Saved::Picture(text) => (format!("weescale-{}.txt", at.to_jiff().strftime("%Y%m%d-%H%M%S")), text),
        Saved::Patch { name, text } => (name.clone(), text),
    };
    let path = folder.join(name);
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
        let path = write(folder.path(), at, &Saved::Picture("shown\n".into())).unwrap();
        assert_eq!(path.file_name().unwrap(), "weescale-20231114-221320.txt");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "shown\n");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let again = write(folder.path(), at, &Saved::Picture("other".into())).unwrap_err();
        assert_eq!(again.kind(), std::io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "shown\n");
    }
    #[test]
    fn a_patch_has_its_own_name() {
        let folder = tempfile::tempdir().unwrap();
        let patch = Saved::Patch { name: "web-minReplicas-8.yaml".into(), text: "kind: X\n".into() };
        let path = write(folder.path(), Timestamp::from_secs(0), &patch).unwrap();
        assert_eq!(path, folder.path().join("web-minReplicas-8.yaml"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "kind: X\n");
        assert!(write(folder.path(), Timestamp::from_secs(0), &patch).is_err(), "never overwritten");
    }
}
