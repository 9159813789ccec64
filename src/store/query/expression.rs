//! Regular expressions as Prometheus uses them: anchored, and what `label_replace` makes of what they capture.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::QueryError;
use super::re2::translate;

/// What may name a group: letters, digits and `_`, as Go takes them.
static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[\p{L}\p{Nd}_]+").ok());

/// An expression that matches values whole.
#[derive(Clone, Debug)]
pub(super) struct Expression {
    regex: Regex,
    /// Names of groups, in order, and their numbers.
    names: Vec<(String, usize)>,
}

impl Expression {
    /// Compiles a pattern in RE2's syntax as Prometheus does: anchored at both ends, `.` matches newlines.
    pub(super) fn anchored(pattern: &str) -> Result<Self, QueryError> {
        let refused = || QueryError::Eval(format!("invalid regular expression {pattern:?}"));
        let translated = translate(pattern).map_err(|_| refused())?;
        let regex = Regex::new(&format!("^(?s:{})$", translated.text)).map_err(|_| refused())?;
        Ok(Self { regex, names: translated.names })
    }

    /// Whether it matches all of `value`.
    pub(super) fn is_match(&self, value: &str) -> bool {
        self.regex.is_match(value)
    }

    /// `template` with what the groups captured in `value` for `$1`, `$name` and `${name}` (Go, `Regexp.Expand`); `None`
    /// if the value does not match. `charge` is told of bytes before they are added.
    pub(super) fn replaced<E>(
        &self,
        value: &str,
        template: &str,
        mut charge: impl FnMut(usize) -> Result<(), E>,
    ) -> Result<Option<String>, E> {
        let Some(captures) = self.regex.captures(value) else { return Ok(None) };
        let mut out = String::new();
        let mut add = |text: &str| -> Result<(), E> {
            charge(text.len())?;
            out.push_str(text);
            Ok(())
        };
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('$') {
            add(before)?;
            rest = if let Some((name, tail)) = reference(after) {
                add(self.captured(&captures, name))?;
                tail
            } else {
                // `$$` is a dollar, and one that names nothing stands for itself.
                add("$")?;
                after.strip_prefix('$').unwrap_or(after)
            };
        }
        add(rest)?;
        Ok(Some(out))
    }

    /// What a group captured, by its number or name; of several of one name the first that took part.
    fn captured<'v>(&self, captures: &Captures<'v>, name: &str) -> &'v str {
        let digits = name.chars().all(|c| c.is_ascii_digit()) && (name.len() == 1 || !name.starts_with('0'));
        let found = match name.parse() {
            Ok(number) if digits => captures.get(number),
            _ => {
                let mut numbers = self.names.iter().filter(|(known, _)| known == name).map(|(_, n)| *n);
                numbers.find_map(|number| captures.get(number))
            }
        };
        found.map_or("", |found| found.as_str())
    }
}

/// The name after a `$`, perhaps in braces, and what follows.
fn reference(after: &str) -> Option<(&str, &str)> {
    let inner = after.strip_prefix('{');
    let text = inner.unwrap_or(after);
    let length = NAME.as_ref()?.find(text)?.end();
    let (name, rest) = text.split_at_checked(length)?;
    Some((name, if inner.is_some() { rest.strip_prefix('}')? } else { rest }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(pattern: &str, value: &str, template: &str) -> Option<String> {
        let expression = Expression::anchored(pattern).unwrap();
        expression.replaced(value, template, |_| Ok::<(), ()>(())).unwrap()
    }

    #[test]
    fn templates_expand_as_in_go() {
        for (pattern, value, template, wanted) in [
            ("(.*)-(?P<last>.*)", "a-b", "${last}.$1", "b.a"),
            ("(.*)-(.*)", "a-b", "$1_", ""),
            ("(.*)-(.*)", "a-b", "${1}_$2$0", "a_ba-b"),
            ("(.*)-(.*)", "a-b", "$$1 $ ${1 $- ${} $", "$1 $ ${1 $- ${} $"),
            ("(.*)-(.*)", "a-b", "$1é|${2}é", "|bé"),
            ("(.*)-(.*)", "a-b", "$1\u{345}", "a\u{345}"),
            ("(.*)-(.*)", "a-b", "$01$9", ""),
            ("(?P<1>.*)-(?P<01>.*)", "a-b", "$01$1", "ba"),
            ("(?P<n>x)?(?P<n>.*)", "b", "$n", "b"),
        ] {
            assert_eq!(replaced(pattern, value, template).as_deref(), Some(wanted), "{pattern} {template}");
        }
        assert_eq!(replaced("b", "ab", "c"), None);
    }

    #[test]
    fn bytes_are_charged_before_they_are_added() {
        let expression = Expression::anchored("(.*)").unwrap();
        let mut left = 10_usize;
        let charge = |bytes: usize| {
            left = left.checked_sub(bytes).ok_or("too much")?;
            Ok(())
        };
        assert_eq!(expression.replaced("aaaa", &"$1".repeat(1000), charge), Err("too much"));
        assert_eq!(left, 2);
    }
}
