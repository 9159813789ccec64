//! A query after lowering: everything that can be decided before the first sample.

use crate::series::Labels;

use super::Matcher;
use super::functions::Func;

/// A whole query.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) root: Node,
    /// Matchers of each selector, by its number.
    pub(super) selectors: Vec<Vec<Matcher>>,
}

/// The instants something is evaluated at, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    pub(super) start: i64,
    pub(super) end: i64,
    /// Zero for an instant query.
    pub(super) step: i64,
}

impl Steps {
    pub(super) fn instants(self) -> impl Iterator<Item = i64> {
        std::iter::successors(Some(self.start), move |t| t.checked_add(self.step).filter(|next| next > t))
            .take_while(move |t| *t <= self.end)
    }
}

/// `offset` and `@` of a selector or subquery.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shift {
    pub(super) offset: i64,
    pub(super) at: Option<At>,
}

/// The instant of an `@` modifier.
#[derive(Clone, Copy, Debug)]
pub(super) enum At {
    Start,
    End,
    Fixed(i64),
}

impl Shift {
    /// The instant meant at evaluation time `t` of a query over `start..=end` (milliseconds).
    pub(super) fn resolve(self, t: i64, query: Steps) -> i64 {
        let base = match self.at {
            None => t,
            Some(At::Start) => query.start,
            Some(At::End) => query.end,
            Some(At::Fixed(at)) => at,
        };
        base.saturating_sub(self.offset)
    }
}

/// An expression.
#[derive(Debug)]
pub(super) enum Node {
    Number(f64),
    Text(String),
    Vector { selector: usize, shift: Shift },
    Matrix(Matrix),
    Negate(Box<Node>),
    Binary(Box<Binary>),
    Aggregate(Box<Aggregate>),
    Call(Box<Call>),
}

/// A range selector or a subquery. Times in milliseconds.
#[derive(Debug)]
pub(super) enum Matrix {
    Selector { selector: usize, range: i64, shift: Shift },
    Subquery { number: usize, inner: Box<Node>, range: i64, step: Option<i64>, shift: Shift },
}

/// A binary operation.
#[derive(Debug)]
pub(super) struct Binary {
    pub(super) op: BinOp,
    pub(super) lhs: Node,
    pub(super) rhs: Node,
    pub(super) returns_bool: bool,
    pub(super) matching: Matching,
}

/// How the sides of a vector operation find each other.
#[derive(Debug)]
pub(super) struct Matching {
    pub(super) on: bool,
    pub(super) labels: Vec<String>,
    pub(super) card: Card,
    /// Labels copied from the "one" side.
    pub(super) include: Vec<String>,
}

/// Cardinality of a vector match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Card {
    OneToOne,
    ManyToOne,
    OneToMany,
}

/// Binary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BinOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Atan2,
    Eq,
    Ne,
    Lt,
    Gt,
    Le,
    Ge,
    And,
    Or,
    Unless,
}

impl BinOp {
    pub(super) fn is_comparison(self) -> bool {
        matches!(self, Self::Eq | Self::Ne | Self::Lt | Self::Gt | Self::Le | Self::Ge)
    }

    pub(super) fn is_set(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Unless)
    }
}

/// An aggregation.
#[derive(Debug)]
pub(super) struct Aggregate {
    pub(super) op: AggOp,
    pub(super) arg: Node,
    pub(super) param: Option<Node>,
    pub(super) without: bool,
    pub(super) labels: Vec<String>,
}

/// Aggregation operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AggOp {
    Sum,
    Avg,
    Min,
    Max,
    Count,
    Group,
    Stddev,
    Stdvar,
    Topk,
    Bottomk,
    Limitk,
    Quantile,
    CountValues,
}

/// A function call.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) func: Func,
    pub(super) args: Vec<Node>,
    /// Labels of the element that `absent` and `absent_over_time` return.
    pub(super) absent: Labels,
}
