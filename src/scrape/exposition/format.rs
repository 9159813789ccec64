//! Which exposition format a body is in.

use crate::series::text::clean;

/// The `Accept` header of a scrape, best first.
pub const ACCEPT: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1";

/// An exposition format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text 0.0.4: timestamps in milliseconds.
    Text,
    /// `OpenMetrics` 1.0: timestamps in seconds, exemplars, `# EOF` at the end.
    OpenMetrics,
}

impl Format {
    /// From a content type; a missing or unspecific one is taken as text, as Prometheus 2 does.
    ///
    /// # Errors
    /// One clause: a type that cannot be an exposition in text form.
    pub fn from_content_type(content_type: &str) -> Result<Self, String> {
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/openmetrics-text" => Ok(Self::OpenMetrics),
            "text/html" | "application/xhtml+xml" => Err(web_page()),
            "application/json" | "application/vnd.google.protobuf" => {
                Err(format!("it is {}, not Prometheus text; check the path of url", clean(&essence, 60)))
            }
            _ => Ok(Self::Text),
        }
    }
}

/// Says that a body is HTML.
pub(super) fn web_page() -> String {
    "it is a web page, not metrics (a login page, or a proxy?); point url at the metrics path".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_content_type() {
        let of = Format::from_content_type;
        assert_eq!(of("application/openmetrics-text; version=1.0.0; charset=utf-8"), Ok(Format::OpenMetrics));
        assert_eq!(of("text/plain; version=0.0.4"), Ok(Format::Text));
        assert_eq!(of(""), Ok(Format::Text));
        assert!(of("Text/HTML; charset=utf-8").unwrap_err().contains("web page"));
        assert!(of("application/json").is_err());
    }
}
