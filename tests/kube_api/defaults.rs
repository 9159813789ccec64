//! What the server fills in by itself.

use serde_json::{Value, json};

/// An HPA with a `behavior` has all rules of both directions spelt out, as `autoscaling/v2` defaults them.
pub fn fill_in(object: &mut Value) {
    if object["kind"] != "HorizontalPodAutoscaler" || !object["spec"]["behavior"].is_object() {
        return;
    }
    let behavior = &mut object["spec"]["behavior"];
    let percent = json!({ "type": "Percent", "value": 100, "periodSeconds": 15 });
    let pods = json!({ "type": "Pods", "value": 4, "periodSeconds": 15 });
    let set = |rules: &mut Value, key: &str, value: Value| {
        if rules[key].is_null() {
            rules[key] = value;
        }
    };
    set(behavior, "scaleUp", json!({}));
    set(behavior, "scaleDown", json!({}));
    set(&mut behavior["scaleUp"], "stabilizationWindowSeconds", json!(0));
    set(&mut behavior["scaleUp"], "selectPolicy", json!("Max"));
    set(&mut behavior["scaleUp"], "policies", json!([pods, percent]));
    set(&mut behavior["scaleDown"], "selectPolicy", json!("Max"));
    set(&mut behavior["scaleDown"], "policies", json!([percent]));
}
