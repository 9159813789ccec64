//! Before the first write: is the world still what was shown?

use crate::approval::LeaseNote;
use crate::fleet::{Field, ScaleIn};
use crate::series::Timestamp;

use super::provider::ProviderError;
use super::providers::contract::WorkloadState;
use super::record::{EntryData, EntryKind};
use super::stages::Before;
use super::task::Task;

const TRIES: u32 = 5;

/// Reads again, compares, rehearses the way there and the way back. The error says what differed.
pub(super) async fn check(task: &mut Task) -> Result<Before, String> {
    let state = read(task).await?;
    let record = task.mandate.record().clone();
    let now = task.shared.clock.now();
    if let Some(what) = drift(&state, record.change.field, record.change.from, record.change.to) {
        return Err(what);
    }
    if let Some(other) = foreign_lease(&state, record.change.field, now, |owner| task.shared.is_ours(owner)) {
        return Err(other);
    }
    if record.change.until.is_none()
        && let Some(other) = own_lease(task)
    {
        return Err(other);
    }
    let Some(first) = super::stages::steps(&record).first().copied() else {
        return Err("the limits leave no step to take".into());
    };
    let provider = std::sync::Arc::clone(&task.provider);
    let rehearsal = task.mandate.rehearsal(first);
    if let Err(error) = task.patiently(None, provider.write(&rehearsal)).await {
        task.is_refused(&error);
        return Err(format!("dry run: {error}"));
    }
    let back = task.mandate.rehearsal_back();
    if let Err(error) = task.patiently(None, provider.write(&back)).await {
        task.is_refused(&error);
        let home = back.field().word(back.set());
        let what = "what cannot be taken back is not begun";
        return Err(format!("dry run of the way back to {home}: {error}; {what}"));
    }
    // Platforms answer a dry run with the state as it would be: only reading shows that nothing changed.
    let state = read(task).await?;
    if state.fields.get(record.change.field) != Some(record.change.from) {
        return Err("dry run: the value differs afterwards; the platform may not honour dry runs".into());
    }
    let readings = task.shared.before(&record.workload);
    Ok(Before::new(&state, &readings))
}

impl Task {
    /// Takes note of what rules or roles of the platform refuse; what only changed meanwhile may well be taken next time.
    pub(super) fn is_refused(&mut self, error: &ProviderError) {
        if matches!(error, ProviderError::Forbidden(_) | ProviderError::Invalid(_)) {
            self.run.operation.refused = Some(error.to_string());
        }
    }

    /// Rehearses the step from what was just written back to what was there: before, only the old value could be looked at
    /// by itself. Of replicas that are resized one by one the first tells for all. Why to ask before the next write, if there
    /// is no way back; a person who went on without one, or what was written last, is only told.
    pub(super) async fn no_way_back(&mut self) -> Option<String> {
        let field = self.run.operation.change.field;
        if field.is_in_place() && self.run.is_past_first() {
            return None;
        }
        let set = self.step_back(false);
        let rehearsal = self.mandate.rehearsal_back_over(self.at, set);
        let provider = std::sync::Arc::clone(&self.provider);
        let error = self.patiently(None, provider.write(&rehearsal)).await.err()?;
        // What changed meanwhile, or cannot be reached, the next look deals with.
        let ours = |state: &WorkloadState| state.fields.get(field) == Some(self.at);
        let refused = match &error {
            ProviderError::Forbidden(_) | ProviderError::Invalid(_) => true,
            ProviderError::Precondition { current, .. } => current.as_deref().is_some_and(ours),
            _ => false,
        };
        if !refused {
            return None;
        }
        let (at, to) = (field.word(self.at), field.word(set));
        let refusal = format!(
            "{} is {at} now, and a rehearsal of the way back to {to} is refused: {error}",
            field.name()
        );
        let _ = self.record(EntryKind::Step, refusal.clone(), EntryData::default()).await;
        if self.run.next_value().is_none() || self.one_way {
            self.trouble(refusal).await;
            return None;
        }
        // Only a person leads on from here.
        self.one_way = true;
        Some(format!("{refusal}; nothing more is written: go on without a way back, or see to it and abort"))
    }
}

async fn read(task: &mut Task) -> Result<WorkloadState, String> {
    let mut last = String::from("no answer");
    for _ in 0..TRIES {
        match task.read().await {
            Ok(Some(state)) => return Ok(state),
            Ok(None) => {}
            Err(ProviderError::NotFound(why)) => return Err(format!("the object is gone: {why}")),
            Err(error) => last = error.to_string(),
        }
        task.shared.clock.sleep(task.shared.pacing.poll).await;
    }
    Err(format!("cannot be read: {last}"))
}

/// What differs from what was approved, in one sentence.
pub(super) fn drift(state: &WorkloadState, field: Field, from: u32, to: u32) -> Option<String> {
    match state.fields.get(field) {
        Some(value) if value == from => {}
        Some(value) => {
            let (value, from) = (field.word(value), field.word(from));
            return Some(format!("{} is {value} now, {from} was approved", field.name()));
        }
        None => return Some(format!("{} does not exist on this object", field.name())),
    }
    if let Some(why) = disowned(state, field) {
        return Some(why);
    }
    if let Some(why) = pin_moved(state, field, to) {
        return Some(why);
    }
    match (field, state.fields.max_replicas, state.fields.min_replicas) {
        (Field::MinReplicas | Field::Replicas, Some(max), _) if to > max => {
            Some(format!("max_replicas is {max}, below {to}"))
        }
        (Field::MaxReplicas | Field::Replicas, _, Some(min)) if to < min => {
            Some(format!("min_replicas is {min}, above {to}"))
        }
        _ => None,
    }
}

/// A pin is approved at a count: another one is another contract.
fn pin_moved(state: &WorkloadState, field: Field, to: u32) -> Option<String> {
    let pinned = ScaleIn::count_of(to).filter(|_| field == Field::ScaleIn)?;
    let live = state.fields.replicas.filter(|live| *live != pinned)?;
    Some(format!("there are {live} replicas now, approved was to pin {pinned}: the approval is stale"))
}

/// Why a new write of `field` would not be respected, in one sentence.
pub(super) fn disowned(state: &WorkloadState, field: Field) -> Option<String> {
    let owner = state.owner_of(field);
    if state.locked.contains(&field) {
        return Some(format!("{} is not for weescale to set, says the platform", field.name()));
    }
    let Some(respected) = owner.floor_field() else {
        return Some(format!("the owner is {} now", owner.label()));
    };
    if field.is_size() && !owner.respects(field) {
        return Some(format!("{} sets the size of a replica now", owner.label()));
    }
    (!owner.respects(field))
        .then(|| format!("the owner is {} now, which respects {}", owner.label(), respected.name()))
}

/// A lease of ours on the same field. A change for good on top of it would leave nobody to give the floor back to.
fn own_lease(task: &Task) -> Option<String> {
    let record = task.mandate.record();
    let held = task.shared.held();
    let (id, lease) =
        held.iter().find(|(_, h)| h.target == record.target && h.field == record.change.field)?;
    Some(format!("{id} holds a lease on it until {}: release it before a change for good", lease.note.until))
}

/// Another instance's lease that is still running by its note on the object, in one sentence; `ours` says of the owner it
/// names whether that is an operation of ours.
pub fn foreign_lease(
    state: &WorkloadState,
    field: Field,
    now: Timestamp,
    ours: impl Fn(&str) -> bool,
) -> Option<String> {
    let [until, _, owner] = LeaseNote::keys(field);
    let owner = state.annotations.get(owner)?;
    let until = state.annotations.get(until)?.parse::<jiff::Timestamp>().ok()?;
    (Timestamp::from(until) > now && !ours(owner)).then(|| {
        let who = crate::series::text::clean(owner, 80);
        format!("{who} holds a lease on this object until {until}")
    })
}
