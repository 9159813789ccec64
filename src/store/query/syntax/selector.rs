//! Vector selectors.

use super::super::names::is_name;
use super::super::plan::{Edges, Selection, Selector, Shift};
use super::super::{Matcher, QueryError};
use super::parser::Parser;
use super::token::Tok;
use crate::series::METRIC_NAME;

impl Parser<'_> {
    /// A selector with the metric's name, if one was given; braces may follow.
    pub(super) fn selector(&mut self, name: Option<&str>, at: usize) -> Result<Selector, QueryError> {
        let mut matchers: Vec<Matcher> = Vec::new();
        let mut named = name.map(str::to_owned);
        if self.accept("{") {
            while !self.accept("}") {
                self.matcher(&mut matchers, &mut named)?;
                if !self.accept(",") && !matches!(self.peek(), Tok::Sign("}")) {
                    return Err(self.unexpected("in label matching, expected \",\" or \"}\""));
                }
            }
        }
        if let Some(named) = named {
            if let Some(other) = matchers.iter().find(|m| m.name() == METRIC_NAME && name.is_some()) {
                let other = other.exact().unwrap_or_default();
                let message = format!("metric name must not be set twice: {named:?} or {other:?}");
                return Err(self.fault(at, &message));
            }
            matchers.insert(0, Matcher::equal(METRIC_NAME, &named));
        }
        let boundless = matchers.iter().all(|m| m.matches_value("")).then_some(at);
        self.selectors.push(Selection { matchers, boundless });
        Ok(Selector { selection: self.selectors.len() - 1, shift: Shift::default(), edges: Edges::Plain })
    }

    /// `label op "value"`, or a quoted metric name.
    fn matcher(&mut self, matchers: &mut Vec<Matcher>, named: &mut Option<String>) -> Result<(), QueryError> {
        let at = self.here();
        let label = match self.take() {
            Tok::Word(word) if !word.contains(':') => word,
            // `Inf` and `NaN` were read as numbers, but are names here, as they are written.
            Tok::Number(n) if !n.is_finite() => self.word_at(at).to_owned(),
            Tok::Text(text) if matches!(self.peek(), Tok::Sign("," | "}")) => {
                if let Some(other) = named {
                    let message = format!("metric name must not be set twice: {other:?} or {text:?}");
                    return Err(self.fault(at, &message));
                }
                if !is_name(&text) {
                    return Err(self.fault(at, &format!("{text:?} is not a valid metric name")));
                }
                *named = Some(text);
                return Ok(());
            }
            Tok::Text(text) if is_name(&text) => text,
            other => {
                let message = format!("unexpected {other} in label matching, expected identifier or \"}}\"");
                return Err(self.fault(at, &message));
            }
        };
        let sign = match self.take() {
            Tok::Sign(sign @ ("=" | "!=" | "=~" | "!~")) => sign,
            other => {
                let message =
                    format!("unexpected {other} in label matching, expected label matching operator");
                return Err(self.fault(at, &message));
            }
        };
        let value_at = self.here();
        let Tok::Text(value) = self.take() else {
            return Err(self.fault(value_at, "unexpected token in label matching, expected string"));
        };
        let matcher = match sign {
            "=" => Ok(Matcher::equal(&label, &value)),
            "!=" => Ok(Matcher::not_equal(&label, &value)),
            "=~" => Matcher::regex(&label, &value),
            _ => Matcher::not_regex(&label, &value),
        };
        matchers.push(matcher.map_err(|error| self.fault(value_at, &error.to_string()))?);
        Ok(())
    }
}
