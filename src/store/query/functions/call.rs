//! Function calls at one instant.

use crate::series::Labels;

use super::super::QueryError;
use super::super::eval::{Evaluator, elem};
use super::super::plan::{Call, Node};
use super::super::value::{Elem, Val};
use super::window::RangeFn;
use super::{Func, Window, math, regression, time};

impl Evaluator<'_> {
    /// A function call at one instant.
    pub(in super::super) fn call(&mut self, call: &Call, at: i64) -> Result<Val, QueryError> {
        match call.func {
            Func::Math(f) => self.map(call, at, f),
            Func::Range { f, keeps_name } => self.range_call(call, f, keeps_name, at),
            Func::Smoothing => self.range_call(call, regression::double_exponential_smoothing, false, at),
            Func::Calendar(part) => self.calendar(call, part, at),
            Func::Absent | Func::AbsentOverTime => self.absent(call, at),
            Func::Scalar => {
                let elems = self.vector(arg(call, 0)?, at)?;
                Ok(Val::Scalar(if let [only] = elems.as_slice() { only.value } else { f64::NAN }))
            }
            Func::Vector => Ok(Val::Vector(vec![elem(&Labels::empty(), self.scalar(arg(call, 0)?, at)?)])),
            Func::Time => Ok(Val::Scalar(at as f64 / 1000.0)),
            Func::Pi => Ok(Val::Scalar(std::f64::consts::PI)),
            Func::Timestamp => self.timestamp(call, at),
            Func::Start => Ok(Val::Scalar(self.query.start as f64 / 1000.0)),
            Func::End => Ok(Val::Scalar(self.query.end as f64 / 1000.0)),
            Func::Step => Ok(Val::Scalar(self.query.step as f64 / 1000.0)),
            Func::Span => Ok(Val::Scalar((self.query.end - self.query.start) as f64 / 1000.0)),
            Func::MinOf | Func::MaxOf => self.extreme_of(call, at),
            Func::Clamp | Func::ClampMin | Func::ClampMax => self.clamp(call, at),
            Func::Round => {
                let to_nearest = match call.args.get(1) {
                    Some(node) => self.scalar(node, at)?,
                    None => 1.0,
                };
                self.map(call, at, |v| math::round(v, to_nearest))
            }
            Func::HistogramQuantile => self.histogram_quantile(call, at),
            Func::HistogramFraction => self.histogram_fraction(call, at),
            Func::NativeOnly => Ok(Val::Vector(Vec::new())),
            Func::LabelReplace => self.label_replace(call, at),
            Func::LabelJoin => self.label_join(call, at),
            Func::Sort { descending } => self.sort(call, descending, at),
            Func::SortByLabel { descending } => self.sort_by_label(call, descending, at),
        }
    }

    fn extreme_of(&mut self, call: &Call, at: i64) -> Result<Val, QueryError> {
        let (a, b) = (self.scalar(arg(call, 0)?, at)?, self.scalar(arg(call, 1)?, at)?);
        Ok(Val::Scalar(match call.func {
            _ if a.is_nan() || b.is_nan() => f64::NAN,
            Func::MinOf => a.min(b),
            _ => a.max(b),
        }))
    }

    fn map(&mut self, call: &Call, at: i64, f: impl Fn(f64) -> f64) -> Result<Val, QueryError> {
        let elems = self.vector(arg(call, 0)?, at)?;
        self.renamed(elems.into_iter().map(|e| self.without_name(Elem { value: f(e.value), ..e })).collect())
    }

    fn range_call(&mut self, call: &Call, f: RangeFn, keeps_name: bool, at: i64) -> Result<Val, QueryError> {
        let mut params = Vec::new();
        let mut matrix = None;
        for node in &call.args {
            match node {
                Node::Matrix(found) => matrix = Some(found),
                other => params.push(self.scalar(other, at)?),
            }
        }
        let Some(matrix) = matrix else {
            return Err(QueryError::Eval("expected a range vector".into()));
        };
        let ranged = self.ranged(matrix, at)?;
        let delayed = self.options.delayed_name_removal;
        let mut out = Vec::new();
        for series in ranged.series.as_slice() {
            let samples = series.window(ranged.from, ranged.to);
            if samples.is_empty() {
                continue;
            }
            let window = Window { samples, from: ranged.from, to: ranged.to, at, params: &params };
            if matches!(call.func, Func::Smoothing) {
                regression::check_factors(&window)?;
            }
            let Some(value) = f(&window) else { continue };
            let labels = if keeps_name || delayed { &series.labels } else { &series.bare };
            let drop_name = series.drop_name || (delayed && !keeps_name);
            out.push(Elem { labels: labels.clone(), value, drop_name });
        }
        self.renamed(out)
    }

    fn calendar(
        &mut self,
        call: &Call,
        part: fn(&jiff::civil::DateTime) -> f64,
        at: i64,
    ) -> Result<Val, QueryError> {
        let value = |seconds: f64| time::date(seconds).map_or(f64::NAN, |date| part(&date));
        if call.args.is_empty() {
            return Ok(Val::Vector(vec![elem(&Labels::empty(), value(at as f64 / 1000.0))]));
        }
        self.map(call, at, value)
    }

    /// A selector's own sample times; of any other expression, the evaluation time.
    fn timestamp(&mut self, call: &Call, at: i64) -> Result<Val, QueryError> {
        let elems: Vec<Elem> = match arg(call, 0)? {
            Node::Vector { selector, shift } => self
                .latest(*selector, *shift, at)
                .map(|(series, sample)| elem(&series.labels, sample.at.as_secs_f64()))
                .collect(),
            node => {
                let value = at as f64 / 1000.0;
                self.vector(node, at)?.into_iter().map(|e| Elem { value, ..e }).collect()
            }
        };
        self.renamed(elems.into_iter().map(|e| self.without_name(e)).collect())
    }

    fn clamp(&mut self, call: &Call, at: i64) -> Result<Val, QueryError> {
        let bound = self.scalar(arg(call, 1)?, at)?;
        let (min, max) = match call.func {
            Func::ClampMin => (bound, f64::INFINITY),
            Func::ClampMax => (f64::NEG_INFINITY, bound),
            _ => (bound, self.scalar(arg(call, 2)?, at)?),
        };
        if max < min {
            return Ok(Val::Vector(Vec::new()));
        }
        self.map(call, at, |v| math::clamp(v, min, max))
    }
}

/// The argument at `index`.
pub(super) fn arg(call: &Call, index: usize) -> Result<&Node, QueryError> {
    call.args.get(index).ok_or_else(|| QueryError::Eval(format!("argument {} is missing", index + 1)))
}
