//! Compares results with expectations, with Prometheus's tolerance.

use std::collections::BTreeMap;

use weescale::series::{Labels, Sample};
use weescale::store::query::Value;

use super::case::Case;
use super::script::Point;

/// Relative tolerance of Prometheus's test runner.
const EPSILON: f64 = 1e-6;

/// Compares as Prometheus's `almost.Equal` does.
pub fn close(a: f64, b: f64) -> bool {
    if (a.is_nan() && b.is_nan()) || a == b {
        return true;
    }
    let (sum, difference) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < EPSILON * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < EPSILON
}

/// Checks the value of an instant query; the error says what differs.
pub fn instant(case: &Case, got: &Value) -> Result<(), String> {
    match got {
        Value::String(text) => match &case.string {
            Some(expected) if expected == text => Ok(()),
            expected => Err(format!("got the string {text:?}, expected {expected:?}")),
        },
        Value::Scalar(value) => match case.scalar {
            Some(expected) if close(expected, *value) => Ok(()),
            expected => Err(format!("got the scalar {value}, expected {expected:?}")),
        },
        Value::Vector(elems) => vector(case, elems),
        Value::Matrix(series) => {
            let (from, to, step) = case.range_vector.ok_or("got a range vector")?;
            matrix(case, series, from, to, step)
        }
    }
}

fn vector(case: &Case, got: &[(Labels, f64)]) -> Result<(), String> {
    if case.scalar.is_some() || case.string.is_some() {
        return Err("got a vector, expected a scalar or string".into());
    }
    let mut expected: Vec<(&Labels, f64)> = Vec::new();
    for (labels, points) in &case.series {
        match points.as_slice() {
            [Point::Float(value)] => expected.push((labels, *value)),
            _ => return Err(format!("expectation of {labels} is not one value")),
        }
    }
    let mut got: Vec<(&Labels, f64)> = got.iter().map(|(l, v)| (l, *v)).collect();
    if !case.ordered {
        expected.sort_by_key(|(l, _)| *l);
        got.sort_by_key(|(l, _)| *l);
    }
    let same = got.len() == expected.len()
        && got.iter().zip(&expected).all(|((l, v), (el, ev))| l == el && close(*v, *ev));
    if same { Ok(()) } else { Err(format!("got {got:?}, expected {expected:?}")) }
}

/// Checks the series of a range query over `from..=to`.
pub fn matrix(
    case: &Case,
    got: &[(Labels, Vec<Sample>)],
    from: i64,
    to: i64,
    step: i64,
) -> Result<(), String> {
    let mut expected: BTreeMap<&Labels, Vec<(i64, f64)>> = BTreeMap::new();
    for (labels, points) in &case.series {
        let mut samples = Vec::new();
        for (i, point) in points.iter().enumerate() {
            let at = from + i as i64 * step;
            if at > to {
                return Err(format!("{labels} has more expected values than steps"));
            }
            if let Point::Float(value) = point {
                samples.push((at, *value));
            }
        }
        expected.insert(labels, samples);
    }
    if let Some(value) = case.scalar {
        return scalar_range(value, got);
    }
    for (labels, samples) in got {
        let Some(wanted) = expected.remove(labels) else { return Err(format!("unexpected series {labels}")) };
        let samples: Vec<(i64, f64)> = samples.iter().map(|s| (s.at.as_millis(), s.value)).collect();
        let same = samples.len() == wanted.len()
            && samples.iter().zip(&wanted).all(|((t, v), (wt, wv))| t == wt && close(*v, *wv));
        if !same {
            return Err(format!("{labels}: got {samples:?}, expected {wanted:?}"));
        }
    }
    expected.retain(|_, samples| !samples.is_empty());
    if expected.is_empty() { Ok(()) } else { Err(format!("missing {:?}", expected.keys())) }
}

fn scalar_range(value: f64, got: &[(Labels, Vec<Sample>)]) -> Result<(), String> {
    let same = matches!(got, [(labels, samples)] if labels.is_empty()
        && samples.iter().all(|s| close(s.value, value)));
    if same { Ok(()) } else { Err(format!("got {got:?}, expected {value} throughout")) }
}
