//! What AWS does not check for us before a write, and how a write is read back.

use std::time::Duration;

use crate::approval::WriteOrder;
use crate::execution::provider::{Pending, ProviderError};
use crate::execution::providers::contract::WorkloadState;
use crate::fleet::{Field, Owner, Replicas, ScaleIn};

/// Looks after a write, and the wait before each: AWS's reads are eventually consistent.
const LOOKS: u32 = 8;
const PAUSE: Duration = Duration::from_millis(500);

/// Refuses an order that does not fit `present`, read a moment ago: another object, another value, out of bounds.
pub(super) fn check(order: &WriteOrder, present: &WorkloadState) -> Result<(), ProviderError> {
    let (field, set) = (order.field(), order.set());
    if present.uid != order.target().uid {
        let why = "another object has this name now".to_owned();
        return Err(ProviderError::Conflict { why, current: Some(Box::new(present.clone())) });
    }
    if present.fields.get(field) != Some(order.expect()) {
        let why = match present.fields.get(field) {
            Some(value) => format!(
                "{} is {}, not {} any more",
                field.name(),
                field.word(value),
                field.word(order.expect())
            ),
            None => format!("{} does not exist on this object any more", field.name()),
        };
        return Err(ProviderError::Precondition { why, current: Some(Box::new(present.clone())) });
    }
    if set > Replicas::LIMIT {
        return Err(ProviderError::Invalid(format!("{set} is beyond {}", Replicas::LIMIT)));
    }
    if field == Field::ScaleIn && set != ScaleIn::Allowed.value() && set != ScaleIn::Held.value() {
        return Err(ProviderError::Invalid(format!(
            "scale-in is allowed or held here, not {}",
            field.word(set)
        )));
    }
    if field == Field::ScaleIn {
        return Ok(());
    }
    if !field.is_count() {
        return Err(ProviderError::Invalid(format!("{} does not exist here", field.name())));
    }
    if field == Field::Replicas && present.owner != Owner::Nobody {
        let owner = present.owner.label();
        return Err(ProviderError::Invalid(format!(
            "the desired size belongs to {owner}; write its minimum"
        )));
    }
    let (min, max) = (present.fields.min_replicas, present.fields.max_replicas);
    let above = field != Field::MaxReplicas && max.is_some_and(|max| set > max);
    let below = field != Field::MinReplicas && min.is_some_and(|min| set < min);
    match (above, below, max, min) {
        (true, _, Some(max), _) => {
            Err(ProviderError::Invalid(format!("{set} is above the maximum of {max}")))
        }
        (_, true, _, Some(min)) => {
            Err(ProviderError::Invalid(format!("{set} is below the minimum of {min}")))
        }
        _ => Ok(()),
    }
}

/// Reads until the order's value shows. AWS has accepted it: if it does not show in time, that is not known.
pub(super) async fn read_back<'a>(
    order: &WriteOrder,
    read: impl Fn() -> Pending<'a, Result<WorkloadState, ProviderError>>,
) -> Result<WorkloadState, ProviderError> {
    let mut last = String::new();
    for look in 0..LOOKS {
        if look > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        match read().await {
            Ok(state) if state.uid != order.target().uid => {
                return Err(ProviderError::Unknown("accepted, but another object has this name now".into()));
            }
            Ok(state) if state.fields.get(order.field()) == Some(order.set()) => return Ok(state),
            Ok(state) => {
                let value = state.fields.get(order.field());
                last = value.map_or_else(|| "nothing".to_owned(), |v| v.to_string());
            }
            Err(error) => last = error.to_string(),
        }
    }
    Err(ProviderError::Unknown(format!("accepted {}, but read back: {last}", order.set())))
}
