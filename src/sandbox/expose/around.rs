//! What stands around the services: a message queue, probes from other regions, the machines' network.

use std::f64::consts::TAU;

use super::super::catalog::{self, REGIONS};
use super::super::nodes;
use super::super::world::World;
use super::text::Text;

/// The consumer, and the partitions of its topic.
const CONSUMER: (&str, &str, u32) = ("notifications", "us-east", 4);
/// Seconds between two regions, in the order of [`REGIONS`].
const ROUND_TRIPS: [[f64; 3]; 3] = [[0.006, 0.078, 0.172], [0.079, 0.005, 0.224], [0.174, 0.225, 0.007]];
/// Segments a machine sends a second.
const SEGMENTS: f64 = 5_000.0;
/// Share of them that an ordinary network loses.
const LOST: f64 = 0.000_4;

/// The consumer group of the fleet, in the names of `kafka_exporter`.
pub fn kafka(world: &World) -> String {
    let mut text = Text::new();
    let (name, region, partitions) = CONSUMER;
    let consumer = world.workloads.iter().find(|w| w.spec.name == name && w.spec.region == region);
    let Some(workload) = consumer else { return text.finish() };
    let done = workload.balance.good + workload.balance.failed;
    let waiting: f64 = workload.pods.iter().map(|p| p.queue).sum();
    let mut family = |metric: &str, kind: &str, help: &str, value: f64| {
        text.family(metric, kind, help);
        for partition in 0..partitions {
            let labels = format!(
                "consumergroup=\"{name}\",topic=\"outbox\",partition=\"{partition}\",region=\"{region}\""
            );
            text.sample(metric, &labels, (value / f64::from(partitions)).floor());
        }
    };
    family("kafka_consumergroup_lag", "gauge", "Lag of the group at topic and partition.", waiting);
    family(
        "kafka_consumergroup_current_offset",
        "gauge",
        "Offset of the group at topic and partition.",
        done,
    );
    text.finish()
}

/// Probes of every service from every region, in the names of `blackbox_exporter`.
pub fn probes(world: &World) -> String {
    let mut text = Text::new();
    let place = |region: &str| REGIONS.iter().position(|r| *r == region);
    let name = "probe_duration_seconds";
    text.family(name, "gauge", "How long the probe took to complete.");
    for workload in world.workloads.iter().filter(|w| !w.effects.region_down) {
        for from in REGIONS {
            let pair = place(from).zip(place(workload.spec.region));
            let trip = pair.and_then(|(a, b)| ROUND_TRIPS.get(a)?.get(b).copied());
            let Some(trip) = trip else { continue };
            let spec = &workload.spec;
            // Slowly up and down by some per cent, as routes are.
            let sway = 1.0 + 0.04 * (world.second() as f64 / 900.0 * TAU).sin();
            let labels = format!(
                "namespace=\"{}\",deployment=\"{}\",region=\"{}\",from_region=\"{from}\"",
                spec.namespace, spec.name, spec.region
            );
            text.sample(name, &labels, trip * sway);
        }
    }
    text.finish()
}

/// The machines' network, in the names of `node_exporter`.
pub fn machines(world: &World) -> String {
    let mut text = Text::new();
    let seconds = (world.second() - world.began()) as f64;
    for (name, again) in [("node_netstat_Tcp_OutSegs", false), ("node_netstat_Tcp_RetransSegs", true)] {
        text.family(name, "untyped", "Statistic of the machine's network.");
        for region in catalog::REGIONS {
            for index in 0..nodes::count(region) {
                let lossy = if index == 2 { world.retransmitted(region) } else { 0.0 };
                let sent = SEGMENTS * seconds;
                let value = if again { sent * LOST + SEGMENTS * lossy } else { sent };
                let node = nodes::name(region, index);
                text.count(name, &format!("instance=\"{node}\",region=\"{region}\""), value);
            }
        }
    }
    text.finish()
}
