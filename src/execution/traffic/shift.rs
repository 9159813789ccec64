//! What an operation remembers of the load balancer in front of its workload.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Monotonic;

use super::continuity::Continuity;
use super::ledger::{Ledger, Place};
use super::steps::Warming;
use super::turn::Look;
use super::types::{Backend, Counters, Server, Traffic, TrafficError, front};
use crate::series::text::clean;

/// Servers being drained before they are taken away.
#[derive(Clone, Debug)]
pub(in crate::execution) struct Draining {
    /// Which; those of ours as well as those that were drained already.
    pub names: BTreeSet<String>,
    /// Since when.
    pub began: Monotonic,
    /// Looks in a row that found no session on them.
    pub idle: u32,
    /// Sessions on them at the last look, once the wait is over: they are cut by the write. `None` before.
    pub cut: Option<Left>,
}

/// Sessions left; `None` where that is not told.
#[derive(Clone, Copy, Debug)]
pub(in crate::execution) struct Left(pub Option<u64>);

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
    /// Being drained, or drained, for a write that was not sent yet.
    pub draining: Option<Draining>,
    /// Servers that must go on taking traffic until that write, on each load balancer: counted once, as each drain lowers what is counted.
    pub least: Option<BTreeMap<String, usize>>,
    /// When a write that takes servers away was last sent.
    pub removed: Option<Monotonic>,
    /// Counters when it began.
    pub began: Option<BTreeMap<String, Counters>>,
    /// Sessions since then, as last told.
    pub continuity: Option<Continuity>,
    /// Sessions that were on servers when the wait for them was over; `None` once that is not known.
    pub given_up: Option<u64>,
    /// Servers drained by this process.
    pub drained: BTreeSet<String>,
    /// Why the load balancer cannot be used now, if so.
    pub trouble: Option<String>,
    /// Looks in a row that failed.
    pub failures: u32,
    /// Sentences told already.
    pub told: BTreeSet<String>,
    /// What the last turn's look found, for the next turn.
    pub seen: Option<Look>,
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
            least: None,
            removed: None,
            began: None,
            continuity: None,
            given_up: Some(0),
            drained: BTreeSet::new(),
            trouble: None,
            failures: 0,
            told: BTreeSet::new(),
            seen: None,
        }
    }

    /// Name of the load balancer, as in the journal.
    pub fn name(&self) -> String {
        self.traffic.manager.name().to_owned()
    }

    /// What takes traffic now counts as old from here on, and what somebody has drained as well; not what is held back.
    /// Of a load balancer that did not answer nothing is taken in.
    pub fn rebase(&mut self, backend: &Backend) {
        let whole = backend.silent.is_empty();
        let is_silent = |name: &str| backend.silent.contains_key(front(name));
        let warming = &self.warming;
        let is_old =
            |s: &&Server| (s.serves() || s.up && s.draining) && !warming.get(&s.name).is_some_and(|w| w.held);
        // Begun without one of them, its old servers would count as new.
        if whole || self.before.is_some() {
            let before = self.before.get_or_insert_default();
            before.extend(backend.servers.iter().filter(is_old).map(|s| s.name.clone()));
        }
        if whole {
            self.began.get_or_insert_with(|| backend.counters.clone());
        }
        // New ones have their whole weight, and are not stepped again.
        let steps = self.traffic.rules.steps.max(1);
        self.warming.retain(|name, w| w.step > 0 || is_silent(name));
        let heard = self.warming.iter_mut().filter(|(name, w)| !w.held && !is_silent(name));
        heard.for_each(|(_, w)| w.step = steps);
    }

    /// Notes that a look failed, in whole or for what depends on it.
    pub fn failed(&mut self, why: &TrafficError) {
        self.failures = self.failures.saturating_add(1);
        self.trouble = Some(clean(&why.to_string(), 300));
    }

    /// Names of our servers in the journal that have not been given back.
    fn ours(&self) -> impl Iterator<Item = &str> {
        let name = self.traffic.manager.name();
        self.ledger.open().filter(move |((manager, ..), _)| manager == name).map(|((_, s, _), _)| s.as_str())
    }

    /// What is ours on a load balancer that is not configured any more, in a sentence.
    pub fn astray(&self) -> Option<String> {
        let server = self.ours().find(|server| self.traffic.manager.called(server).is_none())?;
        Some(format!("{server} cannot be given back: its socket is not in the configuration"))
    }

    /// Notes whether all that is ours can be given back at this look: not what is on a load balancer that did not answer or
    /// that is not configured.
    pub fn heard(&mut self, backend: &Backend) {
        let silent = |server: &str| backend.silent.get(front(&self.traffic.manager.called(server)?)).cloned();
        let why = self.ours().find_map(silent);
        match why.or_else(|| self.astray().map(TrafficError::Refused)) {
            Some(why) => self.failed(&why),
            None => self.failures = 0,
        }
    }

    /// Whether `place` is the weight of a new server that is held back because it fails.
    pub fn is_held(&self, place: &Place) -> bool {
        let (manager, server, of_weight) = place;
        *of_weight
            && *manager == self.traffic.manager.name()
            && self.warming.get(server).is_some_and(|w| w.held)
    }

    /// Whether all that is open is the weight of servers that are held back.
    pub fn has_only_held(&self) -> bool {
        let name = self.traffic.manager.name();
        self.ledger.open().filter(|((manager, ..), _)| manager == name).all(|(place, _)| self.is_held(place))
    }

    /// Whether anything of ours has to be given back through this load balancer.
    pub fn has_open(&self) -> bool {
        let name = self.traffic.manager.name();
        self.ledger.open().any(|((manager, ..), _)| manager == name)
    }
}
