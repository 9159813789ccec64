//! Writes the Prometheus text format.

use std::fmt::Write as _;

use super::super::nodes;
use super::super::pod::Pod;
use super::super::workload::Running;

/// The content type of the text format.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A text under construction.
#[derive(Debug, Default)]
pub struct Text(String);

impl Text {
    /// An empty text.
    pub fn new() -> Self {
        Self(String::with_capacity(256 * 1024))
    }

    /// Starts a metric family.
    pub fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// One sample; `labels` is a rendered label list without braces.
    pub fn sample(&mut self, name: &str, labels: &str, value: f64) {
        let _ = writeln!(self.0, "{name}{{{labels}}} {value}");
    }

    /// One sample with a further label.
    pub fn sample_with(&mut self, name: &str, labels: &str, further: (&str, &str), value: f64) {
        let (label, text) = further;
        let _ = writeln!(self.0, "{name}{{{labels},{label}=\"{text}\"}} {value}");
    }

    /// A counter that counts whole things.
    pub fn count(&mut self, name: &str, labels: &str, value: f64) {
        self.sample(name, labels, value.floor());
    }

    /// The finished text.
    pub fn finish(self) -> String {
        self.0
    }
}

/// The labels every series of a workload carries.
pub fn workload_labels(workload: &Running) -> String {
    let spec = &workload.spec;
    format!(
        "namespace=\"{}\",deployment=\"{}\",region=\"{}\",team=\"{}\"",
        spec.namespace, spec.name, spec.region, spec.namespace
    )
}

/// The labels every series of a pod carries.
pub fn pod_labels(workload: &Running, pod: &Pod) -> String {
    format!("{},pod=\"{}\"", workload_labels(workload), pod.name)
}

/// The same with the machine it is on, once it is placed.
pub fn placed_labels(workload: &Running, pod: &Pod) -> String {
    let labels = pod_labels(workload, pod);
    match pod.node {
        Some(node) => format!("{labels},node=\"{}\"", nodes::name(workload.spec.region, node)),
        None => labels,
    }
}

/// Pods of `workload` that run a container at `now`, with their labels.
pub fn running(workload: &Running, now: i64) -> impl Iterator<Item = (&Pod, String)> {
    workload.pods.iter().filter(move |p| p.started <= now).map(move |p| (p, pod_labels(workload, p)))
}

/// Pods of `workload` that are or were ready at `now`, with their labels.
pub fn serving(workload: &Running, now: i64) -> impl Iterator<Item = (&Pod, String)> {
    running(workload, now).filter(move |(p, _)| p.ready <= now)
}
