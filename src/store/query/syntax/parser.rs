//! The parser's state, and binary expressions by precedence.

use super::super::QueryError;
use super::super::plan::{Expr, Node, Plan, Selection};
use super::lexer::{Fault, tokens};
use super::operator::{binary_operator, place};
use super::token::{Tok, Token};

/// Deepest nesting of an expression.
const MAX_DEPTH: usize = 128;

/// Parses and checks `text`.
pub(in super::super) fn parse(text: &str) -> Result<Plan, QueryError> {
    let tokens = tokens(text).map_err(|fault| refused(text, &fault))?;
    let mut parser = Parser { text, tokens, next: 0, depth: 0, selectors: Vec::new() };
    if parser.peek() == &Tok::End {
        return Err(parser.fault(0, "no expression found in input"));
    }
    let root = parser.expr()?;
    if parser.peek() != &Tok::End {
        return Err(parser.unexpected("in expression"));
    }
    if let Some(at) = parser.selectors.iter().find_map(|s| s.boundless) {
        return Err(parser.fault(at, "vector selector must contain at least one non-empty matcher"));
    }
    Ok(Plan { root, selectors: parser.selectors })
}

fn refused(text: &str, (at, message): &Fault) -> QueryError {
    QueryError::Parse(format!("{}: {message}", place(text, *at)))
}

pub(super) struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
    pub(super) selectors: Vec<Selection>,
}

impl Parser<'_> {
    /// The coming token.
    pub(super) fn peek(&self) -> &Tok {
        self.ahead(0)
    }

    /// The token after `count` others.
    pub(super) fn ahead(&self, count: usize) -> &Tok {
        self.tokens.get(self.next + count).map_or(&Tok::End, |t| &t.kind)
    }

    /// Where the coming token begins.
    pub(super) fn here(&self) -> usize {
        self.tokens.get(self.next).map_or(self.text.len(), |t| t.at)
    }

    pub(super) fn skip(&mut self) {
        self.next += 1;
    }

    pub(super) fn take(&mut self) -> Tok {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    /// Takes the sign if it comes.
    pub(super) fn accept(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Tok::Sign(s) if *s == sign);
        if found {
            self.next += 1;
        }
        found
    }

    pub(super) fn expect(&mut self, sign: &str) -> Result<(), QueryError> {
        if self.accept(sign) { Ok(()) } else { Err(self.unexpected(&format!("where {sign:?} was expected"))) }
    }

    /// The text that begins at byte `at`.
    fn from(&self, at: usize) -> &str {
        self.text.get(at..).unwrap_or_default()
    }

    /// The letters at byte `at`, as they are written.
    pub(super) fn word_at(&self, at: usize) -> &str {
        let text = self.from(at);
        let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
        text.get(..end).unwrap_or_default()
    }

    /// Whether `sign` stands at byte `at`.
    pub(super) fn stands_at(&self, sign: &str, at: usize) -> bool {
        self.from(at).starts_with(sign)
    }

    /// The coming word in lower case, or nothing.
    pub(super) fn keyword(&self) -> String {
        match self.peek() {
            Tok::Word(word) => word.to_ascii_lowercase(),
            _ => String::new(),
        }
    }

    /// Takes the keyword if it comes.
    pub(super) fn accept_word(&mut self, word: &str) -> bool {
        let found = self.keyword() == word;
        if found {
            self.next += 1;
        }
        found
    }

    pub(super) fn fault(&self, at: usize, message: &str) -> QueryError {
        refused(self.text, &(at, message.to_owned()))
    }

    pub(super) fn unexpected(&self, context: &str) -> QueryError {
        self.fault(self.here(), &format!("unexpected {} {context}", self.peek()))
    }

    pub(super) fn deeper(&mut self) -> Result<(), QueryError> {
        self.depth += 1;
        self.check_depth(self.depth, self.here())
    }

    /// Refuses what is deeper than the stack is meant for, here and where it is evaluated and dropped.
    pub(super) fn check_depth(&self, depth: usize, at: usize) -> Result<(), QueryError> {
        if depth > MAX_DEPTH {
            return Err(self.fault(at, &format!("nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(())
    }

    pub(super) fn shallower(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// A node, unless it nests too deep.
    pub(super) fn made(&self, node: Node, at: usize) -> Result<Expr, QueryError> {
        let expr = Expr::new(node, at);
        self.check_depth(usize::from(expr.depth), at)?;
        Ok(expr)
    }

    /// Any expression.
    pub(super) fn expr(&mut self) -> Result<Expr, QueryError> {
        self.binary(0)
    }

    /// An expression whose operators bind at least as tightly as `least`.
    pub(super) fn binary(&mut self, least: u8) -> Result<Expr, QueryError> {
        self.deeper()?;
        let mut left = self.unary()?;
        while let Some((op, binding)) = binary_operator(self.peek()).filter(|(_, binding)| *binding >= least)
        {
            let at = self.here();
            self.skip();
            let modifiers = self.modifiers()?;
            let right = self.binary(if op.is_right_associative() { binding } else { binding + 1 })?;
            left = self.joined(op, at, left, right, modifiers)?;
        }
        self.shallower();
        Ok(left)
    }
}
