//! The platform's own side of the HTTP contract: reading and conditionally writing workloads.

use std::collections::VecDeque;

use crate::execution::providers::contract::{Fields, PodState, Refused, WorkloadList, WorkloadState, Write};
use crate::fleet::{Field, Owner, ScaleIn};

use super::pod::Pod;
use super::workload::Running;
use super::world::World;

/// Replicas a team may ask for in one region, all its workloads together.
const QUOTA: u32 = 60;
/// Answers kept for repeated writes.
const REMEMBERED: usize = 1024;
/// Bounds of annotations: how many, characters of a key, characters of a value.
const NOTES: (usize, usize, usize) = (32, 128, 4096);

/// An answer: the HTTP status and what goes into the body.
pub type Answer = Result<WorkloadState, (u16, Refused)>;

/// Remembers first answers by idempotency key.
#[derive(Clone, Debug, Default)]
pub struct Ledger(VecDeque<(Write, Answer)>);

/// All workloads.
pub fn list(world: &World) -> WorkloadList {
    let workloads = world.workloads.iter().map(|w| state(w, world.second())).collect();
    WorkloadList { workloads, ..WorkloadList::default() }
}

/// One workload, or 404.
pub fn read(world: &World, uid: &str) -> Answer {
    let found = world.workloads.iter().find(|w| w.uid == uid);
    found.map(|w| state(w, world.second())).ok_or_else(|| gone(uid))
}

/// A conditional write to the workload `uid` whose generation must be `generation`.
pub fn write(world: &mut World, ledger: &mut Ledger, uid: &str, generation: u64, write: &Write) -> Answer {
    let same = |w: &Write| w.idempotency_key == write.idempotency_key && w.dry_run == write.dry_run;
    if let Some((first, answer)) = ledger.0.iter().find(|(w, _)| same(w)) {
        return if first == write {
            answer.clone()
        } else {
            Err(refuse(422, "idempotency_key was used for another write: make a new one", None))
        };
    }
    let answer = decide(world, uid, generation, write);
    ledger.0.push_back((write.clone(), answer.clone()));
    if ledger.0.len() > REMEMBERED {
        ledger.0.pop_front();
    }
    answer
}

fn decide(world: &mut World, uid: &str, generation: u64, write: &Write) -> Answer {
    let now = world.second();
    let room = room(world, uid);
    let Some(workload) = world.workloads.iter_mut().find(|w| w.uid == uid) else { return Err(gone(uid)) };
    let current = state(workload, now);
    if write.uid != uid {
        return Err(refuse(409, "uid in the body is not the workload's", Some(current)));
    }
    if generation != workload.generation {
        let text = format!("generation is {}, not {generation}: read again", workload.generation);
        return Err(refuse(409, &text, Some(current)));
    }
    for field in FIELDS {
        let (Some(wanted), present) = (write.expect.get(field), current.fields.get(field)) else { continue };
        if present != Some(wanted) {
            let text = format!("{} is not {wanted}", field.name());
            return Err(refuse(412, &text, Some(current)));
        }
    }
    if let Err(text) = check(workload, &current.fields, write, room) {
        return Err(refuse(422, &text, None));
    }
    let mut next = workload.clone();
    apply(&mut next, write, now);
    let answer = state(&next, now);
    if !write.dry_run {
        *workload = next;
    }
    Ok(answer)
}

const FIELDS: [Field; 4] = [Field::Replicas, Field::MinReplicas, Field::MaxReplicas, Field::ScaleIn];

/// Replicas the team may still ask for with this workload in its region.
fn room(world: &World, uid: &str) -> u32 {
    let Some(own) = world.workloads.iter().find(|w| w.uid == uid) else { return 0 };
    let others = world.workloads.iter().filter(|w| {
        w.uid != uid && w.spec.namespace == own.spec.namespace && w.spec.region == own.spec.region
    });
    QUOTA.saturating_sub(others.map(|w| w.desired).sum())
}

fn check(workload: &Running, present: &Fields, write: &Write, room: u32) -> Result<(), String> {
    for field in FIELDS {
        if write.set.get(field).is_none() {
            continue;
        }
        if present.get(field).is_none() {
            return Err(format!("{} does not exist on {}", field.name(), workload.uid));
        }
        if let (Field::Replicas, Owner::Autoscaler { name }) = (field, &workload.spec.owner) {
            return Err(format!("replicas is decided by {name}: set min_replicas"));
        }
    }
    let value = |field| write.set.get(field).or(present.get(field));
    if let (Some(min), Some(max)) = (value(Field::MinReplicas), value(Field::MaxReplicas))
        && min > max
    {
        return Err(format!("min_replicas {min} is above max_replicas {max}"));
    }
    if let Some(unknown) = write.set.scale_in.filter(|v| *v > ScaleIn::Held.value()) {
        return Err(format!("scale_in is {unknown}: 0 allows it, 1 the smallest step of it, 2 holds it"));
    }
    let asked = [write.set.replicas, write.set.min_replicas].into_iter().flatten().max();
    if let Some(asked) = asked.filter(|asked| *asked > room) {
        let Running { spec, .. } = workload;
        return Err(format!(
            "{asked} replicas exceed the quota of {} in {}: {room} of {QUOTA} are left",
            spec.namespace, spec.region
        ));
    }
    if write.set.max_replicas.is_some_and(|max| max > QUOTA) {
        return Err(format!("max_replicas must be at most {QUOTA}"));
    }
    if [write.set.replicas, write.set.min_replicas, write.set.max_replicas].contains(&Some(0)) {
        return Err("0 replicas would take the service down: 1 is the least".into());
    }
    check_notes(workload, write)
}

fn check_notes(workload: &Running, write: &Write) -> Result<(), String> {
    let (count, key_chars, value_chars) = NOTES;
    let long = |text: &str, limit: usize| text.chars().count() > limit;
    let bad = write.annotations.iter().any(|(key, value)| {
        key.is_empty() || long(key, key_chars) || value.as_deref().is_some_and(|v| long(v, value_chars))
    });
    if bad {
        return Err(format!(
            "annotations need keys of 1 to {key_chars} and values up to {value_chars} characters"
        ));
    }
    let added = write.annotations.keys().filter(|k| !workload.annotations.contains_key(*k)).count();
    if workload.annotations.len() + added > count {
        return Err(format!("a workload holds at most {count} annotations"));
    }
    Ok(())
}

fn apply(workload: &mut Running, write: &Write, now: i64) {
    let before = (workload.desired, workload.bounds, workload.scale_in);
    let notes = workload.annotations.clone();
    let (min, max) = workload.bounds;
    workload.bounds = (write.set.min_replicas.unwrap_or(min), write.set.max_replicas.unwrap_or(max));
    workload.desired = write.set.replicas.unwrap_or(workload.desired);
    workload.scale_in = write.set.scale_in.and_then(ScaleIn::of).unwrap_or(workload.scale_in);
    for (key, value) in &write.annotations {
        match value {
            Some(value) => workload.annotations.insert(key.clone(), value.clone()),
            None => workload.annotations.remove(key),
        };
    }
    let fields_changed = before != (workload.desired, workload.bounds, workload.scale_in);
    if fields_changed {
        workload.note_write(now);
    }
    if fields_changed || notes != workload.annotations {
        workload.generation += 1;
    }
}

fn refuse(status: u16, error: &str, current: Option<WorkloadState>) -> (u16, Refused) {
    (status, Refused { error: error.to_owned(), current: current.map(Box::new) })
}

fn gone(uid: &str) -> (u16, Refused) {
    refuse(404, &format!("no workload has the uid {:?}", crate::series::text::clean(uid, 128)), None)
}

/// A workload as the contract shows it.
pub fn state(workload: &Running, now: i64) -> WorkloadState {
    let spec = &workload.spec;
    let autoscaled = matches!(spec.owner, Owner::Autoscaler { .. });
    WorkloadState {
        uid: workload.uid.clone(),
        namespace: spec.namespace.into(),
        name: spec.name.into(),
        region: spec.region.into(),
        service: spec.name.into(),
        team: spec.namespace.into(),
        generation: workload.generation,
        fields: Fields {
            replicas: Some(workload.desired),
            min_replicas: autoscaled.then_some(workload.bounds.0),
            max_replicas: autoscaled.then_some(workload.bounds.1),
            scale_in: autoscaled.then_some(workload.scale_in.value()),
            ..Fields::default()
        },
        ready: workload.ready(now),
        owner: spec.owner.clone(),
        annotations: workload.annotations.clone(),
        cpu_cores: Some(spec.cpu),
        memory_bytes: Some(spec.memory),
        dollars_per_hour: Some(spec.price),
        pods: workload.pods.iter().map(|p| pod_state(p, now)).collect(),
        ..WorkloadState::default()
    }
}

fn pod_state(pod: &Pod, now: i64) -> PodState {
    PodState {
        name: pod.name.clone(),
        phase: pod.phase(now),
        created_ms: pod.created.saturating_mul(1000),
        scheduled_ms: (pod.scheduled <= now).then(|| pod.scheduled.saturating_mul(1000)),
        started_ms: (pod.started <= now).then(|| pod.started.saturating_mul(1000)),
        ready_ms: (pod.ready <= now).then(|| pod.ready.saturating_mul(1000)),
        warm: Some(pod.is_warm(now)),
        traffic: Some(pod.traffic(now)),
        restarts: pod.restarts(now),
        reason: pod.reason(now).to_owned(),
        ..PodState::default()
    }
}
