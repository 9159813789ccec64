//! Replicas that were asked for and do not come: nobody may count on their capacity.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::execution::providers::contract::{PodPhase, PodState};
use crate::plan::Stuck;
use crate::series::Timestamp;

use super::state::WorkloadFacts;

/// A replica of which the platform says why it is not ready is given this long to prove it wrong.
const REASONED: Duration = Duration::from_secs(60);
/// Any other is given two lead times, and no less than this.
const LEAST: Duration = Duration::from_secs(120);

/// Those of a workload at `now`, where replicas usually take `lead`. `None` where its platform lists no replicas.
pub fn of(facts: &WorkloadFacts, lead: Duration, now: Timestamp) -> Option<Stuck> {
    let replicas = facts.workload.replicas?;
    let patience = |pod: &PodState| if pod.reason.is_empty() { (lead * 2).max(LEAST) } else { REASONED };
    let created = |pod: &PodState| Timestamp::from_millis(pod.created_ms);
    let late: Vec<&PodState> = facts
        .platform
        .as_ref()?
        .state
        .pods
        .iter()
        // Only those that never ran: what ran and is not ready now may be down for the load, and more would help.
        .filter(|pod| matches!(pod.phase, PodPhase::Pending | PodPhase::Pulling) && pod.created_ms > 0)
        .filter(|pod| now.since(created(pod)) > patience(pod))
        .collect();
    let since = late.iter().map(|pod| created(pod)).min()?;
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for pod in late.iter().filter(|pod| !pod.reason.is_empty()) {
        *reasons.entry(pod.reason.as_str()).or_default() += 1;
    }
    let why = reasons.into_iter().max_by_key(|(_, n)| *n).map_or_else(String::new, |(why, _)| why.to_owned());
    let waiting = replicas.desired.saturating_sub(replicas.ready).min(late.len() as u32);
    (waiting > 0).then_some(Stuck { replicas: waiting, since, why })
}
