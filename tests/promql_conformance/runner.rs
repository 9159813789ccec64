//! Executes a script.

use std::time::Duration;

use weescale::series::Timestamp;
use weescale::store::query::{self, Annotations, Options, Prepared, QueryError, Value};

use super::case::{Case, Message, When};
use super::compare;
use super::data::Data;

/// Experimental functions of Prometheus that weescale does not have, see `assets/promql.md`.
const EXPERIMENTAL: [&str; 1] = ["timeseries_gen"];

/// Outcome of one script: failures and skips with their line.
#[derive(Default)]
pub struct Report {
    pub passed: usize,
    pub failures: Vec<(usize, String)>,
    pub skipped: Vec<(usize, String)>,
}

enum Verdict {
    Passed,
    Skipped(String),
}

/// Runs all commands of a script.
pub fn run_script(text: &str) -> Report {
    let lines: Vec<&str> =
        text.lines().map(str::trim).map(|l| if l.starts_with('#') { "" } else { l }).collect();
    let mut report = Report::default();
    let mut data = Data::empty();
    let mut next = 0;
    while let Some(head) = lines.get(next) {
        let number = next + 1;
        next += 1;
        if head.is_empty() {
            continue;
        }
        if *head == "clear" {
            data = Data::empty();
            continue;
        }
        let length = lines[next..].iter().take_while(|l| !l.is_empty()).count();
        let block = &lines[next..next + length];
        next += length;
        if head.starts_with("load") {
            if let Err(why) = data.load(head, block) {
                report.failures.push((number, format!("cannot load: {why}")));
            }
        } else if head.starts_with("eval") {
            match Case::parse(head, block).and_then(|case| judge(&case, &data)) {
                Ok(Verdict::Passed) => report.passed += 1,
                Ok(Verdict::Skipped(why)) => report.skipped.push((number, why)),
                Err(why) => report.failures.push((number, format!("{head}: {why}"))),
            }
        } else {
            report.failures.push((number, format!("cannot read the command {head:?}")));
        }
    }
    report
}

fn options() -> Options {
    // Prometheus runs its scripts with this feature on.
    Options { delayed_name_removal: true, ..Options::default() }
}

fn judge(case: &Case, data: &Data) -> Result<Verdict, String> {
    if case.expects_histogram() || case.expr.contains("{{") {
        return Ok(Verdict::Skipped("native histogram expected".into()));
    }
    if let Some(name) = EXPERIMENTAL.iter().find(|name| case.expr.contains(&format!("{name}("))) {
        return Ok(Verdict::Skipped(format!("experimental function {name}")));
    }
    data.take_touched();
    let outcome = Prepared::new(&case.expr).and_then(|query| evaluate(case, &query, data));
    if data.take_touched() {
        return Ok(Verdict::Skipped("native histogram selected".into()));
    }
    match (outcome, &case.fails) {
        (Err(error), Some(message)) => said(&error, message).map(|()| Verdict::Passed),
        (Err(error), None) => Err(error.to_string()),
        (Ok(_), Some(_)) => Err("succeeded, expected a failure".into()),
        (Ok(checked), None) => checked.map(|()| Verdict::Passed),
    }
}

/// The wording of errors counts, except the parser's, which is not ours.
fn said(error: &QueryError, message: &Message) -> Result<(), String> {
    let text = error.to_string();
    if matches!(error, QueryError::Parse(_)) || message.is_met_by(&text) {
        return Ok(());
    }
    Err(format!("failed with {text:?}, expected {message:?}"))
}

/// The outer error is the query's, the inner one says what differs from the expectation.
fn evaluate(case: &Case, query: &Prepared, data: &Data) -> Result<Result<(), String>, QueryError> {
    let options = options();
    match case.when {
        When::Instant(at) => {
            let (value, notes) = query::annotated_instant(data, query, Timestamp::from_millis(at), &options)?;
            Ok(compare::instant(case, &value)
                .and_then(|()| annotated(case, &notes))
                .and_then(|()| as_range(case, query, data, at, &value)))
        }
        When::Range { from, to, step } => {
            let (start, end) = (Timestamp::from_millis(from), Timestamp::from_millis(to));
            let length = Duration::from_millis(step.unsigned_abs());
            let (got, notes) = query::annotated_range(data, query, start, end, length, &options)?;
            Ok(compare::matrix(case, &got, from, to, step).and_then(|()| annotated(case, &notes)))
        }
    }
}

fn annotated(case: &Case, notes: &Annotations) -> Result<(), String> {
    case.warnings.check("warning", &notes.warnings).and_then(|()| case.infos.check("info", &notes.infos))
}

/// An instant query must give the same as the middle step of a range query around it.
fn as_range(case: &Case, query: &Prepared, data: &Data, at: i64, value: &Value) -> Result<(), String> {
    let Value::Vector(expected) = value else { return Ok(()) };
    if ["start()", "end()", "range()", "step()"].iter().any(|f| case.expr.replace(' ', "").contains(f)) {
        return Ok(());
    }
    let at = Timestamp::from_millis(at);
    let minute = Duration::from_secs(60);
    let Ok(got) = query::range(data, query, at - minute, at + minute, minute, &options()) else {
        // One of the other steps may fail where this one does not.
        return Ok(());
    };
    let mut middle: Vec<(String, f64)> = got
        .iter()
        .filter_map(|(l, s)| s.iter().find(|s| s.at == at).map(|s| (l.to_string(), s.value)))
        .collect();
    let mut expected: Vec<(String, f64)> = expected.iter().map(|(l, v)| (l.to_string(), *v)).collect();
    middle.sort_by(|a, b| a.0.cmp(&b.0));
    expected.sort_by(|a, b| a.0.cmp(&b.0));
    let same = middle.len() == expected.len()
        && middle.iter().zip(&expected).all(|(a, b)| a.0 == b.0 && compare::close(a.1, b.1));
    if same { Ok(()) } else { Err(format!("as a range: {middle:?}, as an instant: {expected:?}")) }
}
