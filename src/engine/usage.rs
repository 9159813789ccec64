//! What replicas use, by the word of their platform, where no source measures it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::execution::providers::contract::{PodPhase, PodState};
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

/// Fills in what is missing. A workload of which no source speaks gets a set of its own.
pub fn fill(state: &State, sets: &mut Vec<SignalSet>, now: Timestamp) {
    let told: BTreeMap<WorkloadId, usize> =
        sets.iter().enumerate().map(|(i, set)| (set.workload.clone(), i)).collect();
    for (id, facts) in &state.fleet {
        let Some(platform) = &facts.platform else { continue };
        let found = measured(platform, state.tuning.platforms * 2, now);
        if found.is_empty() {
            continue;
        }
        match told.get(id).and_then(|i| sets.get_mut(*i)) {
            Some(set) => {
                let missing = |s: &Signal| set.freshness(s.kind) == Freshness::Missing;
                let new: Vec<Signal> = found.into_iter().filter(missing).collect();
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
fn measured(platform: &PlatformFacts, limit: std::time::Duration, now: Timestamp) -> Vec<Signal> {
    if now.since(platform.seen) > limit {
        return Vec::new();
    }
    let ready: Vec<&PodState> = platform.state.pods.iter().filter(|p| p.phase == PodPhase::Ready).collect();
    if ready.is_empty() {
        return Vec::new();
    }
    let signal = |(kind, read): (SignalKind, Reading)| {
        let sum: f64 = ready.iter().map(|p| read(p)).sum::<Option<f64>>()?;
        Some(Signal {
            kind,
            value: Some(Finite::new(sum)?),
            at: platform.seen,
            freshness: Freshness::Fresh,
            note: String::new(),
            provenance: Some(Provenance {
                source: SourceId::new(&platform.target.provider),
                recipe: "metrics.k8s.io".into(),
                expr: "GET /apis/metrics.k8s.io/v1beta1/pods".into(),
            }),
        })
    };
    KINDS.into_iter().filter_map(signal).collect()
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

    #[test]
    fn ready_replicas_are_summed_and_a_gap_is_not_zero() {
        let limit = std::time::Duration::from_secs(60);
        let all = measured(&platform(&[Some(0.2), Some(0.3)]), limit, NOW);
        let cpu = all.iter().find(|s| s.kind == SignalKind::CpuUsed).and_then(|s| s.value).unwrap();
        assert!((cpu.get() - 0.5).abs() < 1e-9);
        let gap = measured(&platform(&[Some(0.2), None]), limit, NOW);
        assert_eq!(gap.iter().map(|s| s.kind).collect::<Vec<_>>(), [SignalKind::MemoryUsed]);
        assert!(measured(&platform(&[]), limit, NOW).is_empty());
        assert!(measured(&platform(&[Some(0.2)]), limit, NOW + limit * 2).is_empty(), "old is not now");
    }
}
