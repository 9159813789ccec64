//! `histogram_quantile`, `histogram_quantiles` and `histogram_fraction` over classic histograms.

use std::collections::HashMap;

use crate::series::{Labels, METRIC_NAME};

use super::super::QueryError;
use super::super::eval::Evaluator;
use super::super::names::{is_name, quoted};
use super::super::numeric::open_metrics;
use super::super::plan::{Call, Expr};
use super::super::value::Column;
use super::buckets::{Bucket, fraction, prepare, quantile};
use super::call::arg;

/// The label that holds a bucket's upper bound.
const BUCKET: &str = "le";

/// Series that differ in `le` only.
struct Histogram {
    labels: Labels,
    drop_name: bool,
    buckets: Vec<(f64, Column)>,
}

impl Evaluator<'_> {
    /// `histogram_quantile(q, buckets)`.
    pub(super) fn histogram_quantile(&self, call: &Call) -> Result<Vec<Column>, QueryError> {
        let (q, buckets) = (arg(call, 0)?, arg(call, 1)?);
        let histograms = self.histograms(buckets)?;
        let columns = self.quantiles(q, buckets, &histograms)?;
        self.renamed(columns)
    }

    /// `histogram_quantiles(buckets, label, q, …)`: one element for each quantile.
    pub(super) fn histogram_quantiles(&self, call: &Call) -> Result<Vec<Column>, QueryError> {
        let buckets = arg(call, 0)?;
        let name = self.text(arg(call, 1)?)?;
        if !is_name(&name) {
            return Err(QueryError::Eval(format!("invalid label name {}", quoted(&name))));
        }
        let histograms = self.histograms(buckets)?;
        let mut out = Vec::new();
        for q in call.args.iter().skip(2) {
            let values = self.scalars(q)?;
            let label = open_metrics(values.first().copied().unwrap_or(f64::NAN));
            let labelled = self.quantiles(q, buckets, &histograms)?.into_iter();
            out.extend(labelled.map(|c| Column { labels: c.labels.with(&name, &label), ..c }));
        }
        self.renamed(out)
    }

    /// `histogram_fraction(lower, upper, buckets)`.
    pub(super) fn histogram_fraction(&self, call: &Call) -> Result<Vec<Column>, QueryError> {
        let (lower, upper) = (self.scalars(arg(call, 0)?)?, self.scalars(arg(call, 1)?)?);
        let mut out = Vec::new();
        for histogram in self.histograms(arg(call, 2)?)? {
            let mut values = self.blank()?;
            let mut buckets = Vec::new();
            for (step, (slot, (lower, upper))) in values.iter_mut().zip(lower.iter().zip(&upper)).enumerate()
            {
                if histogram.at(step, &mut buckets) {
                    let complete = prepare(&mut buckets);
                    *slot = if complete { fraction(*lower, *upper, &buckets) } else { f64::NAN };
                }
            }
            out.push(histogram.result(values));
        }
        self.renamed(out)
    }

    fn quantiles(
        &self,
        q: &Expr,
        buckets: &Expr,
        histograms: &[Histogram],
    ) -> Result<Vec<Column>, QueryError> {
        let quantiles = self.scalars(q)?;
        for value in &quantiles {
            self.notes.check_quantile(*value, q.at);
        }
        let mut out = Vec::with_capacity(histograms.len());
        let mut scratch = Vec::new();
        for histogram in histograms {
            let mut values = self.blank()?;
            for (step, ((time, slot), q)) in
                self.steps.instants().zip(&mut values).zip(&quantiles).enumerate()
            {
                if !histogram.at(step, &mut scratch) {
                    continue;
                }
                *slot = if q.is_nan() {
                    f64::NAN
                } else if *q < 0.0 {
                    f64::NEG_INFINITY
                } else if *q > 1.0 {
                    f64::INFINITY
                } else if !prepare(&mut scratch) {
                    f64::NAN
                } else {
                    let (value, repair) = quantile(*q, &mut scratch);
                    if let Some(repair) = repair {
                        let name = histogram.labels.get(METRIC_NAME).unwrap_or_default();
                        self.notes.repaired(name, buckets.at, time, repair);
                    }
                    value
                };
            }
            out.push(histogram.result(values));
        }
        Ok(out)
    }

    /// Buckets grouped by all labels but `le`, the name included; series without a readable bound are left out.
    fn histograms(&self, expr: &Expr) -> Result<Vec<Histogram>, QueryError> {
        let mut places: HashMap<Labels, usize> = HashMap::new();
        let mut found: Vec<Histogram> = Vec::new();
        for column in self.vector(expr)? {
            if column.is_empty() {
                continue;
            }
            let bound = column.labels.get(BUCKET).unwrap_or_default();
            let Some(upper) = parse_bound(bound) else {
                let name = column.labels.get(METRIC_NAME).unwrap_or_default();
                let of = if name.is_empty() { String::new() } else { format!(" for metric name {name:?}") };
                let text =
                    format!("bucket label \"le\" is missing or has a malformed value of {bound:?}{of}");
                self.notes.warn(&text, expr.at);
                continue;
            };
            let labels = column.labels.filtered(|n| n != BUCKET);
            let place = *places.entry(labels).or_insert_with_key(|labels| {
                found.push(Histogram { labels: labels.clone(), drop_name: false, buckets: Vec::new() });
                found.len() - 1
            });
            if let Some(histogram) = found.get_mut(place) {
                histogram.drop_name |= column.drop_name;
                histogram.buckets.push((upper, column));
            }
        }
        Ok(found)
    }
}

impl Histogram {
    /// Fills in the buckets at a step; whether there are any.
    fn at(&self, step: usize, buckets: &mut Vec<Bucket>) -> bool {
        buckets.clear();
        let bucket =
            |(upper, column): &(f64, Column)| column.at(step).map(|count| Bucket { upper: *upper, count });
        buckets.extend(self.buckets.iter().filter_map(bucket));
        !buckets.is_empty()
    }

    fn result(&self, values: Vec<f64>) -> Column {
        Column { labels: self.labels.clone(), drop_name: self.drop_name, values }
    }
}

fn parse_bound(text: &str) -> Option<f64> {
    text.parse().ok().filter(|bound: &f64| !bound.is_nan())
}
