//! Keys of AWS. They have no `Debug`, no `Display` and no `Serialize`.

use std::time::Duration;

use crate::series::Timestamp;

/// Renewed when this much life is left.
const RENEW_BEFORE: Duration = Duration::from_secs(300);
/// Longest key or token taken over, bytes.
const MAX_KEY: usize = 16 << 10;

/// An access key with its secret.
#[expect(missing_debug_implementations, reason = "a secret has no way to be shown")]
#[derive(Clone)]
pub struct Keys {
    id: String,
    secret: String,
    token: Option<String>,
    expires: Option<Timestamp>,
}

impl Keys {
    /// Keys as given; white space around them does not belong to them.
    ///
    /// # Errors
    /// One is empty, over 16 KiB, or holds characters that no header can.
    pub fn new(
        id: &str,
        secret: &str,
        token: Option<&str>,
        expires: Option<Timestamp>,
    ) -> Result<Self, String> {
        let usable = |what: &str, text: &str| {
            let text = text.trim();
            if text.is_empty() {
                return Err(format!("the {what} is empty"));
            }
            if text.len() > MAX_KEY || !text.bytes().all(|b| (0x21..=0x7e).contains(&b)) {
                return Err(format!("the {what} is no such thing: it is too long or has odd characters"));
            }
            Ok(text.to_owned())
        };
        let token = token.map(str::trim).filter(|t| !t.is_empty());
        Ok(Self {
            id: usable("access key id", id)?,
            secret: usable("secret access key", secret)?,
            token: token.map(|t| usable("session token", t)).transpose()?,
            expires,
        })
    }

    /// When they end, if they do.
    pub const fn expires(&self) -> Option<Timestamp> {
        self.expires
    }

    /// Whether they have ended.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }

    /// Whether it is time for new ones.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|at| at <= now + RENEW_BEFORE)
    }

    /// The access key id, which AWS itself writes into its logs.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn secret(&self) -> &str {
        &self.secret
    }

    pub(super) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_whole_and_end_when_they_say() {
        let at = |ms| Timestamp::from_millis(ms);
        let keys = Keys::new(" AKIA1 ", "s3cret\n", Some(""), Some(at(1_000_000))).ok().unwrap();
        assert_eq!((keys.id(), keys.secret(), keys.token()), ("AKIA1", "s3cret", None));
        assert!(!keys.is_due(at(699_999)) && keys.is_due(at(700_000)));
        assert!(!keys.is_expired(at(999_999)) && keys.is_expired(at(1_000_000)));
        assert!(Keys::new("", "x", None, None).err().unwrap().contains("access key id is empty"));
        let told = Keys::new("a", "hun ter2", None, None).err().unwrap();
        assert!(told.contains("secret access key") && !told.contains("hun"), "{told}");
    }
}
