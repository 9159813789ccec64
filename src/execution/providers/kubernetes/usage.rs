//! What pods use, as `metrics.k8s.io` has it: polled, as there is no watch of it.

use serde::Deserialize;

use crate::execution::providers::contract::PodState;

use super::cache::{Cache, Key};
use super::object::{Amounts, Meta, or_default};

/// What one pod used in the last seconds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PodMetrics {
    pub(super) metadata: Meta,
    #[serde(deserialize_with = "or_default")]
    containers: Vec<Used>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Used {
    usage: Amounts,
}

impl PodMetrics {
    /// Cores and bytes of all containers; `None` where one of them is not measured.
    fn sum(&self, of: impl Fn(&Amounts) -> Option<f64>) -> Option<f64> {
        if self.containers.is_empty() {
            return None;
        }
        self.containers.iter().map(|c| of(&c.usage)).sum()
    }
}

/// Puts into `pods` what they use, where that is known.
pub(super) fn fill(pods: &mut [PodState], cache: &Cache, namespace: &str) {
    for pod in pods {
        let key: Key = (namespace.to_owned(), pod.name.clone());
        let Some(metrics) = cache.metrics.get(&key) else { continue };
        pod.cpu_used = metrics.sum(|a| a.cpu.map(|q| q.0));
        pod.memory_used = metrics.sum(|a| a.memory.map(|q| q.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn containers_are_summed_and_one_that_is_not_measured_is_not_zero() {
        let metrics = |containers: serde_json::Value| -> PodMetrics {
            serde_json::from_value(json!({ "metadata": { "name": "p" }, "containers": containers })).unwrap()
        };
        let both = metrics(
            json!([{ "usage": { "cpu": "150000000n", "memory": "1Ki" } }, { "usage": { "cpu": "50m" } }]),
        );
        assert!(both.sum(|a| a.cpu.map(|q| q.0)).is_some_and(|c| (c - 0.2).abs() < 1e-9));
        assert_eq!(both.sum(|a| a.memory.map(|q| q.0)), None, "one of two has no memory");
        assert_eq!(metrics(json!(null)).sum(|a| a.cpu.map(|q| q.0)), None);
    }
}
