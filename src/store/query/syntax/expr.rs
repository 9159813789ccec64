//! Unary and primary expressions, and what may follow them: ranges, `offset`, `@`, `anchored`, `smoothed`.

use super::super::QueryError;
use super::super::plan::{At, Edges, Expr, Kind, Matrix, Node, Selector, Shift, Span};
use super::operator::POWER;
use super::parser::Parser;
use super::token::Tok;

/// Words that cannot name a metric.
const RESERVED: [&str; 6] = ["bool", "on", "ignoring", "group_left", "group_right", "atan2"];

impl Parser<'_> {
    pub(super) fn unary(&mut self) -> Result<Expr, QueryError> {
        let at = self.here();
        let negative = self.accept("-");
        if !negative && !self.accept("+") {
            return self.postfix();
        }
        self.deeper()?;
        let inner = self.binary(POWER)?;
        self.shallower();
        if !matches!(inner.kind(), Kind::Scalar | Kind::Vector) {
            let kind = inner.kind().text();
            let message = format!(
                "unary expression only allowed on expressions of type scalar or instant vector, got {kind:?}"
            );
            return Err(self.fault(at, &message));
        }
        if negative { self.made(Node::Negate(Box::new(inner)), at) } else { Ok(Expr { at, ..inner }) }
    }

    fn postfix(&mut self) -> Result<Expr, QueryError> {
        let parenthesised = matches!(self.peek(), Tok::Sign("("));
        let mut expr = self.primary()?;
        let mut open = !parenthesised;
        loop {
            let at = self.here();
            if self.accept("[") {
                expr = self.bracket(expr, at, open)?;
                open = true;
            } else if self.accept_word("offset") {
                let span = self.span_atom()?;
                let shift = self.shift_of(&mut expr, at, open, "offset modifier")?;
                if shift.offset.is_some() {
                    return Err(self.fault(at, "offset may not be set multiple times"));
                }
                shift.offset = Some(span);
            } else if self.accept("@") {
                let instant = self.instant()?;
                let shift = self.shift_of(&mut expr, at, open, "@ modifier")?;
                if shift.at.is_some() {
                    return Err(self.fault(at, "@ <timestamp> may not be set multiple times"));
                }
                shift.at = Some(instant);
            } else if matches!(self.keyword().as_str(), "anchored" | "smoothed") {
                self.edges(&mut expr, at, open)?;
            } else {
                return Ok(Expr::new(expr.node, expr.at));
            }
        }
    }

    /// Where an `offset` or `@` goes. `open`: the expression is not in parentheses.
    fn shift_of<'e>(
        &self,
        expr: &'e mut Expr,
        at: usize,
        open: bool,
        what: &str,
    ) -> Result<&'e mut Shift, QueryError> {
        let message = format!(
            "{what} must be preceded by an instant vector selector or range vector selector or a subquery"
        );
        match &mut expr.node {
            Node::Vector(selector) | Node::Matrix(Matrix::Selector { selector, .. }) if open => {
                Ok(&mut selector.shift)
            }
            Node::Matrix(Matrix::Subquery { shift, .. }) if open => Ok(shift),
            _ => Err(self.fault(at, &message)),
        }
    }

    fn edges(&mut self, expr: &mut Expr, at: usize, open: bool) -> Result<(), QueryError> {
        let word = self.keyword();
        self.skip();
        let edges = if word == "anchored" { Edges::Anchored } else { Edges::Smoothed };
        let selector = match &mut expr.node {
            Node::Vector(selector) if open && edges == Edges::Smoothed => selector,
            Node::Matrix(Matrix::Selector { selector, .. }) if open => selector,
            Node::Vector(_) if open => {
                return Err(self.fault(at, "anchored modifier can only be used with range vector selectors"));
            }
            _ => return Err(self.fault(at, &format!("{word} modifier not implemented for this expression"))),
        };
        if selector.edges != Edges::Plain {
            return Err(self.fault(at, "anchored and smoothed modifiers cannot be used together"));
        }
        selector.edges = edges;
        Ok(())
    }

    /// `start()`, `end()` or a number of seconds.
    fn instant(&mut self) -> Result<At, QueryError> {
        let word = self.keyword();
        if matches!(word.as_str(), "start" | "end") {
            self.skip();
            self.expect("(")?;
            self.expect(")")?;
            return Ok(if word == "start" { At::Start } else { At::End });
        }
        let at = self.here();
        let seconds = self.signed_number()?;
        if !seconds.is_finite() || (seconds * 1000.0).abs() >= i64::MAX as f64 {
            return Err(self.fault(at, &format!("timestamp out of bounds for @ modifier: {seconds}")));
        }
        Ok(At::Fixed((seconds * 1000.0).round() as i64))
    }

    /// A range or a subquery; the `[` is taken.
    fn bracket(&mut self, expr: Expr, at: usize, open: bool) -> Result<Expr, QueryError> {
        let range = self.span()?;
        self.positive(&range, at)?;
        let start = expr.at;
        if self.accept(":") {
            let step = if matches!(self.peek(), Tok::Sign("]")) { None } else { Some(self.span()?) };
            self.expect("]")?;
            if let Some(step) = &step {
                self.positive(step, at)?;
            }
            if expr.kind() != Kind::Vector {
                let kind = expr.kind().text();
                let message = format!("subquery is only allowed on instant vector, got {kind} instead");
                return Err(self.fault(start, &message));
            }
            let node = Matrix::Subquery { inner: Box::new(expr), range, step, shift: Shift::default() };
            return self.made(Node::Matrix(node), start);
        }
        self.expect("]")?;
        match expr.node {
            Node::Vector(selector) if open => {
                if selector.shift.offset.is_some() {
                    return Err(self.fault(at, "no offset modifiers allowed before range"));
                }
                if selector.shift.at.is_some() {
                    return Err(self.fault(at, "no @ modifiers allowed before range"));
                }
                self.made(Node::Matrix(Matrix::Selector { selector, range }), start)
            }
            _ => Err(self.fault(at, "ranges only allowed for vector selectors")),
        }
    }

    /// Refuses a literal duration that is not positive; expressions are judged when their step is known.
    fn positive(&self, span: &Span, at: usize) -> Result<(), QueryError> {
        match span {
            Span::Seconds(seconds) if *seconds <= 0.0 || seconds.is_nan() => {
                Err(self.fault(at, "duration must be greater than 0"))
            }
            _ => Ok(()),
        }
    }

    fn primary(&mut self) -> Result<Expr, QueryError> {
        let at = self.here();
        match self.peek().clone() {
            Tok::Number(value) => {
                self.skip();
                self.made(Node::Number(value), at)
            }
            Tok::Duration(millis) => {
                self.skip();
                self.made(Node::Number(millis as f64 / 1000.0), at)
            }
            Tok::Text(text) => {
                self.skip();
                self.made(Node::Text(text), at)
            }
            Tok::Sign("(") => {
                self.skip();
                let inner = self.expr()?;
                self.expect(")")?;
                Ok(Expr { at, ..inner })
            }
            Tok::Sign("{") => {
                let selector = self.selector(None, at)?;
                self.made(Node::Vector(selector), at)
            }
            Tok::Word(word) => self.worded(&word, at),
            _ => Err(self.unexpected("in expression")),
        }
    }

    fn worded(&mut self, word: &str, at: usize) -> Result<Expr, QueryError> {
        let lower = word.to_ascii_lowercase();
        if let Some(op) = super::aggregate::operator(&lower)
            && (matches!(self.ahead(1), Tok::Sign("(")) || self.grouping_ahead())
        {
            self.skip();
            return self.aggregate(op, &lower, at);
        }
        if matches!(self.ahead(1), Tok::Sign("(")) {
            self.skip();
            return self.call(word, at);
        }
        if RESERVED.contains(&lower.as_str()) {
            return Err(self.unexpected("in expression"));
        }
        self.skip();
        let selector: Selector = self.selector(Some(word), at)?;
        self.made(Node::Vector(selector), at)
    }

    /// Whether `by` or `without` and a parenthesis follow the coming word.
    fn grouping_ahead(&self) -> bool {
        let grouping = matches!(self.ahead(1), Tok::Word(word)
            if word.eq_ignore_ascii_case("by") || word.eq_ignore_ascii_case("without"));
        grouping && matches!(self.ahead(2), Tok::Sign("("))
    }
}
