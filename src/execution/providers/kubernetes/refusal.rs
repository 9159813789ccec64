//! What a status means. Not every refusal is a `Status`: some are plain text.

use serde::Deserialize;

use crate::execution::provider::ProviderError;
use crate::series::text::clean;

use super::api::Reply;

/// Longest text taken over: a 422 can carry the whole object.
const MAX_TEXT: usize = 300;

#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    message: String,
    #[serde(default)]
    reason: String,
}

/// The server's words, clean and bounded.
pub(super) fn words(reply: &Reply) -> String {
    let head = String::from_utf8_lossy(reply.body.get(..reply.body.len().min(2048)).unwrap_or_default());
    let text = match serde_json::from_slice::<Status>(&reply.body) {
        Ok(s) if s.message.is_empty() => s.reason,
        Ok(s) => s.message,
        Err(_) => head.into_owned(),
    };
    clean(format!("{} {}", reply.status, text.trim()).trim(), MAX_TEXT)
}

/// Whether a 422 is a failed test of a JSON patch rather than an invalid value: those name no field.
pub(super) fn is_failed_test(reply: &Reply) -> bool {
    #[derive(Deserialize)]
    struct Full {
        #[serde(default)]
        reason: String,
        #[serde(default)]
        details: Details,
    }
    #[derive(Default, Deserialize)]
    struct Details {
        #[serde(default)]
        causes: Vec<serde_json::Value>,
    }
    reply.status == 422
        && serde_json::from_slice::<Full>(&reply.body)
            .is_ok_and(|f| f.reason == "Invalid" && f.details.causes.is_empty())
}

/// Whether a webhook, a policy, a quota or a range of limits refused it, rather than the roles of this identity.
pub(super) fn is_admission(why: &str) -> bool {
    let told = why.contains("admission webhook")
        || why.contains("denied request")
        || why.contains("denied the request");
    // Roles always name the user and what he cannot do; a proxy before the server has words of its own.
    let by_roles = why.contains("User \"") && why.contains("cannot ");
    told || why.contains(" is forbidden: ") && !by_roles
}

/// Whether a webhook of the server's did not answer: what it stands before is not done, and may be asked again.
fn is_webhook_down(why: &str) -> bool {
    why.contains("failed calling webhook")
}

/// What a 403 to a write means: `rule` is what the role lacks, where a right is what is missing.
pub(super) fn forbidden(why: String, rule: &str) -> ProviderError {
    if is_admission(&why) {
        // No right would change it.
        ProviderError::Invalid(why)
    } else {
        ProviderError::Forbidden(format!("{why}; add to the role: {rule}"))
    }
}

/// The error a status other than success stands for, as for a write.
pub(super) fn of(reply: &Reply) -> ProviderError {
    let why = words(reply);
    match reply.status {
        401 => ProviderError::Unauthenticated(why),
        403 => ProviderError::Forbidden(why),
        404 | 410 => ProviderError::NotFound(why),
        409 => ProviderError::Conflict { why, current: None },
        429 => ProviderError::Unavailable { why, retry_after: reply.retry_after },
        300..=399 => {
            ProviderError::Invalid(format!("{why}: redirects are not followed; set the final address"))
        }
        400..=499 => ProviderError::Invalid(why),
        // Admission comes before anything is stored.
        500 if is_webhook_down(&why) => ProviderError::Unavailable { why, retry_after: None },
        // A gateway may have passed the request on, a server may have failed after the effect.
        _ => ProviderError::Unknown(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &str) -> Reply {
        Reply { status, retry_after: None, warning: None, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn refusals_are_told_apart() {
        let failed = r#"{"kind":"Status","message":"the server rejected our request due to an error in our request","reason":"Invalid","details":{},"code":422}"#;
        let invalid = r#"{"kind":"Status","message":"spec.replicas: Invalid value: -1","reason":"Invalid","details":{"causes":[{"field":"spec.replicas"}]},"code":422}"#;
        assert!(is_failed_test(&reply(422, failed)) && !is_failed_test(&reply(422, invalid)));
        assert!(!is_failed_test(&reply(422, "no JSON")) && !is_failed_test(&reply(409, failed)));
        assert!(matches!(of(&reply(429, "Too many requests\n")), ProviderError::Unavailable { .. }));
        assert!(matches!(of(&reply(503, "service unavailable")), ProviderError::Unknown(_)));
        let hook = r#"{"kind":"Status","message":"Internal error occurred: failed calling webhook \"a.b\": context deadline exceeded","reason":"InternalError","code":500}"#;
        assert!(matches!(of(&reply(500, hook)), ProviderError::Unavailable { .. }), "certainly not done");
        assert!(matches!(of(&reply(500, "a gateway")), ProviderError::Unknown(_)));
        assert!(matches!(of(&reply(302, "")), ProviderError::Invalid(_)));
        let range =
            "403 pods \"web-1\" is forbidden: maximum cpu usage per Container is 400m, but request is 500m";
        let quota = "403 pods \"web-1\" is forbidden: exceeded quota: team, requested: requests.cpu=150m";
        for why in [range, quota, "403 admission webhook \"a.b\" denied the request: no"] {
            assert!(matches!(forbidden(why.into(), "rule"), ProviderError::Invalid(w) if w == why), "{why}");
        }
        let role = "403 pods \"web-1\" is forbidden: User \"ann\" cannot patch resource \"pods/resize\" in API group \"\"";
        for why in [role, "403 Forbidden by the proxy"] {
            assert!(
                matches!(forbidden(why.into(), "rule"), ProviderError::Forbidden(w) if w.ends_with("rule"))
            );
        }
        let long = words(&reply(422, &"x\u{1b}".repeat(5000)));
        assert!(long.chars().count() <= 2000 && !long.contains('\u{1b}'));
    }
}
