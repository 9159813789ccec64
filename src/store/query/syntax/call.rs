//! Function calls.

use super::super::QueryError;
use super::super::functions::Func;
use super::super::plan::{Call, Edges, Expr, Matrix, Node};
use super::parser::Parser;
use super::signature::{Signature, signature};

/// Functions that know what to do with `anchored` windows.
const ANCHORED: [&str; 5] = ["changes", "delta", "increase", "rate", "resets"];
/// Functions that know what to do with `smoothed` windows.
const SMOOTHED: [&str; 3] = ["delta", "increase", "rate"];

impl Parser<'_> {
    /// A call; the name is taken.
    pub(super) fn call(&mut self, name: &str, at: usize) -> Result<Expr, QueryError> {
        let Some(func) = Func::named(name) else {
            return Err(self.fault(at, &format!("unknown function with name {name:?}")));
        };
        let signature = signature(name);
        let args = self.arguments()?;
        self.check_count(name, at, &signature, args.len())?;
        for (i, arg) in args.iter().enumerate() {
            let last = signature.args.len().saturating_sub(1);
            let Some(kind) = signature.args.get(i.min(last)) else { continue };
            self.expect_kind(arg, *kind, &format!("call to function {name:?}"))?;
        }
        if name == "info" {
            self.allow_boundless(args.get(1))?;
        }
        self.check_edges(name, &args)?;
        let returns = signature.returns;
        self.made(Node::Call(Box::new(Call { func, args, returns })), at)
    }

    /// The second argument of `info` is no selector, but looks like one without a name: it may match the empty text.
    fn allow_boundless(&mut self, arg: Option<&Expr>) -> Result<(), QueryError> {
        let Some(arg) = arg else { return Ok(()) };
        let Node::Vector(selector) = &arg.node else {
            return Err(
                self.fault(arg.at, "expected label selectors as the second argument to the info function")
            );
        };
        if !self.stands_at("{", arg.at) {
            return Err(self.fault(arg.at, "expected label selectors only, got vector selector instead"));
        }
        if let Some(selection) = self.selectors.get_mut(selector.selection) {
            selection.boundless = None;
        }
        Ok(())
    }

    fn check_count(
        &self,
        name: &str,
        at: usize,
        signature: &Signature,
        got: usize,
    ) -> Result<(), QueryError> {
        let (least, most) = signature.count;
        let message = if least == most && got != least {
            format!("expected {least} argument(s) in call to {name:?}, got {got}")
        } else if got < least {
            format!("expected at least {least} argument(s) in call to {name:?}, got {got}")
        } else if got > most {
            format!("expected at most {most} argument(s) in call to {name:?}, got {got}")
        } else {
            return Ok(());
        };
        Err(self.fault(at, &message))
    }

    fn check_edges(&self, name: &str, args: &[Expr]) -> Result<(), QueryError> {
        for arg in args {
            let Node::Matrix(Matrix::Selector { selector, .. }) = &arg.node else { continue };
            let (word, known) = match selector.edges {
                Edges::Plain => continue,
                Edges::Anchored => ("anchored", ANCHORED.as_slice()),
                Edges::Smoothed => ("smoothed", SMOOTHED.as_slice()),
            };
            if !known.contains(&name) {
                let known = known.join(", ");
                let message = format!("{word} modifier can only be used with: {known} - not with {name}");
                return Err(self.fault(arg.at, &message));
            }
        }
        Ok(())
    }
}
