//! What is answered to a request.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::world::{Key, World, is_selected, wrote};
use super::{json_patch, sizes};

/// An answer; a watch is answered elsewhere.
pub struct Answer {
    pub status: u16,
    pub kind: &'static str,
    pub headers: String,
    pub body: String,
}

impl Answer {
    pub fn plain(status: u16, text: &str) -> Self {
        let headers = if status == 429 { "retry-after: 4\r\n".into() } else { String::new() };
        Self { status, kind: "text/plain; charset=utf-8", headers, body: text.into() }
    }

    fn json(status: u16, body: &Value) -> Self {
        Self { status, kind: "application/json", headers: String::new(), body: body.to_string() }
    }
}

/// A recorded answer of the real server, with its own words.
fn recorded(name: &str) -> Answer {
    let path = format!("{}/tests/fixtures/kubernetes/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let response = &file["response"];
    let status = u16::try_from(response["status"].as_u64().unwrap()).unwrap();
    match &response["body"] {
        Value::String(text) => Answer::plain(status, text),
        body => Answer::json(status, body),
    }
}

fn status(code: u16, reason: &str, message: &str) -> Answer {
    let body = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code });
    Answer::json(code, &body)
}

fn forbidden(world: &World, verb: &str, resource: &str) -> Option<Answer> {
    let denied = world.denied.contains(&format!("{verb} {resource}"));
    denied.then(|| {
        status(403, "Forbidden", &format!("{resource} is forbidden: User \"ann\" cannot {verb} resource"))
    })
}

/// A path taken apart.
pub struct Route {
    /// `apps/v1/deployments`.
    pub collection: String,
    pub namespace: String,
    pub name: String,
    pub sub: String,
    pub query: BTreeMap<String, String>,
}

impl Route {
    pub fn of(path: &str) -> Option<Self> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let query =
            query.split('&').filter_map(|p| p.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect();
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (group, rest) = match parts.as_slice() {
            ["api", version, rest @ ..] => ((*version).to_owned(), rest),
            ["apis", group, version, rest @ ..] => (format!("{group}/{version}"), rest),
            _ => return None,
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (*namespace, rest),
            rest => ("", rest),
        };
        let part = |i: usize| rest.get(i).map_or_else(String::new, |p| (*p).to_owned());
        Some(Self {
            collection: format!("{group}/{}", part(0)),
            namespace: namespace.into(),
            name: part(1),
            sub: part(2),
            query,
        })
    }

    fn resource(&self) -> String {
        let plural = self.collection.rsplit('/').next().unwrap();
        if self.sub.is_empty() { plural.into() } else { format!("{plural}/{}", self.sub) }
    }

    fn key(&self) -> Key {
        (self.collection.clone(), self.namespace.clone(), self.name.clone())
    }
}

/// Answers everything but watches.
pub fn answer(world: &mut World, method: &str, path: &str, token: &str, body: &str) -> Answer {
    if token != format!("Bearer {}", world.token) {
        return recorded("401_bad_token");
    }
    if path == "/apis" {
        let groups: Vec<Value> = world.groups.iter().map(|g| json!({ "name": g, "versions": [] })).collect();
        return Answer::json(200, &json!({ "kind": "APIGroupList", "groups": groups }));
    }
    if path == "/api/v1" {
        let names = if world.resizable { vec!["pods", "pods/resize"] } else { vec!["pods"] };
        let all: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
        return Answer::json(
            200,
            &json!({ "kind": "APIResourceList", "groupVersion": "v1", "resources": all }),
        );
    }
    let Some(route) = Route::of(path) else { return recorded("404_unknown_group") };
    if route.collection == "v1/namespaces" {
        let there = world.namespaces.contains(&route.name);
        let object = json!({ "kind": "Namespace", "metadata": { "name": route.name } });
        let gone = || status(404, "NotFound", &format!("namespaces \"{}\" not found", route.name));
        return if there { Answer::json(200, &object) } else { gone() };
    }
    let group = route.collection.split('/').next().unwrap();
    if group != "v1" && !world.groups.contains(&group) {
        return recorded("404_unknown_group");
    }
    let named = !route.name.is_empty();
    if !world.cluster_wide && route.namespace.is_empty() && !named && method == "GET" {
        return status(403, "Forbidden", "User \"ann\" cannot list resource at the cluster scope");
    }
    match method {
        "POST" => review(world, body),
        "PATCH" => forbidden(world, "patch", &route.resource()).unwrap_or_else(|| patch(world, &route, body)),
        _ if named => forbidden(world, "get", &route.resource()).unwrap_or_else(|| one(world, &route)),
        _ => forbidden(world, "list", &route.resource()).unwrap_or_else(|| list(world, &route)),
    }
}

fn review(world: &World, body: &str) -> Answer {
    let mut review: Value = serde_json::from_str(body).unwrap();
    let asked = &review["spec"]["resourceAttributes"];
    let sub = asked["subresource"]
        .as_str()
        .filter(|sub| !sub.is_empty())
        .map_or_else(String::new, |sub| format!("/{sub}"));
    let right = format!("{} {}{sub}", asked["verb"].as_str().unwrap(), asked["resource"].as_str().unwrap());
    review["status"] = json!({ "allowed": !world.denied.contains(&right) });
    Answer::json(201, &review)
}

fn scale(object: &Value) -> Value {
    json!({ "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {
        "name": object["metadata"]["name"], "namespace": object["metadata"]["namespace"],
        "uid": object["metadata"]["uid"], "resourceVersion": object["metadata"]["resourceVersion"] },
        "spec": { "replicas": object["spec"]["replicas"] }, "status": { "replicas": object["status"]["replicas"] } })
}

fn one(world: &World, route: &Route) -> Answer {
    match world.objects.get(&route.key()) {
        Some(object) if route.sub == "scale" => Answer::json(200, &scale(object)),
        Some(object) => Answer::json(200, object),
        None => recorded("404_deployment"),
    }
}

/// Whether labels are those of a selector such as `app%3Dweb%2Ctier%3Dfront`.
fn is_labelled(object: &Value, selector: Option<&String>) -> bool {
    let decoded = selector.map(|s| s.replace("%3D", "=").replace("%2C", ",").replace("%2F", "/"));
    let labels = &object["metadata"]["labels"];
    decoded.is_none_or(|s| s.split(',').all(|part| part.split_once('=').is_some_and(|(k, v)| labels[k] == v)))
}

fn list(world: &mut World, route: &Route) -> Answer {
    let more = route.query.get("continue");
    if more.is_some() && world.expired_pages > 0 {
        world.expired_pages -= 1;
        return recorded("410_list_continue_expired");
    }
    let from: usize = more.map_or(0, |m| m.parse().unwrap());
    let limit: usize = route.query.get("limit").map_or(usize::MAX, |l| l.parse().unwrap());
    let limit = limit.min(world.page);
    let fits =
        |key: &Key| key.0 == route.collection && (route.namespace.is_empty() || key.1 == route.namespace);
    let all: Vec<&Value> = world
        .objects
        .iter()
        .filter(|(k, v)| fits(k) && is_selected(v, route.query.get("fieldSelector")))
        .filter(|(_, v)| is_labelled(v, route.query.get("labelSelector")))
        .map(|(_, v)| v)
        .collect();
    let items: Vec<&Value> = all.iter().skip(from).take(limit).copied().collect();
    let next = (from + items.len() < all.len()).then(|| (from + items.len()).to_string());
    let mut metadata = json!({ "resourceVersion": world.version.to_string() });
    if let Some(next) = next {
        metadata["continue"] = json!(next);
    }
    Answer::json(200, &json!({ "kind": "List", "metadata": metadata, "items": items }))
}

fn patch(world: &mut World, route: &Route, body: &str) -> Answer {
    let manager = route.query.get("fieldManager").cloned().unwrap_or_default();
    if route.query.get("fieldValidation").map(String::as_str) != Some("Strict") {
        return status(400, "BadRequest", "the tests want strict validation");
    }
    if let Some((key, field, value)) = world.quicker.take() {
        world.set(&key.0, &key.2, field, value, "kubectl-edit");
    }
    let Some(object) = world.objects.get(&route.key()) else { return recorded("404_deployment") };
    let Ok(ops) = serde_json::from_str::<Value>(body) else { return recorded("400_unknown_field_strict") };
    if route.sub == "resize" && !world.resizable {
        return recorded("404_unknown_group");
    }
    let mut changed = if route.sub == "scale" { scale(object) } else { object.clone() };
    if json_patch::apply(&mut changed, &ops).is_err() {
        return recorded("422_json_patch_test_failed");
    }
    let mut whole = object.clone();
    if let Some(wrong) = sizes::settle(&mut changed) {
        return status(422, "Invalid", &wrong);
    }
    match route.sub.as_str() {
        "scale" => whole["spec"]["replicas"] = changed["spec"]["replicas"].clone(),
        // Whatever else a resize says is dropped.
        "resize" => sizes::take(&mut whole, &changed),
        _ => whole = changed,
    }
    if route.collection == "apps/v1/deployments" && whole["spec"] != object["spec"] {
        whole["metadata"]["generation"] = json!(whole["metadata"]["generation"].as_i64().unwrap_or(0) + 1);
    }
    let spec = &whole["spec"];
    if let Some((field, from, to)) = world.barred
        && object["spec"][field] == from
        && spec[field] == to
    {
        let why =
            format!("ValidatingAdmissionPolicy 'slowly' denied request: {field} {from} to {to} is too far");
        // As a policy's denial is told: forbidden, with the code of its reason, and its message as a cause.
        let body = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": why,
            "reason": "Invalid", "details": { "causes": [{ "message": why }] }, "code": 422 });
        return Answer::json(422, &body);
    }
    let number = |name: &str| spec[name].as_i64();
    if let (Some(min), Some(max)) = (number("minReplicas"), number("maxReplicas"))
        && min > max
    {
        return recorded("422_hpa_min_gt_max");
    }
    for field in ["replicas", "minReplicas", "minReplicaCount", "behavior"] {
        if body.contains(&format!("/spec/{field}")) {
            wrote(&mut whole, &manager, field);
        }
    }
    let key = route.key();
    let before = world.objects[&key].clone();
    world.put(whole);
    let answer = world.objects[&key].clone();
    if route.query.get("dryRun").is_some_and(|d| d == "All") {
        world.history.pop();
        world.version -= 1;
        world.objects.insert(key, before);
    }
    Answer::json(200, &if route.sub == "scale" { scale(&answer) } else { answer })
}
