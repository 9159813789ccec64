//! Recipe expressions: placeholders filled in, metric names read out.

use std::collections::BTreeSet;
use std::time::Duration;

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{self, Expr, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};

use super::limits::{MIN_RATE_WINDOW, RATE_INTERVALS};

/// Fills `$by` and `$window` of a recipe expression. Line breaks become blanks.
pub(super) fn fill(template: &str, by: &str, window: &str) -> String {
    let filled = template.replace("$by", by).replace("$window", window);
    filled.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The rate window for a poll interval, as a PromQL duration: at least four intervals and one minute,
/// in whole steps of 15 s.
pub(super) fn rate_window(interval: Duration) -> String {
    written(rate_span(interval))
}

/// As a PromQL duration.
pub(super) fn written(window: Duration) -> String {
    let rounded = window.as_secs();
    if rounded.is_multiple_of(60) { format!("{}m", rounded / 60) } else { format!("{rounded}s") }
}

/// The window that rates are taken over at this poll interval.
pub fn rate_span(interval: Duration) -> Duration {
    let seconds = (interval * RATE_INTERVALS).max(MIN_RATE_WINDOW).as_secs_f64();
    Duration::from_secs((seconds / 15.0).ceil() as u64 * 15)
}

/// The window that rates are taken over while samples go back only by `held`. A rate over more than that would count
/// the part that is there and share it out over the whole, and be too low. So that the first sample of each endpoint, which
/// comes within a poll, is at most a poll after its beginning (then it is made up for, as in Prometheus's `rate`),
/// it grows in steps, from two polls to the whole window.
pub fn young_span(interval: Duration, held: Duration) -> Duration {
    let two = (interval.as_secs_f64() * 2.0).ceil() as u64;
    let step = (interval.as_secs_f64().ceil() as u64).max(15);
    Duration::from_secs((held.as_secs() / step * step).max(two)).min(rate_span(interval))
}

/// The metric names `expr` selects, or why it is not PromQL. A selector without a name is refused:
/// detection would not know what to look for.
pub(super) fn metric_names(expr: &str) -> Result<BTreeSet<String>, String> {
    let parsed = parser::parse(expr)?;
    let mut names = Names(BTreeSet::new());
    walk_expr(&mut names, &parsed)?;
    Ok(names.0)
}

/// `expr` with every selector restricted to these label values; `None` if that cannot be written.
pub(super) fn narrow(expr: &str, labels: &[(&str, &str)]) -> Option<String> {
    let mut parsed = parser::parse(expr).ok()?;
    restrict(&mut parsed, labels);
    let text = parsed.to_string();
    // Label values come from outside: what is sent must read back as exactly what was meant.
    (parser::parse(&text).ok()? == parsed).then_some(text)
}

fn restrict(expr: &mut Expr, labels: &[(&str, &str)]) {
    let add = |selector: &mut VectorSelector| {
        for (name, value) in labels {
            let matcher = Matcher::new(MatchOp::Equal, name, value);
            if selector.matchers.or_matchers.is_empty() {
                selector.matchers.matchers.push(matcher);
            } else {
                selector.matchers.or_matchers.iter_mut().for_each(|group| group.push(matcher.clone()));
            }
        }
        // They are written in this order, and so read back in it.
        selector.matchers.matchers.sort_by_cached_key(ToString::to_string);
    };
    match expr {
        Expr::VectorSelector(selector) => add(selector),
        Expr::MatrixSelector(matrix) => add(&mut matrix.vs),
        Expr::Aggregate(inner) => restrict(&mut inner.expr, labels),
        Expr::Unary(inner) => restrict(&mut inner.expr, labels),
        Expr::Paren(inner) => restrict(&mut inner.expr, labels),
        Expr::Subquery(inner) => restrict(&mut inner.expr, labels),
        Expr::Binary(inner) => {
            restrict(&mut inner.lhs, labels);
            restrict(&mut inner.rhs, labels);
        }
        Expr::Call(call) => call.args.args.iter_mut().for_each(|arg| restrict(arg, labels)),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
    }
}

struct Names(BTreeSet<String>);

impl Names {
    fn add(&mut self, selector: &VectorSelector) -> Result<(), String> {
        let name = selector.name.clone().ok_or("a selector has no metric name")?;
        self.0.insert(name);
        Ok(())
    }
}

impl ExprVisitor for Names {
    type Error = String;

    fn pre_visit(&mut self, expr: &Expr) -> Result<bool, String> {
        match expr {
            Expr::VectorSelector(selector) => self.add(selector)?,
            Expr::MatrixSelector(matrix) => self.add(&matrix.vs)?,
            _ => {}
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_young_window_is_as_long_as_what_is_held() {
        let span =
            |interval, held| young_span(Duration::from_secs(interval), Duration::from_secs(held)).as_secs();
        assert_eq!(
            [0, 14, 29, 31, 44, 45, 60, 3600].map(|held| span(5, held)),
            [10, 10, 15, 30, 30, 45, 60, 60]
        );
        assert_eq!([0, 20, 31, 61, 900].map(|held| span(15, held)), [30, 30, 30, 60, 60]);
        assert_eq!([0, 119, 130, 190, 900].map(|held| span(60, held)), [120, 120, 120, 180, 240]);
    }

    #[test]
    fn windows_cover_four_scrapes_and_a_minute() {
        assert_eq!(rate_window(Duration::from_secs(5)), "1m");
        assert_eq!(rate_window(Duration::from_secs(15)), "1m");
        assert_eq!(rate_window(Duration::from_secs(16)), "75s");
        assert_eq!(rate_window(Duration::from_secs(60)), "4m");
        assert_eq!(rate_window(Duration::from_millis(500)), "1m");
    }

    #[test]
    fn names_are_found_inside_calls_and_operands() {
        let names = metric_names(
            "sum by (a) (rate(x_total[1m])) / on (a) (y or -z) + label_replace(w, \"a\", \"$1\", \"b\", \"(.*)\")",
        );
        assert_eq!(names.unwrap().into_iter().collect::<Vec<_>>(), ["w", "x_total", "y", "z"]);
        assert!(metric_names("sum(").is_err());
        assert!(metric_names("{job=\"a\"}").is_err());
        let narrowed = narrow("sum by (le) (rate(x{a!=\"b\"}[2m])) / (y or -z)", &[("n", "\"\\")]).unwrap();
        let expected = r#"sum by (le) (rate(x{a!="b",n="\"\\"}[2m])) / (y{n="\"\\"} or -z{n="\"\\"})"#;
        assert_eq!(narrowed, expected);
        assert_eq!(fill("sum by ($by)\n  (rate(x[$window]))", "a, b", "1m"), "sum by (a, b) (rate(x[1m]))");
    }
}
