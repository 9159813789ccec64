//! Sizes and freezes on their way through the engine.

use std::time::Duration;

use super::publish::ownership::{explained, patch};
use super::tests::{NOW, listed, state, told};
use super::{State, fleet, planning, sizes};
use crate::clock::Monotonic;
use crate::execution::providers::contract::{Fields, ManifestField, SizeFields, Sizing, WorkloadState};
use crate::fleet::{Field, Owner, ScaleIn, WorkloadId};
use crate::plan::{Reading, Usage, Verdict};
use crate::proposal::{Moment, Proposal};

fn id() -> WorkloadId {
    WorkloadId::new("shop", "checkout", "")
}

fn seen(s: &mut State, item: WorkloadState) {
    fleet::list(s, "kube", vec![item], NOW);
    fleet::merge(s, vec![told(&id(), 900.0)], NOW);
    let mut usage = Usage::default();
    for minute in 0..3 * 1440 {
        let at = NOW - Duration::from_secs(60 * (3 * 1440 - minute));
        usage.observe(at, Reading { cpu: Some(0.9), ..Reading::default() });
    }
    s.fleet.get_mut(&id()).unwrap().usage = usage;
}

fn sized(owner: Owner) -> WorkloadState {
    let manifest = ManifestField {
        api_version: "apps/v1".into(),
        kind: "Deployment".into(),
        name: "checkout".into(),
        field: String::new(),
    };
    let sizing = Sizing {
        container: "app".into(),
        owner,
        in_place: Some(6),
        template: true,
        notes: vec!["resizePolicy restarts container app".into()],
        manifest,
        ..Sizing::default()
    };
    let sizes = SizeFields { cpu_request: Some(500), cpu_pods: Some(0), ..SizeFields::default() };
    WorkloadState {
        owner: Owner::Autoscaler { name: "hpa/checkout".into() },
        cpu_cores: Some(0.5),
        fields: Fields { replicas: Some(6), min_replicas: Some(2), sizes, ..Fields::default() },
        sizing: Some(Box::new(sizing)),
        ..listed("u-1", "")
    }
}

fn proposed(s: &mut State) -> Option<Proposal> {
    planning::plan_all(s, Moment { wall: NOW, mono: Monotonic::default() });
    s.queue.live().next().cloned()
}

#[test]
fn a_size_is_proposed_under_its_own_owner_and_explained() {
    let mut s = state(vec![]);
    seen(&mut s, sized(Owner::Nobody));
    let p = proposed(&mut s).unwrap_or_else(|| panic!("{:?}", s.fleet[&id()].plan));
    assert_eq!((p.change.field, p.change.to, &p.owner), (Field::CpuPods, 6, &Owner::Nobody));
    assert_eq!(p.change.size.unwrap().from, 500);
    assert!(
        p.sentence.contains("raise the CPU request of 6 running replicas in place, 500m→"),
        "{}",
        p.sentence
    );
    let shown = explained(&s, &p);
    assert!(shown.owner_note.contains("Replicas made later get 500m"), "{}", shown.owner_note);
    assert!(shown.owner_note.contains("ResizePolicy restarts container app"), "{}", shown.owner_note);
    assert_eq!(sizes::owner_of(&s.fleet[&id()], Field::CpuPods), Owner::Nobody);
    assert_eq!(sizes::owner_of(&s.fleet[&id()], Field::MinReplicas).label(), "hpa/checkout");
    assert_eq!(shown.hash(), p.hash(), "what is explained is not part of what is approved");
}

#[test]
fn what_git_holds_is_a_patch_and_what_a_vertical_autoscaler_holds_is_left_to_it() {
    let mut s = state(vec![]);
    let git = Owner::Git { tool: "argocd shop".into(), self_heal: true };
    seen(&mut s, sized(git.clone()));
    let p = proposed(&mut s).unwrap();
    assert_eq!((p.change.field, &p.owner), (Field::CpuRequest, &git));
    let found = patch(&s, &p).unwrap();
    assert!(
        found.text.contains("- name: app\n") && found.text.contains("            cpu: "),
        "{}",
        found.text
    );
    assert!(found.name.starts_with("checkout-cpu-request-"), "{}", found.name);

    let mut s = state(vec![]);
    seen(&mut s, sized(Owner::Elsewhere { name: "vpa/checkout, mode Auto".into() }));
    assert!(proposed(&mut s).is_none_or(|p| !p.change.field.is_size()));
}

#[test]
fn a_freeze_that_was_asked_for_is_proposed_until_it_is_decided() {
    let mut s = state(vec![]);
    let mut item = sized(Owner::Nobody);
    item.owner = Owner::Autoscaler { name: "keda/checkout".into() };
    item.fields.scale_in = Some(0);
    seen(&mut s, item);
    s.freezes = super::freezes::asked(&id(), ScaleIn::Pinned, NOW + Duration::from_secs(7200), NOW);
    let p = proposed(&mut s).unwrap_or_else(|| panic!("{:?}", s.fleet[&id()].plan));
    assert_eq!((p.change.field, p.change.from, p.change.to), (Field::ScaleIn, 0, ScaleIn::pinned_at(6)));
    assert_eq!(p.change.until, Some(NOW + Duration::from_secs(7200)));
    assert!(p.sentence.contains("pin keda/checkout at 6 replicas"), "{}", p.sentence);
    assert!(p.owner_note.contains("neither adds nor takes away"), "{}", p.owner_note);
    // The count moved: what was shown is not what would be executed any more, however young it is.
    let mut moved = sized(Owner::Nobody);
    moved.owner = Owner::Autoscaler { name: "keda/checkout".into() };
    (moved.fields.scale_in, moved.fields.replicas) = (Some(0), Some(7));
    seen(&mut s, moved);
    let again = proposed(&mut s).unwrap();
    assert_eq!(again.change.to, ScaleIn::pinned_at(7));
    assert!(again.id != p.id && again.hash() != p.hash(), "the first is stale");
    // Nobody decided: it is forgotten.
    s.freezes = super::freezes::asked(
        &id(),
        ScaleIn::Pinned,
        NOW + Duration::from_secs(7200),
        NOW - Duration::from_secs(601),
    );
    planning::plan_all(&mut s, Moment { wall: NOW, mono: Monotonic::default() });
    let verdict = s.fleet[&id()].plan.as_ref().map(|p| &p.verdict);
    assert!(!matches!(verdict, Some(Verdict::Change(c)) if c.field == Field::ScaleIn), "{verdict:?}");
}
