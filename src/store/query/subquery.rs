//! Subqueries: the inner expression at aligned instants.

use std::collections::HashMap;
use std::rc::Rc;

use crate::series::{Labels, Sample, Timestamp};

use super::QueryError;
use super::eval::Evaluator;
use super::load::Loaded;
use super::options::millis;
use super::plan::{Matrix, Steps};
use super::value::Val;

impl Evaluator<'_> {
    /// The series a subquery yields for all instants of this evaluator, computed once.
    pub(super) fn subquery(&mut self, matrix: &Matrix) -> Result<Rc<Vec<Loaded>>, QueryError> {
        let Matrix::Subquery { number, inner, range, step, shift } = matrix else {
            return Ok(Rc::new(Vec::new()));
        };
        if let Some(known) = self.subqueries.get(number) {
            return Ok(Rc::clone(known));
        }
        let step = step.unwrap_or_else(|| millis(self.options.subquery_step)).max(1);
        let from = shift.resolve(self.steps.start, self.query).saturating_sub(*range);
        // Instants are multiples of the step; the window is open at its start.
        let start = from.div_euclid(step).saturating_add(1).saturating_mul(step);
        let steps = Steps { start, end: shift.resolve(self.steps.end, self.query), step };
        let mut evaluator = Evaluator::new(self.loaded, self.query, steps, self.options, self.budget);
        let mut places: HashMap<Labels, usize> = HashMap::new();
        let mut series: Vec<Loaded> = Vec::new();
        for at in steps.instants() {
            let elems = match evaluator.eval(inner, at)? {
                Val::Vector(elems) => elems,
                Val::Scalar(value) => vec![super::eval::elem(&Labels::empty(), value)],
                Val::Text(_) => return Err(QueryError::Eval("a subquery of a string".into())),
            };
            self.budget.charge(0, elems.len().max(1))?;
            for e in elems {
                let place = *places.entry(e.labels).or_insert_with_key(|labels| {
                    series.push(Loaded {
                        labels: labels.clone(),
                        bare: labels.without_name(),
                        samples: Vec::new(),
                        drop_name: false,
                    });
                    series.len() - 1
                });
                if let Some(found) = series.get_mut(place) {
                    found.samples.push(Sample::new(Timestamp::from_millis(at), e.value));
                    found.drop_name |= e.drop_name;
                }
            }
        }
        let series = Rc::new(series);
        self.subqueries.insert(*number, Rc::clone(&series));
        Ok(series)
    }
}
