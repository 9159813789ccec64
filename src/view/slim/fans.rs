//! Fans that were issued anew, within a whole view: folded against the view before, and unfolded again.

use serde_json::Value;

use crate::forecast::reissued::{difference, is_difference, is_fan, reissue, settled};

/// Writes every fan of `new` that `old` has in the same place as its difference.
pub fn fold(old: &Value, new: &mut Value) {
    if is_fan(old) && is_fan(new) {
        if let Some(moved) = difference(old, new).filter(|_| old != new) {
            *new = moved;
        }
        return;
    }
    both(old, new, &mut |old, new| {
        fold(old, new);
        true
    });
}

/// Makes every fan of `new` one for screens ([`settled`]), settled by what `old` shows in the same place.
pub fn settle(old: Option<&Value>, new: &mut Value) {
    if is_fan(new) {
        if let Some(shown) = settled(old.filter(|old| is_fan(old)), new) {
            *new = shown;
        }
        return;
    }
    match new {
        Value::Object(members) => {
            let before = |name: &String| old.and_then(|old| old.get(name));
            members.iter_mut().for_each(|(name, value)| settle(before(name), value));
        }
        Value::Array(items) => {
            let before = old.and_then(Value::as_array).filter(|old| old.len() == items.len());
            for (i, value) in items.iter_mut().enumerate() {
                settle(before.and_then(|old| old.get(i)), value);
            }
        }
        _ => {}
    }
}

/// Makes the fans whole again that [`fold`] wrote as differences; `false` if one does not fit.
pub fn unfold(old: &Value, new: &mut Value) -> bool {
    if is_difference(new) {
        let whole = reissue(old, new);
        let fits = whole.is_some();
        *new = whole.unwrap_or_default();
        return fits;
    }
    both(old, new, &mut unfold)
}

/// Members and items in the same place of both; stops at the first `false`.
fn both(old: &Value, new: &mut Value, each: &mut dyn FnMut(&Value, &mut Value) -> bool) -> bool {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            new.iter_mut().all(|(name, value)| old.get(name).is_none_or(|before| each(before, value)))
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            old.iter().zip(new).all(|(before, value)| each(before, value))
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fans_in_the_same_place_are_folded_and_come_back() {
        // Forty instants, each one unit above the one before; the first is `first`: C is 1, E is 2.
        let fan = |start: i64, first: &str| {
            let values = format!("{first}AAAAAAAAAA{}", "CAAAAAAAAAA".repeat(39));
            json!({ "start": start, "step_ms": 300_000, "unit": 1.0, "values": values })
        };
        let old = json!({ "a": { "points": fan(0, "C") }, "b": [fan(0, "C")], "c": 1 });
        let new = json!({ "a": { "points": fan(300_000, "E") }, "b": [fan(0, "C")], "d": fan(0, "C") });
        let mut folded = new.clone();
        fold(&old, &mut folded);
        assert!(is_difference(&folded["a"]["points"]), "{folded}");
        assert_eq!((&folded["b"], &folded["d"]), (&new["b"], &new["d"]), "the same, and a new one, stay");
        assert!(unfold(&old, &mut folded));
        assert_eq!(folded, new);
        let mut hostile = json!({ "c": { "#moved": [0, 1.0, "A"] } });
        assert!(!unfold(&old, &mut hostile));
    }
}
