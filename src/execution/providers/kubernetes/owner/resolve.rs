//! The table of the design: what is found, who owns the count, which field a floor goes to.
//!
//! | found | owner | field |
//! |---|---|---|
//! | nothing | nobody | `spec.replicas` of the workload |
//! | one HPA | the HPA | its `spec.minReplicas` |
//! | a KEDA ScaledObject (with the HPA it made) | KEDA | its `spec.minReplicaCount` |
//! | an HPA made by another operator's resource, a workload made by one, a Flagger target, a Rollout mid-canary | that one | none here |
//! | two autoscalers, or two writers setting the count back and forth | both, named | none until one is gone |
//! | a field that Argo CD or Flux applies | Git | none: patch the manifest |
//! | autoscalers cannot be seen | unknown | none |

use crate::approval::LeaseNote;
use crate::fleet::{Field, Owner, ScaleIn};
use crate::series::text::clean;

use super::super::hold;
use super::super::kind::Kind;
use super::super::object::{Hpa, Meta, Scalable, ScaledObject, Vpa};
use super::super::writer::Written;
use super::fight::{Change, fighting};
use super::git::{self, Tool};

/// What is known around one workload.
#[derive(Clone)]
pub(in super::super) struct Facts<'a> {
    pub(in super::super) kind: Kind,
    pub(in super::super) workload: &'a Scalable,
    /// Of its namespace; `None` if they cannot be read.
    pub(in super::super) hpas: Option<Vec<&'a Hpa>>,
    /// Of its namespace; `None` if they cannot be read, empty where KEDA is not installed.
    pub(in super::super) scaled: Option<Vec<&'a ScaledObject>>,
    pub(in super::super) vpas: Vec<&'a Vpa>,
    /// Whether an Argo CD application of this name heals, where that can be read.
    pub(in super::super) heals: &'a dyn Fn(&str) -> Option<bool>,
    /// Whether `NAME-primary` is there, made by Flagger.
    pub(in super::super) has_primary: bool,
    /// Whether a Rollout takes its pods from this Deployment.
    pub(in super::super) rollout: Option<&'a str>,
    /// Recent changes of the count, oldest first.
    pub(in super::super) changes: &'a [Change],
}

/// The object that has the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Holder {
    /// The workload itself.
    Workload,
    /// An HPA, by name.
    Hpa(String),
    /// A `ScaledObject`, by name.
    Scaled(String),
}

/// Who owns the count, where the field is, and what a person should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Verdict {
    pub(in super::super) owner: Owner,
    pub(in super::super) holder: Holder,
    pub(in super::super) notes: Vec<String>,
}

impl Facts<'_> {
    pub(super) fn is_target(&self, kind: &str, name: &str) -> bool {
        let meant = if kind.is_empty() { "Deployment" } else { kind };
        meant == self.kind.name() && name == self.workload.metadata.name
    }
}

/// The verdict. Pure.
pub(in super::super) fn resolve(facts: &Facts<'_>) -> Verdict {
    let mut notes = Vec::new();
    let (owner, holder) = decide(facts, &mut notes);
    for vpa in &facts.vpas {
        let target = &vpa.spec.target_ref;
        let mode = vpa.spec.update_policy.update_mode.as_deref().unwrap_or("Auto");
        if facts.is_target(&target.kind, &target.name) && mode != "Off" {
            notes.push(format!(
                "vpa/{} resizes its pods (mode {}): they restart now and then",
                clean(&vpa.metadata.name, 120),
                clean(mode, 20)
            ));
        }
    }
    let owner = match fighting(facts.changes) {
        Some((a, b)) if matches!(owner, Owner::Nobody | Owner::Autoscaler { .. }) => {
            notes.push(format!("{a} and {b} set the count back and forth: end that first"));
            elsewhere(format!("{a} and {b}, who fight"))
        }
        _ => owner,
    };
    Verdict { owner, holder, notes }
}

fn decide(facts: &Facts<'_>, notes: &mut Vec<String>) -> (Owner, Holder) {
    let (Some(hpas), Some(scaled)) = (&facts.hpas, &facts.scaled) else {
        notes.push("autoscalers cannot be read, so nobody knows who owns the count".into());
        return (Owner::Unknown, Holder::Workload);
    };
    let scaled: Vec<&&ScaledObject> = scaled
        .iter()
        .filter(|s| facts.is_target(&s.spec.scale_target_ref.kind, &s.spec.scale_target_ref.name))
        .collect();
    let hpas: Vec<&&Hpa> = hpas
        .iter()
        .filter(|h| facts.is_target(&h.spec.scale_target_ref.kind, &h.spec.scale_target_ref.name))
        .collect();
    let foreign = hpas.iter().filter(|h| !is_made_by_keda(&h.metadata));
    let mut names: Vec<String> = foreign.map(|h| format!("hpa/{}", clean(&h.metadata.name, 120))).collect();
    names.extend(scaled.iter().map(|s| format!("keda/{}", clean(&s.metadata.name, 120))));
    if names.len() > 1 {
        notes.push(format!("{} all scale it: they fight; keep one", names.join(" and ")));
        return (elsewhere(names.join(" and ")), Holder::Workload);
    }
    if let Some(scaled) = scaled.first() {
        return by_keda(facts, scaled, notes);
    }
    match hpas.first() {
        Some(hpa) => by_hpa(facts, hpa, notes),
        None => by_hand(facts, notes),
    }
}

fn by_keda(facts: &Facts<'_>, scaled: &ScaledObject, notes: &mut Vec<String>) -> (Owner, Holder) {
    let meta = &scaled.metadata;
    let holder = Holder::Scaled(meta.name.clone());
    if let Some(other) = made_by(meta) {
        return (other, holder);
    }
    if let Some(by) = pinned_by_us(meta) {
        notes.push(format!("KEDA does not scale it: {by}; its release gives it back"));
        return (elsewhere(format!("keda/{}, {by}", clean(&meta.name, 120))), holder);
    }
    if let Some(how) = keda_is_paused(meta) {
        notes.push(format!("KEDA does not scale it: {how}; remove the annotation to let it go on"));
        return (elsewhere(format!("keda/{}, {how}", clean(&meta.name, 120))), holder);
    }
    keda_is_held(facts, scaled, notes);
    match in_git(facts, meta, Written::MinReplicaCount, notes) {
        Some(git) => (git, holder),
        None => (autoscaler("keda", meta), holder),
    }
}

/// A pin of weescale's: by whom, and until when.
fn pinned_by_us(meta: &Meta) -> Option<String> {
    let count = meta.annotations.get(hold::PAUSED_REPLICAS)?;
    let [until, _, owner] = LeaseNote::keys(Field::ScaleIn).map(|key| meta.annotations.get(key));
    let who = owner?.split(' ').next().unwrap_or_default();
    let until = until.map_or_else(String::new, |u| format!(" until {}", clean(u, 40)));
    Some(format!("pinned at {} replicas by {} through weescale{until}", clean(count, 20), clean(who, 60)))
}

/// Somebody has taken KEDA's hands off: it removes its HPA, so that no floor acts, and sets the count it was told.
fn keda_is_paused(meta: &Meta) -> Option<String> {
    match meta.annotations.get(hold::PAUSED_REPLICAS) {
        Some(count) => Some(format!("paused at {} replicas", clean(count, 20))),
        None => hold::is_true(meta, "autoscaling.keda.sh/paused").then(|| "paused".to_owned()),
    }
}

/// Says what is held back, and whether KEDA has passed it on to its HPA.
fn keda_is_held(facts: &Facts<'_>, scaled: &ScaledObject, notes: &mut Vec<String>) {
    let meta = &scaled.metadata;
    if hold::is_true(meta, "autoscaling.keda.sh/paused-scale-out") {
        notes.push("KEDA's scale-out is paused: only a floor adds replicas".into());
    }
    if hold::of_scaled(scaled) != ScaleIn::Held {
        return;
    }
    notes.push("KEDA's scale-in is paused".into());
    let passed_on = hold::passed_on(meta, facts.hpas.iter().flatten().copied());
    if passed_on.is_some_and(|p| p != ScaleIn::Held) {
        notes.push("KEDA has not passed that on to its HPA yet; versions before 2.18 never do".into());
    }
}

fn by_hpa(facts: &Facts<'_>, hpa: &Hpa, notes: &mut Vec<String>) -> (Owner, Holder) {
    let meta = &hpa.metadata;
    let holder = Holder::Hpa(meta.name.clone());
    if is_made_by_keda(meta) {
        let name = meta.controller().map_or("", |o| o.name.as_str());
        notes.push("its HPA belongs to a KEDA ScaledObject that cannot be read".into());
        return (elsewhere(format!("keda/{}", clean(name, 120))), holder);
    }
    if let Some(other) = made_by(meta) {
        return (other, holder);
    }
    if let Some(git) = in_git(facts, meta, Written::MinReplicas, notes) {
        return (git, holder);
    }
    let git = git::holder(&facts.workload.metadata, Written::Replicas);
    if let Some(tool @ (Tool::ArgoCd(_) | Tool::Flux(_))) = git {
        let label = tool.label();
        notes.push(format!(
            "{label} sets spec.replicas as well and fights hpa/{}: take replicas out of the manifest",
            clean(&meta.name, 120)
        ));
    }
    if facts.workload.spec.replicas == Some(0) {
        notes.push("at zero replicas the HPA is switched off: nothing scales it up".into());
    }
    if hold::of_hpa(hpa) == Some(ScaleIn::Held) {
        notes.push("its scale-in is held: selectPolicy is Disabled".into());
    }
    for condition in &hpa.status.conditions {
        if condition.kind == "ScalingActive"
            && condition.status == "False"
            && condition.reason != "ScalingDisabled"
        {
            notes.push(format!(
                "the HPA is blind: {} {}",
                clean(&condition.reason, 60),
                clean(&condition.message, 160)
            ));
        }
    }
    (autoscaler("hpa", meta), holder)
}

fn by_hand(facts: &Facts<'_>, notes: &mut Vec<String>) -> (Owner, Holder) {
    let meta = &facts.workload.metadata;
    let holder = Holder::Workload;
    if let Some(rollout) = facts.rollout {
        return (elsewhere(format!("rollout/{}", clean(rollout, 120))), holder);
    }
    if facts.has_primary {
        notes.push(format!("Flagger runs {}-primary in its place: scale that", clean(&meta.name, 120)));
        return (elsewhere(format!("flagger {}-primary", clean(&meta.name, 120))), holder);
    }
    // Flagger makes the primary and leaves its count alone.
    let made = meta.controller().filter(|o| o.kind != "Canary").and_then(|_| made_by(meta));
    if let Some(other) = made {
        return (other, holder);
    }
    if let Some(step) = mid_canary(facts) {
        notes.push(step);
        return (elsewhere(format!("rollout/{}, mid-canary", clean(&meta.name, 120))), holder);
    }
    match in_git(facts, meta, Written::Replicas, notes) {
        Some(git) => (git, holder),
        None => (Owner::Nobody, holder),
    }
}

/// A Rollout between two of its steps.
fn mid_canary(facts: &Facts<'_>) -> Option<String> {
    let (spec, status) = (&facts.workload.spec, &facts.workload.status);
    let steps = spec.strategy.canary.as_ref()?.steps.len();
    let step = usize::try_from(status.current_step_index?).ok()?;
    let moving = facts.kind == Kind::Rollout && step < steps && status.phase != "Healthy";
    moving.then(|| format!("the rollout is at step {step} of {steps}: wait until it is done"))
}

/// Git as the owner of `field`, if it would set it back by itself. What Helm set is only remarked on.
fn in_git(facts: &Facts<'_>, meta: &Meta, field: Written, notes: &mut Vec<String>) -> Option<Owner> {
    let Some(tool) = git::holder(meta, field) else {
        if let Some(tool @ (Tool::ArgoCd(_) | Tool::Flux(_))) = git::tracked(meta) {
            notes.push(format!("applied by {}, whose manifest leaves this field alone", tool.label()));
        }
        return None;
    };
    let self_heal = match &tool {
        Tool::Helm(_) => {
            notes.push(format!("{} sets it back at its next upgrade", tool.label()));
            return None;
        }
        Tool::ArgoCd(name) => (facts.heals)(name).unwrap_or(false),
        Tool::Flux(_) => false,
    };
    Some(Owner::Git { tool: tool.label(), self_heal })
}

fn is_made_by_keda(meta: &Meta) -> bool {
    meta.controller().is_some_and(|o| o.kind == "ScaledObject")
        || meta.labels.contains_key("scaledobject.keda.sh/name")
}

/// Another resource that made this object and would set it back.
pub(super) fn made_by(meta: &Meta) -> Option<Owner> {
    let owner = meta.controller()?;
    Some(elsewhere(format!("{}/{}", clean(&owner.kind, 60).to_lowercase(), clean(&owner.name, 120))))
}

fn autoscaler(prefix: &str, meta: &Meta) -> Owner {
    Owner::Autoscaler { name: format!("{prefix}/{}", clean(&meta.name, 200)) }
}

const fn elsewhere(name: String) -> Owner {
    Owner::Elsewhere { name }
}
