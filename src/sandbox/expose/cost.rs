//! Prices, in `OpenCost`'s names.

use super::super::catalog;
use super::super::nodes::{self, CORE_PRICE, GIB_PRICE, NODE};
use super::super::world::World;
use super::text::{Text, placed_labels};

/// Price of what leaves a region, $/GiB.
const EGRESS: f64 = 0.02;

/// Node prices by region, and what is set aside for pods.
pub fn opencost(world: &World) -> String {
    let mut text = Text::new();
    let families = [
        ("node_total_hourly_cost", NODE.0 * CORE_PRICE + NODE.1 / 1_073_741_824.0 * GIB_PRICE),
        ("node_cpu_hourly_cost", CORE_PRICE),
        ("node_ram_hourly_cost", GIB_PRICE),
    ];
    for (name, price) in families {
        text.family(name, "gauge", "Price per hour in dollars.");
        for region in catalog::REGIONS {
            for index in 0..nodes::count(region) {
                let node = nodes::name(region, index);
                let labels = format!("node=\"{node}\",instance_type=\"std-16\",region=\"{region}\"");
                text.sample(name, &labels, price);
            }
        }
    }
    text.family("kubecost_network_region_egress_cost", "gauge", "Price per GiB that leaves a region.");
    for region in catalog::REGIONS {
        text.sample("kubecost_network_region_egress_cost", &format!("region=\"{region}\""), EGRESS);
    }
    let allocated = [
        ("container_cpu_allocation", "Cores set aside."),
        ("container_memory_allocation_bytes", "Bytes set aside."),
        ("pod_hourly_cost", "Price of the pod per hour in dollars."),
    ];
    for (position, (name, help)) in allocated.into_iter().enumerate() {
        text.family(name, "gauge", help);
        for workload in &world.workloads {
            for pod in workload.pods.iter().filter(|p| p.node.is_some()) {
                let labels = format!("{},container=\"{}\"", placed_labels(workload, pod), workload.spec.name);
                let value = match position {
                    0 => workload.spec.cpu,
                    1 => workload.spec.memory,
                    _ => workload.spec.price,
                };
                text.sample(name, &labels, value);
            }
        }
    }
    text.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_costs_about_its_cores_and_memory() {
        for spec in catalog::workloads() {
            let parts = spec.cpu * CORE_PRICE + spec.memory / 1_073_741_824.0 * GIB_PRICE;
            assert!((0.8..2.8).contains(&(spec.price / parts)), "{} {parts}", spec.uid());
        }
    }
}
