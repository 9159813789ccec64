//! `sort`, `sort_desc`, `sort_by_label`, `sort_by_label_desc`.

use std::cmp::Ordering;

use super::super::QueryError;
use super::super::eval::Evaluator;
use super::super::numeric::{descending, nan_last};
use super::super::plan::Call;
use super::super::value::Column;
use super::call::arg;

impl Evaluator<'_> {
    /// By value; NaN last in both directions. Orders instant queries only: ranges are ordered by labels.
    pub(super) fn sort(&self, call: &Call, at: usize, down: bool) -> Result<Vec<Column>, QueryError> {
        self.warn_of_order(at);
        let mut columns = self.vector(arg(call, 0)?)?;
        columns.retain(|c| !c.is_empty());
        let value = |c: &Column| c.at(0).unwrap_or(f64::NAN);
        columns
            .sort_by(|a, b| if down { descending(value(a), value(b)) } else { nan_last(value(a), value(b)) });
        Ok(columns)
    }

    /// By the natural order of the given labels' values, then by all labels.
    pub(super) fn sort_by_label(
        &self,
        call: &Call,
        at: usize,
        down: bool,
    ) -> Result<Vec<Column>, QueryError> {
        self.warn_of_order(at);
        let names: Vec<String> =
            call.args.iter().skip(1).map(|arg| self.text(arg)).collect::<Result<_, _>>()?;
        let mut columns = self.vector(arg(call, 0)?)?;
        self.pay_for_order(&columns, &names)?;
        columns.sort_by(|a, b| {
            let mut by_name = names
                .iter()
                .map(|n| natural(a.labels.get(n).unwrap_or_default(), b.labels.get(n).unwrap_or_default()));
            let order = by_name.find(|order| order.is_ne()).unwrap_or_else(|| a.labels.cmp(&b.labels));
            if down { order.reverse() } else { order }
        });
        Ok(columns)
    }

    /// Says that ranges have an order of their own.
    fn warn_of_order(&self, at: usize) {
        if self.steps.start != self.steps.end {
            let text = "sort is ineffective for range queries since results are always ordered by labels";
            self.notes.warn(text, at);
        }
    }

    /// Charges what comparing these labels may take: each of them about as often as the list can be halved.
    fn pay_for_order(&self, columns: &[Column], names: &[String]) -> Result<(), QueryError> {
        let rounds = columns.len().max(1).ilog2() as usize + 1;
        for column in columns {
            let bytes = |name: &String| column.labels.get(name).map_or(1, |value| value.len() + 1);
            self.budget.visit(names.iter().map(bytes).sum::<usize>().saturating_mul(rounds))?;
        }
        Ok(())
    }
}

/// Text with runs of digits compared as numbers: `a9` before `a10`.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        if a.is_empty() || b.is_empty() {
            return a.len().cmp(&b.len());
        }
        let ((run_a, rest_a), (run_b, rest_b)) = (split_run(a), split_run(b));
        let order = if starts_with_digit(run_a) && starts_with_digit(run_b) {
            let (x, y) = (run_a.trim_start_matches('0'), run_b.trim_start_matches('0'));
            x.len().cmp(&y.len()).then_with(|| x.cmp(y)).then_with(|| run_a.len().cmp(&run_b.len()))
        } else {
            run_a.cmp(run_b)
        };
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// The leading run of digits or of other characters, and the rest.
fn split_run(text: &str) -> (&str, &str) {
    let digits = starts_with_digit(text);
    let end = text.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_compare_as_numbers() {
        let mut names = ["cpu10", "cpu9", "cpu", "cpu9a", "4", "10"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["4", "10", "cpu", "cpu9", "cpu9a", "cpu10"]);
    }
}
