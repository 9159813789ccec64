//! The evaluator: each expression once, for all instants of a query.

use super::annotations::Notes;
use super::functions::Func;
use super::plan::{Expr, Node, Plan};
use super::span::Steps;
use super::standing::Known;
use super::value::{Column, Val, gap, merged, nameless};
use super::{Budget, Options, QueryError, Storage};

/// Evaluates expressions over its instants. A subquery has an evaluator of its own.
#[derive(Clone, Copy)]
pub(super) struct Evaluator<'a> {
    pub(super) storage: &'a dyn Storage,
    pub(super) plan: &'a Plan,
    /// The instants of the whole query, for `@ start()` and `@ end()`.
    pub(super) query: Steps,
    /// The instants this evaluator is asked about.
    pub(super) steps: Steps,
    pub(super) options: &'a Options,
    pub(super) budget: &'a Budget,
    pub(super) notes: &'a Notes,
    /// What is known already.
    pub(super) known: &'a Known,
}

impl Evaluator<'_> {
    /// The same for other instants.
    pub(super) fn over(&self, steps: Steps) -> Self {
        Self { steps, ..*self }
    }

    /// The values of `expr`.
    pub(super) fn eval(&self, expr: &Expr) -> Result<Val, QueryError> {
        let computed = !matches!(expr.node, Node::Number(_) | Node::Text(_) | Node::Matrix(_));
        if expr.fixed && computed && self.steps.count() > 1 {
            return self.repeated(self.over(Steps::once(self.steps.start)).eval(expr)?);
        }
        // A subquery may have very many steps; whatever holds a value a step is paid for.
        self.budget.charge(0, self.steps.count())?;
        match &expr.node {
            Node::Number(value) => Ok(Val::Scalar(vec![*value; self.steps.count()])),
            Node::Text(text) => Ok(Val::Text(text.clone())),
            Node::Vector(selector) => self.latest(selector).map(Val::Vector),
            Node::Matrix(_) => Err(QueryError::Eval("a range vector is not allowed here".into())),
            Node::Negate(inner) => match self.eval(inner)? {
                Val::Scalar(values) => Ok(Val::Scalar(values.into_iter().map(|v| -v).collect())),
                Val::Vector(columns) => {
                    self.renamed(columns.into_iter().map(|c| c.map(|v| -v)).collect()).map(Val::Vector)
                }
                Val::Text(_) => Err(QueryError::Eval("expected a scalar or instant vector".into())),
            },
            Node::Binary(binary) => self.binary(binary),
            Node::Aggregate(aggregate) => self.aggregate(aggregate).map(Val::Vector),
            Node::Call(call) => self.call(call, expr.at),
        }
    }

    fn repeated(&self, once: Val) -> Result<Val, QueryError> {
        let count = self.steps.count();
        let all = |values: &[f64]| vec![values.first().copied().unwrap_or_else(gap); count];
        Ok(match once {
            Val::Scalar(values) => Val::Scalar(all(&values)),
            Val::Text(text) => Val::Text(text),
            Val::Vector(columns) => {
                self.budget.charge(0, columns.len().saturating_mul(count))?;
                Val::Vector(columns.into_iter().map(|c| Column { values: all(&c.values), ..c }).collect())
            }
        })
    }

    /// The vector that `expr` yields.
    pub(super) fn vector(&self, expr: &Expr) -> Result<Vec<Column>, QueryError> {
        match self.eval(expr)? {
            Val::Vector(columns) => Ok(columns),
            _ => Err(QueryError::Eval("expected an instant vector".into())),
        }
    }

    /// The scalars that `expr` yields, one an instant.
    pub(super) fn scalars(&self, expr: &Expr) -> Result<Vec<f64>, QueryError> {
        match self.eval(expr)? {
            Val::Scalar(values) => Ok(values),
            _ => Err(QueryError::Eval("expected a scalar".into())),
        }
    }

    /// The text that `expr` yields.
    pub(super) fn text(&self, expr: &Expr) -> Result<String, QueryError> {
        match self.eval(expr)? {
            Val::Text(text) => Ok(text),
            _ => Err(QueryError::Eval("expected a string".into())),
        }
    }

    /// Columns without their metric names, now or at the end; fails if that makes two of them equal.
    pub(super) fn renamed(&self, columns: Vec<Column>) -> Result<Vec<Column>, QueryError> {
        if self.options.delayed_name_removal {
            return Ok(columns.into_iter().map(|c| Column { drop_name: true, ..c }).collect());
        }
        merged(columns.into_iter().map(|c| Column { labels: nameless(&c.labels), ..c }).collect())
    }

    /// A column without values, as long as the evaluation; charged.
    pub(super) fn blank(&self) -> Result<Vec<f64>, QueryError> {
        self.budget.charge(0, self.steps.count())?;
        Ok(vec![gap(); self.steps.count()])
    }
}

impl Func {
    /// Whether the result at an instant depends on that instant beyond what the arguments say.
    pub(super) fn depends_on_time(self, arguments: usize) -> bool {
        match self {
            Self::Time | Self::Timestamp | Self::Info => true,
            Self::Calendar(_) => arguments == 0,
            Self::Range(f) => f.depends_on_time,
            _ => false,
        }
    }
}
