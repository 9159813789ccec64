//! Credentials that cannot leak through formatting.

use std::fmt;
use std::path::PathBuf;

use super::plain_file::read_plain_text;

/// Longest credential read from a file or the environment, in bytes.
const CREDENTIAL_BYTES: u64 = 64 << 10;

/// A password or token. It has no `Display` and no `Serialize`; `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// Wraps `text`.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the request header alone.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// Where a credential comes from. Files and variables are read for every request, so that rotation is seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// Given directly.
    Value(Secret),
    /// First line of a file.
    File(PathBuf),
    /// An environment variable.
    Env(String),
}

impl Credential {
    /// Reads the credential; surrounding white space does not belong to it.
    pub(crate) async fn read(&self) -> Result<Secret, String> {
        let text = match self {
            Self::Value(secret) => return Ok(secret.clone()),
            Self::Env(name) => {
                std::env::var(name).map_err(|_| format!("environment variable {name} is not set"))?
            }
            Self::File(path) => {
                let failed = |why: &dyn std::fmt::Display| format!("cannot read {}: {why}", path.display());
                let owned = path.clone();
                let read = tokio::task::spawn_blocking(move || read_plain_text(&owned, CREDENTIAL_BYTES));
                read.await.map_err(|e| failed(&e))?.map_err(|e| failed(&e))?
            }
        };
        let line = text.trim().lines().next().unwrap_or_default().trim_end();
        if line.is_empty() {
            return Err("the credential is empty".into());
        }
        Ok(Secret::new(line))
    }
}

/// How a source identifies us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    /// Not at all.
    #[default]
    None,
    /// `Authorization: Bearer …`.
    Bearer(Credential),
    /// `Authorization: Basic …`.
    Basic {
        /// User name.
        user: String,
        /// Password.
        password: Credential,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn secrets_do_not_show_and_files_are_read_anew() {
        let secret = Secret::new("hunter2");
        assert!(!format!("{:?}", Auth::Bearer(Credential::Value(secret))).contains("hunter2"));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let credential = Credential::File(path.clone());
        assert!(credential.read().await.unwrap_err().contains("cannot read"));
        std::fs::write(&path, "one\n").unwrap();
        assert_eq!(credential.read().await.unwrap().expose(), "one");
        std::fs::write(&path, "two \nthree").unwrap();
        assert_eq!(credential.read().await.unwrap().expose(), "two");
        std::fs::write(&path, "\n").unwrap();
        assert!(credential.read().await.is_err());
        assert!(
            Credential::Env("WEESCALE_NOT_SET".into()).read().await.unwrap_err().contains("WEESCALE_NOT_SET")
        );
    }
}
