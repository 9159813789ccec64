//! Headers and parameters that a user adds to requests: what they may be.

/// Longest name, in bytes.
const NAME_BYTES: usize = 128;
/// Longest value, in bytes.
const VALUE_BYTES: usize = 4096;

/// Headers that the client makes itself; a second one would break the request or leak a credential.
const OWN_HEADERS: [&str; 12] = [
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// Parameters that each request has itself.
const OWN_PARAMS: [&str; 9] =
    ["query", "time", "start", "end", "step", "match[]", "limit", "metric", "deny_partial_response"];

/// Whether a header may be added to requests.
///
/// # Errors
/// What is wrong with it and what to do instead, without its value.
pub fn check_header(name: &str, value: &str) -> Result<(), String> {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || name.len() > NAME_BYTES || !name.bytes().all(token) {
        return Err(format!("{name:?} is not a header name"));
    }
    let lower = name.to_ascii_lowercase();
    if lower == "authorization" {
        return Err("Authorization is made of bearer_file, bearer_env, or user with a password".into());
    }
    if OWN_HEADERS.contains(&lower.as_str()) {
        return Err(format!("{name} is set by weescale itself; remove it"));
    }
    if value.len() > VALUE_BYTES || value.chars().any(char::is_control) {
        return Err(format!("the value of {name} must be one line of at most {VALUE_BYTES} bytes"));
    }
    Ok(())
}

/// Whether a parameter may be added to every request to a PromQL server.
///
/// # Errors
/// What is wrong with it and what to do instead.
pub fn check_param(name: &str, value: &str) -> Result<(), String> {
    let usual = |b: u8| b.is_ascii_alphanumeric() || b"_-.[]".contains(&b);
    if name.is_empty() || name.len() > NAME_BYTES || !name.bytes().all(usual) {
        return Err(format!("{name:?} is not the name of a parameter"));
    }
    if name == "partial_response" {
        return Err("partial_response is always false: partial data are never used; remove it".into());
    }
    if OWN_PARAMS.contains(&name) {
        return Err(format!("{name} is set by weescale itself; remove it"));
    }
    if value.len() > VALUE_BYTES || value.chars().any(char::is_control) {
        return Err(format!("the value of {name} must be one line of at most {VALUE_BYTES} bytes"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_and_switches_pass_and_what_would_break_requests_does_not() {
        assert_eq!(check_header("X-Scope-OrgID", "team-a|team-b"), Ok(()));
        assert_eq!(check_param("dedup", "true"), Ok(()));
        assert_eq!(check_param("storeMatch[]", "{a=\"b\"}"), Ok(()));
        for (name, value) in
            [("", "x"), ("a b", "x"), ("Host", "x"), ("authorization", "x"), ("x", "a\nb: c")]
        {
            assert!(check_header(name, value).is_err(), "{name}");
        }
        for (name, value) in
            [("", "x"), ("a&b", "x"), ("query", "x"), ("partial_response", "true"), ("x", "\0")]
        {
            assert!(check_param(name, value).is_err(), "{name}");
        }
        let error = check_header("X-Key", "hunter2\n").unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
