//! One value per signal out of what the sources said: the first with fresh data wins.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::fleet::WorkloadId;
use crate::series::{Finite, Timestamp};

use super::guard::Witnesses;
use super::observe::{Observation, Seen, Slot, is_fresh};
use super::resolver::Resolver;
use super::{Freshness, LatencyHistogram, Provenance, Signal, SignalKind, SignalSet};

/// Judges what is new about `workload`, which sources name as any of `raws`, and chooses its signals.
pub(super) fn settle(
    resolver: &mut Resolver,
    now: Timestamp,
    workload: WorkloadId,
    raws: &[WorkloadId],
) -> SignalSet {
    let verdicts = judge(resolver, now, raws);
    for (raw, slot, witnesses) in verdicts {
        if let Some(o) = resolver.seen.get_mut(&raw).and_then(|s| s.values.get_mut(&slot)) {
            if let Some((at, value)) = resolver.before.get(&(workload.clone(), o.kind)) {
                o.remember(*at, *value);
            }
            o.settle(&witnesses);
        }
    }
    let view = View { resolver, now, seen: raws.iter().filter_map(|r| resolver.seen.get(r)).collect() };
    let signals = SignalKind::ALL.into_iter().filter_map(|k| view.signal(k).map(|s| (k, s))).collect();
    SignalSet { team: view.team(), signals, latency: view.latency(), workload }
}

/// Where fresh values of `kind` come from for the workload that sources name as any of `raws`, preferred first.
pub(super) fn fresh_slots(
    resolver: &Resolver,
    now: Timestamp,
    raws: &[WorkloadId],
    kind: SignalKind,
) -> Vec<Slot> {
    let view = View { resolver, now, seen: raws.iter().filter_map(|r| resolver.seen.get(r)).collect() };
    let fresh = |slot: Slot, o: &Observation| o.freshness(now, view.interval(slot)).0 == Freshness::Fresh;
    let all = view.candidates(kind).into_iter();
    all.filter(|(slot, o)| fresh(*slot, o)).map(|(slot, _)| slot).collect()
}

/// For every answer not judged yet: whose it is and what else is known.
fn judge(resolver: &Resolver, now: Timestamp, raws: &[WorkloadId]) -> Vec<(WorkloadId, Slot, Witnesses)> {
    let view = View { resolver, now, seen: raws.iter().filter_map(|r| resolver.seen.get(r)).collect() };
    let common = Witnesses {
        scaled_to_zero: view.newest(SignalKind::ReplicasDesired, None) == Some(0.0),
        cpu: view.newest(SignalKind::CpuUsed, None),
        in_flight: view.newest(SignalKind::InFlight, None),
        other: None,
        demand: view.newest(SignalKind::Demand, None),
    };
    let mut verdicts = Vec::new();
    for raw in raws {
        let Some(seen) = resolver.seen.get(raw) else { continue };
        for (slot, o) in seen.values.iter().filter(|(_, o)| o.pending.is_some()) {
            let other = if o.guarded() { view.newest(o.kind, Some(*slot)) } else { None };
            verdicts.push((raw.clone(), *slot, Witnesses { other, ..common }));
        }
    }
    verdicts
}

struct View<'a> {
    resolver: &'a Resolver,
    now: Timestamp,
    seen: Vec<&'a Seen>,
}

impl View<'_> {
    fn interval(&self, slot: Slot) -> std::time::Duration {
        self.resolver.sources.get(slot.source).map_or(std::time::Duration::ZERO, |s| s.interval)
    }

    fn family(&self, slot: Slot) -> &str {
        self.resolver.recipes.get(slot.recipe).map_or("", |r| &r.family)
    }

    /// The observations of `kind`, preferred first; requests a second, their failures and their times
    /// only of the family that is preferred, fresh or not.
    fn candidates(&self, kind: SignalKind) -> Vec<(Slot, &Observation)> {
        let mut found: BTreeMap<Slot, &Observation> = BTreeMap::new();
        for seen in &self.seen {
            for (slot, o) in seen.values.iter().filter(|(_, o)| o.kind == kind) {
                // The same expression under a fuller and a partial name: the fresher one is meant.
                let newer = |old: &&Observation| {
                    old.newest(self.now, self.interval(*slot)).is_none()
                        && o.newest(self.now, self.interval(*slot)).is_some()
                };
                if found.get(slot).is_none_or(newer) {
                    found.insert(*slot, o);
                }
            }
        }
        let mut all: Vec<_> = found.into_iter().collect();
        if of_one_family(kind)
            && let Some(family) = all.first().map(|(slot, _)| self.family(*slot).to_owned())
        {
            all.retain(|(slot, _)| self.family(*slot) == family);
        }
        all
    }

    /// The latest number of `kind` that is measured and fresh, trusted or not, from another slot than `not`.
    fn newest(&self, kind: SignalKind, not: Option<Slot>) -> Option<f64> {
        let mut all = self.candidates(kind).into_iter().filter(|(slot, o)| Some(*slot) != not && !o.derived);
        all.find_map(|(slot, o)| o.newest(self.now, self.interval(slot)))
    }

    fn signal(&self, kind: SignalKind) -> Option<Signal> {
        let candidates = self.candidates(kind);
        let (first_slot, first) = *candidates.first()?;
        let first_state = first.freshness(self.now, self.interval(first_slot));
        let first_value = first.value.map_or(0.0, |(_, v)| v);
        let usable = |(slot, o): &&(Slot, &Observation)| {
            let fresh = o.freshness(self.now, self.interval(*slot)).0 == Freshness::Fresh;
            // A stand-in's zero proves nothing while the preferred source last said otherwise.
            let idle_stand_in = *slot != first_slot
                && o.guarded()
                && first_value > 0.0
                && o.value.is_some_and(|(_, v)| v == 0.0);
            fresh && !idle_stand_in
        };
        let chosen = candidates.iter().find(usable).copied();
        // Without fresh data the best remaining: stale before suspect before missing.
        let (slot, o) = chosen.unwrap_or_else(|| {
            let rank = |c: &&(Slot, &Observation)| c.1.freshness(self.now, self.interval(c.0)).0;
            let not_fresh = candidates.iter().filter(|c| rank(c) != Freshness::Fresh);
            not_fresh.min_by_key(rank).copied().unwrap_or((first_slot, first))
        });
        let (freshness, mut note) =
            if slot == first_slot { first_state } else { o.freshness(self.now, self.interval(slot)) };
        if freshness != Freshness::Fresh
            && let Some(source) = self.resolver.sources.get(slot.source)
            && let Some(error) = &source.error
        {
            note = format!("{note}; {}: {error}", source.id);
        }
        let missing = freshness == Freshness::Missing;
        Some(Signal {
            kind,
            value: o.value.filter(|_| !missing).and_then(|(_, v)| Finite::new(v)),
            at: o.value.or(o.pending).map_or(self.now, |(at, _)| at),
            freshness,
            least: o.least(self.now, self.interval(slot)).and_then(Finite::new),
            note,
            provenance: if missing { None } else { self.provenance(slot, o) },
        })
    }

    fn provenance(&self, slot: Slot, o: &Observation) -> Option<Provenance> {
        Some(Provenance {
            source: self.resolver.sources.get(slot.source)?.id.clone(),
            recipe: Arc::clone(&self.resolver.recipes.get(slot.recipe)?.name),
            expr: Arc::clone(&o.expr),
        })
    }

    fn latency(&self) -> Option<LatencyHistogram> {
        let all = self.seen.iter().flat_map(|s| &s.histograms);
        all.filter(|(slot, (at, _))| is_fresh(*at, self.now, self.interval(**slot)))
            .min_by_key(|(slot, _)| **slot)
            .map(|(_, (_, histogram))| histogram.clone())
    }

    fn team(&self) -> Arc<str> {
        let teams = self.seen.iter().filter_map(|s| s.team.as_ref());
        teams.min_by_key(|(slot, _)| *slot).map_or_else(|| Arc::from(""), |(_, team)| Arc::clone(team))
    }
}

/// Kinds that count the same thing only within one family of recipes.
pub(super) fn of_one_family(kind: SignalKind) -> bool {
    use SignalKind as K;
    matches!(
        kind,
        K::Demand
            | K::Errors
            | K::Retries
            | K::LatencyP50
            | K::LatencyP95
            | K::LatencyP99
            | K::LatencyMean
            | K::InFlight
    )
}
