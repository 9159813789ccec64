//! What a platform says of a workload's owner and room, on its card.

use crate::fleet::Owner;
use crate::proposal::Proposal;
use crate::view::ManifestPatch;

use super::super::State;

/// The proposal with what its platform says now: remarks on the owner, and for Git what to change in the manifest.
/// None of it is part of what an approval binds.
pub fn explained(state: &State, proposal: &Proposal) -> Proposal {
    let mut shown = proposal.clone();
    let facts = state.fleet.get(&proposal.workload).and_then(|w| w.platform.as_ref());
    let Some(platform) = facts.map(|f| &f.state) else { return shown };
    let size = platform.sizing.as_ref().filter(|_| proposal.change.field.is_size());
    for note in size.map_or(&platform.notes, |s| &s.notes) {
        let mut letters = note.chars();
        let first: String = letters.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
        shown.owner_note.push_str(&format!(" {first}{}.", letters.as_str()));
    }
    if let (Some(sizing), Some((_, to))) = (size, proposal.change.request()) {
        let (m, field) = (&sizing.manifest, proposal.change.field.in_template());
        if let Owner::Git { .. } = &proposal.owner {
            let text = format!(
                " In its manifest, {} {}, container {}: {}; g writes the patch.",
                m.kind,
                m.name,
                sizing.container,
                field.word(to)
            );
            shown.owner_note.push_str(&text);
        }
        return shown;
    }
    if let (Owner::Git { .. }, Some(m)) = (&proposal.owner, &platform.manifest) {
        let (kind, name, field) = (&m.kind, &m.name, &m.field);
        let text = format!(
            " In its manifest, {kind} {name}: spec.{field}: {}; g writes the patch.",
            proposal.change.to
        );
        shown.owner_note.push_str(&text);
    }
    shown
}

/// What to commit instead of a write that version control would take back.
pub fn patch(state: &State, proposal: &Proposal) -> Option<ManifestPatch> {
    let facts = state.fleet.get(&proposal.workload)?.platform.as_ref()?;
    if let Some((_, to)) = proposal.change.request() {
        let sizing = facts.state.sizing.as_ref()?;
        let field = proposal.change.field.in_template();
        let name = file_name(&[&sizing.manifest.name, field.name(), &field.word(to)]);
        return Some(ManifestPatch { name, text: sizing.patch(&facts.state.namespace, field, to) });
    }
    let Owner::Git { .. } = &proposal.owner else { return None };
    let manifest = facts.state.manifest.as_ref()?;
    let name = file_name(&[&manifest.name, &manifest.field, &proposal.change.to.to_string()]);
    Some(ManifestPatch { name, text: manifest.patch(&facts.state.namespace, proposal.change.to) })
}

/// The name of a patch's file, of plain characters.
fn file_name(parts: &[&str]) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' };
    parts.join("-").chars().map(plain).take(100).collect::<String>() + ".yaml"
}

/// Why the platform would not have room for the change, or would break a budget.
pub fn no_room(state: &State, proposal: &Proposal) -> Option<String> {
    let facts = state.fleet.get(&proposal.workload)?.platform.as_ref()?;
    if let (Some(sizing), Some((from, to))) = (&facts.state.sizing, proposal.change.request()) {
        return sizing.forbid(proposal.change.field, from, to);
    }
    facts.state.limits.forbid(proposal.change.from, proposal.change.count()?)
}
