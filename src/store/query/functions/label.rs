//! `label_replace` and `label_join`.

use crate::series::METRIC_NAME;

use super::super::QueryError;
use super::super::eval::Evaluator;
use super::super::matcher::anchored;
use super::super::plan::{Call, Node};
use super::super::value::{Elem, Val, check_unique};

impl Evaluator<'_> {
    fn text_args(&mut self, call: &Call, at: i64) -> Result<Vec<String>, QueryError> {
        call.args.iter().skip(1).map(|arg| self.text(arg, at)).collect()
    }

    /// `label_replace(v, destination, replacement, source, expression)`.
    pub(super) fn label_replace(&mut self, call: &Call, at: i64) -> Result<Val, QueryError> {
        let texts = self.text_args(call, at)?;
        let [destination, replacement, source, pattern] = texts.as_slice() else {
            return Err(QueryError::Eval("label_replace needs five arguments".into()));
        };
        let expression = anchored(pattern).map_err(|_| {
            QueryError::Eval(format!("invalid regular expression in label_replace(): {pattern}"))
        })?;
        check_name(destination, "destination", "label_replace")?;
        let elems = self.vector(call.args.first().unwrap_or(&Node::Number(0.0)), at)?;
        let replaced = elems.into_iter().map(|e| {
            let value = e.labels.get(source).unwrap_or_default();
            let Some(captures) = expression.captures(value) else { return e };
            let mut text = String::new();
            captures.expand(replacement, &mut text);
            set(&e, destination, &text)
        });
        unique(replaced.collect())
    }

    /// `label_join(v, destination, separator, source, …)`.
    pub(super) fn label_join(&mut self, call: &Call, at: i64) -> Result<Val, QueryError> {
        let texts = self.text_args(call, at)?;
        let [destination, separator, sources @ ..] = texts.as_slice() else {
            return Err(QueryError::Eval("label_join needs at least three arguments".into()));
        };
        check_name(destination, "destination", "label_join")?;
        for source in sources {
            check_name(source, "source", "label_join")?;
        }
        let elems = self.vector(call.args.first().unwrap_or(&Node::Number(0.0)), at)?;
        let joined = elems.into_iter().map(|e| {
            let values: Vec<&str> = sources.iter().map(|s| e.labels.get(s).unwrap_or_default()).collect();
            let text = values.join(separator);
            set(&e, destination, &text)
        });
        unique(joined.collect())
    }
}

fn set(e: &Elem, name: &str, text: &str) -> Elem {
    let drop_name = e.drop_name && name != METRIC_NAME;
    Elem { labels: e.labels.with(name, text), value: e.value, drop_name }
}

fn unique(elems: Vec<Elem>) -> Result<Val, QueryError> {
    check_unique(&elems)?;
    Ok(Val::Vector(elems))
}

/// Any text is a label name since Prometheus 3, if it is not empty and is valid UTF-8.
fn check_name(name: &str, role: &str, function: &str) -> Result<(), QueryError> {
    if name.is_empty() || name.contains('\u{fffd}') {
        return Err(QueryError::Eval(format!("invalid {role} label name in {function}(): {name}")));
    }
    Ok(())
}
