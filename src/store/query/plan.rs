//! A query after parsing: everything that can be decided before the first sample.

use super::Matcher;
use super::functions::Func;
use super::span::Steps;
pub(super) use super::span::{At, Shift, Span, SpanOp};

/// A whole query.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) root: Expr,
    /// What each selector selects, by its number.
    pub(super) selectors: Vec<Selection>,
}

/// The matchers of a selector.
#[derive(Debug)]
pub(super) struct Selection {
    pub(super) matchers: Vec<Matcher>,
    /// Where it stands, if it would select everything.
    pub(super) boundless: Option<usize>,
}

/// An expression, where it begins in the text, and what is known of it.
#[derive(Debug)]
pub(super) struct Expr {
    pub(super) node: Node,
    /// Byte offset.
    pub(super) at: usize,
    /// Nodes on the longest way down.
    pub(super) depth: u16,
    /// Has the same value at every instant of a query, as all its selectors are fixed by `@`.
    pub(super) fixed: bool,
}

/// Types of expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Scalar,
    Vector,
    Matrix,
    Text,
}

impl Kind {
    /// As Prometheus's messages name it.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Vector => "instant vector",
            Self::Matrix => "range vector",
            Self::Text => "string",
        }
    }
}

/// What an expression is.
#[derive(Debug)]
pub(super) enum Node {
    Number(f64),
    Text(String),
    Vector(Selector),
    Matrix(Matrix),
    Negate(Box<Expr>),
    Binary(Box<Binary>),
    Aggregate(Box<Aggregate>),
    Call(Box<Call>),
}

/// An instant selector, or the selector of a range.
#[derive(Debug)]
pub(super) struct Selector {
    /// Number of its [`Selection`].
    pub(super) selection: usize,
    pub(super) shift: Shift,
    pub(super) edges: Edges,
}

/// How samples around a window's edges count (Prometheus's extended range selectors).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edges {
    /// Only what lies in the window.
    Plain,
    /// The latest sample before stands at the left edge.
    Anchored,
    /// Both edges are interpolated.
    Smoothed,
}

/// A range selector or a subquery.
#[derive(Debug)]
pub(super) enum Matrix {
    Selector { selector: Selector, range: Span },
    Subquery { inner: Box<Expr>, range: Span, step: Option<Span>, shift: Shift },
}

impl Matrix {
    /// Length of the window in milliseconds, and its shift.
    pub(super) fn range(&self, query: Steps) -> Result<(i64, &Shift), super::QueryError> {
        let (range, shift) = match self {
            Self::Selector { selector, range } => (range, &selector.shift),
            Self::Subquery { range, shift, .. } => (range, shift),
        };
        Ok((range.positive_millis(query)?, shift))
    }
}

/// A binary operation.
#[derive(Debug)]
pub(super) struct Binary {
    pub(super) op: BinOp,
    pub(super) lhs: Expr,
    pub(super) rhs: Expr,
    pub(super) returns_bool: bool,
    pub(super) matching: Matching,
}

/// How the sides of a vector operation find each other.
#[derive(Clone, Debug, Default)]
pub(super) struct Matching {
    pub(super) on: bool,
    pub(super) labels: Vec<String>,
    pub(super) card: Card,
    /// Labels copied from the "one" side.
    pub(super) include: Vec<String>,
    /// Stands in for a missing element on the left.
    pub(super) fill_left: Option<f64>,
    /// Stands in for a missing element on the right.
    pub(super) fill_right: Option<f64>,
}

/// Cardinality of a vector match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Card {
    #[default]
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

    pub(super) fn is_right_associative(self) -> bool {
        self == Self::Pow
    }

    /// The name of a set operator.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::And => "and",
            Self::Or => "or",
            Self::Unless => "unless",
            _ => "operator",
        }
    }
}

/// An aggregation.
#[derive(Debug)]
pub(super) struct Aggregate {
    pub(super) op: AggOp,
    pub(super) arg: Expr,
    pub(super) param: Option<Expr>,
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
    LimitRatio,
    Quantile,
    CountValues,
}

impl AggOp {
    pub(super) fn has_parameter(self) -> bool {
        use AggOp::{Bottomk, CountValues, LimitRatio, Limitk, Quantile, Topk};
        matches!(self, Topk | Bottomk | Limitk | LimitRatio | Quantile | CountValues)
    }
}

/// A function call.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) func: Func,
    pub(super) args: Vec<Expr>,
    pub(super) returns: Kind,
}

impl Expr {
    pub(super) fn new(node: Node, at: usize) -> Self {
        let (deepest, fixed) = match &node {
            Node::Number(_) | Node::Text(_) => (0, true),
            Node::Vector(selector) | Node::Matrix(Matrix::Selector { selector, .. }) => {
                (0, selector.shift.at.is_some())
            }
            Node::Matrix(Matrix::Subquery { inner, shift, .. }) => (inner.depth, shift.at.is_some()),
            Node::Negate(inner) => (inner.depth, inner.fixed),
            Node::Binary(b) => (b.lhs.depth.max(b.rhs.depth), b.lhs.fixed && b.rhs.fixed),
            Node::Aggregate(a) => {
                let param = a.param.as_ref();
                (a.arg.depth.max(param.map_or(0, |p| p.depth)), a.arg.fixed && param.is_none_or(|p| p.fixed))
            }
            Node::Call(call) => (
                call.args.iter().map(|a| a.depth).max().unwrap_or(0),
                !call.func.depends_on_time(call.args.len()) && call.args.iter().all(|a| a.fixed),
            ),
        };
        Self { node, at, depth: deepest.saturating_add(1), fixed }
    }

    pub(super) fn kind(&self) -> Kind {
        match &self.node {
            Node::Number(_) => Kind::Scalar,
            Node::Text(_) => Kind::Text,
            Node::Matrix(_) => Kind::Matrix,
            Node::Negate(inner) => inner.kind(),
            Node::Binary(b) if b.lhs.kind() == Kind::Scalar && b.rhs.kind() == Kind::Scalar => Kind::Scalar,
            Node::Vector(_) | Node::Aggregate(_) | Node::Binary(_) => Kind::Vector,
            Node::Call(call) => call.returns,
        }
    }
}
