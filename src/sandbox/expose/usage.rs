//! Use of CPU and memory by container, in cAdvisor's names.

use super::super::counters::Counters;
use super::super::pod::Pod;
use super::super::world::World;
use super::text::{Text, running};

/// Containers of the whole fleet.
pub fn cadvisor(world: &World) -> String {
    let mut text = Text::new();
    let now = world.second();
    let mut family = |name: &str, kind: &str, help: &str, value: &dyn Fn(&Pod) -> f64| {
        text.family(name, kind, help);
        for workload in &world.workloads {
            for (pod, labels) in running(workload, now) {
                let labels = format!("{labels},container=\"{}\"", workload.spec.name);
                text.sample(name, &labels, value(pod));
            }
        }
    };
    let counted = |of: fn(&Counters) -> f64| move |p: &Pod| of(&p.counters);
    family("container_cpu_usage_seconds_total", "counter", "CPU seconds used.", &counted(|c| c.cpu));
    family("container_cpu_cfs_periods_total", "counter", "Enforcement periods.", &counted(|c| c.periods));
    family(
        "container_cpu_cfs_throttled_periods_total",
        "counter",
        "Throttled periods.",
        &counted(|c| c.throttled.floor()),
    );
    family("container_memory_working_set_bytes", "gauge", "Current working set.", &|p| p.memory.round());
    text.finish()
}
