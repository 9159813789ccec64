//! Which servers a write takes away, and whether those drained have gone. Pure.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use crate::execution::providers::contract::{PodPhase, PodState, WorkloadState};
use crate::fleet::Field;

use super::types::{Matching, Server};

/// Pods that a write of `set` over `at` surely takes away. A lower minimum takes none: its owner decides which and when.
pub(super) fn count(field: Field, at: u32, set: u32, live: Option<&WorkloadState>) -> usize {
    let gone = match field {
        Field::Replicas => at.saturating_sub(set),
        Field::MaxReplicas => live.and_then(|l| l.fields.replicas).map_or(0, |n| n.saturating_sub(set)),
        _ => 0,
    };
    gone as usize
}

/// Names of the servers that are to be drained before `gone` pods are taken away, besides those `drained` already. A pod
/// may have several: one for each port, or on each of several load balancers. Servers that only stand in are nobody's.
pub(super) fn servers(
    servers: &[Server],
    pods: &[PodState],
    (gone, drained): (usize, &BTreeSet<String>),
    matching: Matching,
) -> BTreeSet<String> {
    let may_go = |s: &&Server| s.up && !s.draining && !s.backup;
    match matching {
        Matching::Order => {
            let serving = servers.iter().rev().filter(may_go);
            serving.take(gone.saturating_sub(drained.len())).map(|s| s.name.clone()).collect()
        }
        Matching::Address => {
            let mut staying: Vec<&PodState> =
                pods.iter().filter(|p| p.phase != PodPhase::Terminating).collect();
            // As the platform says; else what is not ready first, then the newest.
            let newest = |p: &PodState| (p.phase == PodPhase::Ready, std::cmp::Reverse(p.created_ms));
            staying.sort_by_key(|p| (p.leaves.is_none(), p.leaves, newest(p)));
            let ours = || servers.iter().filter(|s| drained.contains(&s.name));
            let (begun, rest): (Vec<_>, Vec<_>) =
                staying.into_iter().partition(|pod| ours().any(|s| is_of(s, pod)));
            // Drained, and of no pod that is told: each address is one of those that go.
            let others: BTreeSet<&str> = ours()
                .filter(|s| !begun.iter().any(|pod| is_of(s, pod)))
                .map(|s| s.address.as_str())
                .collect();
            let left = gone.saturating_sub(begun.len().saturating_add(others.len()));
            let going = begun.into_iter().take(gone).chain(rest.into_iter().take(left));
            going
                .flat_map(|pod| servers.iter().filter(move |s| !s.backup && is_of(s, pod)))
                .filter(may_go)
                .map(|s| s.name.clone())
                .collect()
        }
    }
}

/// Whether `server` is `pod`, by address; a pod's address without a port matches any.
pub(super) fn is_of(server: &Server, pod: &PodState) -> bool {
    let Some(address) = &pod.address else { return false };
    let Ok(listed) = server.address.parse::<SocketAddr>() else { return false };
    match (address.parse::<SocketAddr>(), address.parse::<IpAddr>()) {
        (Ok(whole), _) => whole == listed,
        (_, Ok(ip)) => ip == listed.ip(),
        _ => false,
    }
}

/// What has become of the pod behind a drained server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It stays: another one was taken away.
    Stays,
    /// It is gone or going.
    Gone,
    /// The platform cannot tell.
    Unknown,
}

/// The fate of the pod behind `server`, once a write that takes pods away was sent.
pub(super) fn fate(server: &Server, live: Option<&WorkloadState>, matching: Matching, field: Field) -> Fate {
    let Some(live) = live.filter(|_| matching == Matching::Address) else { return Fate::Unknown };
    let Some(pod) = live.pods.iter().find(|p| is_of(server, p)) else {
        let told = live.pods.iter().any(|p| p.address.is_some());
        return if told { Fate::Gone } else { Fate::Unknown };
    };
    if pod.phase == PodPhase::Terminating {
        return Fate::Gone;
    }
    let staying = live.pods.iter().filter(|p| p.phase != PodPhase::Terminating).count();
    let asked = if field == Field::MaxReplicas { live.fields.max_replicas } else { live.fields.replicas };
    // Until the platform has done what it was asked for, this one may still be next.
    if asked.is_some_and(|n| staying <= n as usize) { Fate::Stays } else { Fate::Unknown }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execution::providers::contract::Fields;

    fn server(name: &str, address: &str) -> Server {
        Server { name: name.into(), address: address.into(), up: true, weight: 100, ..Server::default() }
    }

    fn pod(address: &str, created_ms: i64, phase: PodPhase) -> PodState {
        PodState {
            name: address.into(),
            address: Some(address.into()),
            created_ms,
            phase,
            ..PodState::default()
        }
    }

    fn names(found: &BTreeSet<String>) -> Vec<&str> {
        found.iter().map(String::as_str).collect()
    }

    #[test]
    fn the_newest_pods_go_first_and_those_that_are_not_ready_before_them() {
        let listed = [server("a", "10.0.0.1:80"), server("b", "10.0.0.2:80"), server("c", "[::1]:80")];
        let pods = [
            pod("10.0.0.1", 3, PodPhase::Ready),
            pod("10.0.0.2:80", 2, PodPhase::Ready),
            pod("::1", 1, PodPhase::Starting),
        ];
        let none = BTreeSet::new();
        let mut told = pods.clone();
        (0..).zip(told.iter_mut().rev()).for_each(|(n, pod)| pod.leaves = Some(2 - n));
        assert_eq!(
            names(&servers(&listed, &told, (1, &none), Matching::Address)),
            ["a"],
            "as its platform says"
        );
        let go = |n| servers(&listed, &pods, (n, &none), Matching::Address);
        assert_eq!(names(&go(1)), ["c"]);
        assert_eq!(names(&go(2)), ["a", "c"]);
        let last = servers(&listed, &[], (2, &none), Matching::Order);
        assert_eq!(names(&last), ["b", "c"]);
        assert!(servers(&listed, &[], (2, &none), Matching::Address).is_empty(), "no address is no guess");
        let sorry = Server { backup: true, ..server("sorry", "10.0.0.1:80") };
        let with_backup = [sorry.clone(), listed[0].clone(), listed[1].clone(), sorry];
        assert_eq!(
            names(&servers(&with_backup, &[], (1, &none), Matching::Order)),
            ["b"],
            "a backup is not drained"
        );
        assert_eq!(names(&servers(&with_backup, &pods, (2, &none), Matching::Address)), ["a"]);
        let on_two =
            [server("a@1", "10.0.0.1:80"), server("b@1", "10.0.0.2:80"), server("a@2", "10.0.0.1:80")];
        assert_eq!(
            names(&servers(&on_two, &pods, (2, &none), Matching::Address)),
            ["a@1", "a@2"],
            "on each of both"
        );
        let other_port = [pod("10.0.0.1:81", 1, PodPhase::Ready)];
        assert!(servers(&listed, &other_port, (1, &none), Matching::Address).is_empty());
    }

    #[test]
    fn a_pod_with_several_servers_is_one_that_goes() {
        let all = |name: &str, at: &str| {
            [80, 81].map(|port| server(&format!("{name}{port}"), &format!("{at}:{port}")))
        };
        let listed = [all("a", "10.0.0.1"), all("b", "10.0.0.2"), all("c", "10.0.0.3")].concat();
        let pods = [1, 2, 3].map(|i| pod(&format!("10.0.0.{i}"), i, PodPhase::Ready));
        let go = |gone, drained: &[&str]| {
            let drained = drained.iter().map(|n| (*n).to_owned()).collect();
            servers(&listed, &pods, (gone, &drained), Matching::Address)
        };
        assert_eq!(names(&go(2, &[])), ["b80", "b81", "c80", "c81"], "all of both pods");
        assert_eq!(names(&go(2, &["c80", "c81"])), ["b80", "b81", "c80", "c81"], "one pod more, not none");
        assert_eq!(names(&go(1, &["b80"])), ["b80", "b81"], "what is begun is what goes");
        assert!(servers(&listed, &pods[..2], (1, &["c80".to_owned()].into()), Matching::Address).is_empty());
    }

    #[test]
    fn only_what_is_surely_taken_away_counts() {
        let live = WorkloadState {
            fields: Fields { replicas: Some(9), max_replicas: Some(12), ..Fields::default() },
            ..WorkloadState::default()
        };
        assert_eq!(count(Field::Replicas, 9, 6, Some(&live)), 3);
        assert_eq!(count(Field::Replicas, 6, 9, Some(&live)), 0);
        assert_eq!(count(Field::MinReplicas, 9, 6, Some(&live)), 0);
        assert_eq!(count(Field::MaxReplicas, 12, 10, Some(&live)), 0);
        assert_eq!(count(Field::MaxReplicas, 12, 7, Some(&live)), 2);
        assert_eq!(count(Field::MaxReplicas, 12, 7, None), 0);
    }

    #[test]
    fn a_drained_server_stays_goes_or_is_not_known() {
        let a = server("a", "10.0.0.1:80");
        let live = |pods: Vec<PodState>, replicas| WorkloadState {
            fields: Fields { replicas: Some(replicas), ..Fields::default() },
            pods,
            ..WorkloadState::default()
        };
        let of = |state: &WorkloadState| fate(&a, Some(state), Matching::Address, Field::Replicas);
        let (one, two) = (pod("10.0.0.1", 1, PodPhase::Ready), pod("10.0.0.2", 2, PodPhase::Ready));
        assert_eq!(of(&live(vec![one.clone()], 1)), Fate::Stays);
        assert_eq!(of(&live(vec![two.clone()], 1)), Fate::Gone);
        assert_eq!(of(&live(vec![one.clone(), two.clone()], 1)), Fate::Unknown, "it may still be next");
        let going = PodState { phase: PodPhase::Terminating, ..one };
        assert_eq!(of(&live(vec![going, two.clone()], 1)), Fate::Gone);
        let nameless = PodState { address: None, ..two };
        assert_eq!(of(&live(vec![nameless], 1)), Fate::Unknown);
        assert_eq!(fate(&a, None, Matching::Address, Field::Replicas), Fate::Unknown);
    }
}
