//! Lead time, learned from pods as they come up and from operations.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::execution::providers::contract::{PodPhase, PodState};
use crate::execution::{Operation, StageKind};
use crate::fleet::WorkloadId;
use crate::outcome::Figures;
use crate::plan::lead_time::{LeadTime, LeadTold, Part, PodTimes};
use crate::series::Timestamp;
use crate::signals::PartKind;

use super::State;

/// Pods of a workload that are followed at most.
const MOST: usize = 2_000;
/// A part that took longer is none: the pod became ready anew long after it started.
const PLAUSIBLE: Duration = Duration::from_secs(15 * 60);
/// Means of phases count as long as they are not older than this.
const DAY: Duration = Duration::from_secs(86_400);

/// Pods of one workload as they come up, and what that taught.
#[derive(Clone, Debug, Default)]
pub struct Starts {
    pods: BTreeMap<String, Start>,
    /// What was learned.
    pub learned: LeadTime,
}

#[derive(Clone, Copy, Debug, Default)]
struct Start {
    times: PodTimes,
    phase: PodPhase,
    warming: bool,
    told: bool,
}

/// How far a pod is; `None` for one that is on its way out or broken.
const fn rank(phase: PodPhase) -> Option<u8> {
    match phase {
        PodPhase::Pending => Some(0),
        PodPhase::Pulling => Some(1),
        PodPhase::Starting => Some(2),
        PodPhase::Ready => Some(3),
        PodPhase::Terminating | PodPhase::Failed => None,
    }
}

impl Starts {
    /// Takes a listing in. Where the platform does not say when a pod got somewhere, it got there when that was first
    /// seen, if it was seen before that.
    pub fn note(&mut self, pods: &[PodState], now: Timestamp) {
        let listed: BTreeSet<&str> = pods.iter().map(|p| p.name.as_str()).collect();
        self.pods.retain(|name, _| listed.contains(name.as_str()));
        for pod in pods.iter().take(MOST) {
            let known = self.pods.get(&pod.name).copied();
            if known.is_some_and(|k| k.told) || rank(pod.phase).is_none() {
                continue;
            }
            let (start, complete) = followed(pod, known, now);
            if complete {
                self.learned.observe(&plausible(start.times));
            }
            self.pods.insert(pod.name.clone(), Start { told: complete, ..start });
        }
    }

    /// Takes in how long an operation's need went unseen, its proposal undecided, and the pods it added cold.
    pub fn took(&mut self, figures: &Figures, adds_pods: bool) {
        for (name, seconds) in &figures.phases {
            let part = match name.as_str() {
                "detect" => Part::Detect,
                "decide" => Part::Decide,
                name if adds_pods && name == StageKind::WarmUp.label() => Part::Warm,
                _ => continue,
            };
            if let Ok(span) = Duration::try_from_secs_f64(*seconds) {
                self.learned.took(part, span);
            }
        }
    }
}

/// How far `pod` is now, and whether it has arrived.
fn followed(pod: &PodState, known: Option<Start>, now: Timestamp) -> (Start, bool) {
    let at = |ms: Option<i64>| ms.filter(|ms| *ms > 0).map(Timestamp::from_millis);
    let before = known.unwrap_or_default();
    let passed = |phase: PodPhase| {
        let seen = known.is_some() && rank(before.phase) < rank(phase) && rank(pod.phase) >= rank(phase);
        seen.then_some(now)
    };
    let old = before.times;
    let warmed = before.warming && pod.warm == Some(true);
    let times = PodTimes {
        created: at(Some(pod.created_ms)),
        scheduled: at(pod.scheduled_ms).or(old.scheduled).or(passed(PodPhase::Pulling)),
        pulled: None,
        started: at(pod.started_ms).or(old.started).or(passed(PodPhase::Starting)),
        ready: at(pod.ready_ms).or(old.ready).or(passed(PodPhase::Ready)),
        warm: old.warm.or(warmed.then_some(now)),
    };
    let arrived = pod.phase == PodPhase::Ready && times.ready.is_some() && pod.warm != Some(false);
    (Start { times, phase: pod.phase, warming: pod.warm == Some(false), told: false }, arrived)
}

/// Without what comes too long after what was before it.
fn plausible(times: PodTimes) -> PodTimes {
    let near = |from: Option<Timestamp>, to: Option<Timestamp>| {
        to.filter(|to| from.is_none_or(|from| to.since(from) <= PLAUSIBLE))
    };
    let scheduled = near(times.created, times.scheduled);
    let started = near(scheduled.or(times.created), times.started);
    let ready = near(started.or(scheduled).or(times.created), times.ready);
    PodTimes { scheduled, started, ready, warm: near(ready, times.warm), ..times }
}

/// Time from a decision to warm capacity: what pods took, or the longest of the last operations on the workload if that
/// was longer; else means of phases, else what is assumed.
pub fn told(state: &State, id: &WorkloadId) -> LeadTold {
    let took = |o: &Operation| {
        let warm = o.stages.iter().find(|s| s.kind == StageKind::WarmUp)?.ended?;
        Some(warm.since(o.started))
    };
    // What moves no pods, or takes some away, says nothing of how long they take.
    let here = |o: &&Operation| o.workload == *id && o.change.adds_pods();
    let measured = state.operations.values().filter(here).filter_map(took).max();
    let learned = state.fleet.get(id).and_then(|facts| facts.starts.learned.told());
    match (learned, measured) {
        (Some(learned), Some(measured)) if measured > learned.total => LeadTold {
            total: measured,
            from: format!("the longest operation on it; {}", learned.from),
            ..learned
        },
        (Some(learned), _) => learned,
        (None, Some(measured)) => {
            LeadTold { total: measured, from: "the longest operation on it".into(), ..LeadTold::default() }
        }
        (None, None) => means(state, id).unwrap_or_else(|| LeadTold {
            total: state.tuning.lead,
            from: "assumed until five pods were seen to start".into(),
            ..LeadTold::default()
        }),
    }
}

/// From the means of phases that a recipe gives.
fn means(state: &State, id: &WorkloadId) -> Option<LeadTold> {
    let at = state.fleet.get(id)?.signals.signals.values().map(|s| s.at).max()?;
    let phases = state.resolver.parts().of(id, PartKind::Lifecycle, at, DAY);
    let span = |name: &str| {
        let seconds = phases.iter().find(|(n, _)| &**n == name).map(|(_, s)| *s)?;
        Duration::try_from_secs_f64(seconds).ok().filter(|d| *d <= PLAUSIBLE)
    };
    let named = [Part::Schedule, Part::Pull, Part::Start, Part::Ready];
    let parts: Vec<(Part, Duration)> = named.into_iter().filter_map(|p| Some((p, span(p.name())?))).collect();
    (!parts.is_empty()).then(|| LeadTold {
        total: parts.iter().map(|(_, d)| *d).sum(),
        unknown: named
            .into_iter()
            .chain([Part::Warm])
            .filter(|p| parts.iter().all(|(q, _)| q != p))
            .collect(),
        parts,
        from: "means over the pods that are there".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MADE: i64 = 1_700_000_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(MADE + seconds * 1000)
    }

    fn pod(name: &str, phase: PodPhase) -> PodState {
        PodState { name: name.into(), phase, created_ms: MADE, ..PodState::default() }
    }

    #[test]
    fn what_a_platform_tells_is_taken_at_its_word_once() {
        let mut starts = Starts::default();
        let pods: Vec<PodState> = (0..6)
            .map(|i| PodState {
                scheduled_ms: Some(MADE + 2_000),
                started_ms: Some(MADE + 20_000),
                ready_ms: Some(MADE + 50_000),
                ..pod(&format!("p-{i}"), PodPhase::Ready)
            })
            .collect();
        starts.note(&pods, at(3600));
        starts.note(&pods, at(3605));
        let told = starts.learned.told().unwrap();
        assert_eq!(told.total, Duration::from_secs(50));
        let spans: Vec<(Part, u64)> = told.parts.iter().map(|(p, d)| (*p, d.as_secs())).collect();
        assert_eq!(spans, [(Part::Schedule, 2), (Part::Start, 18), (Part::Ready, 30)]);
        assert_eq!(told.from, "6 pods seen to start");
    }

    #[test]
    fn what_it_does_not_tell_is_seen_between_two_listings() {
        let mut starts = Starts::default();
        let steps = [PodPhase::Pending, PodPhase::Pulling, PodPhase::Starting, PodPhase::Ready];
        for (i, phase) in steps.into_iter().enumerate() {
            let pods: Vec<PodState> = (0..5)
                .map(|n| PodState {
                    warm: (phase == PodPhase::Ready).then_some(false),
                    ..pod(&format!("p-{n}"), phase)
                })
                .collect();
            starts.note(&pods, at(5 + 10 * i as i64));
        }
        assert!(starts.learned.told().is_none(), "ready and still cold");
        let warm: Vec<PodState> = (0..5)
            .map(|n| PodState { warm: Some(true), ..pod(&format!("p-{n}"), PodPhase::Ready) })
            .collect();
        starts.note(&warm, at(75));
        let told = starts.learned.told().unwrap();
        let spans: Vec<(Part, u64)> = told.parts.iter().map(|(p, d)| (*p, d.as_secs())).collect();
        // Seen after 15, 25, 35 and 75 s.
        assert_eq!(spans, [(Part::Schedule, 15), (Part::Start, 10), (Part::Ready, 10), (Part::Warm, 40)]);
    }

    #[test]
    fn a_pod_that_became_ready_anew_says_nothing_of_its_start() {
        let mut starts = Starts::default();
        let pods: Vec<PodState> = (0..9)
            .map(|i| PodState { ready_ms: Some(MADE + 9_000_000), ..pod(&format!("p-{i}"), PodPhase::Ready) })
            .collect();
        starts.note(&pods, at(9_100));
        assert_eq!(starts.learned.told(), None);
    }
}
