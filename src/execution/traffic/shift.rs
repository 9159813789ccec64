//! What an operation remembers of the load balancer in front of its workload.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Monotonic;

use super::continuity::Continuity;
use super::ledger::Ledger;
use super::steps::Warming;
use super::types::{Backend, Counters, Traffic};

/// Servers being drained before they are taken away.
#[derive(Clone, Debug)]
pub(in crate::execution) struct Draining {
    /// Which; those of ours as well as those that were drained already.
    pub names: BTreeSet<String>,
    /// Since when.
    pub began: Monotonic,
    /// Looks in a row that found no session on them.
    pub idle: u32,
}

/// What an operation does to the traffic of its workload.
pub(in crate::execution) struct Shift {
    /// The load balancer.
    pub traffic: Traffic,
    /// What is ours.
    pub ledger: Ledger,
    /// Servers that took traffic before anything was written; `None` while that is not known.
    pub before: Option<BTreeSet<String>>,
    /// New servers, and slots that wait for one.
    pub warming: BTreeMap<String, Warming>,
    /// Servers that are not stepped, and why: what somebody else set is not ours, and a weight of 1 cannot be divided.
    pub left_alone: BTreeMap<String, String>,
    /// Being drained now.
    pub draining: Option<Draining>,
    /// When a write that takes servers away was last sent.
    pub removed: Option<Monotonic>,
    /// Counters when it began.
    pub began: Option<Counters>,
    /// Sessions since then, as last told.
    pub continuity: Option<Continuity>,
    /// Sessions that were on servers when the wait for them was over.
    pub given_up: u64,
    /// Servers drained by this process.
    pub drained: BTreeSet<String>,
    /// Why the load balancer cannot be used now, if so.
    pub trouble: Option<String>,
    /// Looks in a row that failed.
    pub failures: u32,
    /// Sentences told already.
    pub told: BTreeSet<String>,
}

impl Shift {
    /// Nothing known yet.
    pub fn new(traffic: Traffic) -> Self {
        Self {
            traffic,
            ledger: Ledger::default(),
            before: None,
            warming: BTreeMap::new(),
            left_alone: BTreeMap::new(),
            draining: None,
            removed: None,
            began: None,
            continuity: None,
            given_up: 0,
            drained: BTreeSet::new(),
            trouble: None,
            failures: 0,
            told: BTreeSet::new(),
        }
    }

    /// Name of the load balancer, as in the journal.
    pub fn name(&self) -> String {
        self.traffic.manager.name().to_owned()
    }

    /// What takes traffic now counts as old from here on.
    pub fn rebase(&mut self, backend: &Backend) {
        let before = self.before.get_or_insert_default();
        before.extend(backend.servers.iter().filter(|s| s.serves()).map(|s| s.name.clone()));
        self.began.get_or_insert(backend.counters);
        // New ones have their whole weight, and are not stepped again.
        let steps = self.traffic.rules.steps.max(1);
        self.warming.retain(|_, w| w.step > 0);
        self.warming.values_mut().for_each(|w| w.step = steps);
    }

    /// Whether anything of ours has to be given back through this load balancer.
    pub fn has_open(&self) -> bool {
        let name = self.traffic.manager.name();
        self.ledger.open().any(|((manager, ..), _)| manager == name)
    }
}
