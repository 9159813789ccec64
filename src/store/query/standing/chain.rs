//! Aggregations whose groups follow from labels alone.

use crate::series::{Labels, METRIC_NAME};

use super::super::Matcher;
use super::super::aggregate::key;
use super::super::binary::{compare, of_scalars};
use super::super::expression::Expression;
use super::super::functions::{Func, RangeFn};
use super::super::names::is_name;
use super::super::plan::{
    AggOp, Aggregate, BinOp, Binary, Call, Edges, Expr, Matrix, Node, Plan, Selector, Span,
};
use super::super::span::Steps;
use super::super::value::is_metadata;
use super::acc::adds_up;

/// Longest text that a `label_replace` here may make.
const MOST_BYTES: usize = 16 * 1024;

/// One selection and the aggregations around it, from the innermost out.
#[derive(Debug)]
pub(super) struct Chain {
    /// Address of the outermost aggregation's node.
    pub(super) key: usize,
    pub(super) leaf: Leaf,
    pub(super) folds: Vec<Fold>,
}

/// Series of one metric, and the value each has.
#[derive(Debug)]
pub(super) struct Leaf {
    /// A series that several of them select counts once.
    pub(super) selections: Vec<Vec<Matcher>>,
    pub(super) read: Read,
}

/// How a series' value is read.
#[derive(Clone, Copy)]
pub(super) enum Read {
    /// Its latest.
    Latest,
    /// A function of a window of so many milliseconds.
    Window(RangeFn, i64),
}

impl std::fmt::Debug for Read {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Latest => f.write_str("Latest"),
            Self::Window(_, millis) => write!(f, "Window({millis} ms)"),
        }
    }
}

/// One aggregation, and what happens to its members before.
#[derive(Debug)]
pub(super) struct Fold {
    pub(super) op: AggOp,
    without: bool,
    labels: Vec<String>,
    relabels: Vec<Relabel>,
    changes: Vec<Change>,
    drops_name: bool,
}

/// `label_replace`.
#[derive(Debug)]
struct Relabel {
    destination: String,
    replacement: String,
    source: String,
    expression: Expression,
}

/// What happens to a value.
#[derive(Debug)]
enum Change {
    Math(fn(f64) -> f64),
    /// With a number, which may stand on the left; comparisons drop what does not hold.
    Number {
        op: BinOp,
        number: f64,
        left: bool,
        returns_bool: bool,
    },
}

/// The outermost chains of a plan.
pub(super) fn found(plan: &Plan) -> Vec<Chain> {
    let mut chains = Vec::new();
    collect(plan, &plan.root, &mut chains);
    chains
}

fn collect(plan: &Plan, expr: &Expr, chains: &mut Vec<Chain>) {
    match &expr.node {
        Node::Aggregate(aggregate) => match chain(plan, aggregate) {
            Some(chain) => chains.push(chain),
            None => collect(plan, &aggregate.arg, chains),
        },
        Node::Negate(inner) => collect(plan, inner, chains),
        Node::Binary(binary) => {
            collect(plan, &binary.lhs, chains);
            collect(plan, &binary.rhs, chains);
        }
        Node::Call(call) => call.args.iter().for_each(|arg| collect(plan, arg, chains)),
        // What is inside a subquery is evaluated at other instants.
        Node::Number(_) | Node::Text(_) | Node::Vector(_) | Node::Matrix(_) => {}
    }
}

fn chain(plan: &Plan, aggregate: &Aggregate) -> Option<Chain> {
    if !adds_up(aggregate.op) || aggregate.param.is_some() || aggregate.labels.iter().any(|l| is_metadata(l))
    {
        return None;
    }
    let mut fold = Fold {
        op: aggregate.op,
        without: aggregate.without,
        labels: aggregate.labels.clone(),
        relabels: Vec::new(),
        changes: Vec::new(),
        drops_name: false,
    };
    let key = std::ptr::from_ref(aggregate).addr();
    let mut expr = &aggregate.arg;
    let (leaf, mut folds) = loop {
        expr = match &expr.node {
            Node::Aggregate(inner) => {
                let inner = chain(plan, inner)?;
                break (inner.leaf, inner.folds);
            }
            Node::Call(call) if matches!(call.func, Func::LabelReplace) => fold.replace(call)?,
            Node::Call(call) if matches!(call.func, Func::Math(_)) => fold.compute(call)?,
            Node::Binary(binary) if !binary.op.is_set() => fold.with_number(binary)?,
            _ => {
                let leaf = leaf(plan, expr)?;
                fold.drops_name |= matches!(leaf.read, Read::Window(f, _) if !f.keeps_name);
                break (leaf, Vec::new());
            }
        };
    };
    // They were met from the outside.
    fold.relabels.reverse();
    fold.changes.reverse();
    folds.push(fold);
    Some(Chain { key, leaf, folds })
}

fn leaf(plan: &Plan, expr: &Expr) -> Option<Leaf> {
    let one = |selector: &Selector, read| {
        let plain =
            selector.edges == Edges::Plain && selector.shift.offset.is_none() && selector.shift.at.is_none();
        let matchers = plan.selectors.get(selector.selection).filter(|_| plain)?.matchers.clone();
        let leaf = Leaf { selections: vec![matchers], read };
        // Of one metric, labels without the name are as unique as with it.
        leaf.metric().is_some().then_some(leaf)
    };
    match &expr.node {
        Node::Vector(selector) => one(selector, Read::Latest),
        Node::Call(call) => {
            let (Func::Range(f), [arg]) = (call.func, call.args.as_slice()) else { return None };
            let Node::Matrix(Matrix::Selector { selector, range: range @ Span::Seconds(_) }) = &arg.node
            else {
                return None;
            };
            if f.check.is_some() || f.quantile || f.depends_on_time {
                return None;
            }
            one(selector, Read::Window(f, range.positive_millis(Steps::once(0)).ok()?))
        }
        // Of one metric, read in one way, equal labels mean the same series: both sides have it or neither.
        Node::Binary(binary)
            if binary.op == BinOp::Or && !binary.matching.on && binary.matching.labels.is_empty() =>
        {
            let (mut lhs, rhs) = (leaf(plan, &binary.lhs)?, leaf(plan, &binary.rhs)?);
            let same = lhs.metric() == rhs.metric() && lhs.read.is(rhs.read);
            lhs.selections.extend(rhs.selections);
            same.then_some(lhs)
        }
        _ => None,
    }
}

impl Read {
    fn is(self, other: Self) -> bool {
        match (self, other) {
            (Self::Latest, Self::Latest) => true,
            (Self::Window(f, a), Self::Window(g, b)) => {
                a == b && f.keeps_name == g.keeps_name && std::ptr::fn_addr_eq(f.compute, g.compute)
            }
            _ => false,
        }
    }
}

impl Leaf {
    /// The metric that all selections are of.
    fn metric(&self) -> Option<&str> {
        let matchers = self.selections.first()?;
        matchers.iter().find(|m| m.name() == METRIC_NAME)?.exact().filter(|name| !name.is_empty())
    }

    /// Length of its window in milliseconds, if it has one.
    pub(super) fn window(&self) -> Option<i64> {
        match self.read {
            Read::Latest => None,
            Read::Window(_, millis) => Some(millis),
        }
    }
}

impl Fold {
    fn replace<'e>(&mut self, call: &'e Call) -> Option<&'e Expr> {
        let [inner, texts @ ..] = call.args.as_slice() else { return None };
        let mut plain = texts.iter().map(|arg| match &arg.node {
            Node::Text(text) => Some(text.clone()),
            _ => None,
        });
        let mut next = || plain.next().flatten();
        let (destination, replacement, source, pattern) = (next()?, next()?, next()?, next()?);
        if !is_name(&destination) || is_metadata(&destination) || is_metadata(&source) {
            return None;
        }
        let expression = Expression::anchored(&pattern).ok()?;
        self.relabels.push(Relabel { destination, replacement, source, expression });
        Some(inner)
    }

    fn compute<'e>(&mut self, call: &'e Call) -> Option<&'e Expr> {
        let (Func::Math(f), [inner]) = (call.func, call.args.as_slice()) else { return None };
        self.changes.push(Change::Math(f));
        self.drops_name = true;
        Some(inner)
    }

    fn with_number<'e>(&mut self, binary: &'e Binary) -> Option<&'e Expr> {
        let (number, inner, left) = match (&binary.lhs.node, &binary.rhs.node) {
            (Node::Number(number), _) => (*number, &binary.rhs, true),
            (_, Node::Number(number)) => (*number, &binary.lhs, false),
            _ => return None,
        };
        let returns_bool = binary.returns_bool;
        self.changes.push(Change::Number { op: binary.op, number, left, returns_bool });
        self.drops_name |= returns_bool || !binary.op.is_comparison();
        Some(inner)
    }

    /// Labels of the group that a member of these labels is in. `None` if `label_replace` might make two members
    /// equal or makes a very long text, or a label says what the metric is.
    pub(super) fn group(&self, labels: &Labels) -> Option<Labels> {
        let mut labels = if self.drops_name { labels.without_name() } else { labels.clone() };
        if labels.iter().any(|(name, _)| name != METRIC_NAME && is_metadata(name)) {
            return None;
        }
        // A label that was not there tells members apart no less than its absence did, as often as it is set.
        let was_there = |name: &str| labels.get(name).is_some();
        if self.relabels.iter().any(|r| was_there(&r.destination)) {
            return None;
        }
        for relabel in &self.relabels {
            let value = labels.get(&relabel.source).unwrap_or_default();
            // Texts that grow without bound are for the ordinary evaluation to refuse.
            let mut room = MOST_BYTES;
            let charge = |bytes: usize| room.checked_sub(bytes).map(|left| room = left).ok_or(());
            let Some(text) = relabel.expression.replaced(value, &relabel.replacement, charge).ok()? else {
                continue;
            };
            labels = labels.with(&relabel.destination, &text);
        }
        Some(key(self.without, &self.labels, &labels))
    }

    /// A member's value after the changes.
    pub(super) fn changed(&self, value: f64) -> Option<f64> {
        self.changes.iter().try_fold(value, |value, change| match *change {
            Change::Math(f) => Some(f(value)),
            Change::Number { op, number, left, returns_bool } => {
                let (l, r) = if left { (number, value) } else { (value, number) };
                if op.is_comparison() && !returns_bool {
                    return compare(op, l, r).then_some(value);
                }
                Some(of_scalars(op, l, r))
            }
        })
    }
}
