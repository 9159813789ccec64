//! Holding scale-in: `behavior.scaleDown.selectPolicy: Disabled` of an HPA, `paused-scale-in` of a `ScaledObject`; and
//! pinning the count, which only the latter can: `paused-replicas`.
//!
//! What is given back is what was there. An HPA without `behavior` gets one from the server as soon as a field of it is
//! written, with the defaults spelt out; that it was made by us is noted, and it is taken away again as long as nobody
//! has changed it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::execution::providers::contract::PINNED_AT;
use crate::fleet::{Replicas, ScaleIn};

use super::object::{Hpa, Meta, ScaledObject};

/// Annotation of KEDA (2.18 and later): nothing is taken away.
pub(super) const PAUSED_SCALE_IN: &str = "autoscaling.keda.sh/paused-scale-in";
/// Annotation of KEDA: the count is set to this and left there.
pub(super) const PAUSED_REPLICAS: &str = "autoscaling.keda.sh/paused-replicas";
/// Our annotation: which object under `spec` a hold has made, `behavior` or `scaleDown`.
const MADE: &str = "weescale.io/hold-made";

/// Notes written with a value: `None` removes one.
pub(super) type Notes = BTreeMap<String, Option<String>>;

/// What an HPA may take away; `None` for a policy this version does not know.
pub(super) fn of_hpa(hpa: &Hpa) -> Option<ScaleIn> {
    match select_policy(hpa.spec.behavior.as_ref()) {
        None | Some("Max") => Some(ScaleIn::Allowed),
        Some("Min") => Some(ScaleIn::Smallest),
        Some("Disabled") => Some(ScaleIn::Held),
        Some(_) => None,
    }
}

/// What KEDA may take away.
pub(super) fn of_scaled(scaled: &ScaledObject) -> ScaleIn {
    if scaled.metadata.annotations.contains_key(PAUSED_REPLICAS) {
        ScaleIn::Pinned
    } else if is_true(&scaled.metadata, PAUSED_SCALE_IN) {
        ScaleIn::Held
    } else {
        ScaleIn::Allowed
    }
}

/// The count that KEDA was told to keep; `None` for what is no count.
pub(super) fn pinned_at(scaled: &ScaledObject) -> Option<u32> {
    let count = scaled.metadata.annotations.get(PAUSED_REPLICAS)?.parse().ok()?;
    Replicas::check_count(count).ok()
}

/// What KEDA's own HPA may take away; `None` where it cannot be seen among `hpas`. Versions before 2.18 never pass a pause
/// on to it.
pub(super) fn passed_on<'a>(scaled: &Meta, hpas: impl IntoIterator<Item = &'a Hpa>) -> Option<ScaleIn> {
    let made = |hpa: &&Hpa| hpa.metadata.controller().is_some_and(|o| o.name == scaled.name);
    hpas.into_iter().find(made).and_then(of_hpa)
}

/// Whether an annotation is one of Go's words for true.
pub(super) fn is_true(meta: &Meta, key: &str) -> bool {
    meta.annotations
        .get(key)
        .is_some_and(|v| matches!(v.as_str(), "1" | "t" | "T" | "TRUE" | "true" | "True"))
}

fn select_policy(behavior: Option<&Value>) -> Option<&str> {
    behavior?.get("scaleDown")?.get("selectPolicy")?.as_str()
}

fn test(path: &str, value: &Value) -> Value {
    json!({ "op": "test", "path": path, "value": value })
}

fn add(path: &str, value: &Value) -> Value {
    json!({ "op": "add", "path": path, "value": value })
}

/// The operations that set an HPA's policy over the present one, each behind a test of what it replaces; what has to be
/// noted with them goes into `notes`.
pub(super) fn on_hpa(hpa: &Hpa, set: ScaleIn, notes: &mut Notes) -> Vec<Value> {
    const BEHAVIOR: &str = "/spec/behavior";
    const DOWN: &str = "/spec/behavior/scaleDown";
    const POLICY: &str = "/spec/behavior/scaleDown/selectPolicy";
    let word = match set {
        ScaleIn::Allowed => "Max",
        ScaleIn::Smallest => "Min",
        ScaleIn::Held | ScaleIn::Pinned => "Disabled",
    };
    let absent = Value::Null;
    let made = hpa.metadata.annotations.get(MADE).map(String::as_str);
    if made.is_some() && set != ScaleIn::Held {
        notes.insert(MADE.to_owned(), None);
    }
    let down = json!({ "selectPolicy": word });
    let Some(behavior) = &hpa.spec.behavior else {
        notes.insert(MADE.to_owned(), Some("behavior".to_owned()));
        return vec![test(BEHAVIOR, &absent), add(BEHAVIOR, &json!({ "scaleDown": down }))];
    };
    let present = behavior.get("scaleDown").filter(|d| !d.is_null());
    let Some(present) = present else {
        notes.insert(MADE.to_owned(), Some("scaleDown".to_owned()));
        return vec![test(DOWN, &absent), add(DOWN, &down)];
    };
    match made.filter(|_| set == ScaleIn::Allowed) {
        Some("behavior") if is_default_up(behavior.get("scaleUp")) && is_default_down(present) => {
            vec![test(BEHAVIOR, behavior), json!({ "op": "remove", "path": BEHAVIOR })]
        }
        Some("scaleDown") if is_default_down(present) => {
            vec![test(DOWN, present), json!({ "op": "remove", "path": DOWN })]
        }
        _ => vec![test(POLICY, present.get("selectPolicy").unwrap_or(&absent)), add(POLICY, &json!(word))],
    }
}

/// The operations that pause or resume KEDA, each behind a test of what it replaces, and the annotations that do it in
/// `notes`. Pinned, the count stays at `replicas`.
pub(super) fn on_scaled(scaled: &ScaledObject, set: ScaleIn, replicas: i64, notes: &mut Notes) -> Vec<Value> {
    let there = &scaled.metadata.annotations;
    let pinned = there.contains_key(PAUSED_REPLICAS);
    let pin = (set == ScaleIn::Pinned).then(|| replicas.to_string());
    notes.insert(PINNED_AT.to_owned(), pin.clone());
    notes.insert(PAUSED_REPLICAS.to_owned(), pin);
    // Who pins the count, or gives that back, leaves the other pause as it is: a person may have set it.
    if set != ScaleIn::Pinned && !pinned {
        notes.insert(PAUSED_SCALE_IN.to_owned(), (set == ScaleIn::Held).then(|| "true".to_owned()));
    }
    if there.is_empty() {
        // That there are none is tested where the first is added.
        return Vec::new();
    }
    let is = |key: &str| {
        let path = format!("/metadata/annotations/{}", key.replace('/', "~1"));
        test(&path, &there.get(key).map_or(Value::Null, |v| json!(v)))
    };
    let mut ops = vec![is(PAUSED_SCALE_IN), is(PAUSED_REPLICAS)];
    // A pin that somebody moved is theirs: the test fails.
    if let Some(ours) = there.get(PINNED_AT).filter(|_| pinned && set != ScaleIn::Pinned) {
        ops.push(test(
            &format!("/metadata/annotations/{}", PAUSED_REPLICAS.replace('/', "~1")),
            &json!(ours),
        ));
    }
    ops
}

/// Whether `rules` has nothing but what the server fills in upwards.
fn is_default_up(rules: Option<&Value>) -> bool {
    let Some(rules) = rules.filter(|r| !r.is_null()) else { return true };
    let policies = [("Pods", 4), ("Percent", 100)];
    rules.as_object().is_some_and(|r| is_default(r, &json!("Max"), 0, &policies))
}

/// The same downwards, but for our policy.
fn is_default_down(rules: &Value) -> bool {
    rules.as_object().is_some_and(|r| is_default(r, &json!("Disabled"), 300, &[("Percent", 100)]))
}

fn is_default(rules: &Map<String, Value>, select: &Value, window: u64, policies: &[(&str, u64)]) -> bool {
    rules.iter().all(|(key, value)| match key.as_str() {
        _ if value.is_null() => true,
        "selectPolicy" => value == select,
        "stabilizationWindowSeconds" => value.as_u64() == Some(window),
        "policies" => value.as_array().is_some_and(|found| {
            let wanted = |p: &Value| {
                policies
                    .iter()
                    .any(|(kind, most)| *p == json!({ "type": kind, "value": most, "periodSeconds": 15 }))
            };
            found.len() == policies.len() && found.iter().all(wanted)
        }),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hpa(behavior: &Value, made: Option<&str>) -> Hpa {
        let annotations = made.map_or_else(|| json!({}), |m| json!({ MADE: m }));
        serde_json::from_value(json!({ "metadata": { "annotations": annotations },
            "spec": { "maxReplicas": 9, "behavior": behavior } }))
        .unwrap()
    }

    fn filled_in() -> Value {
        json!({
            "scaleUp": { "stabilizationWindowSeconds": 0, "selectPolicy": "Max", "policies": [
                { "type": "Pods", "value": 4, "periodSeconds": 15 },
                { "type": "Percent", "value": 100, "periodSeconds": 15 }] },
            "scaleDown": { "selectPolicy": "Disabled",
                "policies": [{ "type": "Percent", "value": 100, "periodSeconds": 15 }] },
        })
    }

    fn last(ops: &[Value]) -> String {
        let op = ops.last().unwrap();
        format!("{} {} {}", op["op"].as_str().unwrap(), op["path"].as_str().unwrap(), op["value"])
    }

    #[test]
    fn a_behaviour_that_was_made_is_taken_away_and_one_that_was_there_is_kept() {
        let mut notes = Notes::new();
        let none = hpa(&Value::Null, None);
        assert_eq!(of_hpa(&none), Some(ScaleIn::Allowed));
        let ops = on_hpa(&none, ScaleIn::Held, &mut notes);
        assert_eq!(ops[0], test("/spec/behavior", &Value::Null), "only where there is still none");
        assert_eq!(notes[MADE].as_deref(), Some("behavior"));

        let mut notes = Notes::new();
        let ours = hpa(&filled_in(), Some("behavior"));
        assert_eq!(of_hpa(&ours), Some(ScaleIn::Held));
        let ops = on_hpa(&ours, ScaleIn::Allowed, &mut notes);
        assert_eq!(
            ops,
            [test("/spec/behavior", &filled_in()), json!({ "op": "remove", "path": "/spec/behavior" })]
        );
        assert_eq!(notes[MADE], None, "the note goes with it");

        let mut changed = filled_in();
        changed["scaleUp"]["policies"][0]["value"] = json!(2);
        let ops = on_hpa(&hpa(&changed, Some("behavior")), ScaleIn::Allowed, &mut Notes::new());
        assert_eq!(last(&ops), "add /spec/behavior/scaleDown/selectPolicy \"Max\"", "somebody uses it now");

        let mut theirs = filled_in();
        theirs["scaleDown"]["selectPolicy"] = json!("Min");
        let ops = on_hpa(&hpa(&theirs, None), ScaleIn::Held, &mut Notes::new());
        assert_eq!(ops[0], test("/spec/behavior/scaleDown/selectPolicy", &json!("Min")));
        let ops = on_hpa(&hpa(&filled_in(), None), ScaleIn::Smallest, &mut Notes::new());
        assert_eq!(last(&ops), "add /spec/behavior/scaleDown/selectPolicy \"Min\"");
        assert_eq!(of_hpa(&hpa(&json!({ "scaleDown": { "selectPolicy": "New" } }), None)), None);
    }

    #[test]
    fn keda_is_told_by_an_annotation() {
        let scaled: ScaledObject = serde_json::from_value(json!({ "metadata": { "annotations": {
            PAUSED_SCALE_IN: "false" } } }))
        .unwrap();
        assert_eq!(of_scaled(&scaled), ScaleIn::Allowed);
        let mut notes = Notes::new();
        let ops = on_scaled(&scaled, ScaleIn::Held, 4, &mut notes);
        assert_eq!(ops[0]["value"], "false", "the present value is tested");
        assert_eq!(notes[PAUSED_SCALE_IN].as_deref(), Some("true"));
        on_scaled(&scaled, ScaleIn::Allowed, 4, &mut notes);
        assert_eq!((&notes[PAUSED_SCALE_IN], &notes[PAUSED_REPLICAS]), (&None, &None));
        let mut notes = Notes::new();
        let ops = on_scaled(&scaled, ScaleIn::Pinned, 4, &mut notes);
        assert_eq!(ops[1]["value"], Value::Null, "nobody has pinned it");
        assert_eq!(
            (notes.contains_key(PAUSED_SCALE_IN), notes[PAUSED_REPLICAS].as_deref()),
            (false, Some("4"))
        );
        let moved: ScaledObject = serde_json::from_value(json!({ "metadata": { "annotations": {
            PAUSED_REPLICAS: "9", PINNED_AT: "4", PAUSED_SCALE_IN: "true" } } }))
        .unwrap();
        let mut notes = Notes::new();
        let ops = on_scaled(&moved, ScaleIn::Allowed, 9, &mut notes);
        assert_eq!(ops.last().unwrap()["value"], "4", "somebody moved the pin: the test fails");
        assert!(!notes.contains_key(PAUSED_SCALE_IN), "a person's pause stays");
    }
}
