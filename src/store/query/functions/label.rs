//! `label_replace` and `label_join`.

use crate::series::METRIC_NAME;

use super::super::QueryError;
use super::super::eval::Evaluator;
use super::super::expression::Expression;
use super::super::names::is_name;
use super::super::plan::Call;
use super::super::value::{Column, merged};
use super::call::arg;

impl Evaluator<'_> {
    fn text_args(&self, call: &Call) -> Result<Vec<String>, QueryError> {
        call.args.iter().skip(1).map(|arg| self.text(arg)).collect()
    }

    /// `label_replace(v, destination, replacement, source, expression)`.
    pub(super) fn label_replace(&self, call: &Call) -> Result<Vec<Column>, QueryError> {
        let texts = self.text_args(call)?;
        let [destination, replacement, source, pattern] = texts.as_slice() else {
            return Err(QueryError::Eval("label_replace needs five arguments".into()));
        };
        let expression = Expression::anchored(pattern).map_err(|_| {
            QueryError::Eval(format!("invalid regular expression in label_replace(): {pattern}"))
        })?;
        check_name(destination, "destination", "label_replace")?;
        let mut columns = self.vector(arg(call, 0)?)?;
        for column in &mut columns {
            let labels = column.labels.clone();
            let value = labels.get(source).unwrap_or_default();
            self.budget.visit(value.len())?;
            if let Some(text) = expression.replaced(value, replacement, |bytes| self.budget.text(bytes))? {
                set(column, destination, &text);
            }
        }
        merged(columns)
    }

    /// `label_join(v, destination, separator, source, …)`.
    pub(super) fn label_join(&self, call: &Call) -> Result<Vec<Column>, QueryError> {
        let texts = self.text_args(call)?;
        let [destination, separator, sources @ ..] = texts.as_slice() else {
            return Err(QueryError::Eval("label_join needs at least three arguments".into()));
        };
        check_name(destination, "destination", "label_join")?;
        for source in sources {
            check_name(source, "source", "label_join")?;
        }
        let mut columns = self.vector(arg(call, 0)?)?;
        for column in &mut columns {
            let labels = column.labels.clone();
            let values: Vec<&str> = sources.iter().map(|s| labels.get(s).unwrap_or_default()).collect();
            self.budget.visit(values.len())?;
            let separators = separator.len() * values.len().saturating_sub(1);
            self.budget.text(values.iter().map(|v| v.len()).sum::<usize>().saturating_add(separators))?;
            set(column, destination, &values.join(separator));
        }
        merged(columns)
    }
}

fn set(column: &mut Column, name: &str, text: &str) {
    column.drop_name &= name != METRIC_NAME;
    column.labels = column.labels.with(name, text);
}

/// Any text is a label name since Prometheus 3, if it is not empty and is valid UTF-8.
fn check_name(name: &str, role: &str, function: &str) -> Result<(), QueryError> {
    if !is_name(name) {
        return Err(QueryError::Eval(format!("invalid {role} label name in {function}(): {name}")));
    }
    Ok(())
}
