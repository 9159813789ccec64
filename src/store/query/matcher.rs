//! Label matchers with compiled, anchored expressions.

use crate::series::Labels;

use super::QueryError;
use super::expression::Expression;

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
    Regex(Expression),
    NotRegex(Expression),
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

    /// `name=~"pattern"` in RE2's syntax, anchored at both ends; fails if the pattern is not a regular expression.
    pub fn regex(name: &str, pattern: &str) -> Result<Self, QueryError> {
        Ok(Self { name: name.into(), test: Test::Regex(Expression::anchored(pattern)?) })
    }

    /// `name!~"pattern"`.
    pub fn not_regex(name: &str, pattern: &str) -> Result<Self, QueryError> {
        Ok(Self { name: name.into(), test: Test::NotRegex(Expression::anchored(pattern)?) })
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
