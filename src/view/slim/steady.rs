//! Numbers that move by less than a screen paints: while one stays within the last digit that is painted, what was sent before
//! is still true to it, and nothing need be sent. No number is further than that from the truth, however long it stands still.

use serde_json::Value;

/// Members that are settled: what replicas use and ask for, and demand by five minutes, whose last is not over yet.
const SETTLED: [&str; 7] = ["requested", "p50", "p95", "max", "recommended", "slack_dollars", "values"];
/// A quantity of the evidence of advice, and its unit.
const QUANTITY: (&str, &str) = ("value", "unit");
/// A share near one is painted with as many digits as tell it from one.
const SHARE: &str = "ratio";

/// Keeps the numbers of `old` in `new` that are in the same place and would be painted alike, to within the last digit.
pub fn settle(old: Option<&Value>, new: &mut Value) {
    let Some(old) = old else { return };
    match (old, new) {
        (Value::Object(before), Value::Object(now)) => {
            // Values of other instants are not the same values.
            let moved = before.get("start") != now.get("start");
            let share = now.get(QUANTITY.1).and_then(Value::as_str).is_none_or(|unit| unit == SHARE);
            for (name, value) in now.iter_mut() {
                let Some(old) = before.get(name) else { continue };
                let settled = SETTLED.contains(&name.as_str()) || (name == QUANTITY.0 && !share);
                match value {
                    Value::Array(_) if settled && moved => {}
                    _ if settled => keep(old, value),
                    _ => settle(Some(old), value),
                }
            }
        }
        (Value::Array(before), Value::Array(now)) if before.len() == now.len() => {
            before.iter().zip(now).for_each(|(old, new)| settle(Some(old), new));
        }
        _ => {}
    }
}

/// The same for a number, or for each of a list.
fn keep(old: &Value, new: &mut Value) {
    match (old, new) {
        (Value::Array(before), Value::Array(now)) if before.len() == now.len() => {
            before.iter().zip(now).for_each(|(old, new)| keep(old, new));
        }
        (Value::Number(before), new @ Value::Number(_)) => {
            let moved = before.as_f64().zip(new.as_f64()).map(|(old, new)| ((new - old).abs(), painted(new)));
            if moved.is_some_and(|(by, digit)| by < digit) {
                *new = old.clone();
            }
        }
        _ => {}
    }
}

/// What one of the last digit that is painted is worth: three digits, four of thousands.
fn painted(value: f64) -> f64 {
    let size = value.abs().log10().floor();
    if !size.is_finite() {
        return 0.0;
    }
    10_f64.powi(if size == 3.0 { 0 } else { (size as i32).saturating_sub(2) })
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
        let row =
            |p95: f64, name: &str| json!({ "#rows": { "a": { "p95": p95, "replicas": 3, "name": name } } });
        assert_eq!(settled(row(0.3788, "x"), row(0.3795, "x")), row(0.3788, "x"));
        assert_eq!(settled(row(0.3788, "x"), row(0.3799, "x")), row(0.3799, "x"), "a digit further");
        assert_eq!(settled(row(0.3788, "x"), row(0.3795, "y")), row(0.3788, "y"));
        for (old, new, kept) in
            [(504.8, 505.2, true), (504.8, 506.0, false), (1208.0, 1208.9, true), (1208.0, 1210.0, false)]
        {
            let is = settled(row(old, "x"), row(new, "x"));
            assert_eq!(is, row(if kept { old } else { new }, "x"), "{old} {new}");
        }
        assert_eq!(settled(row(0.0, "x"), row(0.0001, "x")), row(0.0001, "x"), "nothing is not little");
        let count = |n: u32| json!({ "replicas": n });
        assert_eq!(settled(count(1000), count(1001)), count(1001), "counts are counts");
    }

    #[test]
    fn it_never_drifts_however_slowly_a_number_moves() {
        let of = |v: f64| json!({ "p50": v });
        let mut shown = of(100.0);
        for i in 1..1000 {
            let truth = 100.0 + f64::from(i) * 0.3;
            shown = settled(shown, of(truth));
            assert!((shown["p50"].as_f64().unwrap() - truth).abs() < 1.0, "{shown} {truth}");
        }
    }

    #[test]
    fn values_of_other_instants_and_shares_near_one_are_left_alone() {
        let window = |start: i64, last: f64| json!({ "start": start, "step_ms": 300_000, "values": [null, 500.0, last] });
        assert_eq!(settled(window(0, 820.7), window(0, 820.9)), window(0, 820.7));
        assert_eq!(settled(window(0, 820.7), window(300_000, 820.9)), window(300_000, 820.9));
        let fact = |unit: &str, value: f64| json!({ "quantity": { "unit": unit, "value": value } });
        assert_eq!(settled(fact("cores", 0.9991), fact("cores", 0.9995)), fact("cores", 0.9991));
        assert_eq!(settled(fact("ratio", 0.9991), fact("ratio", 0.9995)), fact("ratio", 0.9995));
    }
}
