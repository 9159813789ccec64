//! The machines that pods run on.

use super::noise;
use super::workload::Running;

/// Cores and bytes that a machine can give.
pub const NODE: (f64, f64) = (16.0, 64.0 * 1_073_741_824.0);
/// Price of a core and of a GiB, $/h.
pub const CORE_PRICE: f64 = 0.031_6;
/// See [`CORE_PRICE`].
pub const GIB_PRICE: f64 = 0.004_2;

/// Machines of a region: enough for its busiest day.
pub fn count(region: &str) -> usize {
    match region {
        "eu-west" => 7,
        "us-east" => 5,
        _ => 2,
    }
}

/// As in the `node` label.
pub fn name(region: &str, index: usize) -> String {
    format!("node-{region}-{}", index + 1)
}

/// Puts pods that are due on a machine with room: spread out, as the scheduler's least-allocated score does, with the
/// unevenness of a fleet that has grown.
pub fn place(workloads: &mut [Running], now: i64) {
    let due = |w: &Running| w.pods.iter().any(|p| p.node.is_none() && p.scheduled <= now);
    if !workloads.iter().any(due) {
        return;
    }
    for region in super::catalog::REGIONS {
        let mut taken = vec![(0.0, 0.0); count(region)];
        for workload in workloads.iter().filter(|w| w.spec.region == region) {
            for node in workload.pods.iter().filter_map(|p| p.node) {
                if let Some((cores, bytes)) = taken.get_mut(node) {
                    *cores += workload.spec.cpu;
                    *bytes += workload.spec.memory;
                }
            }
        }
        for workload in workloads.iter_mut().filter(|w| w.spec.region == region) {
            let (cpu, memory) = (workload.spec.cpu, workload.spec.memory);
            for pod in workload.pods.iter_mut().filter(|p| p.node.is_none() && p.scheduled <= now) {
                let first = (noise::stream(&pod.name) % taken.len() as u64) as usize;
                let fits =
                    |n: &usize| taken.get(*n).is_some_and(|(c, b)| c + cpu <= NODE.0 && b + memory <= NODE.1);
                let all = taken.len();
                pod.node = (0..all).map(|step| (first + step) % all).find(fits);
                if let Some((cores, bytes)) = pod.node.and_then(|n| taken.get_mut(n)) {
                    *cores += cpu;
                    *bytes += memory;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::scenario::Scenario;
    use super::super::world::World;
    use super::*;

    #[test]
    fn every_pod_is_placed_and_no_machine_is_overfull() {
        let world = World::new(7, Scenario::named("morning-ramp").unwrap());
        for region in super::super::catalog::REGIONS {
            let mut taken = vec![0.0; count(region)];
            for workload in world.workloads.iter().filter(|w| w.spec.region == region) {
                for pod in workload.pods.iter().filter(|p| p.scheduled <= world.second()) {
                    taken[pod.node.expect("room for all")] += workload.spec.cpu;
                }
            }
            assert!(taken.iter().all(|c| *c <= NODE.0), "{region} {taken:?}");
            assert!(taken.iter().filter(|c| **c > 0.0).count() > 1, "spread out");
        }
    }
}
