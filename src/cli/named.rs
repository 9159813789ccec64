//! Which workload is meant by what was typed: its whole name, or a part of it that only one has.

use std::collections::BTreeSet;

use crate::fleet::WorkloadId;
use crate::learning::service_of;
use crate::session::Desk;
use crate::view::View;

use super::args::Live;
use super::exit::Failure;
use super::{live, wish};

/// Names told of those that might be meant.
const NAMED: usize = 20;

/// What was typed, taken as a whole name.
pub fn typed(text: &str) -> WorkloadId {
    text.parse().unwrap_or_else(|never: std::convert::Infallible| match never {})
}

/// The workload of `known` that `text` means: `checkout` and `shop/checkout` mean shop/checkout@eu-west where no other is
/// called so.
///
/// # Errors
/// A usage error that lists what might be meant.
pub fn one(text: &str, known: impl IntoIterator<Item = WorkloadId>) -> Result<WorkloadId, Failure> {
    let known: BTreeSet<WorkloadId> = known.into_iter().collect();
    meant(text, &known)?.ok_or_else(|| {
        Failure::Usage(format!("{} is not known; known are: {}", typed(text), listed(known.iter())))
    })
}

/// The same; `None` if none of `known` can be meant.
fn meant(text: &str, known: &BTreeSet<WorkloadId>) -> Result<Option<WorkloadId>, Failure> {
    let asked = typed(text);
    if known.contains(&asked) {
        return Ok(Some(asked));
    }
    let is_meant = |id: &&WorkloadId| {
        id.name == asked.name
            && (asked.namespace.is_empty() || id.namespace == asked.namespace)
            && (asked.region.is_empty() || id.region == asked.region)
    };
    let meant: Vec<&WorkloadId> = known.iter().filter(is_meant).collect();
    match meant.as_slice() {
        [only] => Ok(Some((*only).clone())),
        [] => Ok(None),
        several => Err(Failure::Usage(format!(
            "{asked} may be any of these; give one whole: {}",
            listed(several.iter().copied())
        ))),
    }
}

fn listed<'a>(all: impl ExactSizeIterator<Item = &'a WorkloadId>) -> String {
    let more = all.len().saturating_sub(NAMED);
    let names: Vec<String> = all.take(NAMED).map(WorkloadId::to_string).collect();
    match (names.is_empty(), more) {
        (true, _) => "none".to_owned(),
        (_, 0) => names.join(", "),
        (_, more) => format!("{} and {more} more", names.join(", ")),
    }
}

/// The workload of a running engine that is meant. Where it shows none (its sources may be away), what was typed.
pub async fn running(live: &Live, text: &str) -> Result<WorkloadId, Failure> {
    let view = looked(live).await?;
    if view.services.data.is_empty() { Ok(typed(text)) } else { one(text, workloads(&view)) }
}

/// The same for what can be about a service in all its regions too.
pub async fn service(live: &Live, text: &str) -> Result<WorkloadId, Failure> {
    let view = looked(live).await?;
    let asked = typed(text);
    let services: BTreeSet<WorkloadId> = workloads(&view).map(|id| service_of(&id)).collect();
    if services.is_empty() || services.contains(&asked) {
        return Ok(asked);
    }
    if asked.region.is_empty() { one(text, services) } else { one(text, workloads(&view)) }
}

/// The one of a running engine whose day or mute is to end: what nothing shows any more is taken as typed.
pub async fn ending(
    live: &Live,
    text: &str,
    held: fn(&View) -> BTreeSet<WorkloadId>,
) -> Result<WorkloadId, Failure> {
    let view = looked(live).await?;
    Ok(meant(text, &held(&view))?.unwrap_or_else(|| typed(text)))
}

async fn looked(live: &Live) -> Result<View, Failure> {
    let (path, is_named) = wish::socket(&live::settings(live)?)?;
    let mut desk = Desk::to_look(&path, is_named).await.map_err(Failure::other)?;
    desk.view().await.map_err(Failure::other)
}

/// All that a view shows.
pub fn workloads(view: &View) -> impl Iterator<Item = WorkloadId> + '_ {
    view.services.data.iter().map(|s| s.workload.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Result<String, String> {
        let known =
            ["shop/checkout@eu-west", "shop/cart@eu-west", "shop/cart@us-east", "pay/cart"].map(typed);
        one(text, known).map(|id| id.to_string()).map_err(|e| format!("{} {e}", e.code()))
    }

    #[test]
    fn a_part_that_one_has_is_enough_and_else_what_may_be_meant_is_listed() {
        for text in ["shop/checkout@eu-west", "shop/checkout", "checkout", "checkout@eu-west"] {
            assert_eq!(told(text).as_deref(), Ok("shop/checkout@eu-west"), "{text}");
        }
        assert_eq!(told("pay/cart").as_deref(), Ok("pay/cart"), "a whole name is that one alone");
        assert_eq!(told("cart@us-east").as_deref(), Ok("shop/cart@us-east"));
        let several = told("shop/cart").unwrap_err();
        assert!(
            several.starts_with("2 ") && several.contains("shop/cart@eu-west, shop/cart@us-east"),
            "{several}"
        );
        assert!(!several.contains("checkout"), "{several}");
        let unknown = told("checkout@us-east").unwrap_err();
        assert!(unknown.starts_with("2 ") && unknown.contains("known are: pay/cart, "), "{unknown}");
        assert!(told("check").is_err(), "a beginning is no name");
    }
}
