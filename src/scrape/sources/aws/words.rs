//! What AWS says with an error: its code and words, whatever protocol they come in.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::Deserialize;

use crate::series::text::clean;

use super::AwsError;

/// Longest text taken over, characters.
pub(super) const MAX_TEXT: usize = 300;

/// Longest code taken over, characters.
const MAX_CODE: usize = 64;

#[derive(Debug, Default, Deserialize)]
struct Spoken {
    #[serde(rename = "__type", default)]
    kind: String,
    #[serde(default)]
    code: String,
    #[serde(alias = "Message", default)]
    message: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Inner {
    code: String,
    message: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Outer {
    error: Option<Inner>,
    errors: Option<Box<Outer>>,
}

/// The error that an answer which is not 200 stands for.
pub(super) fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> AwsError {
    let (code, message) = code_and_message(headers, body);
    let retry_after = headers
        .get(RETRY_AFTER)
        .and_then(|v| v.to_str().ok()?.parse::<u64>().ok())
        .map(|secs| Duration::from_secs(secs.min(3600)));
    let refused = AwsError::Refused {
        status: status.as_u16(),
        code: if code.is_empty() { format!("HTTP {}", status.as_u16()) } else { code },
        message,
        retry_after,
    };
    if status.is_redirection() {
        return AwsError::Refused {
            status: status.as_u16(),
            code: format!("HTTP {}", status.as_u16()),
            message: "redirects are not followed; set endpoint to the final address".into(),
            retry_after: None,
        };
    }
    // A gateway may have passed the request on, a server may have failed after the effect.
    if status.is_server_error() && !refused.is_throttling() {
        return AwsError::NoAnswer(format!("HTTP {} {refused}", status.as_u16()));
    }
    refused
}

fn code_and_message(headers: &HeaderMap, body: &[u8]) -> (String, String) {
    let header = headers.get("x-amzn-errortype").and_then(|v| v.to_str().ok()).unwrap_or_default();
    let body = body.get(..body.len().min(16 << 10)).unwrap_or_default();
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start();
    let (code, message) = if text.starts_with('<') {
        let outer: Outer = quick_xml::de::from_str(text).unwrap_or_default();
        let inner = outer.error.or_else(|| outer.errors.and_then(|e| e.error)).unwrap_or_default();
        (inner.code, inner.message)
    } else if text.starts_with('{') {
        let spoken: Spoken = serde_json::from_str(text).unwrap_or_default();
        let code = if spoken.kind.is_empty() { spoken.code } else { spoken.kind };
        (code, spoken.message)
    } else {
        (String::new(), text.to_owned())
    };
    let code = if code.is_empty() { header.to_owned() } else { code };
    // `com.amazonaws.ecs#AccessDeniedException:http://…` is one code in two wrappings.
    let code = code.rsplit('#').next().unwrap_or_default();
    let code = code.split(':').next().unwrap_or_default();
    (clean(code.trim(), MAX_CODE), clean(message.trim(), MAX_TEXT))
}

/// An error chain of reqwest without its address (it may hold secrets), clean and bounded.
pub fn transport(error: &reqwest::Error) -> String {
    let mut text = match error {
        e if e.is_timeout() => "timed out".to_owned(),
        e if e.is_connect() => "cannot connect".to_owned(),
        e if e.is_body() || e.is_decode() => "broken body".to_owned(),
        _ => "request failed".to_owned(),
    };
    if let Some(words) = crate::scrape::certificate::in_words(error) {
        return clean(&format!("{text}: {words}"), MAX_TEXT);
    }
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    clean(&text, MAX_TEXT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(status: u16, body: &str) -> AwsError {
        refusal(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn codes_are_found_in_every_wrapping() {
        let xml = "<ErrorResponse xmlns=\"x\"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no \u{1b}[2J</Message>\
                   </Error><RequestId>1</RequestId></ErrorResponse>";
        let error = told(403, xml);
        assert!(error.is_denied(), "{error:?}");
        assert!(!error.to_string().contains('\u{1b}'), "{error}");
        let nested = "<?xml version=\"1.0\"?>\n<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>m</Message></Error></Errors></Response>";
        assert!(told(403, nested).is_denied());
        let json =
            r#"{"__type":"com.amazonaws.ecs#ClusterNotFoundException","message":"Cluster not found."}"#;
        assert_eq!(told(400, json).to_string(), "ClusterNotFoundException: Cluster not found.");
        let json = r#"{"__type":"ThrottlingException","Message":"Rate exceeded"}"#;
        assert!(told(400, json).is_throttling());
        let mut headers = HeaderMap::new();
        headers.insert("x-amzn-errortype", "ExpiredTokenException:http://x".parse().unwrap());
        assert!(refusal(StatusCode::BAD_REQUEST, &headers, b"{}").is_identity());
    }

    #[test]
    fn what_may_have_had_an_effect_is_no_refusal() {
        assert!(matches!(told(500, "<ErrorResponse/>"), AwsError::NoAnswer(_)));
        assert!(matches!(told(503, "down"), AwsError::NoAnswer(_)));
        let busy = told(
            503,
            "<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>",
        );
        assert!(busy.is_throttling());
        assert!(told(302, "").to_string().contains("redirects are not followed"));
        assert_eq!(told(418, "teapot").to_string(), "HTTP 418: teapot");
    }
}
