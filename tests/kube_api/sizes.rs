//! What the server makes of requests and limits.

use serde_json::{Value, json};

fn parse(text: &str) -> f64 {
    let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (digits, suffix) = text.split_at(end);
    let factor = match suffix {
        "" => 1.0,
        "m" => 1e-3,
        "M" => 1e6,
        "G" => 1e9,
        "Ki" => 1024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        other => panic!("the tests use no {other}"),
    };
    digits.parse::<f64>().unwrap() * factor
}

/// As the server writes a quantity: `1000m` is `1`, `1024Mi` is `1Gi`.
fn canonical(text: &str) -> String {
    for (suffix, per, next) in [("m", 1000, ""), ("Ki", 1024, "Mi"), ("Mi", 1024, "Gi")] {
        let number = text.strip_suffix(suffix).and_then(|n| n.parse::<u64>().ok());
        if let Some(n) = number.filter(|n| *n > 0 && n % per == 0) {
            return canonical(&format!("{}{next}", n / per));
        }
    }
    text.to_owned()
}

fn containers(object: &mut Value) -> Option<&mut Vec<Value>> {
    let spec = if object["kind"] == "Pod" { "/spec/containers" } else { "/spec/template/spec/containers" };
    object.pointer_mut(spec)?.as_array_mut()
}

/// Writes quantities as the server does; what is wrong with them, if something is.
pub fn settle(object: &mut Value) -> Option<String> {
    for container in containers(object)? {
        for kind in ["requests", "limits"] {
            let all = container.pointer_mut(&format!("/resources/{kind}")).and_then(Value::as_object_mut);
            for value in all.into_iter().flat_map(|all| all.values_mut()) {
                *value = json!(canonical(value.as_str().unwrap()));
            }
        }
        for resource in ["cpu", "memory"] {
            let of = |kind: &str| container["resources"][kind][resource].as_str().map(parse);
            if let (Some(request), Some(limit)) = (of("requests"), of("limits"))
                && request > limit
            {
                return Some(format!(
                    "requests: Invalid value: must be less than or equal to {resource} limit"
                ));
            }
        }
    }
    None
}

/// Takes over the resources of containers, and nothing else.
pub fn take(pod: &mut Value, from: &Value) {
    let new: Vec<Value> =
        from["spec"]["containers"].as_array().unwrap().iter().map(|c| c["resources"].clone()).collect();
    for (container, resources) in containers(pod).unwrap().iter_mut().zip(new) {
        container["resources"] = resources;
    }
}
