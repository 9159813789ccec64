//! Takes out what looks like a secret before a recording leaves the machine.
//!
//! No secret has a way into the view: none has a `Serialize` that shows it. This is for what others put into texts we
//! show, such as an error that quotes a header.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

const GONE: &str = "[redacted]";

/// What looks like a secret, and what stands instead. Whole headers first: what follows their first word is as secret.
const PATTERNS: [(&str, &str); 7] = [
    (
        r#"(?i)\b(authorization|proxy-authorization|(?:set-)?cookie)(\\?["']?\s*[:=]\s*)(?:\\?"[^"\r\n]*"?|\\?'[^'\r\n]*'?|[^\s"'][^\r\n]*)"#,
        "$1$2[redacted]",
    ),
    (r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}", "$1 [redacted]"),
    (
        // `db_password=`, `secretAccessKey:`, `"refresh_token": "`, also where quotes are escaped.
        r#"(?i)([a-z0-9_.-]*(?:token|secret|passw(?:or)?d|passphrase|api[_-]?key|access[_-]?key|auth[_-]?key|private[_-]?key|credential|signature)[a-z0-9_.-]*)(\\?["']?\s*[:=]\s*)(?:\\?"[^"\r\n]*"?|\\?'[^'\r\n]*'?|[^\s"',;&}\[][^\s"',;&}]*)"#,
        "$1$2[redacted]",
    ),
    (r"://[^/\s:@]*:[^/\s@]+@", "://[redacted]@"),
    (r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", GONE),
    (r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]*)?", GONE),
    (r"\b(?:gh[pousr]_|github_pat_|glpat-|xox[baprs]-|sk-)[A-Za-z0-9_-]{16,}", GONE),
];

static COMPILED: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    PATTERNS.iter().filter_map(|(p, instead)| Regex::new(p).ok().map(|r| (r, *instead))).collect()
});

/// A text without what looks like a secret.
pub fn redacted(text: &str) -> String {
    let mut out = text.to_owned();
    for (pattern, instead) in COMPILED.iter() {
        if pattern.is_match(&out) {
            out = pattern.replace_all(&out, *instead).into_owned();
        }
    }
    out
}

/// Every text of a value; members whose name says what they hold lose it whole.
pub(super) fn redacted_value(value: Value, count: &mut u64) -> Value {
    match value {
        Value::String(text) => {
            let clean = redacted(&text);
            *count += u64::from(clean != text);
            Value::String(clean)
        }
        Value::Array(values) => Value::Array(values.into_iter().map(|v| redacted_value(v, count)).collect()),
        Value::Object(members) => {
            let mut out = Map::new();
            for (name, value) in members {
                let value = if value.is_string() && is_secret(&name) {
                    *count += 1;
                    Value::String(GONE.into())
                } else {
                    redacted_value(value, count)
                };
                out.insert(name, value);
            }
            Value::Object(out)
        }
        other => other,
    }
}

/// Words that say what a member holds, in small letters without `_` and `-`.
const WORDS: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "authorization",
    "apikey",
    "accesskey",
    "authkey",
    "privatekey",
    "cookie",
    "credential",
];

/// Whether a member's name says that it holds a secret, however it is spelt: `refresh_token`, `secretAccessKey`.
fn is_secret(name: &str) -> bool {
    let bare: String =
        name.chars().filter(|c| !matches!(c, '_' | '-')).map(|c| c.to_ascii_lowercase()).collect();
    WORDS.iter().any(|word| bare.contains(word))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_taken_out() {
        assert_eq!(COMPILED.len(), PATTERNS.len(), "every pattern compiles");
        for text in [
            "GET failed: Authorization: Bearer abcdef0123456789",
            "https://user:hunter2hunter2@prom:9090/api",
            "key AKIAIOSFODNN7EXAMPLE was refused",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w",
            "?token=s3cr3ts3cr3t&x=1",
            "password: 'correct-horse'",
            "ghp_abcdefghijklmnop1234",
        ] {
            let out = redacted(text);
            for secret in ["abcdef0123456789", "hunter2", "AKIA", "eyJ", "s3cr3t", "correct-horse", "ghp_"] {
                assert!(!out.contains(secret), "{out}");
            }
            assert!(out.contains(GONE), "{out}");
        }
        assert_eq!(redacted("checkout: raise HPA min 6→11"), "checkout: raise HPA min 6→11");
        let mut count = 0;
        let value =
            redacted_value(json!({ "bearer_token": "x", "sentence": "fine", "token": 3 }), &mut count);
        assert_eq!((value, count), (json!({ "bearer_token": GONE, "sentence": "fine", "token": 3 }), 1));
    }

    #[test]
    fn however_it_is_spelt() {
        for text in [
            "POST failed: access_token=hunter2hunter2&next=1",
            "env aws_secret_access_key=hunter2/x+hunter2",
            "DB_PASSWORD=hunter2",
            "refresh_token: hunter2",
            "{\"secretAccessKey\":\"hunter2 hunter2\"}",
            "{\\\"secretAccessKey\\\":\\\"hunter2\\\"}",
            "Authorization: Token hunter2",
            "Proxy-Authorization: Digest username=\"x\", response=hunter2",
            "set-cookie: sid=1; other=hunter2; Path=/",
            "Cookie: a=b; session=hunter2",
            "client.secret = 'hunter2 hunter2'",
            "X-Api-Key: hunter2",
            "private-key: hunter2",
        ] {
            let out = redacted(text);
            assert!(!out.contains("hunter2") && out.contains(GONE), "{text} became {out}");
        }
        for fine in [
            "3 tokens are left",
            "the secret is not mounted",
            "set-cookies are counted",
            "[redacted]",
            "credential helper: none found",
        ] {
            let twice = redacted(&redacted(fine));
            assert_eq!(redacted(fine), twice, "{fine}");
        }
        assert_eq!(redacted("3 tokens are left: 4"), "3 tokens are left: 4");
        let twice = redacted("token=abc; password: xyz");
        assert_eq!(redacted(&twice), twice, "what was taken out stays as it is");
        for name in [
            "secretAccessKey",
            "refresh_token",
            "set-cookie",
            "DB_PASSWORD",
            "api-key",
            "apiKey",
            "x-auth-token",
        ] {
            let mut count = 0;
            assert_eq!(
                redacted_value(json!({ name: "hunter2" }), &mut count),
                json!({ name: GONE }),
                "{name}"
            );
        }
    }
}
