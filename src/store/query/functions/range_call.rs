//! Range functions over sliding windows.

use crate::series::METRIC_NAME;

use super::super::QueryError;
use super::super::eval::Evaluator;
use super::super::plan::{Call, Node};
use super::super::ranges::{Cursor, Run};
use super::super::value::{Column, merged, nameless};
use super::window::{RangeFn, Window};

/// Endings of names that say "counter".
const COUNTERS: [&str; 4] = ["_total", "_sum", "_count", "_bucket"];

impl Evaluator<'_> {
    /// A function of each series' window at every step.
    pub(super) fn range_call(&self, call: &Call, f: RangeFn) -> Result<Vec<Column>, QueryError> {
        let mut params = Vec::new();
        let mut matrix = None;
        for arg in &call.args {
            match &arg.node {
                Node::Matrix(found) => matrix = Some((found, arg.at)),
                _ => params.push((self.scalars(arg)?, arg.at)),
            }
        }
        let Some((matrix, at)) = matrix else {
            return Err(QueryError::Eval("expected a range vector".into()));
        };
        let ranged = self.ranged(matrix)?;
        let mut out = Vec::with_capacity(ranged.series.len());
        let mut arguments = Vec::with_capacity(params.len());
        for run in &ranged.series {
            let mut values = self.blank()?;
            let mut cursor = Cursor::default();
            let mut visited = 0;
            for (step, (time, slot)) in self.steps.instants().zip(&mut values).enumerate() {
                let (from, to) = ranged.window(time);
                let (low, high) = ranged.reached((from, to));
                let samples = cursor.window(&run.samples, low, high);
                if samples.is_empty() {
                    continue;
                }
                visited += samples.len();
                arguments.clear();
                arguments.extend(params.iter().filter_map(|(values, _)| values.get(step).copied()));
                let edges = ranged.edges;
                let window = Window { samples, from, to, at: time, params: &arguments, edges };
                if let Some(check) = f.check {
                    check(&window)?;
                }
                if let (true, Some((_, at))) = (f.quantile, params.first()) {
                    self.notes.check_quantile(window.param(0), *at);
                }
                if let Some(value) = (f.compute)(&window) {
                    *slot = value;
                }
            }
            self.budget.visit(visited)?;
            let column = self.range_result(run, f, values);
            if !column.is_empty() {
                if f.counter {
                    self.doubt_counter(run, at);
                }
                out.push(column);
            }
        }
        if self.options.delayed_name_removal { Ok(out) } else { merged(out) }
    }

    fn range_result(&self, run: &Run, f: RangeFn, values: Vec<f64>) -> Column {
        let delayed = self.options.delayed_name_removal;
        let labels = if f.keeps_name || delayed { run.labels.clone() } else { nameless(&run.labels) };
        Column { labels, drop_name: run.drop_name || (delayed && !f.keeps_name), values }
    }

    fn doubt_counter(&self, run: &Run, at: usize) {
        let name = run.labels.get(METRIC_NAME).unwrap_or_default();
        if !name.is_empty() && !COUNTERS.iter().any(|ending| name.ends_with(ending)) {
            let endings = COUNTERS.join("/");
            self.notes.inform(
                &format!("metric might not be a counter, name does not end in {endings}: {name:?}"),
                at,
            );
        }
    }
}
