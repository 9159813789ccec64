//! Aggregations that select elements: `topk`, `bottomk`, `limitk`, `limit_ratio`; and what parameters may be.

use super::QueryError;
use super::eval::Evaluator;
use super::numeric::{descending, nan_last, short};
use super::plan::{AggOp, Aggregate};
use super::sampler::offset;
use super::value::{Column, gap};

impl Evaluator<'_> {
    /// Refuses parameters that are none, and warns of those that make little sense.
    pub(super) fn check_params(&self, aggregate: &Aggregate, params: &[f64]) -> Result<(), QueryError> {
        let at = aggregate.param.as_ref().map_or(0, |p| p.at);
        let refuse = |message: String| Err(QueryError::Eval(message));
        let any_nan = params.iter().any(|p| p.is_nan());
        let most = params.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let least = params.iter().copied().fold(f64::INFINITY, f64::min);
        match aggregate.op {
            AggOp::Topk | AggOp::Bottomk | AggOp::Limitk => {
                if any_nan {
                    return refuse("Parameter value is NaN".into());
                }
                if most >= i64::MAX as f64 {
                    return refuse(format!("Scalar value {} overflows int64", short(most)));
                }
                if least <= i64::MIN as f64 {
                    return refuse(format!("Scalar value {} underflows int64", short(least)));
                }
            }
            AggOp::LimitRatio => {
                if any_nan {
                    return refuse("Ratio value is NaN".into());
                }
                for (value, cap) in [(most, 1.0), (least, -1.0)] {
                    if value.abs() > 1.0 && value.signum() == cap {
                        let (value, cap) = (short(value), short(cap));
                        let text =
                            format!("ratio value should be between -1 and 1, got {value}, capping to {cap}");
                        self.notes.warn(&text, at);
                    }
                }
            }
            AggOp::Quantile => {
                if any_nan {
                    self.notes.check_quantile(f64::NAN, at);
                }
                if !params.is_empty() {
                    [most, least].iter().filter(|q| q.is_finite() || !any_nan).for_each(|q| {
                        self.notes.check_quantile(*q, at);
                    });
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The selected elements, in the order Prometheus gives them for one instant.
    pub(super) fn picked(
        &self,
        aggregate: &Aggregate,
        columns: Vec<Column>,
        params: &[f64],
    ) -> Result<Vec<Column>, QueryError> {
        let mut kept: Vec<Option<Vec<f64>>> = vec![None; columns.len()];
        let mut order: Vec<usize> = Vec::new();
        let offsets: Vec<f64> = match aggregate.op {
            AggOp::LimitRatio => columns.iter().map(|c| offset(&c.labels)).collect(),
            _ => Vec::new(),
        };
        let mut found: Vec<(usize, f64)> = Vec::new();
        for group in aggregate.groups(&columns) {
            for (step, param) in params.iter().enumerate() {
                found.clear();
                let value = |m: &usize| columns.get(*m).and_then(|c| c.at(step)).map(|v| (*m, v));
                found.extend(group.members.iter().filter_map(value));
                choose(aggregate.op, *param, &mut found, &offsets);
                for (member, value) in &found {
                    let Some(slot) = kept.get_mut(*member) else { continue };
                    if slot.is_none() {
                        order.push(*member);
                        *slot = Some(self.blank()?);
                    }
                    if let Some(place) = slot.as_mut().and_then(|values| values.get_mut(step)) {
                        *place = *value;
                    }
                }
            }
        }
        let mut columns: Vec<Option<Column>> = columns.into_iter().map(Some).collect();
        let pick = |member: usize| {
            let column = columns.get_mut(member)?.take()?;
            let values = kept.get_mut(member)?.take().unwrap_or_else(|| vec![gap(); params.len()]);
            Some(Column { values, ..column })
        };
        Ok(order.into_iter().filter_map(pick).collect())
    }
}

/// Leaves what is selected in `found`: places and values.
fn choose(op: AggOp, param: f64, found: &mut Vec<(usize, f64)>, offsets: &[f64]) {
    match op {
        AggOp::Topk => found.sort_by(|a, b| descending(a.1, b.1)),
        AggOp::Bottomk => found.sort_by(|a, b| nan_last(a.1, b.1)),
        AggOp::LimitRatio => {
            let ratio = param.clamp(-1.0, 1.0);
            found.retain(|(member, _)| {
                let offset = offsets.get(*member).copied().unwrap_or(0.0);
                if ratio >= 0.0 { offset < ratio } else { offset >= 1.0 + ratio }
            });
            return;
        }
        _ => {}
    }
    found.truncate(param.max(0.0) as usize);
}
