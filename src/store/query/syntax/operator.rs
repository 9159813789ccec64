//! Binary operators: names, precedence, modifiers, and what they may stand between.

use super::super::QueryError;
use super::super::names::is_name;
use super::super::plan::{BinOp, Binary, Card, Expr, Kind, Matching, Node};
use super::parser::Parser;
use super::token::Tok;

/// `line:column` of a byte offset, both from 1, the column in bytes: as Prometheus counts.
pub(in super::super) fn place(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.len() - before.rfind('\n').map_or(0, |i| i + 1) + 1;
    format!("{line}:{column}")
}

/// The operator a token is, and how tightly it binds.
pub(super) fn binary_operator(token: &Tok) -> Option<(BinOp, u8)> {
    Some(match token {
        Tok::Sign(sign) => match *sign {
            "==" => (BinOp::Eq, 3),
            "!=" => (BinOp::Ne, 3),
            "<" => (BinOp::Lt, 3),
            ">" => (BinOp::Gt, 3),
            "<=" => (BinOp::Le, 3),
            ">=" => (BinOp::Ge, 3),
            "+" => (BinOp::Add, 4),
            "-" => (BinOp::Sub, 4),
            "*" => (BinOp::Mul, 5),
            "/" => (BinOp::Div, 5),
            "%" => (BinOp::Mod, 5),
            "^" => (BinOp::Pow, POWER),
            _ => return None,
        },
        Tok::Word(word) => match word.to_ascii_lowercase().as_str() {
            "or" => (BinOp::Or, 1),
            "and" => (BinOp::And, 2),
            "unless" => (BinOp::Unless, 2),
            "atan2" => (BinOp::Atan2, 5),
            _ => return None,
        },
        _ => return None,
    })
}

/// How tightly `^` binds: tighter than a sign, so that `-1 ^ 2` is `-(1 ^ 2)`.
pub(super) const POWER: u8 = 6;

/// What may follow an operator.
#[derive(Default)]
pub(super) struct Modifiers {
    returns_bool: bool,
    matching: Matching,
    /// Something that scalars cannot have: labels to match by, or a filling.
    given: bool,
}

impl Parser<'_> {
    /// `bool`, `on` or `ignoring`, `group_left` or `group_right`, `fill…`.
    pub(super) fn modifiers(&mut self) -> Result<Modifiers, QueryError> {
        let mut m = Modifiers { returns_bool: self.accept_word("bool"), ..Modifiers::default() };
        let on = self.accept_word("on");
        if on || self.accept_word("ignoring") {
            m.matching.on = on;
            m.matching.labels = self.label_list()?;
            m.given = !m.matching.labels.is_empty();
            let left = self.accept_word("group_left");
            if left || self.accept_word("group_right") {
                m.matching.card = if left { Card::ManyToOne } else { Card::OneToMany };
                if matches!(self.peek(), Tok::Sign("(")) {
                    m.matching.include = self.label_list()?;
                }
            }
        }
        // `fill` is a metric's name as long as no parenthesis follows.
        while matches!(self.ahead(1), Tok::Sign("(")) {
            let (left, right) = match self.keyword().as_str() {
                "fill" => (true, true),
                "fill_left" => (true, false),
                "fill_right" => (false, true),
                _ => break,
            };
            self.skip();
            self.expect("(")?;
            let value = self.signed_number()?;
            self.expect(")")?;
            m.given = true;
            if left {
                m.matching.fill_left = Some(value);
            }
            if right {
                m.matching.fill_right = Some(value);
            }
        }
        Ok(m)
    }

    /// `(a, "b.c", d)`.
    pub(super) fn label_list(&mut self) -> Result<Vec<String>, QueryError> {
        self.expect("(")?;
        let mut labels = Vec::new();
        while !self.accept(")") {
            let at = self.here();
            match self.take() {
                Tok::Word(word) if !word.contains(':') => labels.push(word),
                Tok::Text(text) if is_name(&text) => labels.push(text),
                other => {
                    return Err(
                        self.fault(at, &format!("unexpected {other} in grouping opts, expected label"))
                    );
                }
            }
            if !self.accept(",") && !matches!(self.peek(), Tok::Sign(")")) {
                return Err(self.unexpected("in grouping opts, expected \",\" or \")\""));
            }
        }
        Ok(labels)
    }

    /// A number with its sign.
    pub(super) fn signed_number(&mut self) -> Result<f64, QueryError> {
        let negative = self.accept("-");
        if !negative {
            self.accept("+");
        }
        let at = self.here();
        let value = match self.take() {
            Tok::Number(value) => value,
            Tok::Duration(millis) => millis as f64 / 1000.0,
            other => return Err(self.fault(at, &format!("unexpected {other}, expected number"))),
        };
        Ok(if negative { -value } else { value })
    }

    /// `lhs op rhs`, checked.
    pub(super) fn joined(
        &self,
        op: BinOp,
        at: usize,
        lhs: Expr,
        rhs: Expr,
        modifiers: Modifiers,
    ) -> Result<Expr, QueryError> {
        let Modifiers { returns_bool, matching, given } = modifiers;
        let (l, r) = (lhs.kind(), rhs.kind());
        let say = |message: &str| Err(self.fault(at, message));
        if returns_bool && !op.is_comparison() {
            return say("bool modifier can only be used on comparison operators");
        }
        for (kind, side) in [(l, &lhs), (r, &rhs)] {
            if !matches!(kind, Kind::Scalar | Kind::Vector) {
                let message = "binary expression must contain only scalar and instant vector types";
                return Err(self.fault(side.at, message));
            }
        }
        if l != Kind::Vector || r != Kind::Vector {
            if given {
                return say("vector matching only allowed between instant vectors");
            }
            if op.is_set() {
                return say(&format!("set operator {:?} not allowed in binary scalar expression", op.text()));
            }
            if op.is_comparison() && !returns_bool && l == r {
                return say("comparisons between scalars must use BOOL modifier");
            }
        }
        if op.is_set() {
            if matching.card != Card::OneToOne {
                return say(&format!("no grouping allowed for {:?} operation", op.text()));
            }
            if matching.fill_left.is_some() || matching.fill_right.is_some() {
                return say("filling in missing series not allowed for set operators");
            }
        }
        if let Some(twice) = matching.include.iter().find(|l| matching.on && matching.labels.contains(l)) {
            return say(&format!("label {twice:?} must not occur in ON and GROUP clause at once"));
        }
        let start = lhs.at;
        let card = matching.card;
        let binary = Binary { op, lhs, rhs, returns_bool, matching: Matching { card, ..matching } };
        self.made(Node::Binary(Box::new(binary)), start)
    }
}
