//! JSON patches as the API server applies them: a test of `null` holds where nothing is.

use serde_json::Value;

/// Applies `patch`; `Err(true)` for a failed test, `Err(false)` for a path that is not there.
pub fn apply(object: &mut Value, patch: &Value) -> Result<(), bool> {
    for op in patch.as_array().ok_or(false)? {
        let path = op["path"].as_str().ok_or(false)?;
        let (parent, key) = path.rsplit_once('/').ok_or(false)?;
        let key = key.replace("~1", "/").replace("~0", "~");
        let at = object.pointer_mut(parent).and_then(Value::as_object_mut).ok_or(false)?;
        match op["op"].as_str() {
            Some("test") => {
                if at.get(&key).unwrap_or(&Value::Null) != &op["value"] {
                    return Err(true);
                }
            }
            Some("add") => {
                at.insert(key, op["value"].clone());
            }
            Some("replace") if at.contains_key(&key) => {
                at.insert(key, op["value"].clone());
            }
            Some("remove") if at.contains_key(&key) => {
                at.remove(&key);
            }
            _ => return Err(false),
        }
    }
    Ok(())
}
