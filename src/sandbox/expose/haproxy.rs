//! A load balancer in front of a service that has no metrics of its own, in `HAProxy`'s names.

use super::super::catalog::Dialect;
use super::super::counters::{Counters, Histogram};
use super::super::workload::Running;
use super::super::world::World;
use super::text::{Text, serving, workload_labels};

/// Backends of the whole fleet; `None` while the endpoint fails.
pub fn haproxy(world: &World) -> Option<String> {
    let now = world.second();
    let behind: Vec<(&Running, String)> = world
        .workloads
        .iter()
        .filter(|w| w.spec.dialect == Dialect::Haproxy)
        .map(|w| (w, format!("{},proxy=\"{}\"", workload_labels(w), w.spec.name)))
        .collect();
    if behind.iter().any(|(w, _)| w.effects.metrics_gone || w.effects.region_down) {
        return None;
    }
    let mut text = Text::new();
    let name = "haproxy_backend_http_requests_total";
    text.family(name, "counter", "Total number of HTTP requests.");
    for (workload, labels) in &behind {
        text.count(name, labels, workload.balance.good + workload.balance.failed);
    }
    let name = "haproxy_backend_http_responses_total";
    text.family(name, "counter", "Total number of HTTP responses by code class.");
    for (workload, labels) in &behind {
        let balance = &workload.balance;
        text.sample_with(name, labels, ("code", "2xx"), balance.good.floor());
        text.sample_with(name, labels, ("code", "5xx"), balance.failed.floor());
    }
    let mut gauge = |name: &str, help: &str, value: &dyn Fn(&Running) -> f64| {
        text.family(name, "gauge", help);
        for (workload, labels) in &behind {
            text.sample(name, labels, value(workload));
        }
    };
    gauge(
        "haproxy_backend_response_time_average_seconds",
        "Mean response time of the last requests.",
        &|w| w.balance.response_time,
    );
    gauge("haproxy_backend_current_sessions", "Requests in work or waiting.", &|w| {
        w.pods.iter().map(|p| p.active).sum::<f64>().round()
    });
    gauge("haproxy_backend_current_queue", "Requests waiting for a server.", &|w| {
        w.pods.iter().map(|p| p.queue).sum::<f64>().round()
    });
    gauge("haproxy_backend_active_servers", "Servers in use.", &|w| f64::from(w.ready(now)));
    let name = "haproxy_server_sessions_total";
    text.family(name, "counter", "Total number of sessions by server.");
    for (workload, labels) in &behind {
        for (pod, _) in serving(workload, now) {
            let labels = format!("{labels},server=\"{}\",pod=\"{}\"", pod.name, pod.name);
            text.count(name, &labels, answered(&pod.counters));
        }
    }
    Some(text.finish())
}

fn answered(counters: &Counters) -> f64 {
    counters.answers.iter().flatten().map(|h: &Histogram| h.count).sum()
}
