//! Label matchers with compiled, anchored expressions.

use regex::Regex;

use crate::series::Labels;

use super::QueryError;

/// One label matcher. A missing label has the empty value, as in Prometheus.
#[derive(Clone, Debug)]
pub struct Matcher {
    name: String,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Equal(String),
    NotEqual(String),
    Regex(Regex),
    NotRegex(Regex),
}

impl Matcher {
    /// `name="value"`.
    pub fn equal(name: &str, value: &str) -> Self {
        Self { name: name.into(), test: Test::Equal(value.into()) }
    }

    /// `name!="value"`.
    pub fn not_equal(name: &str, value: &str) -> Self {
        Self { name: name.into(), test: Test::NotEqual(value.into()) }
    }

    /// `name=~"pattern"`, anchored at both ends; fails if the pattern is not a regular expression.
    pub fn regex(name: &str, pattern: &str) -> Result<Self, QueryError> {
        Ok(Self { name: name.into(), test: Test::Regex(anchored(pattern)?) })
    }

    /// `name!~"pattern"`.
    pub fn not_regex(name: &str, pattern: &str) -> Result<Self, QueryError> {
        Ok(Self { name: name.into(), test: Test::NotRegex(anchored(pattern)?) })
    }

    /// The label it looks at.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The one value it accepts, if it is an equality.
    pub fn exact(&self) -> Option<&str> {
        match &self.test {
            Test::Equal(value) => Some(value),
            _ => None,
        }
    }

    /// Whether it says what a label is not.
    pub(super) fn is_negative(&self) -> bool {
        matches!(self.test, Test::NotEqual(_) | Test::NotRegex(_))
    }

    /// Whether it accepts `value`.
    pub fn matches_value(&self, value: &str) -> bool {
        match &self.test {
            Test::Equal(v) => v == value,
            Test::NotEqual(v) => v != value,
            Test::Regex(r) => r.is_match(value),
            Test::NotRegex(r) => !r.is_match(value),
        }
    }

    /// Whether it accepts a series.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.matches_value(labels.get(&self.name).unwrap_or_default())
    }
}

/// Compiles a pattern as Prometheus does: anchored, `.` matches newlines, and a `{` that starts no
/// repetition is an ordinary character (Go accepts it, the regex crate does not).
pub(super) fn anchored(pattern: &str) -> Result<Regex, QueryError> {
    let compile = |p: &str| Regex::new(&format!("^(?s:{p})$"));
    compile(pattern)
        .or_else(|_| compile(&escape_stray_braces(pattern)))
        .map_err(|_| QueryError::Eval(format!("invalid regular expression {pattern:?}")))
}

fn escape_stray_braces(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 4);
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => {
                out.push(c);
                out.extend(rest.next());
            }
            '{' if !is_repetition(rest.as_str()) => out.push_str("\\{"),
            _ => out.push(c),
        }
    }
    out
}

/// Whether `rest`, the text after `{`, is `n}`, `n,}` or `n,m}`.
fn is_repetition(rest: &str) -> bool {
    let Some((inside, _)) = rest.split_once('}') else { return false };
    let (low, high) = inside.split_once(',').unwrap_or((inside, "0"));
    let digits = |s: &str| s.chars().all(|c| c.is_ascii_digit());
    !low.is_empty() && digits(low) && digits(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_anchored_and_match_newlines() {
        let m = Matcher::regex("a", "x.*|y").unwrap();
        assert!(m.matches_value("x\nz"));
        assert!(!m.matches_value("wx"));
        assert!(!m.matches_value("yy"));
        assert!(Matcher::regex("a", "b{c}").unwrap().matches_value("b{c}"));
        assert!(Matcher::regex("a", "b{2}").unwrap().matches_value("bb"));
        assert!(Matcher::regex("a", "(").is_err());
        assert!(Matcher::not_equal("a", "b").matches(&Labels::empty()));
    }
}
