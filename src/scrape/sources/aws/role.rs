//! Roles that a profile asks for: the keys of another profile are exchanged for the role's at AWS's token service (STS).

use std::pin::Pin;
use std::sync::Arc;

use serde::Deserialize;

use crate::series::Timestamp;
use crate::series::text::clean;

use super::{AwsClient, AwsSetup, Call, Credentials, Effect, Keys, Service};

const VERSION: &str = "2011-06-15";
/// Longest ARN of a role, as AWS allows.
const MAX_ARN: usize = 2048;
/// Shortest and longest life of a role's keys, seconds, as AWS allows.
const LIFE: std::ops::RangeInclusive<u32> = 900..=43_200;

/// A role, and whose keys are given for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Role {
    arn: String,
    /// The profile whose keys are given.
    pub(super) source: String,
    external_id: Option<String>,
    session: String,
    seconds: u32,
}

impl Role {
    /// As a profile has it. The error names the setting and the fix.
    pub(super) fn new<'a>(get: &impl Fn(&str) -> Option<&'a str>) -> Result<Option<Self>, String> {
        let (Some(arn), Some(source)) = (get("role_arn"), get("source_profile")) else { return Ok(None) };
        if get("mfa_serial").is_some() {
            return Err("it has mfa_serial, and nobody is there to type a code".into());
        }
        let plain = |text: &str, most: usize| {
            let fits = |c: char| c.is_ascii_alphanumeric() || "+=,.@:/_-".contains(c);
            (2..=most).contains(&text.len()) && text.chars().all(fits)
        };
        if !plain(arn, MAX_ARN) || !arn.starts_with("arn:") {
            return Err("role_arn is no ARN; write it as arn:aws:iam::123456789012:role/NAME".into());
        }
        let session = get("role_session_name").unwrap_or("weescale");
        if !plain(session, 64) || session.contains([':', '/']) {
            return Err("role_session_name has 2 to 64 letters, digits and +=,.@-_".into());
        }
        let external_id = get("external_id");
        if external_id.is_some_and(|id| !plain(id, 1224)) {
            return Err("external_id has 2 to 1224 letters, digits and +=,.@:/-_".into());
        }
        let seconds = get("duration_seconds").map_or(Ok(3600), str::parse);
        let seconds = seconds.ok().filter(|s| LIFE.contains(s));
        let seconds = seconds.ok_or("duration_seconds is a number from 900 to 43200")?;
        Ok(Some(Self {
            arn: arn.to_owned(),
            source: source.to_owned(),
            external_id: external_id.map(str::to_owned),
            session: session.to_owned(),
            seconds,
        }))
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "AssumeRoleResult")]
    result: Given,
}

#[derive(Deserialize)]
struct Given {
    #[serde(rename = "Credentials")]
    keys: Made,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Made {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    expiration: String,
}

/// Exchanges `source` for the keys of `role`. Boxed, as asking for keys is a part of every call, and of this one too.
pub(super) fn assume<'a>(
    role: &'a Role,
    source: Keys,
    setup: &'a AwsSetup,
) -> Pin<Box<dyn Future<Output = Result<Keys, String>> + Send + 'a>> {
    Box::pin(async move {
        let shown = clean(&role.arn, 120);
        let failed = |why: &str| {
            format!("the role {shown} cannot be assumed with profile {}: {why}", clean(&role.source, 64))
        };
        let client = AwsClient::new(setup, Arc::new(Credentials::fixed(source)));
        let client = client.map_err(|e| failed(&e.to_string()))?;
        let mut params = vec![
            ("RoleArn".to_owned(), role.arn.clone()),
            ("RoleSessionName".to_owned(), role.session.clone()),
            ("DurationSeconds".to_owned(), role.seconds.to_string()),
        ];
        params.extend(role.external_id.clone().map(|id| ("ExternalId".to_owned(), id)));
        let call = Call::query("AssumeRole", VERSION, &params, Effect::Read).to(Service::Sts);
        let answer = client.call(&call).await.map_err(|e| {
            failed(&format!("{e}; its trust policy must name who asks, who must be allowed sts:AssumeRole"))
        })?;
        keys(&answer).map_err(|why| failed(&why))
    })
}

fn keys(answer: &[u8]) -> Result<Keys, String> {
    let text = std::str::from_utf8(answer).map_err(|_| "the answer is not UTF-8".to_owned())?;
    // What an answer of keys does not fit is never quoted.
    let answer: Answer = quick_xml::de::from_str(text).map_err(|_| "the answer makes no sense".to_owned())?;
    let made = answer.result.keys;
    let ends: jiff::Timestamp =
        made.expiration.parse().map_err(|_| "the answer says no time at which the keys end".to_owned())?;
    let ends = Some(Timestamp::from(ends));
    Keys::new(&made.access_key_id, &made.secret_access_key, Some(&made.session_token), ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(settings: &[(&'static str, &'static str)]) -> Result<Option<Role>, String> {
        Role::new(&|key: &str| settings.iter().find(|(k, _)| *k == key).map(|(_, v)| *v))
    }

    #[test]
    fn what_a_profile_says_is_checked_before_anything_is_sent() {
        let base = [("role_arn", "arn:aws:iam::1:role/r"), ("source_profile", "base")];
        let found = role(&base).unwrap().unwrap();
        assert_eq!(
            (found.session.as_str(), found.seconds, found.external_id.as_deref()),
            ("weescale", 3600, None)
        );
        assert_eq!(role(&base[..1]), Ok(None), "whose keys are given is not said");
        let with = |key, value| role(&[base[0], base[1], (key, value)]);
        assert_eq!(with("external_id", "a:b/7").unwrap().unwrap().external_id.as_deref(), Some("a:b/7"));
        for (key, value) in [
            ("mfa_serial", "arn:aws:iam::1:mfa/ann"),
            ("duration_seconds", "899"),
            ("duration_seconds", "x"),
            ("role_session_name", "a b"),
            ("external_id", "a\nb"),
        ] {
            assert!(with(key, value).unwrap_err().contains(key), "{key} {value}");
        }
        assert!(role(&[("role_arn", "r"), base[1]]).unwrap_err().contains("arn:aws:iam"));
    }

    #[test]
    fn an_answer_gives_keys_that_end_and_is_never_quoted() {
        let whole = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
                     <Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>hush</SecretAccessKey>\
                     <SessionToken>tok</SessionToken><Expiration>2026-11-30T05:00:00Z</Expiration></Credentials>\
                     <AssumedRoleUser/></AssumeRoleResult></AssumeRoleResponse>";
        let made = keys(whole.as_bytes()).ok().unwrap();
        assert_eq!((made.id(), made.secret()), ("ASIA1", "hush"));
        assert_eq!(made.expires().unwrap().to_string(), "2026-11-30T05:00:00Z");
        for broken in
            [whole.replace("<Expiration>", "<Expiration>no"), whole.replace("SessionToken", "Other")]
        {
            let why = keys(broken.as_bytes()).err().unwrap();
            assert!(!why.contains("hush"), "{why}");
        }
    }
}
