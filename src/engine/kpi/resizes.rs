//! Changes of what a replica asks for, whoever made them, and whether they relieved what they were to (KPI 2).

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::engine::{State, WorkloadFacts};
use crate::fleet::WorkloadId;
use crate::journal::{Entry, Kind};
use crate::learning::kpi::Relief;
use crate::series::{Timestamp, Window};
use crate::signals::SignalKind;

const DAY: Duration = Duration::from_secs(86_400);
const FIVE: Duration = Duration::from_secs(300);
/// A request must stand this long to count: a rollout passes through means of old and new.
const STANDS: Duration = Duration::from_secs(600);
/// Requests within this are the same, and from this on they were changed.
const SAME: f64 = 0.01;
const CHANGED: f64 = 0.05;
/// Five-minute values that a day needs to be known: half of them.
const ENOUGH: usize = 144;
/// Burn of an hour above which a change is not counted as clean: what is paged for.
const BURN: f64 = 6.0;
/// Resizes followed and kept at most.
const OPEN: usize = 200;
const KEPT: usize = 500;

/// A resource of a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// Cores.
    Cpu,
    /// Bytes.
    Memory,
}

/// A change of what a replica asks for, and how it was before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resize {
    /// Which workload.
    pub workload: WorkloadId,
    /// Which resource.
    pub resource: Resource,
    /// Since when it asks for `to`.
    pub at: Timestamp,
    /// Request of a replica before.
    pub from: f64,
    /// Request of a replica after.
    pub to: f64,
    /// 95th percentile of use of a replica over the day before.
    pub used: f64,
    /// 95th percentile of requests a second of a replica over the day before.
    pub load: f64,
    /// Containers last ended by running out of memory, and restarts an hour, at most, over the day before.
    pub ills: [f64; 2],
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Relieved {
    /// The change.
    pub resize: Resize,
    /// Change of the share in use that it was to bring.
    pub expected: f64,
    /// Change of the share in use that it brought, at the same load.
    pub observed: f64,
    /// No new out-of-memory kill or restart, and burn within what is paged for.
    pub clean: bool,
}

/// Relief as it stands in a journal entry.
#[derive(Debug, Deserialize)]
pub struct StoredRelief {
    /// The relief.
    pub relief: Relieved,
}

/// Requests as they stand, changes that are followed, and what came of those before.
#[derive(Debug, Default)]
pub struct Resizes {
    standing: BTreeMap<(WorkloadId, Resource), Standing>,
    open: Vec<Resize>,
    done: VecDeque<Relieved>,
}

#[derive(Clone, Copy, Debug)]
struct Standing {
    /// What stood for long enough last.
    steady: Option<f64>,
    /// What is asked for now, and since when.
    latest: (f64, Timestamp),
}

impl Standing {
    /// Takes a request in; the one it takes the place of and since when, once it stands.
    fn take(&mut self, request: f64, now: Timestamp) -> Option<(f64, Timestamp)> {
        if (request / self.latest.0 - 1.0).abs() > SAME {
            self.latest = (request, now);
        }
        let (latest, since) = self.latest;
        if now.since(since) < STANDS {
            return None;
        }
        let before = self.steady.replace(latest)?;
        ((latest / before - 1.0).abs() >= CHANGED).then_some((before, since))
    }
}

impl Resizes {
    /// Keeps what came of a change; the oldest go first.
    pub fn keep(&mut self, relieved: Relieved) {
        while self.done.len() >= KEPT {
            self.done.pop_front();
        }
        self.done.push_back(relieved);
    }

    /// What came of changes since `from`.
    pub fn reliefs(&self, from: Timestamp) -> Vec<Relief> {
        let lately = self.done.iter().filter(|r| r.resize.at >= from);
        lately.map(|r| Relief { expected: r.expected, observed: r.observed, clean: r.clean }).collect()
    }
}

/// Sees who asks for something else than before, and what came of changes a day ago; the entries keep that.
pub fn note(state: &mut State, now: Timestamp) -> Vec<Entry> {
    let mut resizes = std::mem::take(&mut state.learned.kpis.resizes);
    resizes.standing.retain(|(id, _), _| state.fleet.contains_key(id));
    for facts in state.fleet.values() {
        let pod = facts.workload.pod;
        let asked = [(Resource::Cpu, pod.cpu_cores), (Resource::Memory, pod.memory_bytes)];
        for (resource, request) in asked {
            let Some(request) = request.filter(|r| r.is_finite() && *r > 0.0) else { continue };
            let standing = resizes
                .standing
                .entry((facts.workload.id.clone(), resource))
                .or_insert(Standing { steady: None, latest: (request, now) });
            if let Some((from, since)) = standing.take(request, now)
                && resizes.open.len() < OPEN
                && let Some(resize) = before(state, facts, resource, (from, request), since)
            {
                resizes.open.push(resize);
            }
        }
    }
    let (over, open): (Vec<Resize>, Vec<Resize>) =
        std::mem::take(&mut resizes.open).into_iter().partition(|r| now.since(r.at) >= DAY);
    resizes.open = open;
    let mut entries = Vec::new();
    for relieved in over.into_iter().filter_map(|resize| after(state, resize)) {
        let r = &relieved.resize;
        let text = format!(
            "{} {:?} per replica {:.3} → {:.3}: {:+.0} points of use, {:+.0} expected{}",
            r.workload,
            r.resource,
            r.from,
            r.to,
            relieved.observed * 100.0,
            relieved.expected * 100.0,
            if relieved.clean { "" } else { "; not clean" }
        );
        entries.push(Entry::new(Kind::Score, text, serde_json::json!({ "relief": relieved })));
        resizes.keep(relieved);
    }
    state.learned.kpis.resizes = resizes;
    entries
}

/// Use of a replica, its load, out-of-memory kills and restarts over a day; `None` where half of it is not known.
fn figures(
    state: &State,
    id: &WorkloadId,
    resource: Resource,
    (from, to): (Timestamp, Timestamp),
) -> Option<(f64, f64, [f64; 2])> {
    let window = |kind| state.history.window(id, kind, from, to, FIVE);
    let ready = window(SignalKind::ReplicasReady);
    let per_replica = |total: &Window| -> Vec<f64> {
        let each = |(at, v): (Timestamp, f64)| ready.value_at(at).filter(|n| *n >= 1.0).map(|n| v / n);
        total.points().filter_map(each).collect()
    };
    let kind = match resource {
        Resource::Cpu => SignalKind::CpuUsed,
        Resource::Memory => SignalKind::MemoryUsed,
    };
    let most = |kind| window(kind).points().map(|(_, v)| v).fold(0.0, f64::max);
    Some((
        p95(per_replica(&window(kind)))?,
        p95(per_replica(&window(SignalKind::Demand)))?,
        [most(SignalKind::OomKills), most(SignalKind::Restarts)],
    ))
}

fn p95(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let rank = (values.len() as f64 * 0.95).ceil() as usize;
    values.get(rank.checked_sub(1)?).copied().filter(|_| values.len() >= ENOUGH)
}

fn before(
    state: &State,
    facts: &WorkloadFacts,
    resource: Resource,
    (from, to): (f64, f64),
    at: Timestamp,
) -> Option<Resize> {
    let id = &facts.workload.id;
    let (used, load, ills) = figures(state, id, resource, (at - DAY, at))?;
    (used > 0.0).then(|| Resize { workload: id.clone(), resource, at, from, to, used, load, ills })
}

fn after(state: &State, resize: Resize) -> Option<Relieved> {
    let id = &resize.workload;
    let objective = state.fleet.get(id)?.workload.objective;
    let (from, to) = (resize.at, resize.at + DAY);
    let (used, load, ills) = figures(state, id, resize.resource, (from, to))?;
    let window = |kind| state.history.window(id, kind, from, to, Duration::from_secs(3600));
    let (demand, errors) = (window(SignalKind::Demand), window(SignalKind::Errors));
    let burns = demand
        .points()
        .filter(|(_, d)| *d > 0.0)
        .filter_map(|(at, d)| Some(objective.burn_rate((errors.value_at(at)? / d).clamp(0.0, 1.0))));
    let clean =
        ills.iter().zip(resize.ills).all(|(now, before)| *now <= before) && burns.fold(0.0, f64::max) <= BURN;
    let (expected, observed) = relief(&resize, used, load);
    Some(Relieved { resize, expected, observed, clean })
}

/// Change of the share in use, expected and observed, counted so that what was meant is positive. CPU follows load, so
/// that what was used afterwards is taken at the load before.
fn relief(resize: &Resize, used: f64, load: f64) -> (f64, f64) {
    let scale = match resize.resource {
        Resource::Cpu if load > 0.0 => (resize.load / load).clamp(0.5, 2.0),
        Resource::Cpu | Resource::Memory => 1.0,
    };
    let share = resize.used / resize.from;
    let (expected, observed) = (share - resize.used / resize.to, share - used * scale / resize.to);
    let meant = (resize.to - resize.from).signum();
    (expected * meant, observed * meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resize(from: f64, to: f64) -> Resize {
        Resize {
            workload: WorkloadId::new("shop", "cart", ""),
            resource: Resource::Cpu,
            at: Timestamp::from_secs(0),
            from,
            to,
            used: 0.9,
            load: 100.0,
            ills: [0.0; 2],
        }
    }

    #[test]
    fn relief_by_hand() {
        let near = |(a, b): (f64, f64), (c, d): (f64, f64)| (a - c).abs() < 1e-9 && (b - d).abs() < 1e-9;
        // From one core to one and a half: use of .9 falls from 90 to 60 % as expected, …
        assert!(near(relief(&resize(1.0, 1.5), 0.9, 100.0), (0.3, 0.3)));
        // … and to 70 % only where 1.05 are used at the same load, or 1.26 at a fifth more.
        assert!(near(relief(&resize(1.0, 1.5), 1.05, 100.0), (0.3, 0.2)));
        assert!(near(relief(&resize(1.0, 1.5), 1.26, 120.0), (0.3, 0.2)));
        // From two cores to one: slack of 55 % becomes 10 %, half of that where use falls as well.
        assert!(near(relief(&resize(2.0, 1.0), 0.9, 100.0), (0.45, 0.45)));
        assert!(near(relief(&resize(2.0, 1.0), 0.675, 100.0), (0.45, 0.225)));
    }

    #[test]
    fn a_request_counts_once_it_stands() {
        let at = |minutes: i64| Timestamp::from_secs(60 * minutes);
        let mut standing = Standing { steady: None, latest: (1.0, at(0)) };
        let seen: Vec<Option<(f64, Timestamp)>> =
            [(0, 1.0), (10, 1.0), (12, 1.2), (13, 1.4), (14, 1.5), (20, 1.5), (24, 1.5), (30, 1.5)]
                .into_iter()
                .map(|(minute, request)| standing.take(request, at(minute)))
                .collect();
        let expected = Some((1.0, at(14)));
        assert_eq!(seen, [None, None, None, None, None, None, expected, None]);
        assert_eq!(standing.take(1.51, at(31)), None, "a hundredth is nothing");
    }
}
