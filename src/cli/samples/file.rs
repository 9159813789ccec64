//! Reading a file of text within bounds.

use std::io::Read;
use std::path::Path;

use crate::cli::exit::Failure;
use crate::scrape::{DecodeError, gunzip};

/// Largest text read, in bytes, after decompression.
const MAX_TEXT: u64 = 256 << 20;

/// The text of a file, inflated if it is gzip; `-` is standard input.
///
/// # Errors
/// One sentence with the file and what is wrong with it.
pub fn read(path: &Path) -> Result<String, Failure> {
    let shown = path.display();
    let cannot = |why: &dyn std::fmt::Display| Failure::Other(format!("{shown}: {why}"));
    if path.is_dir() {
        return Err(cannot(&"is a folder; give one file of it"));
    }
    let bytes = if path == Path::new("-") {
        bounded(std::io::stdin().lock())
    } else {
        std::fs::File::open(path).and_then(bounded)
    };
    let mut bytes = bytes.map_err(|e| cannot(&e))?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        bytes = gunzip(&bytes, MAX_TEXT).map_err(|e| match e {
            DecodeError::TooLarge => cannot(&format!("inflates to {TOO_LARGE}")),
            DecodeError::Corrupt => cannot(&"the gzip stream is torn; copy the file again"),
        })?;
    }
    if bytes.len() as u64 > MAX_TEXT {
        return Err(cannot(&format!("has {TOO_LARGE}")));
    }
    String::from_utf8(bytes).map_err(|e| {
        let good = e.as_bytes().get(..e.utf8_error().valid_up_to()).unwrap_or_default();
        let line = good.split(|b| *b == b'\n').count();
        Failure::Other(format!("{shown}:{line}: not UTF-8 text; give a CSV file, plain or gzip"))
    })
}

const TOO_LARGE: &str = "more than 256 MiB of text; split it by series or by time";

fn bounded(source: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(MAX_TEXT + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(bytes: &[u8]) -> Result<String, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        read(file.path()).map_err(|e| e.to_string())
    }

    #[test]
    fn text_is_read_and_the_rest_is_refused_with_its_place() {
        assert_eq!(told(b"a,b\n").unwrap(), "a,b\n");
        assert!(told(b"a,b\n1,\xff\n").unwrap_err().contains(":2: not UTF-8"));
        assert!(told(&[0x1f, 0x8b, 8, 0, 0]).unwrap_err().contains("torn"));
        assert!(read(Path::new("/nonexistent.csv")).unwrap_err().to_string().contains("/nonexistent.csv"));
        assert!(read(Path::new("/")).is_err());
    }
}
