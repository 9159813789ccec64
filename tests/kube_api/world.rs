//! What the server holds, and what goes wrong on demand.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// `apps/v1/deployments`, namespace (may be empty), name.
pub type Key = (String, String, String);

/// What happens instead of an answer.
#[derive(Clone, Debug)]
pub enum Trouble {
    /// This status with this text, not a `Status`, without effect.
    Plain(u16, &'static str),
    /// The effect, then this status.
    EffectThen(u16),
    /// The connection is reset before an answer, without effect.
    Reset,
    /// The effect, then a reset.
    EffectThenReset,
    /// Nothing, for ever.
    Stall,
    /// Half of the answer, then nothing.
    HalfBody,
}

/// A trouble for the next `times` requests of `method` whose path contains `path`.
#[derive(Clone, Debug)]
pub struct Fault {
    pub method: &'static str,
    pub path: &'static str,
    pub times: u32,
    pub trouble: Trouble,
}

/// A request as seen.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub body: String,
}

/// An event of a watch.
#[derive(Clone, Debug)]
pub struct Happened {
    pub version: u64,
    pub kind: &'static str,
    pub key: Key,
    pub object: Value,
}

/// The server's state.
pub struct World {
    pub objects: BTreeMap<Key, Value>,
    pub namespaces: BTreeSet<String>,
    pub groups: Vec<&'static str>,
    pub version: u64,
    pub history: Vec<Happened>,
    /// Watches from before this get 410 inside the stream.
    pub compacted: u64,
    pub seen: Vec<Seen>,
    pub faults: Vec<Fault>,
    /// `verb resource[/sub]` that this identity may not.
    pub denied: BTreeSet<String>,
    pub token: String,
    /// Whether more than one namespace may be read at once.
    pub cluster_wide: bool,
    /// Watches say nothing at all.
    pub mute: bool,
    /// Continue tokens are refused with 410 this often.
    pub expired_pages: u32,
    /// Whether pods can be resized in place: Kubernetes 1.33 and later.
    pub resizable: bool,
    /// No page has more than this.
    pub page: usize,
    /// The next write finds that somebody else was quicker and wrote this.
    pub quicker: Option<(Key, &'static str, i64)>,
    /// An admission rule: a field under `spec` may not go from one value to the other.
    pub barred: Option<(&'static str, i64, i64)>,
}

impl World {
    pub fn new() -> Self {
        Self {
            objects: BTreeMap::new(),
            namespaces: ["shop", "infra"].map(str::to_owned).into(),
            groups: vec![
                "apps",
                "autoscaling",
                "policy",
                "authorization.k8s.io",
                "argoproj.io",
                "keda.sh",
                "metrics.k8s.io",
                "autoscaling.k8s.io",
            ],
            version: 100,
            history: Vec::new(),
            compacted: 0,
            seen: Vec::new(),
            faults: Vec::new(),
            denied: BTreeSet::new(),
            token: "good".into(),
            cluster_wide: true,
            mute: false,
            expired_pages: 0,
            resizable: true,
            page: 500,
            quicker: None,
            barred: None,
        }
    }

    fn key(object: &Value) -> Key {
        let plural = match object["kind"].as_str().unwrap() {
            "PodMetrics" => "pods".to_owned(),
            kind => format!("{}s", kind.to_lowercase()),
        };
        let version = object["apiVersion"].as_str().unwrap();
        let text = |name: &str| object["metadata"][name].as_str().unwrap_or_default().to_owned();
        (format!("{version}/{plural}"), text("namespace"), text("name"))
    }

    /// Puts an object, new or changed, as `manager`.
    pub fn put(&mut self, mut object: Value) {
        self.version += 1;
        super::defaults::fill_in(&mut object);
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let key = Self::key(&object);
        let kind = if self.objects.contains_key(&key) { "MODIFIED" } else { "ADDED" };
        self.history.push(Happened { version: self.version, kind, key: key.clone(), object: object.clone() });
        self.objects.insert(key, object);
    }

    /// Takes an object away.
    pub fn delete(&mut self, resource: &str, name: &str) {
        let key = (resource.to_owned(), "shop".to_owned(), name.to_owned());
        let mut object = self.objects.remove(&key).unwrap();
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.history.push(Happened { version: self.version, kind: "DELETED", key, object });
    }

    /// Deletes an object that a finalizer keeps.
    pub fn begin_deletion(&mut self, resource: &str, name: &str) {
        let mut object = self.get(resource, name);
        object["metadata"]["finalizers"] = json!([super::FINALIZER]);
        object["metadata"]["deletionTimestamp"] = json!("2026-11-23T21:13:43Z");
        self.put(object);
    }

    /// An object of namespace `shop`.
    pub fn get(&self, resource: &str, name: &str) -> Value {
        self.objects[&(resource.to_owned(), "shop".to_owned(), name.to_owned())].clone()
    }

    /// The same, where it may not be there.
    pub fn find(&self, resource: &str, name: &str) -> Option<Value> {
        self.objects.get(&(resource.to_owned(), "shop".to_owned(), name.to_owned())).cloned()
    }

    /// Sets a field under `spec` as somebody else.
    pub fn set(&mut self, resource: &str, name: &str, field: &str, value: i64, manager: &str) {
        let mut object = self.get(resource, name);
        object["spec"][field] = json!(value);
        wrote(&mut object, manager, field);
        self.put(object);
    }

    /// How many requests there were of `method`.
    pub fn count(&self, method: &str) -> usize {
        self.seen.iter().filter(|s| s.method == method).count()
    }

    /// The trouble that is due for a request.
    pub fn trouble(&mut self, method: &str, path: &str) -> Option<Trouble> {
        let fault =
            self.faults.iter_mut().find(|f| f.times > 0 && f.method == method && path.contains(f.path))?;
        fault.times -= 1;
        Some(fault.trouble.clone())
    }
}

/// Whether a list or watch with this field selector has the object.
pub fn is_selected(object: &Value, selector: Option<&String>) -> bool {
    selector.is_none_or(|s| s == "type%3DWarning" && object["type"] == "Warning")
}

/// Notes in `managedFields` who wrote a field.
pub fn wrote(object: &mut Value, manager: &str, field: &str) {
    let entry = json!({ "manager": manager, "operation": "Update", "time": "2026-11-23T21:13:43Z",
        "fieldsV1": { "f:spec": { format!("f:{field}"): {} } } });
    object["metadata"]["managedFields"] = json!([entry]);
}
