//! What this identity may write, asked before it is tried: whole objects, counts, and the size of pods.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;
use std::time::Duration;

use serde::Deserialize;

use crate::clock::Monotonic;
use crate::execution::providers::contract::WorkloadState;

use super::api::decode;
use super::cache::Cache;
use super::kind::Kind;
use super::provider::KubernetesProvider;

/// A right once asked for holds this long.
const RIGHT: Duration = Duration::from_secs(300);
/// Questions asked for one list at most; the others follow with the next.
const QUESTIONS: usize = 24;

/// What was answered of one right and when: of a kind, its part, in a namespace (all, if empty).
pub(super) type Rights = BTreeMap<(Kind, &'static str, String), (bool, Monotonic)>;

/// What may be done about the size of replicas in a namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SizeRights {
    /// Pods may be resized in place; `None` where the cluster cannot, or does not say.
    pub(super) resize: Option<bool>,
    /// Templates of Deployments may be written.
    pub(super) deployments: bool,
}

#[derive(Deserialize)]
struct Review {
    status: Verdict,
}

#[derive(Deserialize)]
struct Verdict {
    #[serde(default)]
    allowed: bool,
}

#[derive(Deserialize)]
struct Resources {
    #[serde(default)]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    #[serde(default)]
    name: String,
}

impl KubernetesProvider {
    /// Whether whole objects may be patched, so that the lease is noted on them. Not knowing is not a right.
    pub(super) async fn may_patch(&self, kind: Kind, namespace: &str) -> bool {
        let Some(allowed) = self.may(kind, "", namespace).await else { return false };
        if !allowed {
            let mut remarks = self.shared.remarks.lock().unwrap_or_else(PoisonError::into_inner);
            remarks.insert(format!(
                "leases are not noted on {} in {namespace}: only their scale may be written; add to the role: {}",
                kind.plural(),
                kind.rule(&["patch"], "")
            ));
        }
        allowed
    }

    /// A right that is known already; what was asked long ago is not.
    fn known(&self, kind: Kind, sub: &'static str, namespace: &str) -> Option<bool> {
        let now = self.shared.api.clock().monotonic();
        let rights = self.shared.rights.lock().unwrap_or_else(PoisonError::into_inner);
        let found = rights.get(&(kind, sub, namespace.to_owned())).filter(|(_, at)| now.since(*at) < RIGHT);
        found.map(|(allowed, _)| *allowed)
    }

    /// Whether objects (or their part `sub`) may be patched; an empty namespace stands for all. `None` if not known.
    pub(super) async fn may(&self, kind: Kind, sub: &'static str, namespace: &str) -> Option<bool> {
        if let Some(allowed) = self.known(kind, sub, namespace) {
            return Some(allowed);
        }
        let what = serde_json::json!({
            "namespace": namespace, "verb": "patch", "group": kind.group(), "resource": kind.plural(),
            "subresource": sub });
        let question = serde_json::json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": what },
        });
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let reply = self.shared.api.question(path, &question).await;
        let review = reply.ok().filter(|r| r.status == 201).and_then(|r| decode::<Review>(&r.body).ok());
        let allowed = review.map(|r| r.status.allowed)?;
        let now = self.shared.api.clock().monotonic();
        let mut rights = self.shared.rights.lock().unwrap_or_else(PoisonError::into_inner);
        rights.insert((kind, sub, namespace.to_owned()), (allowed, now));
        Some(allowed)
    }

    /// The same while there are questions `left`. A server that does not answer one is asked no more of them: each waits as
    /// long as a request may.
    async fn told(&self, kind: Kind, sub: &'static str, namespace: &str, left: &mut usize) -> Option<bool> {
        if let Some(known) = self.known(kind, sub, namespace) {
            return Some(known);
        }
        *left = left.checked_sub(1)?;
        let answer = self.may(kind, sub, namespace).await;
        if answer.is_none() {
            *left = 0;
        }
        answer
    }

    /// A refusal has shown that a right is not there any more.
    pub(super) fn forget_right(&self, kind: Kind, sub: &'static str, namespace: &str) {
        let mut rights = self.shared.rights.lock().unwrap_or_else(PoisonError::into_inner);
        rights.remove(&(kind, sub, namespace.to_owned()));
        rights.remove(&(kind, sub, String::new()));
    }

    /// Whether the cluster has `pods/resize`: Kubernetes 1.33 and later. Asked once; `None` if it does not say.
    async fn can_resize(&self) -> Option<bool> {
        if let Some(known) = self.shared.resizable.get() {
            return Some(*known);
        }
        let all = self.shared.api.get::<Resources>("/api/v1").await.ok()?;
        let can = all.resources.iter().any(|r| r.name == "pods/resize");
        Some(*self.shared.resizable.get_or_init(|| can))
    }

    /// Asks what may be done about sizes, a few questions at a time, and says which rules are missing.
    pub(super) async fn size_rights(&self) -> Vec<String> {
        let can = self.can_resize().await;
        let mut wanted = Vec::new();
        let namespaces: BTreeSet<String> = {
            let cache = self.shared.cache();
            let of = |kind| {
                cache.scalable(kind).keys().map(|(namespace, _)| namespace.clone()).collect::<BTreeSet<_>>()
            };
            let (deployments, sets) = (of(Kind::Deployment), of(Kind::StatefulSet));
            drop(cache);
            wanted.extend(can.filter(|can| *can).map(|_| (Kind::Pod, "resize")));
            wanted.extend((!deployments.is_empty()).then_some((Kind::Deployment, "")));
            deployments.union(&sets).cloned().collect()
        };
        let mut notes = Vec::new();
        let mut left = QUESTIONS;
        for (kind, sub) in wanted {
            let everywhere = self.told(kind, sub, "", &mut left).await;
            let everywhere = everywhere == Some(true);
            for namespace in &namespaces {
                let mut allowed = everywhere.then_some(true).or_else(|| self.known(kind, sub, namespace));
                if allowed.is_none() {
                    allowed = self.told(kind, sub, namespace, &mut left).await;
                }
                self.note_right(kind, namespace, can, allowed == Some(true));
                if allowed == Some(false) {
                    notes.push(missing(kind, sub, namespace));
                }
            }
        }
        notes
    }

    /// Asks whether counts and floors may be written where they are held, a few questions at a time, and says which rules
    /// are missing; `everywhere` asks for all namespaces first.
    pub(super) async fn count_rights(&self, workloads: &[WorkloadState], everywhere: bool) -> Vec<String> {
        let mut wanted: BTreeMap<Kind, BTreeSet<&str>> = BTreeMap::new();
        for state in workloads.iter().filter(|w| w.owner.floor_field().is_some()) {
            let named = |kind: &Kind| state.manifest.as_ref().is_some_and(|m| m.kind == kind.name());
            if let Some(holder) = Kind::ALL.into_iter().find(named) {
                wanted.entry(holder).or_default().insert(&state.namespace);
            }
        }
        let mut left = QUESTIONS;
        let mut notes = Vec::new();
        for (kind, namespaces) in wanted {
            let mut lacking = Vec::new();
            for namespace in namespaces {
                if self.may_count(kind, namespace, everywhere, &mut left).await == Some(false) {
                    lacking.push(namespace);
                }
            }
            notes.extend(uncounted(kind, &lacking));
        }
        notes
    }

    /// Whether the count that objects of this kind hold may be written in one way or another; `None` if not known yet.
    async fn may_count(
        &self,
        kind: Kind,
        namespace: &str,
        everywhere: bool,
        left: &mut usize,
    ) -> Option<bool> {
        let mut known = true;
        for sub in ways(kind) {
            for place in everywhere.then_some("").into_iter().chain([namespace]) {
                match self.told(kind, sub, place, left).await {
                    Some(true) => return Some(true),
                    Some(false) => {}
                    None => known = false,
                }
            }
        }
        known.then_some(false)
    }

    fn note_right(&self, kind: Kind, namespace: &str, can: Option<bool>, allowed: bool) {
        let mut cache: std::sync::MutexGuard<'_, Cache> = self.shared.cache();
        let rights = cache.size_rights.entry(namespace.to_owned()).or_default();
        match kind {
            Kind::Pod => rights.resize = can.filter(|can| *can).map(|_| allowed),
            _ => rights.deployments = allowed,
        }
    }
}

/// Parts of an object of which one is enough to write its count.
const fn ways(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Deployment | Kind::StatefulSet | Kind::Rollout => &["", "scale"],
        _ => &[""],
    }
}

/// That counts held by this kind may not be written in these namespaces, if there are any.
fn uncounted(kind: Kind, namespaces: &[&str]) -> Option<String> {
    let (first, more) = namespaces.split_first()?;
    let more = if more.is_empty() { String::new() } else { format!(" and {} more namespaces", more.len()) };
    let (what, plural) =
        (if ways(kind).len() > 1 { "replica counts" } else { "autoscalers' floors" }, kind.plural());
    let rule = kind.rule(&["patch"], ways(kind).last().copied().unwrap_or_default());
    Some(format!("{what} in {plural} of {first}{more} may not be written; add to the role: {rule}"))
}

fn missing(kind: Kind, sub: &str, namespace: &str) -> String {
    let rule = kind.rule(&["patch"], sub);
    match kind {
        Kind::Pod => format!("pods in {namespace} may not be resized in place; add to the role: {rule}"),
        _ => format!(
            "sizes of replicas may not be written in templates of {} in {namespace}; add to the role: {rule}",
            kind.plural()
        ),
    }
}
