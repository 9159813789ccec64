//! Prices, in `OpenCost`'s names.

use super::super::catalog;
use super::super::world::World;
use super::text::{Text, pod_labels};

/// Cores of the one node type.
const NODE_CORES: f64 = 16.0;
/// Price of a core and of a GiB, $/h.
const CORE_PRICE: f64 = 0.031_6;
const GIB_PRICE: f64 = 0.004_2;

/// Node prices by region, and what is set aside for pods.
pub fn opencost(world: &World) -> String {
    let mut text = Text::new();
    let node =
        |region: &str| format!("node=\"node-{region}-0\",instance_type=\"std-16\",region=\"{region}\"");
    let families = [
        ("node_total_hourly_cost", NODE_CORES * (CORE_PRICE + 4.0 * GIB_PRICE)),
        ("node_cpu_hourly_cost", CORE_PRICE),
        ("node_ram_hourly_cost", GIB_PRICE),
    ];
    for (name, price) in families {
        text.family(name, "gauge", "Price per hour in dollars.");
        for region in catalog::REGIONS {
            text.sample(name, &node(region), price);
        }
    }
    let allocated = [
        ("container_cpu_allocation", "Cores set aside."),
        ("container_memory_allocation_bytes", "Bytes set aside."),
        ("pod_hourly_cost", "Price of the pod per hour in dollars."),
    ];
    for (position, (name, help)) in allocated.into_iter().enumerate() {
        text.family(name, "gauge", help);
        for workload in &world.workloads {
            for pod in workload.pods.iter().filter(|p| p.scheduled <= world.second()) {
                let labels = format!(
                    "{},node=\"node-{}-0\",container=\"{}\"",
                    pod_labels(workload, pod),
                    workload.spec.region,
                    workload.spec.name
                );
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
