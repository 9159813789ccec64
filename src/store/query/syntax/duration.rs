//! Durations in brackets and after `offset`: literals, and arithmetic over them.

use super::super::QueryError;
use super::super::plan::{Span, SpanOp};
use super::parser::Parser;
use super::token::Tok;

impl Parser<'_> {
    /// A whole duration expression, as brackets hold it.
    pub(super) fn span(&mut self) -> Result<Span, QueryError> {
        self.span_of(0)
    }

    fn span_of(&mut self, least: u8) -> Result<Span, QueryError> {
        self.deeper()?;
        let mut left = self.span_atom()?;
        while let Tok::Sign(sign) = self.peek() {
            let (op, binding) = match *sign {
                "+" => (SpanOp::Add, 1),
                "-" => (SpanOp::Sub, 1),
                "*" => (SpanOp::Mul, 2),
                "/" => (SpanOp::Div, 2),
                "%" => (SpanOp::Mod, 2),
                "^" => (SpanOp::Pow, 3),
                _ => break,
            };
            if binding < least {
                break;
            }
            let at = self.here();
            self.skip();
            // `^` binds to the right.
            let right = self.span_of(if op == SpanOp::Pow { binding } else { binding + 1 })?;
            left = self.computed(op, left, right, at)?;
        }
        self.shallower();
        Ok(left)
    }

    /// A literal, a sign with what it is before, parentheses, `step()`, `range()`, `min(…)` or `max(…)`: what may stand
    /// after `offset` as it is.
    pub(super) fn span_atom(&mut self) -> Result<Span, QueryError> {
        let at = self.here();
        match self.take() {
            Tok::Number(seconds) => Ok(Span::Seconds(seconds)),
            Tok::Duration(millis) => Ok(Span::Seconds(millis as f64 / 1000.0)),
            Tok::Sign("-") => {
                let inner = self.signed_atom()?;
                self.computed(SpanOp::Mul, Span::Seconds(-1.0), inner, at)
            }
            Tok::Sign("+") => self.signed_atom(),
            Tok::Sign("(") => {
                let inner = self.span()?;
                self.expect(")")?;
                Ok(inner)
            }
            Tok::Word(word) => self.span_function(&word, at),
            other => Err(self.fault(at, &format!("unexpected {other} in duration expression"))),
        }
    }

    /// `left op right`, unless it nests too deep: a chain of operators nests as deep as it is long.
    fn computed(&self, op: SpanOp, left: Span, right: Span, at: usize) -> Result<Span, QueryError> {
        let span = Span::of(op, left, right);
        self.check_depth(span.depth(), at)?;
        Ok(span)
    }

    fn signed_atom(&mut self) -> Result<Span, QueryError> {
        self.deeper()?;
        let inner = self.span_atom();
        self.shallower();
        inner
    }

    fn span_function(&mut self, word: &str, at: usize) -> Result<Span, QueryError> {
        let op = match word.to_ascii_lowercase().as_str() {
            "step" => None,
            "range" => Some(None),
            "min" | "min_of" => Some(Some(SpanOp::Min)),
            "max" | "max_of" => Some(Some(SpanOp::Max)),
            _ => return Err(self.fault(at, &format!("unexpected {word:?} in duration expression"))),
        };
        self.expect("(")?;
        let span = match op {
            None => Span::Step,
            Some(None) => Span::Range,
            Some(Some(op)) => {
                let left = self.span()?;
                self.expect(",")?;
                let right = self.span()?;
                self.computed(op, left, right, at)?
            }
        };
        self.expect(")")?;
        Ok(span)
    }
}
