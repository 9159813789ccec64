//! Numbers that move by less than a screen paints: while one is painted as what was sent before is, that is still true to
//! it, and nothing need be sent. What is computed from them comes out as from the numbers themselves.

use std::cmp::Ordering;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::series::Unit;

use super::super::ResourceRow;

/// Members of what replicas use and ask for, beside [`RESOURCE`].
const USED: [&str; 5] = ["requested", "p50", "p95", "max", "recommended"];
/// Those of them that a verdict is made of.
const REQUEST: [&str; 2] = ["requested", "recommended"];
/// Names the resource they are of.
const RESOURCE: &str = "resource";
/// What the slack of one costs.
const SLACK: &str = "slack_dollars";
/// Demand by five minutes, whose last is not over yet.
const VALUES: &str = "values";
/// A quantity of the evidence of advice, and its unit.
const QUANTITY: (&str, &str) = ("value", "unit");

/// Keeps the numbers of `old` in `new` that are in the same place and are painted alike.
pub fn settle(old: Option<&Value>, new: &mut Value) {
    let Some(old) = old else { return };
    match (old, new) {
        (Value::Object(before), Value::Object(now)) => {
            // Values of other instants are not the same values.
            let moved = before.get("start") != now.get("start");
            let truth = REQUEST.map(|name| now.get(name).cloned());
            let units: Vec<Option<Unit>> = now.keys().map(|name| unit_of(now, name)).collect();
            for ((name, value), unit) in now.iter_mut().zip(units) {
                let Some(old) = before.get(name) else { continue };
                match (value, unit) {
                    (Value::Array(_), Some(_)) if moved => {}
                    (value, Some(unit)) => keep(old, value, unit),
                    (value, None) => settle(Some(old), value),
                }
            }
            // Kept, they may be judged otherwise.
            let kept = judged(REQUEST.map(|name| now.get(name)));
            if kept != judged(truth.each_ref().map(Option::as_ref)) {
                now.extend(
                    REQUEST
                        .into_iter()
                        .zip(truth)
                        .filter_map(|(name, value)| Some((name.to_owned(), value?))),
                );
            }
        }
        (Value::Array(before), Value::Array(now)) if before.len() == now.len() => {
            before.iter().zip(now).for_each(|(old, new)| settle(Some(old), new));
        }
        _ => {}
    }
}

/// The unit in which a member is painted; `None` for one that is not settled.
fn unit_of(of: &Map<String, Value>, name: &str) -> Option<Unit> {
    match name {
        VALUES => Some(Unit::RequestsPerSecond),
        SLACK => Some(Unit::DollarsPerHour),
        name if name == QUANTITY.0 => Unit::deserialize(of.get(QUANTITY.1)?).ok(),
        name if USED.contains(&name) => {
            let memory = of.get(RESOURCE)?.as_str()? == "memory";
            Some(if memory { Unit::Bytes } else { Unit::Cores })
        }
        _ => None,
    }
}

/// How a request is judged by what is recommended, as [`REQUEST`] names them.
fn judged([requested, recommended]: [Option<&Value>; 2]) -> Option<Ordering> {
    Some(ResourceRow::lacks(requested?.as_f64()?, recommended?.as_f64()?))
}

/// The same for a number, or for each of a list.
fn keep(old: &Value, new: &mut Value, unit: Unit) {
    match (old, new) {
        (Value::Array(before), Value::Array(now)) if before.len() == now.len() => {
            before.iter().zip(now).for_each(|(old, new)| keep(old, new, unit));
        }
        (Value::Number(before), new @ Value::Number(_)) if Some(before) != new.as_number() => {
            let both = before.as_f64().zip(new.as_f64());
            if both.is_some_and(|(old, new)| unit.split(old) == unit.split(new)) {
                *new = Value::Number(before.clone());
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settled(old: Value, new: Value) -> Value {
        let (old, mut new) = (old, new);
        settle(Some(&old), &mut new);
        new
    }

    #[test]
    fn what_is_painted_alike_stays_and_what_is_not_is_as_it_is() {
        let used = |resource: &str, p95: f64| json!({ "#rows": { "a": { "resource": resource, "p95": p95, "replicas": 3 } } });
        let mib = 1024.0 * 1024.0;
        for (resource, old, new, kept) in [
            ("cpu", 0.3788, 0.3791, true),
            ("cpu", 0.3788, 0.3795, true),
            ("cpu", 0.3788, 0.3852, false),
            ("cpu", 0.0621, 0.0624, true),
            ("cpu", 0.0621, 0.0627, false),
            ("memory", 960.0 * mib, 960.3 * mib, true),
            ("memory", 960.0 * mib, 968.0 * mib, false),
            ("memory", 1208.4 * mib, 1208.9 * mib, true),
            ("cpu", 0.0, 0.0001, true),
            ("cpu", 0.0, 0.001, false),
        ] {
            let is = settled(used(resource, old), used(resource, new));
            assert_eq!(is, used(resource, if kept { old } else { new }), "{resource} {old} {new}");
        }
        let slack = |dollars: f64| json!({ "slack_dollars": dollars });
        assert_eq!(settled(slack(12.31), slack(12.314)), slack(12.31));
        assert_eq!(settled(slack(12.31), slack(12.39)), slack(12.39), "a cent is painted");
        let count = |n: u32| json!({ "replicas": n });
        assert_eq!(settled(count(1000), count(1001)), count(1001), "counts are counts");
        let unknown = |p95: f64| json!({ "p95": p95 });
        assert_eq!(settled(unknown(0.3788), unknown(0.3789)), unknown(0.3789), "of what, nobody knows");
    }

    #[test]
    fn however_slowly_a_number_moves_it_is_painted_as_it_is() {
        let of = |v: f64| json!({ "resource": "memory", "p50": v });
        let mut shown = of(1e9);
        for i in 1..1000 {
            let truth = 1e9 + f64::from(i) * 3e5;
            shown = settled(shown, of(truth));
            let painted = Unit::Bytes.split(shown["p50"].as_f64().unwrap());
            assert_eq!(painted, Unit::Bytes.split(truth));
        }
    }

    #[test]
    fn a_verdict_is_that_of_the_numbers_themselves() {
        let row = |want: f64| json!({ "resource": "cpu", "requested": 1.0, "recommended": want });
        let fits = settled(row(1.0451), row(1.0459));
        assert_eq!(fits, row(1.0451));
        assert_eq!(settled(row(1.0460), row(1.0501)), row(1.0501), "too small, though both are painted 1.05");
        assert_eq!(settled(row(1.0501), row(1.0460)), row(1.0460), "and back");
        assert_eq!(settled(row(0.7501), row(0.7499)), row(0.7499), "can shrink");
    }

    #[test]
    fn values_of_other_instants_are_left_alone_and_quantities_go_by_their_unit() {
        let window = |start: i64, last: f64| json!({ "start": start, "step_ms": 300_000, "values": [null, 500.0, last] });
        assert_eq!(settled(window(0, 820.7), window(0, 820.9)), window(0, 820.7));
        assert_eq!(settled(window(0, 820.7), window(300_000, 820.9)), window(300_000, 820.9));
        let fact = |unit: &str, value: f64| json!({ "quantity": { "unit": unit, "value": value } });
        for (unit, old, new, kept) in [
            ("cores", 0.9991, 0.9995, true),
            ("ratio", 0.9991, 0.9995, false),
            ("seconds", 1.234, 1.2344, true),
            ("seconds", 1.234, 1.236, false),
            ("dollars", 12.31, 12.39, false),
            ("parsecs", 1.0, 1.0001, false),
        ] {
            let is = settled(fact(unit, old), fact(unit, new));
            assert_eq!(is, fact(unit, if kept { old } else { new }), "{unit} {old} {new}");
        }
    }
}
