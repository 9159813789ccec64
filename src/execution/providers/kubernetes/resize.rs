//! Writing a size: one running pod in place, or the template; the patch tests what is there and puts back what was.
//!
//! A request takes its limit along where the two are the same, and in proportion where it grows: a container killed for
//! its memory is killed at the limit. A limit above a smaller request stays.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::approval::{Way, WriteOrder};
use crate::execution::provider::ProviderError;
use crate::fleet::Field;

use super::api::{NoReply, decode};
use super::assemble::View;
use super::fresh::Fresh;
use super::kind::Kind;
use super::object::{List, Pod, Scalable};
use super::patch::whole;
use super::provider::KubernetesProvider;
use super::quantity::Quantity;
use super::refusal;
use super::size::{cpu, is_live, main_container, memory};

/// Our annotation: what a template asked for before we wrote, so that it can be put back to the letter.
const WAS: &str = "weescale.io/size-was";
/// Where a workload has the spec of its pods.
const TEMPLATE: &str = "/spec/template/spec";
/// Most pods of one workload that are looked at before one is resized.
const PAGE: usize = 200;

/// Name of the resource behind a field, and its unit in base units.
const fn resource(field: Field) -> (&'static str, f64) {
    match field {
        Field::MemoryRequest | Field::MemoryPods => ("memory", 1_048_576.0),
        _ => ("cpu", 1e-3),
    }
}

/// A quantity at a place of an object, to the letter.
fn text(object: &Value, place: &str) -> Option<String> {
    match object.pointer(place)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(n) => Some(n.to_string()),
        _ => None,
    }
}

/// What a container asks for of one resource, to the letter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Asked {
    request: Option<String>,
    limit: Option<String>,
}

impl Asked {
    fn of(container: &Value, resource: &str) -> Self {
        let part = |kind: &str| text(container, &format!("/resources/{kind}/{resource}"));
        Self { request: part("requests"), limit: part("limits") }
    }

    /// With the request `to` in place of this one, in the unit of `field`.
    fn with(&self, field: Field, to: u32) -> Self {
        let (_, unit) = resource(field);
        let new = field.in_template().word(to);
        let read = |text: &Option<String>| text.as_deref().and_then(Quantity::parse).map(|q| q.0);
        let (request, limit) = (read(&self.request), read(&self.limit));
        let grown = request.filter(|r| *r > 0.0).map(|r| f64::from(to) * unit / r);
        let limit = match (request, limit, grown) {
            (Some(r), Some(l), _) if (l - r).abs() <= r * 1e-9 => Some(new.clone()),
            (_, Some(l), Some(grown)) if grown > 1.0 => {
                let up = (l * grown / unit).ceil().min(f64::from(u32::MAX)) as u32;
                Some(field.in_template().word(up))
            }
            _ => self.limit.clone(),
        };
        Self { request: Some(new), limit }
    }

    /// The operations on the container at `path` that put `to` in this one's place, each behind a test. What stays as it
    /// is is written only where that is what is rehearsed.
    fn ops(&self, to: &Self, path: &str, resource: &str, rehearsal: bool) -> Vec<Value> {
        let mut ops = Vec::new();
        for (kind, is, set) in [("requests", &self.request, &to.request), ("limits", &self.limit, &to.limit)]
        {
            let (Some(is), Some(set)) = (is, set) else { continue };
            let path = format!("{path}/resources/{kind}/{resource}");
            ops.push(json!({ "op": "test", "path": path, "value": is }));
            if is != set || rehearsal {
                ops.push(json!({ "op": "add", "path": path, "value": set }));
            }
        }
        ops
    }
}

/// A container by name, with its place in the list.
fn container<'a>(spec: &'a Value, name: &str) -> Option<(usize, &'a Value)> {
    let named = |c: &Value| c.get("name").and_then(Value::as_str) == Some(name);
    spec.get("containers")?.as_array()?.iter().enumerate().find(|(_, c)| named(c))
}

/// A request in the unit of its field.
fn whole_units(asked: &Asked, resource: &str) -> Option<u32> {
    let q = asked.request.as_deref().and_then(Quantity::parse)?;
    if resource == "memory" { q.mib() } else { q.thousandths() }
}

/// Identity of an object.
fn uid_of(object: &Value) -> &str {
    object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default()
}

fn lost(why: &str) -> ProviderError {
    ProviderError::Precondition { why: why.to_owned(), current: None }
}

/// The patch of a template.
fn on_template(object: &Value, name: &str, order: &WriteOrder) -> Result<Value, ProviderError> {
    let field = order.field();
    let (resource, _) = resource(field);
    let spec = object.pointer(TEMPLATE).ok_or_else(|| lost("the template is gone"))?;
    let (i, found) = container(spec, name).ok_or_else(|| lost("the container is gone"))?;
    let path = format!("/spec/template/spec/containers/{i}");
    let is = Asked::of(found, resource);
    if whole_units(&is, resource) != Some(order.expect()) {
        return Err(lost("the request is not what was expected any more"));
    }
    let annotations: BTreeMap<String, String> = object
        .pointer("/metadata/annotations")
        .and_then(|a| serde_json::from_value(a.clone()).ok())
        .unwrap_or_default();
    let mut notes = order.annotations().clone();
    let before = annotations.get(WAS).and_then(|w| serde_json::from_str::<Value>(w).ok());
    let before = before.map(|w| Asked {
        request: text(&w, &format!("/{resource}/request")),
        limit: text(&w, &format!("/{resource}/limit")),
    });
    let to =
        match before.filter(|b| order.way() == Way::Back && whole_units(b, resource) == Some(order.set())) {
            // To the letter, whatever of it was rounded when it was shown.
            Some(before) => {
                notes.insert(WAS.to_owned(), None);
                before
            }
            None if order.rehearses_back() => is.clone(),
            None => is.with(field, order.set()),
        };
    if order.way() == Way::Forward {
        let was = json!({ resource: { "request": is.request, "limit": is.limit } });
        notes.insert(WAS.to_owned(), Some(was.to_string()));
    }
    let mut ops = vec![json!({ "op": "test", "path": format!("{path}/name"), "value": name })];
    ops.extend(is.ops(&to, &path, resource, order.rehearses_back()));
    let uid = uid_of(object);
    Ok(whole(uid, ops, Some(&annotations), &notes))
}

/// The patch of a running pod: forward over the template's size, back over ours.
fn on_pod(pod: &Value, template: &Value, name: &str, order: &WriteOrder) -> Result<Value, ProviderError> {
    let size = order.size().ok_or_else(|| ProviderError::Invalid("the order names no size".into()))?;
    let (resource, _) = resource(order.field());
    let gone = || lost("the container is gone");
    let (i, found) = pod.get("spec").and_then(|spec| container(spec, name)).ok_or_else(gone)?;
    let (_, made) = container(template, name).ok_or_else(gone)?;
    let is = Asked::of(found, resource);
    let was = Asked::of(made, resource);
    let rehearsal = order.rehearses_back();
    let back = order.way() == Way::Back && !rehearsal;
    // What is put back is the template's size as it was, over exactly ours.
    if back && (whole_units(&was, resource) != Some(size.from) || is != was.with(order.field(), size.to)) {
        return Err(lost("the pod or its template was changed since: it is not put back"));
    }
    let to = match order.way() {
        Way::Forward => is.with(order.field(), size.to),
        Way::Back if rehearsal => is.clone(),
        Way::Back => was,
    };
    let path = format!("/spec/containers/{i}");
    let mut ops = vec![json!({ "op": "test", "path": format!("{path}/name"), "value": name })];
    ops.extend(is.ops(&to, &path, resource, rehearsal));
    let uid = uid_of(pod);
    Ok(whole(uid, ops, None, &BTreeMap::new()))
}

/// The pod whose turn it is: forward one that has the template's size, back one that has ours.
fn next<'a>(pods: &'a [Value], view: &View<'_>, name: &str, order: &WriteOrder) -> Option<&'a Value> {
    let size = order.size()?;
    let ours = order.way() == Way::Back && !order.rehearses_back();
    let wanted = if ours { size.to } else { size.from };
    let of = if resource(order.field()).0 == "memory" { memory } else { cpu };
    pods.iter().find(|value| {
        let Ok(pod) = Pod::deserialize_from(value) else { return false };
        let found = pod.spec.containers.iter().find(|c| c.name == name);
        is_live(&pod)
            && pod.status.phase == "Running"
            && super::pods::belongs(&pod, view.kind, &view.workload.metadata.name)
            && found.and_then(|c| of(c.resources.requests)) == Some(wanted)
    })
}

impl Pod {
    fn deserialize_from(value: &Value) -> Result<Self, serde_json::Error> {
        <Self as serde::Deserialize>::deserialize(value)
    }
}

/// The part of a path that selects pods by these labels.
pub(super) fn selector(workload: &Scalable) -> String {
    let plain = |text: &str| {
        let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        text.chars()
            .map(|c| if safe(c) { c.to_string() } else { format!("%{:02X}", c as u32) })
            .collect::<String>()
    };
    let labels = &workload.spec.selector.match_labels;
    let parts: Vec<String> = labels
        .iter()
        .filter(|(k, v)| k.is_ascii() && v.is_ascii())
        .map(|(k, v)| format!("{}%3D{}", plain(k), plain(v)))
        .collect();
    if parts.is_empty() { String::new() } else { format!("&labelSelector={}", parts.join("%2C")) }
}

impl KubernetesProvider {
    /// Sends the order of a size, once. What is there was compared with it already.
    pub(super) async fn resize(&self, fresh: &mut Fresh, order: &WriteOrder) -> Result<(), ProviderError> {
        let (namespace, own) =
            (fresh.workload.metadata.namespace.clone(), fresh.workload.metadata.name.clone());
        let name =
            main_container(&fresh.workload.spec.template).map_err(ProviderError::Invalid)?.name.clone();
        let object: Value = self.shared.api.get(&fresh.kind.object(&namespace, &own)).await?;
        if uid_of(&object) != fresh.workload.metadata.uid {
            return Err(lost("the workload was made anew"));
        }
        let dry = if order.is_dry_run() { "&dryRun=All" } else { "" };
        let asked = format!("?fieldManager=weescale&fieldValidation=Strict{dry}");
        if !order.field().is_in_place() {
            if fresh.kind == Kind::StatefulSet && order.way() == Way::Forward {
                return Err(ProviderError::Invalid(
                    "the template of a StatefulSet is not written here".into(),
                ));
            }
            let body = on_template(&object, &name, order)?;
            let path = format!("{}{asked}", fresh.kind.object(&namespace, &own));
            let answer = self.sized(&path, &body, (fresh.kind, "", &namespace)).await?;
            fresh.workload = decode(&answer).map_err(ProviderError::Unknown)?;
            return Ok(());
        }
        let all = format!("{}?limit={PAGE}{}", Kind::Pod.path(Some(&namespace)), selector(&fresh.workload));
        let pods: List<Value> = self.shared.api.get(&all).await?;
        let turn = next(&pods.items, &fresh.view(), &name, order);
        let pod = turn.ok_or_else(|| lost("no pod is left that has the size that was expected"))?;
        let template = object.pointer(TEMPLATE).ok_or_else(|| lost("the template is gone"))?;
        let body = on_pod(pod, template, &name, order)?;
        let which = pod.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
        if !super::kind::is_name(&which) {
            return Err(ProviderError::Invalid("the pod's name makes no path".into()));
        }
        let path = format!("{}/resize{asked}", Kind::Pod.object(&namespace, &which));
        let answer = self.sized(&path, &body, (Kind::Pod, "resize", &namespace)).await?;
        let changed: Pod = decode(&answer).map_err(ProviderError::Unknown)?;
        let kept = pods.items.iter().filter_map(|v| Pod::deserialize_from(v).ok());
        let kept = kept.map(|p| if p.metadata.name == which { changed.clone() } else { p });
        fresh.pods = Some(kept.collect());
        Ok(())
    }

    /// Sends a patch and gives its answer's body, or what a refusal means.
    async fn sized(
        &self,
        path: &str,
        body: &Value,
        (kind, sub, namespace): (Kind, &'static str, &str),
    ) -> Result<Vec<u8>, ProviderError> {
        let reply = self.shared.api.patch(path, body).await.map_err(NoReply::of_write)?;
        if let Some(warning) = &reply.warning {
            tracing::warn!("kubernetes {}: {warning}", self.shared.api.settings().name);
        }
        let why = || refusal::words(&reply);
        match reply.status {
            200 | 201 => Ok(reply.body),
            403 => {
                self.forget_right(kind, sub, namespace);
                Err(refusal::forbidden(why(), &kind.rule(&["patch"], sub)))
            }
            409 => Err(ProviderError::Conflict { why: why(), current: None }),
            422 if refusal::is_failed_test(&reply) => Err(lost("what is there is not what was shown")),
            422 if is_above_a_limit(&why()) && !sets_limit(body) => Err(ProviderError::Invalid(format!(
                "{}; it sets no limit itself: a LimitRange of namespace {namespace} adds one",
                why()
            ))),
            _ => Err(refusal::of(&reply)),
        }
    }
}

/// Whether the server found a request above its limit.
fn is_above_a_limit(why: &str) -> bool {
    why.contains("must be less than or equal to") && why.contains("limit of")
}

/// Whether a patch tests or writes a limit.
fn sets_limit(body: &Value) -> bool {
    let is = |op: &Value| op.get("path").and_then(Value::as_str).is_some_and(|p| p.contains("/limits"));
    body.as_array()
        .is_some_and(|ops| ops.iter().any(|op| is(op) && !op.get("value").is_none_or(Value::is_null)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(request: &str, limit: Option<&str>) -> Asked {
        Asked { request: Some(request.into()), limit: limit.map(str::to_owned) }
    }

    #[test]
    fn a_limit_goes_along_where_it_is_tied() {
        let cpu = |a: Asked, to| a.with(Field::CpuPods, to);
        assert_eq!(cpu(asked("500m", None), 750), asked("750m", None));
        assert_eq!(
            cpu(asked("500m", Some("500m")), 750),
            asked("750m", Some("750m")),
            "guaranteed stays guaranteed"
        );
        assert_eq!(
            cpu(asked("1", Some("1000m")), 700),
            asked("700m", Some("700m")),
            "the same in other words"
        );
        assert_eq!(
            cpu(asked("500m", Some("1")), 750),
            asked("750m", Some("1500m")),
            "in proportion on the way up"
        );
        assert_eq!(cpu(asked("500m", Some("1")), 400), asked("400m", Some("1")), "and not on the way down");
        let memory = asked("512Mi", Some("1Gi")).with(Field::MemoryRequest, 768);
        assert_eq!(memory, asked("768Mi", Some("1536Mi")));
    }

    #[test]
    fn every_value_is_tested_and_only_what_changes_is_written() {
        let ops = asked("500m", Some("1")).ops(&asked("400m", Some("1")), "/spec/containers/0", "cpu", false);
        let said: Vec<String> =
            ops.iter().map(|o| format!("{} {} {}", o["op"], o["path"], o["value"])).collect();
        assert_eq!(
            said,
            [
                "\"test\" \"/spec/containers/0/resources/requests/cpu\" \"500m\"",
                "\"add\" \"/spec/containers/0/resources/requests/cpu\" \"400m\"",
                "\"test\" \"/spec/containers/0/resources/limits/cpu\" \"1\"",
            ]
        );
    }

    #[test]
    fn labels_select_and_are_escaped() {
        let workload: Scalable = serde_json::from_value(json!({ "spec": { "selector": { "matchLabels": {
            "app.kubernetes.io/name": "web", "b": "1&limit=9" } } } }))
        .unwrap();
        assert_eq!(selector(&workload), "&labelSelector=app.kubernetes.io%2Fname%3Dweb%2Cb%3D1%26limit%3D9");
    }
}
