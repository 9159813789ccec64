//! Function calls.

use crate::series::Labels;

use super::super::QueryError;
use super::super::eval::Evaluator;
use super::super::plan::{Call, Expr, Node};
use super::super::value::{Column, Val, gap};
use super::{Func, math, time};

impl Evaluator<'_> {
    /// A function call; its name stands at byte `at`.
    pub(in super::super) fn call(&self, call: &Call, at: usize) -> Result<Val, QueryError> {
        let query = self.query;
        match call.func {
            Func::Scalar => Ok(Val::Scalar(self.only_values(&self.vector(arg(call, 0)?)?))),
            Func::Time => Ok(Val::Scalar(self.times().collect())),
            Func::Pi => Ok(self.everywhere(std::f64::consts::PI)),
            Func::Start => Ok(self.everywhere(query.start as f64 / 1000.0)),
            Func::End => Ok(self.everywhere(query.end as f64 / 1000.0)),
            Func::Step => Ok(self.everywhere(query.step as f64 / 1000.0)),
            Func::Span => Ok(self.everywhere(query.end.saturating_sub(query.start) as f64 / 1000.0)),
            Func::MinOf | Func::MaxOf => self.extreme_of(call),
            _ => self.vector_call(call, at).map(Val::Vector),
        }
    }

    fn vector_call(&self, call: &Call, at: usize) -> Result<Vec<Column>, QueryError> {
        match call.func {
            Func::Math(f) => self.renamed(self.mapped(call, f)?),
            Func::Range(f) => self.range_call(call, f),
            Func::Calendar(part) => self.calendar(call, part),
            Func::Absent | Func::AbsentOverTime => self.absent(call),
            Func::Vector => {
                let values = self.scalars(arg(call, 0)?)?;
                Ok(vec![Column { labels: Labels::empty(), drop_name: false, values }])
            }
            Func::Timestamp => self.timestamp(call),
            Func::Clamp | Func::ClampMin | Func::ClampMax => self.clamp(call),
            Func::Round => {
                let nearest = match call.args.get(1) {
                    Some(node) => self.scalars(node)?,
                    None => vec![1.0; self.steps.count()],
                };
                let columns = self.vector(arg(call, 0)?)?;
                let rounded = columns.into_iter().map(|c| c.zip(&nearest, |v, n| Some(math::round(v, n))));
                self.renamed(rounded.collect())
            }
            Func::HistogramQuantile => self.histogram_quantile(call),
            Func::HistogramQuantiles => self.histogram_quantiles(call),
            Func::HistogramFraction => self.histogram_fraction(call),
            Func::Info => self.info(call),
            Func::LabelReplace => self.label_replace(call),
            Func::LabelJoin => self.label_join(call),
            Func::Sort { descending } => self.sort(call, at, descending),
            Func::SortByLabel { descending } => self.sort_by_label(call, at, descending),
            Func::NativeOnly => {
                self.vector(arg(call, 0)?)?;
                Ok(Vec::new())
            }
            _ => Err(QueryError::Eval(format!("the function at byte {at} yields no vector"))),
        }
    }

    /// The evaluation times in seconds.
    fn times(&self) -> impl Iterator<Item = f64> {
        self.steps.instants().map(|at| at as f64 / 1000.0)
    }

    fn everywhere(&self, value: f64) -> Val {
        Val::Scalar(vec![value; self.steps.count()])
    }

    /// The value of the only element at each step; NaN where there is not exactly one.
    fn only_values(&self, columns: &[Column]) -> Vec<f64> {
        let mut found = vec![(0_usize, f64::NAN); self.steps.count()];
        for column in columns {
            for (step, slot) in found.iter_mut().enumerate() {
                if let Some(value) = column.at(step) {
                    *slot = (slot.0 + 1, value);
                }
            }
        }
        found.into_iter().map(|(count, value)| if count == 1 { value } else { f64::NAN }).collect()
    }

    fn extreme_of(&self, call: &Call) -> Result<Val, QueryError> {
        let (a, b) = (self.scalars(arg(call, 0)?)?, self.scalars(arg(call, 1)?)?);
        let pick = |(a, b): (f64, f64)| match call.func {
            _ if a.is_nan() || b.is_nan() => f64::NAN,
            Func::MinOf => a.min(b),
            _ => a.max(b),
        };
        Ok(Val::Scalar(a.into_iter().zip(b).map(pick).collect()))
    }

    fn mapped(&self, call: &Call, f: impl Fn(f64) -> f64) -> Result<Vec<Column>, QueryError> {
        Ok(self.vector(arg(call, 0)?)?.into_iter().map(|c| c.map(&f)).collect())
    }

    fn calendar(
        &self,
        call: &Call,
        part: fn(&jiff::civil::DateTime) -> f64,
    ) -> Result<Vec<Column>, QueryError> {
        let value = |seconds: f64| time::date(seconds).map_or(f64::NAN, |date| part(&date));
        if call.args.is_empty() {
            let values = self.times().map(value).collect();
            return Ok(vec![Column { labels: Labels::empty(), drop_name: false, values }]);
        }
        self.renamed(self.mapped(call, value)?)
    }

    /// A selector's own sample times; of any other expression, the evaluation time.
    fn timestamp(&self, call: &Call) -> Result<Vec<Column>, QueryError> {
        let node = arg(call, 0)?;
        if let Node::Vector(selector) = &node.node
            && selector.edges == super::super::plan::Edges::Plain
        {
            return self.renamed(self.latest_times(selector)?);
        }
        let times: Vec<f64> = self.times().collect();
        let columns = self.vector(node)?;
        self.renamed(columns.into_iter().map(|c| c.zip(&times, |_, at| Some(at))).collect())
    }

    fn clamp(&self, call: &Call) -> Result<Vec<Column>, QueryError> {
        let columns = self.vector(arg(call, 0)?)?;
        let bound = self.scalars(arg(call, 1)?)?;
        let other = match call.args.get(2) {
            Some(max) => self.scalars(max)?,
            None => Vec::new(),
        };
        let mut out = Vec::with_capacity(columns.len());
        for mut column in columns {
            for (step, (value, bound)) in column.values.iter_mut().zip(&bound).enumerate() {
                if super::super::value::is_gap(*value) {
                    continue;
                }
                *value = match call.func {
                    Func::ClampMin => math::larger(*value, *bound),
                    Func::ClampMax => math::smaller(*value, *bound),
                    _ => {
                        let max = other.get(step).copied().unwrap_or(f64::NAN);
                        if max < *bound { gap() } else { math::clamp(*value, *bound, max) }
                    }
                };
            }
            out.push(column);
        }
        self.renamed(out)
    }
}

/// The argument at `index`.
pub(super) fn arg(call: &Call, index: usize) -> Result<&Expr, QueryError> {
    call.args.get(index).ok_or_else(|| QueryError::Eval(format!("argument {} is missing", index + 1)))
}
