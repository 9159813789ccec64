//! Who sets what a replica asks for: a vertical autoscaler, version control, another operator's resource, or nobody.

use crate::fleet::Owner;
use crate::series::text::clean;

use super::super::writer::Written;
use super::git::{self, Tool};
use super::resolve::{Facts, Verdict, made_by};

/// The owner of the resources in the template, and what a person should know of them. `seen` says whether vertical
/// autoscalers could be read.
pub(in super::super) fn size_owner(facts: &Facts<'_>, verdict: &Verdict, seen: bool) -> (Owner, Vec<String>) {
    let mut notes = Vec::new();
    let meta = &facts.workload.metadata;
    for vpa in &facts.vpas {
        let target = &vpa.spec.target_ref;
        let mode = vpa.spec.update_policy.update_mode.as_deref().unwrap_or("Auto");
        if facts.is_target(&target.kind, &target.name) && mode != "Off" {
            let (name, mode) = (clean(&vpa.metadata.name, 120), clean(mode, 20));
            notes.push(format!(
                "vpa/{name} (mode {mode}) sets resources.requests when pods are made: change resourcePolicy.minAllowed or \
                 maxAllowed there"
            ));
            return (Owner::Elsewhere { name: format!("vpa/{name}, mode {mode}") }, notes);
        }
    }
    if !seen {
        notes.push("vertical autoscalers cannot be read, so nobody knows who sets the size".into());
        return (Owner::Unknown, notes);
    }
    if let Some(owner) = meta.controller().filter(|o| o.kind != "Canary").and_then(|_| made_by(meta)) {
        return (owner, notes);
    }
    match git::holder(meta, Written::Resources) {
        Some(Tool::Helm(release)) => {
            notes.push(format!("helm {release} sets its resources back at its next upgrade"));
        }
        Some(tool) => {
            let self_heal = match &tool {
                Tool::ArgoCd(name) => (facts.heals)(name).unwrap_or(false),
                _ => false,
            };
            return (Owner::Git { tool: tool.label(), self_heal }, notes);
        }
        None => {}
    }
    // Who stands in for the workload, or moves it step by step, decides about its template as well.
    let stands_in = facts.has_primary || facts.rollout.is_some();
    match &verdict.owner {
        Owner::Elsewhere { .. } if stands_in => (verdict.owner.clone(), notes),
        _ => (Owner::Nobody, notes),
    }
}
