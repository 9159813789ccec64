//! From the parser's tree to a [`Plan`].

use promql_parser::label::{MatchOp, Matcher as ParsedMatcher};
use promql_parser::parser::token::{
    T_ADD, T_ATAN2, T_AVG, T_BOTTOMK, T_COUNT, T_COUNT_VALUES, T_DIV, T_EQLC, T_GROUP, T_GTE, T_GTR, T_LAND,
    T_LIMITK, T_LOR, T_LSS, T_LTE, T_LUNLESS, T_MAX, T_MIN, T_MOD, T_MUL, T_NEQ, T_POW, T_QUANTILE, T_STDDEV,
    T_STDVAR, T_SUB, T_SUM, T_TOPK, TokenType,
};
use promql_parser::parser::{
    AggregateExpr, AtModifier, BinaryExpr, Call as ParsedCall, Expr, LabelModifier, Offset,
    VectorMatchCardinality, VectorSelector,
};

use crate::series::{Labels, LabelsBuilder, METRIC_NAME};

use super::functions::Func;
use super::options::millis;
use super::plan::{AggOp, Aggregate, At, BinOp, Binary, Call, Card, Matching, Matrix, Node, Plan, Shift};
use super::{Matcher, QueryError};

/// Deepest nesting of an expression.
const MAX_DEPTH: usize = 128;

/// Lowers a parsed expression.
pub(super) fn lower(expr: &Expr) -> Result<Plan, QueryError> {
    let mut lowering = Lowering { selectors: Vec::new(), subqueries: 0 };
    let root = lowering.node(expr, 0)?;
    Ok(Plan { root, selectors: lowering.selectors })
}

struct Lowering {
    selectors: Vec<Vec<Matcher>>,
    subqueries: usize,
}

impl Lowering {
    fn node(&mut self, expr: &Expr, depth: usize) -> Result<Node, QueryError> {
        if depth > MAX_DEPTH {
            return Err(QueryError::Parse(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let next = depth + 1;
        Ok(match expr {
            Expr::Paren(paren) => self.node(&paren.expr, next)?,
            Expr::NumberLiteral(number) => Node::Number(number.val),
            Expr::StringLiteral(text) => Node::Text(text.val.clone()),
            Expr::VectorSelector(selector) => Node::Vector {
                selector: self.selector(selector)?,
                shift: shift(selector.offset.as_ref(), selector.at.as_ref()),
            },
            Expr::MatrixSelector(matrix) => Node::Matrix(Matrix::Selector {
                selector: self.selector(&matrix.vs)?,
                range: millis(matrix.range),
                shift: shift(matrix.vs.offset.as_ref(), matrix.vs.at.as_ref()),
            }),
            Expr::Subquery(subquery) => {
                self.subqueries += 1;
                Node::Matrix(Matrix::Subquery {
                    number: self.subqueries,
                    inner: Box::new(self.node(&subquery.expr, next)?),
                    range: millis(subquery.range),
                    step: subquery.step.map(|s| millis(s).max(1)),
                    shift: shift(subquery.offset.as_ref(), subquery.at.as_ref()),
                })
            }
            Expr::Unary(unary) => Node::Negate(Box::new(self.node(&unary.expr, next)?)),
            Expr::Binary(binary) => Node::Binary(Box::new(self.binary(binary, next)?)),
            Expr::Aggregate(aggregate) => Node::Aggregate(Box::new(self.aggregate(aggregate, next)?)),
            Expr::Call(call) => Node::Call(Box::new(self.call(call, next)?)),
            Expr::Extension(extension) => {
                return Err(QueryError::Unsupported(format!("extension {}", extension.expr.name())));
            }
        })
    }

    fn selector(&mut self, parsed: &VectorSelector) -> Result<usize, QueryError> {
        if !parsed.matchers.or_matchers.is_empty() {
            return Err(QueryError::Parse("`or` between matchers is not PromQL".into()));
        }
        let mut matchers = Vec::with_capacity(parsed.matchers.matchers.len() + 1);
        if let Some(name) = &parsed.name {
            matchers.push(Matcher::equal(METRIC_NAME, name));
        }
        for m in &parsed.matchers.matchers {
            matchers.push(match m.op {
                MatchOp::Equal => Matcher::equal(&m.name, &m.value),
                MatchOp::NotEqual => Matcher::not_equal(&m.name, &m.value),
                MatchOp::Re(_) => Matcher::regex(&m.name, &m.value)?,
                MatchOp::NotRe(_) => Matcher::not_regex(&m.name, &m.value)?,
            });
        }
        self.selectors.push(matchers);
        Ok(self.selectors.len() - 1)
    }

    fn binary(&mut self, parsed: &BinaryExpr, depth: usize) -> Result<Binary, QueryError> {
        let mut matching =
            Matching { on: false, labels: Vec::new(), card: Card::OneToOne, include: Vec::new() };
        if let Some(modifier) = &parsed.modifier {
            if modifier.fill_values.lhs.is_some() || modifier.fill_values.rhs.is_some() {
                return Err(QueryError::Unsupported(
                    "the experimental modifiers fill, fill_left, fill_right".into(),
                ));
            }
            if let Some(labels) = &modifier.matching {
                matching.on = labels.is_include();
                matching.labels.clone_from(&labels.labels().labels);
            }
            let (card, include) = match &modifier.card {
                VectorMatchCardinality::ManyToOne(include) => (Card::ManyToOne, include.labels.clone()),
                VectorMatchCardinality::OneToMany(include) => (Card::OneToMany, include.labels.clone()),
                _ => (Card::OneToOne, Vec::new()),
            };
            (matching.card, matching.include) = (card, include);
        }
        Ok(Binary {
            op: bin_op(parsed.op)?,
            lhs: self.node(&parsed.lhs, depth)?,
            rhs: self.node(&parsed.rhs, depth)?,
            returns_bool: parsed.return_bool(),
            matching,
        })
    }

    fn aggregate(&mut self, parsed: &AggregateExpr, depth: usize) -> Result<Aggregate, QueryError> {
        let (without, labels) = match &parsed.modifier {
            None => (false, Vec::new()),
            Some(LabelModifier::Include(labels)) => (false, labels.labels.clone()),
            Some(LabelModifier::Exclude(labels)) => (true, labels.labels.clone()),
        };
        let param = parsed.param.as_ref().map(|param| self.node(param, depth)).transpose()?;
        Ok(Aggregate { op: agg_op(parsed.op)?, arg: self.node(&parsed.expr, depth)?, param, without, labels })
    }

    fn call(&mut self, parsed: &ParsedCall, depth: usize) -> Result<Call, QueryError> {
        let name = parsed.func.name;
        let func =
            Func::named(name).ok_or_else(|| QueryError::Unsupported(format!("the function {name}()")))?;
        let absent = match parsed.args.args.first().map(|a| unparenthesised(a)) {
            Some(Expr::VectorSelector(s)) => absent_labels(&s.matchers.matchers),
            Some(Expr::MatrixSelector(m)) => absent_labels(&m.vs.matchers.matchers),
            _ => Labels::empty(),
        };
        let args = parsed.args.args.iter().map(|arg| self.node(arg, depth)).collect::<Result<_, _>>()?;
        Ok(Call { func, args, absent })
    }
}

fn unparenthesised(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(paren) => unparenthesised(&paren.expr),
        other => other,
    }
}

fn shift(offset: Option<&Offset>, at: Option<&AtModifier>) -> Shift {
    let offset = match offset {
        None => 0,
        Some(Offset::Pos(by)) => millis(*by),
        Some(Offset::Neg(by)) => millis(*by).saturating_neg(),
    };
    let at = at.map(|at| match at {
        AtModifier::Start => At::Start,
        AtModifier::End => At::End,
        AtModifier::At(time) => At::Fixed(match time.duration_since(std::time::UNIX_EPOCH) {
            Ok(after) => millis(after),
            Err(before) => millis(before.duration()).saturating_neg(),
        }),
    });
    Shift { offset, at }
}

/// What `absent` can know of the element that is missing: labels that exactly one equality names.
fn absent_labels(matchers: &[ParsedMatcher]) -> Labels {
    let mut builder = LabelsBuilder::default();
    let mut named: Vec<&str> = Vec::new();
    for m in matchers.iter().filter(|m| m.name != METRIC_NAME) {
        if m.op == MatchOp::Equal && !named.contains(&m.name.as_str()) {
            builder.set(&m.name, &m.value);
            named.push(&m.name);
        } else {
            builder.remove(&m.name);
        }
    }
    builder.build()
}

fn bin_op(token: TokenType) -> Result<BinOp, QueryError> {
    Ok(match token.id() {
        T_ADD => BinOp::Add,
        T_SUB => BinOp::Sub,
        T_MUL => BinOp::Mul,
        T_DIV => BinOp::Div,
        T_MOD => BinOp::Mod,
        T_POW => BinOp::Pow,
        T_ATAN2 => BinOp::Atan2,
        T_EQLC => BinOp::Eq,
        T_NEQ => BinOp::Ne,
        T_LSS => BinOp::Lt,
        T_GTR => BinOp::Gt,
        T_LTE => BinOp::Le,
        T_GTE => BinOp::Ge,
        T_LAND => BinOp::And,
        T_LOR => BinOp::Or,
        T_LUNLESS => BinOp::Unless,
        _ => return Err(QueryError::Unsupported(format!("the operator {token}"))),
    })
}

fn agg_op(token: TokenType) -> Result<AggOp, QueryError> {
    Ok(match token.id() {
        T_SUM => AggOp::Sum,
        T_AVG => AggOp::Avg,
        T_MIN => AggOp::Min,
        T_MAX => AggOp::Max,
        T_COUNT => AggOp::Count,
        T_GROUP => AggOp::Group,
        T_STDDEV => AggOp::Stddev,
        T_STDVAR => AggOp::Stdvar,
        T_TOPK => AggOp::Topk,
        T_BOTTOMK => AggOp::Bottomk,
        T_LIMITK => AggOp::Limitk,
        T_QUANTILE => AggOp::Quantile,
        T_COUNT_VALUES => AggOp::CountValues,
        _ => return Err(QueryError::Unsupported(format!("the aggregation {token}"))),
    })
}
