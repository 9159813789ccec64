//! Workloads that nothing speaks of any more: a region that went silent is no region that needs no help.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::fleet::WorkloadId;
use crate::plan::{Absent, Present, Regions, SUBSTANTIAL, Sight};
use crate::series::Timestamp;
use crate::signals::SignalKind;

use super::State;
use super::state::WorkloadFacts;

/// Workloads remembered: as many as are followed. Who is away for longest goes first.
const MOST: usize = 2_000;
/// The last known span that is looked at for demand.
const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

/// What was known of them, by name, with the service where a platform told it.
#[derive(Clone, Debug, Default)]
pub struct Absentees(BTreeMap<WorkloadId, (Option<Arc<str>>, Sight)>);

impl Absentees {
    /// Takes note that a workload leaves the fleet.
    pub fn note(&mut self, facts: &WorkloadFacts, now: Timestamp) {
        let mut sight = facts.sight;
        sight.observe(None, false, now);
        self.keep(&facts.workload.id, Some(Arc::clone(&facts.workload.service)), sight, now);
    }

    /// One that is heard of again, with what was known of it.
    pub fn back(&mut self, id: &WorkloadId) -> Option<Sight> {
        self.0.remove(id).map(|(_, sight)| sight)
    }

    /// Remembers what is one of a region and was known.
    fn keep(&mut self, id: &WorkloadId, service: Option<Arc<str>>, sight: Sight, now: Timestamp) {
        self.0.retain(|_, (_, sight)| sight.lost(now).is_some());
        if id.region.is_empty() || sight.lost(now).is_none() {
            return;
        }
        self.0.insert(id.clone(), (service, sight));
        if self.0.len() > MOST {
            let oldest =
                self.0.iter().min_by_key(|(_, (_, sight))| sight.lost(now)).map(|(id, _)| id.clone());
            oldest.map(|id| self.0.remove(&id));
        }
    }
}

/// Those that are meant by the name of a workload or of a region: of the fleet and of those that left it, with what is known of
/// each.
pub fn meant(state: &State, what: &str) -> Vec<(WorkloadId, Sight)> {
    let fleet = state.fleet.values().map(|facts| (&facts.workload.id, facts.sight));
    let left = state.absent.0.iter().map(|(id, (_, sight))| (id, *sight));
    let is_meant = |id: &WorkloadId| !id.region.is_empty() && (*id.region == *what || id.to_string() == what);
    fleet.chain(left).filter(|(id, _)| is_meant(id)).map(|(id, sight)| (id.clone(), sight)).collect()
}

/// Takes in what history knows of demand: of what is there without it, and of what is not there. After a restart, and
/// where a server's history was read.
pub fn recall(state: &mut State, now: Timestamp) {
    for ((id, _), (last, peak)) in state.history.last_peaks(HOUR, |kind| kind == SignalKind::Demand) {
        if peak <= 0.0 {
            continue;
        }
        let hour = state.history.window(&id, SignalKind::Demand, last - HOUR, last + MINUTE, MINUTE);
        let busy = hour.points().filter(|(_, demand)| *demand >= SUBSTANTIAL).map(|(at, _)| at).last();
        match state.fleet.get_mut(&state.resolver.meant_by(&id)) {
            Some(facts) => facts.sight.recall(last, busy),
            None if state.absent.0.contains_key(&id) => {}
            None => {
                let mut sight = Sight::met(state.started, None);
                sight.recall(last, busy);
                state.absent.keep(&id, None, sight, now);
            }
        }
    }
}

/// Regions that lean on each other, of what is there and of what was.
pub fn regions(state: &State, now: Timestamp) -> Regions {
    let fleet = || state.fleet.values();
    let named = |id: &WorkloadId| (Arc::clone(&id.namespace), Arc::clone(&id.name));
    let unnamed = state.absent.0.values().any(|(service, _)| service.is_none());
    // What no platform told the service of belongs with what is named alike.
    let services: BTreeMap<_, _> =
        fleet().filter(|_| unnamed).map(|f| (named(&f.workload.id), &f.workload.service)).collect();
    let asides = &state.learned.people.asides;
    let left = state.absent.0.iter().filter_map(|(id, (service, sight))| {
        if asides.is_gone(id, sight) {
            return None;
        }
        let since = sight.lost(now).filter(|_| !state.fleet.contains_key(&state.resolver.meant_by(id)))?;
        let service = service.as_ref().or_else(|| services.get(&named(id)).copied()).unwrap_or(&id.name);
        Some(Absent { id, service, since, young: sight.is_young(now) })
    });
    let there = |f: &&WorkloadFacts| !asides.is_gone(&f.workload.id, &f.sight);
    let present = fleet().filter(there).map(|f| Present {
        workload: &f.workload,
        plan: f.plan.as_ref(),
        sight: &f.sight,
    });
    Regions::of(present, left, now)
}
