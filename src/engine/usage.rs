//! What replicas use, ask for and how many there are, by the word of their platform, where no source measures it; how many
//! are ready by its word wherever it is known.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::execution::providers::contract::{PodPhase, PodState, WorkloadState};
use crate::fleet::WorkloadId;
use crate::scrape::SourceId;
use crate::series::{Finite, Timestamp};
use crate::signals::{Freshness, Provenance, Signal, SignalKind, SignalSet};

use super::State;
use super::state::PlatformFacts;

/// What a platform may fill in, and how it is read of one replica.
type Reading = fn(&PodState) -> Option<f64>;
const KINDS: [(SignalKind, Reading); 2] =
    [(SignalKind::CpuUsed, |p| p.cpu_used), (SignalKind::MemoryUsed, |p| p.memory_used)];

/// What a platform states of a workload itself.
type Statement = fn(&WorkloadState) -> Option<f64>;
const STATED: [(SignalKind, Statement); 6] = [
    (SignalKind::CpuRequested, |w| Some(w.cpu_cores? * placed(w)?)),
    (SignalKind::MemoryRequested, |w| Some(w.memory_bytes? * placed(w)?)),
    (SignalKind::ReplicasReady, |w| Some(f64::from(w.ready))),
    (SignalKind::ReplicasDesired, |w| w.fields.replicas.map(f64::from)),
    (SignalKind::AutoscalerMin, |w| w.fields.min_replicas.map(f64::from)),
    (SignalKind::AutoscalerMax, |w| w.fields.max_replicas.map(f64::from)),
];

/// Replicas that hold what they ask for. `None` on a platform that lists no replicas.
fn placed(workload: &WorkloadState) -> Option<f64> {
    let placed = workload.pods.iter().filter(|p| p.phase != PodPhase::Terminating);
    (!workload.pods.is_empty()).then(|| placed.count() as f64)
}

/// Fills in what is missing. A workload of which no source speaks gets a set of its own.
pub fn fill(state: &State, sets: &mut Vec<SignalSet>, now: Timestamp) {
    let told: BTreeMap<WorkloadId, usize> =
        sets.iter().enumerate().map(|(i, set)| (set.workload.clone(), i)).collect();
    for (id, facts) in &state.fleet {
        let Some(platform) = &facts.platform else { continue };
        if now.since(platform.seen) > state.tuning.platforms * 2 {
            continue;
        }
        let found: Vec<Signal> = measured(platform).chain(stated(platform)).collect();
        if found.is_empty() {
            continue;
        }
        match told.get(id).and_then(|i| sets.get_mut(*i)) {
            Some(set) => {
                // Everything else goes by the platform's count of replicas: what is remembered of it must not be another.
                let wins = |s: &Signal| {
                    s.kind == SignalKind::ReplicasReady || set.freshness(s.kind) == Freshness::Missing
                };
                let new: Vec<Signal> = found.into_iter().filter(wins).collect();
                set.signals.extend(new.into_iter().map(|s| (s.kind, s)));
            }
            None => sets.push(SignalSet {
                workload: id.clone(),
                team: Arc::clone(&facts.workload.team),
                signals: found.into_iter().map(|s| (s.kind, s)).collect(),
                latency: None,
            }),
        }
    }
}

/// Sums over all ready replicas; one of them that is not measured makes the sum unknown.
fn measured(platform: &PlatformFacts) -> impl Iterator<Item = Signal> + '_ {
    let ready = || platform.state.pods.iter().filter(|p| p.phase == PodPhase::Ready);
    KINDS.into_iter().filter_map(move |(kind, read)| {
        ready().next()?;
        let sum = ready().map(read).sum::<Option<f64>>()?;
        signal(platform, kind, sum, "metrics.k8s.io", "GET /apis/metrics.k8s.io/v1beta1/pods")
    })
}

fn stated(platform: &PlatformFacts) -> impl Iterator<Item = Signal> + '_ {
    STATED.into_iter().filter_map(|(kind, read)| {
        signal(
            platform,
            kind,
            read(&platform.state)?,
            "platform",
            &format!("{} of the object itself", kind.name()),
        )
    })
}

fn signal(
    platform: &PlatformFacts,
    kind: SignalKind,
    value: f64,
    recipe: &str,
    expr: &str,
) -> Option<Signal> {
    Some(Signal {
        kind,
        value: Some(Finite::new(value)?),
        at: platform.seen,
        freshness: Freshness::Fresh,
        least: None,
        note: String::new(),
        provenance: Some(Provenance {
            source: SourceId::new(&platform.target.provider),
            recipe: recipe.into(),
            expr: expr.into(),
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execution::providers::contract::WorkloadState;
    use crate::proposal::Target;

    const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

    fn platform(used: &[Option<f64>]) -> PlatformFacts {
        let pod = |cpu: &Option<f64>| PodState {
            phase: PodPhase::Ready,
            cpu_used: *cpu,
            memory_used: Some(1e6),
            ..PodState::default()
        };
        PlatformFacts {
            target: Target { provider: "kube".into(), uid: "u".into() },
            state: WorkloadState { pods: used.iter().map(pod).collect(), ..WorkloadState::default() },
            seen: NOW,
        }
    }

    fn value(found: impl Iterator<Item = Signal>, kind: SignalKind) -> Option<f64> {
        found.into_iter().find(|s| s.kind == kind).and_then(|s| s.value).map(Finite::get)
    }

    #[test]
    fn ready_replicas_are_summed_and_a_gap_is_not_zero() {
        let cpu = value(measured(&platform(&[Some(0.2), Some(0.3)])), SignalKind::CpuUsed).unwrap();
        assert!((cpu - 0.5).abs() < 1e-9);
        let gap = platform(&[Some(0.2), None]);
        assert_eq!(measured(&gap).map(|s| s.kind).collect::<Vec<_>>(), [SignalKind::MemoryUsed]);
        assert_eq!(measured(&platform(&[])).count(), 0);
    }

    #[test]
    fn the_platform_counts_replicas_whatever_a_source_counts() {
        let id = WorkloadId::new("shop", "checkout", "");
        let mut state = crate::engine::tests::state(vec![]);
        let listed = WorkloadState { ready: 3, ..crate::engine::tests::listed("u-1", "checkout") };
        crate::engine::fleet::list(&mut state, "p", vec![listed], NOW);
        crate::engine::fleet::merge(&mut state, vec![crate::engine::tests::told(&id, 900.0)], NOW);
        let mut sets = vec![crate::engine::tests::told(&id, 900.0)];
        let demand = sets[0].signals[&SignalKind::Demand].clone();
        let one = Signal { kind: SignalKind::ReplicasReady, value: Finite::new(1.0), ..demand };
        sets[0].signals.insert(SignalKind::ReplicasReady, one);
        fill(&state, &mut sets, NOW);
        assert_eq!(sets[0].latest(SignalKind::ReplicasReady), Some(3.0));
        assert_eq!(sets[0].latest(SignalKind::Demand), Some(900.0), "what is measured stays so");
    }

    #[test]
    fn requests_are_of_the_replicas_that_are_there() {
        let mut known = platform(&[Some(0.2), Some(0.3), None]);
        known.state.cpu_cores = Some(0.5);
        known.state.ready = 3;
        known.state.fields.min_replicas = Some(2);
        known.state.pods.last_mut().unwrap().phase = PodPhase::Terminating;
        assert_eq!(value(stated(&known), SignalKind::CpuRequested), Some(1.0));
        assert_eq!(value(stated(&known), SignalKind::ReplicasReady), Some(3.0));
        assert_eq!(value(stated(&known), SignalKind::AutoscalerMin), Some(2.0));
        assert_eq!(
            value(stated(&known), SignalKind::AutoscalerMax),
            None,
            "no autoscaler is not a maximum of zero"
        );
        known.state.pods.clear();
        assert_eq!(value(stated(&known), SignalKind::CpuRequested), None);
    }
}
