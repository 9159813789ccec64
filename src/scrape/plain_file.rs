//! Reading files that somebody named: certificates, credentials, recipes, configurations. A pipe would make everybody wait
//! for its writer, and a file may be of any length, or change between a look at it and its reading.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{Error, ErrorKind, Read, Result};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Longest file of certificates or of a key, in bytes.
pub const PEM_BYTES: u64 = 4 << 20;

/// Opens a plain file and says what it is. Links are followed: mounted secrets are links. Never waits.
///
/// # Errors
/// What is no plain file, whatever it is, and whatever the system says.
pub fn open_plain(path: &Path) -> Result<(File, Metadata)> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
        .open(path)?;
    let meta = file.metadata()?;
    if meta.is_file() { Ok((file, meta)) } else { Err(Error::other("not a plain file")) }
}

/// What is left of `file`, of at most `most` bytes.
///
/// # Errors
/// More bytes than that, of which no more are read, and whatever the system says.
pub fn read_bounded(file: File, most: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(Error::other(format!("larger than {most} bytes")));
    }
    Ok(bytes)
}

/// The bytes of a plain file of at most `most`.
///
/// # Errors
/// As of [`open_plain`] and [`read_bounded`].
pub fn read_plain(path: &Path, most: u64) -> Result<Vec<u8>> {
    let (file, meta) = open_plain(path)?;
    if meta.len() > most {
        return Err(Error::other(format!("larger than {most} bytes")));
    }
    read_bounded(file, most)
}

/// The text of a plain file of at most `most` bytes.
///
/// # Errors
/// As of [`read_plain`], and text that is not UTF-8.
pub fn read_plain_text(path: &Path, most: u64) -> Result<String> {
    String::from_utf8(read_plain(path, most)?).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        Error::new(ErrorKind::InvalidData, format!("not UTF-8 at byte {at}"))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    /// What came of it, in time.
    fn told(path: &Path, most: u64) -> std::result::Result<usize, String> {
        let (tell, told) = mpsc::sync_channel(1);
        let path = path.to_owned();
        std::thread::spawn(move || {
            let _ = tell.send(read_plain(&path, most).map(|b| b.len()).map_err(|e| e.to_string()));
        });
        told.recv_timeout(Duration::from_secs(10)).expect("it waits for a writer")
    }

    #[test]
    fn only_plain_files_within_the_bound_are_read_and_nothing_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        std::fs::write(place("small"), [b'x'; 10]).unwrap();
        std::os::unix::fs::symlink(place("small"), place("link")).unwrap();
        assert_eq!((told(&place("small"), 10), told(&place("link"), 10)), (Ok(10), Ok(10)));
        assert_eq!(told(&place("small"), 9), Err("larger than 9 bytes".into()));
        rustix::fs::mkfifoat(rustix::fs::CWD, place("pipe"), rustix::fs::Mode::RUSR).unwrap();
        for odd in [place("pipe"), folder.path().to_owned(), "/dev/zero".into()] {
            assert_eq!(told(&odd, 10), Err("not a plain file".into()), "{}", odd.display());
        }
        assert!(told(&place("nothing"), 10).is_err());
        // Files of the system say that they are empty, whatever they hold.
        assert_eq!(told(Path::new("/proc/self/status"), 10), Err("larger than 10 bytes".into()));
        std::fs::write(place("bytes"), b"ab\xff").unwrap();
        assert_eq!(read_plain_text(&place("bytes"), 9).unwrap_err().to_string(), "not UTF-8 at byte 2");
    }
}
