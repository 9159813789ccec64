//! Where keys come from, and when they are asked for again.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::clock::{Clock, Monotonic};

use super::profile::{self, Given};
use super::role::{self, Role};
use super::{AwsSetup, Keys, Metadata, process};

/// After a failure nobody asks again for this long: a command that hangs would otherwise be run by every poll.
const PAUSE: Duration = Duration::from_secs(15);

/// Roles asked for one with the keys of the other.
const ROLES: usize = 4;

/// The shared files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// `~/.aws/credentials`.
    pub credentials: PathBuf,
    /// `~/.aws/config`.
    pub config: PathBuf,
}

impl Files {
    /// Where `AWS_SHARED_CREDENTIALS_FILE` and `AWS_CONFIG_FILE` say, or in the home directory.
    pub fn from_environment() -> Self {
        let home = std::env::var_os("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from).join(".aws");
        let at = |name, default: &str| {
            std::env::var_os(name).filter(|v| !v.is_empty()).map_or_else(|| home.join(default), PathBuf::from)
        };
        Self {
            credentials: at("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
            config: at("AWS_CONFIG_FILE", "config"),
        }
    }
}

/// Which keys are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// A profile of the shared files, and nothing else; otherwise the environment, `AWS_PROFILE` or the default one.
    pub profile: Option<String>,
    /// The shared files.
    pub files: Files,
    /// Metadata services, if they may be asked.
    pub metadata: Option<Metadata>,
}

impl Access {
    /// As the environment says, with an own profile, and metadata services only if `metadata`.
    pub fn new(profile: Option<String>, metadata: bool) -> Self {
        Self {
            profile,
            files: Files::from_environment(),
            metadata: metadata.then(Metadata::from_environment),
        }
    }
}

/// Keys, kept until they are about to end.
#[derive(Debug)]
pub struct Credentials {
    access: Access,
    kept: Mutex<Kept>,
    /// How AWS is reached where a role is to be asked for: as by the first client that uses these keys.
    setup: OnceLock<AwsSetup>,
    /// Given once and for all.
    fixed: bool,
}

#[derive(Default)]
struct Kept {
    keys: Option<Keys>,
    failed: Option<(Monotonic, String)>,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept").field("failed", &self.failed).finish_non_exhaustive()
    }
}

impl Credentials {
    /// Nothing is read before the first call.
    pub fn new(access: Access) -> Self {
        Self { access, kept: Mutex::default(), setup: OnceLock::new(), fixed: false }
    }

    /// These keys, and never others.
    pub(super) fn fixed(keys: Keys) -> Self {
        let files = Files { credentials: PathBuf::new(), config: PathBuf::new() };
        let kept = Kept { keys: Some(keys), failed: None };
        let access = Access { profile: None, files, metadata: None };
        Self { access, kept: Mutex::new(kept), setup: OnceLock::new(), fixed: true }
    }

    /// How AWS is reached.
    pub(super) fn reach(&self, setup: &AwsSetup) {
        let _ = self.setup.set(setup.clone());
    }

    /// Keys that are good now.
    ///
    /// # Errors
    /// One sentence: what was looked at, and how to give keys.
    pub async fn keys(&self) -> Result<Keys, String> {
        let clock = Clock::real();
        let mut kept = self.kept.lock().await;
        if self.fixed {
            return kept.keys.clone().ok_or_else(|| "AWS does not accept its keys".to_owned());
        }
        if let Some(keys) = kept.keys.as_ref().filter(|k| !k.is_due(clock.now())) {
            return Ok(keys.clone());
        }
        if let Some((at, why)) = &kept.failed
            && clock.monotonic().since(*at) < PAUSE
        {
            return Err(why.clone());
        }
        match self.ask().await {
            Ok(Fetched { keys, keep }) => {
                kept.failed = None;
                kept.keys = keep.then(|| keys.clone());
                if keys.is_expired(clock.now()) {
                    return Err("the keys have ended; log in anew".into());
                }
                Ok(keys)
            }
            Err(why) => {
                // Keys that still live serve until they end.
                if let Some(keys) = kept.keys.as_ref().filter(|k| !k.is_expired(clock.now())) {
                    return Ok(keys.clone());
                }
                kept.keys = None;
                kept.failed = Some((clock.monotonic(), why.clone()));
                Err(why)
            }
        }
    }

    /// AWS does not accept them any more: the next call asks anew.
    pub async fn forget(&self) {
        self.kept.lock().await.keys = None;
    }

    async fn ask(&self) -> Result<Fetched, String> {
        let access = &self.access;
        let var = |name| std::env::var(name).ok().filter(|v: &String| !v.is_empty());
        if access.profile.is_none()
            && let Some(id) = var("AWS_ACCESS_KEY_ID")
        {
            let secret = var("AWS_SECRET_ACCESS_KEY")
                .ok_or("AWS_ACCESS_KEY_ID is set but AWS_SECRET_ACCESS_KEY is not; set both or neither")?;
            let keys = Keys::new(&id, &secret, var("AWS_SESSION_TOKEN").as_deref(), None)
                .map_err(|why| format!("environment: {why}"))?;
            return Ok(Fetched { keys, keep: false });
        }
        let name = access.profile.clone().or_else(|| var("AWS_PROFILE"));
        let named = name.is_some();
        let name = name.unwrap_or_else(|| "default".to_owned());
        match self.profile(&name).await? {
            Some(fetched) => return Ok(fetched),
            None if named => {
                return Err(format!(
                    "profile {} gives no keys: neither {} nor {} has it with aws_access_key_id, credential_process, or role_arn and source_profile",
                    crate::series::text::clean(&name, 64),
                    access.files.credentials.display(),
                    access.files.config.display()
                ));
            }
            None => {}
        }
        match &access.metadata {
            Some(metadata) => Ok(Fetched { keys: metadata.keys().await?, keep: true }),
            None => Err("none found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile of \
                         ~/.aws/credentials, or write metadata = true to use the role of this machine"
                .into()),
        }
    }

    /// The keys of a profile. A role's are asked for with those of its source, which may be those of a role as well.
    async fn profile(&self, name: &str) -> Result<Option<Fetched>, String> {
        let Files { credentials, config } = &self.access.files;
        let mut roles: Vec<Role> = Vec::new();
        let (mut at, mut before) = (name.to_owned(), None);
        let base = loop {
            // A profile may be the source of its own role.
            let own = before.replace(at.clone()).as_ref() == Some(&at);
            match profile::read(&at, credentials, config, own)? {
                Some(Given::Keys(keys)) => break Fetched { keys, keep: false },
                Some(Given::Process(command)) => {
                    break Fetched { keys: process::run(&command).await?, keep: true };
                }
                Some(Given::Role(role)) if roles.len() < ROLES => {
                    at.clone_from(&role.source);
                    roles.push(role);
                }
                Some(Given::Role(_)) => {
                    let name = crate::series::text::clean(name, 64);
                    return Err(format!("profile {name}: more than {ROLES} roles one upon the other"));
                }
                None if roles.is_empty() => return Ok(None),
                None => {
                    let (name, at) =
                        (crate::series::text::clean(name, 64), crate::series::text::clean(&at, 64));
                    return Err(format!("profile {name}: its source_profile {at} gives no keys"));
                }
            }
        };
        let Fetched { mut keys, mut keep } = base;
        for role in roles.iter().rev() {
            let setup = self.setup.get().ok_or("a role is asked for, and no client is there to do it")?;
            keys = role::assume(role, keys, setup).await?;
            keep = true;
        }
        Ok(Some(Fetched { keys, keep }))
    }
}

/// Keys, and whether they are kept: what is in a file or variable is looked up anew, so that rotation is seen.
struct Fetched {
    keys: Keys,
    keep: bool,
}

#[cfg(test)]
mod tests;
