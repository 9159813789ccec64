//! A file that is there whole or not at all.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::exit::Failure;

/// A new file beside its final place; taken away again unless it is kept.
pub struct Whole {
    place: PathBuf,
    draft: PathBuf,
    file: File,
    kept: bool,
}

impl Whole {
    /// A draft of the file at `place`. A device or a pipe at `place` is written to as it is.
    ///
    /// # Errors
    /// One sentence with the file and why it cannot be written.
    pub fn create(place: &Path) -> Result<Self, Failure> {
        let special = place.metadata().is_ok_and(|m| !m.is_file());
        let draft = if special {
            place.to_owned()
        } else {
            let mut name = place.as_os_str().to_owned();
            name.push(format!(".{}.part", std::process::id()));
            PathBuf::from(name)
        };
        if !special {
            // Left by a process of the same number, or planted: never written into, never followed.
            let _ = std::fs::remove_file(&draft);
        }
        let file = File::options().write(true).create_new(!special).open(&draft);
        let file =
            file.map_err(|e| Failure::Other(format!("{}: cannot be written: {e}", place.display())))?;
        Ok(Self { place: place.to_owned(), draft, file, kept: special })
    }

    /// The open file.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// One sentence with the file and why it cannot be put there.
    pub fn keep(mut self) -> Result<(), Failure> {
        if !self.kept {
            std::fs::rename(&self.draft, &self.place)
                .map_err(|e| Failure::Other(format!("{}: {e}", self.place.display())))?;
            self.kept = true;
        }
        Ok(())
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be taken away stays under its own name.
            let _ = std::fs::remove_file(&self.draft);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn an_unfinished_file_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("f.csv");
        std::fs::write(&place, "old").unwrap();
        let mut whole = Whole::create(&place).unwrap();
        whole.file().write_all(b"half").unwrap();
        drop(whole);
        assert_eq!(std::fs::read_to_string(&place).unwrap(), "old");
        let mut whole = Whole::create(&place).unwrap();
        whole.file().write_all(b"new").unwrap();
        whole.keep().unwrap();
        assert_eq!(std::fs::read_to_string(&place).unwrap(), "new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(Whole::create(&folder.path().join("no/f.csv")).is_err());
        let victim = folder.path().join("victim");
        std::fs::write(&victim, "precious").unwrap();
        let draft = format!("f.csv.{}.part", std::process::id());
        std::os::unix::fs::symlink(&victim, folder.path().join(draft)).unwrap();
        let mut whole = Whole::create(&place).unwrap();
        whole.file().write_all(b"newer").unwrap();
        whole.keep().unwrap();
        assert_eq!(std::fs::read_to_string(&place).unwrap(), "newer");
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious", "a planted draft was followed");
        assert!(Whole::create(Path::new("/dev/null")).unwrap().keep().is_ok());
    }
}
