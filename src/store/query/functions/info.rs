//! `info`: joins the data labels of info series, such as `target_info`, to series of the same `instance` and `job`.

use std::collections::HashMap;

use crate::series::{Labels, LabelsBuilder, METRIC_NAME};

use super::super::eval::Evaluator;
use super::super::plan::{Call, Edges, Node, Selector, Shift};
use super::super::value::{Column, merged};
use super::super::{Matcher, QueryError};
use super::call::arg;

/// Labels that say which target an info series describes.
const IDENTIFYING: [&str; 2] = ["instance", "job"];

/// What the second argument asks for.
struct Wanted {
    names: Vec<Matcher>,
    data: Vec<Matcher>,
}

/// Info series at the instants of the evaluation: labels, and the time of the latest sample at each step.
type Infos = HashMap<Labels, Vec<Column>>;

impl Evaluator<'_> {
    /// `info(v, {data label matchers})`.
    pub(super) fn info(&self, call: &Call) -> Result<Vec<Column>, QueryError> {
        let base = self.vector(arg(call, 0)?)?;
        let wanted = match call.args.get(1).map(|a| &a.node) {
            Some(Node::Vector(selector)) => Wanted::of(self.matchers(selector))?,
            _ => Wanted::of(&[])?,
        };
        let infos = self.infos(&wanted)?;
        let mut out: Vec<Column> = Vec::new();
        for column in base {
            let name = column.labels.get(METRIC_NAME).unwrap_or_default();
            if wanted.names.iter().all(|m| m.matches_value(name)) {
                out.push(column);
                continue;
            }
            self.enrich(&column, &wanted, &infos, &mut out)?;
        }
        merged(out)
    }

    fn infos(&self, wanted: &Wanted) -> Result<Infos, QueryError> {
        let matchers: Vec<Matcher> = wanted.names.iter().chain(&wanted.data).cloned().collect();
        let selector = Selector { selection: 0, shift: Shift::default(), edges: Edges::Plain };
        let mut infos: Infos = HashMap::new();
        for column in self.times_of(&matchers, &selector)? {
            infos.entry(identity(&column.labels)).or_default().push(column);
        }
        Ok(infos)
    }

    /// The column with the data labels of each step.
    fn enrich(
        &self,
        column: &Column,
        wanted: &Wanted,
        infos: &Infos,
        out: &mut Vec<Column>,
    ) -> Result<(), QueryError> {
        let candidates = infos.get(&identity(&column.labels)).map_or(&[][..], Vec::as_slice);
        // All labels of all candidates are looked at at every step.
        let looked_at: usize = candidates.iter().map(|c| 1 + c.labels.len()).sum();
        self.budget.visit(self.steps.count().saturating_mul(1 + looked_at))?;
        let mut places: HashMap<Labels, usize> = HashMap::new();
        for step in 0..self.steps.count() {
            let Some(value) = column.at(step) else { continue };
            let Some(labels) = wanted.labels(&column.labels, candidates, step)? else { continue };
            let place = if let Some(place) = places.get(&labels) {
                *place
            } else {
                let (values, drop_name) = (self.blank()?, column.drop_name);
                out.push(Column { labels: labels.clone(), drop_name, values });
                places.insert(labels, out.len() - 1);
                out.len() - 1
            };
            if let Some(slot) = out.get_mut(place).and_then(|c| c.values.get_mut(step)) {
                *slot = value;
            }
        }
        Ok(())
    }
}

impl Wanted {
    fn of(matchers: &[Matcher]) -> Result<Self, QueryError> {
        let (mut names, data): (Vec<Matcher>, Vec<Matcher>) =
            matchers.iter().cloned().partition(|m| m.name() == METRIC_NAME);
        if names.is_empty() {
            names.push(Matcher::equal(METRIC_NAME, "target_info"));
        } else if names.iter().all(Matcher::is_negative) {
            // Negations alone do not say which metrics are info metrics.
            names.insert(0, Matcher::regex(METRIC_NAME, ".+_info")?);
        }
        Ok(Self { names, data })
    }

    /// The series' labels with the data labels found at a step; `None` if it has none, but must.
    fn labels(
        &self,
        base: &Labels,
        candidates: &[Column],
        step: usize,
    ) -> Result<Option<Labels>, QueryError> {
        let mut newest: Vec<(&str, &Column, f64)> = Vec::new();
        for column in candidates {
            let Some(time) = column.at(step) else { continue };
            let name = column.labels.get(METRIC_NAME).unwrap_or_default();
            match newest.iter_mut().find(|(known, ..)| *known == name) {
                None => newest.push((name, column, time)),
                Some((_, known, at)) if time == *at => {
                    return Err(QueryError::Eval(format!(
                        "found duplicate series for info metric: existing {} @ {}, new {} @ {}",
                        known.labels,
                        (*at * 1000.0) as i64,
                        column.labels,
                        (time * 1000.0) as i64
                    )));
                }
                Some(slot) if time > slot.2 => *slot = (name, column, time),
                Some(_) => {}
            }
        }
        let mut added: Vec<(&str, &str)> = Vec::new();
        for (name, value) in newest.iter().flat_map(|(_, column, _)| column.labels.iter()) {
            let asked = self.data.is_empty() || self.data.iter().any(|m| m.name() == name);
            if name == METRIC_NAME || IDENTIFYING.contains(&name) || !asked || base.get(name).is_some() {
                continue;
            }
            match added.iter().find(|(known, _)| *known == name) {
                Some((_, known)) if *known != value => {
                    return Err(QueryError::Eval(format!("conflicting label: {name}")));
                }
                Some(_) => {}
                None => added.push((name, value)),
            }
        }
        if added.is_empty() && !self.data.iter().all(|m| m.matches_value("")) {
            return Ok(None);
        }
        let mut builder = LabelsBuilder::from(base);
        for (name, value) in added {
            builder.set(name, value);
        }
        Ok(Some(builder.build()))
    }
}

fn identity(labels: &Labels) -> Labels {
    labels.filtered(|name| IDENTIFYING.contains(&name))
}
