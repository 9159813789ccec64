//! What an empty widget says: which metrics were looked for, and the line that would provide one.

use super::catalogue::Catalogue;
use super::recipe::Target;
use super::{PartKind, SignalKind};

/// How to provide a signal that no source has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The metric names that were looked for, preferred first, the first few of them.
    pub metrics: Vec<String>,
    /// The line that would provide it: a flag, a setting, or an exposition line.
    pub line: &'static str,
    /// Where that line goes.
    pub place: &'static str,
}

/// Metric names shown at most.
const SHOWN: usize = 4;

impl Catalogue {
    /// How `kind` could be provided.
    pub fn hint(&self, kind: SignalKind) -> Hint {
        let mut metrics: Vec<String> = Vec::new();
        for recipe in self.recipes() {
            for entry in &recipe.entries {
                let gives = match entry.target {
                    Target::Signal(k) => k == kind,
                    Target::Histogram => is_quantile(kind),
                    Target::Team | Target::Part(_) => false,
                };
                // The first name in the expression's own order is the one it is about.
                let new = entry.needs.iter().filter(|_| gives).find(|m| !metrics.contains(m));
                if let Some(metric) = new.filter(|_| metrics.len() < SHOWN) {
                    metrics.push(metric.clone());
                }
            }
        }
        let (line, place) = line(kind);
        Hint { metrics, line, place }
    }

    /// The metrics that breakdowns of `kind` are made from, the first few of them.
    pub fn part_metrics(&self, kind: PartKind) -> Vec<String> {
        let entries = self.recipes().iter().flat_map(|r| &r.entries);
        let needed = entries.filter(|e| e.target == Target::Part(kind)).flat_map(|e| &e.needs);
        let mut metrics: Vec<String> = Vec::new();
        for metric in needed {
            if metrics.len() < SHOWN && !metrics.contains(metric) {
                metrics.push(metric.clone());
            }
        }
        metrics
    }
}

fn is_quantile(kind: SignalKind) -> bool {
    matches!(kind, SignalKind::LatencyP50 | SignalKind::LatencyP95 | SignalKind::LatencyP99)
}

const APP: &str = "exposed by the service";
const SCRAPE: &str = "scrape_configs of Prometheus, or --scrape of weescale";

/// The line for each kind, and where it goes.
const fn line(kind: SignalKind) -> (&'static str, &'static str) {
    use SignalKind as K;
    const KSM: &str = "- {job_name: kube-state-metrics, static_configs: [{targets: [\"kube-state-metrics.kube-system:8080\"]}]}";
    const CADVISOR: &str = "- {job_name: cadvisor, scheme: https, metrics_path: /metrics/cadvisor, kubernetes_sd_configs: [{role: node}]}";
    match kind {
        K::Demand | K::Errors => {
            ("http_requests_total{namespace=\"shop\",service=\"checkout\",code=\"200\"} 1027", APP)
        }
        K::LatencyP50 | K::LatencyP95 | K::LatencyP99 => (
            "http_request_duration_seconds_bucket{namespace=\"shop\",service=\"checkout\",le=\"0.25\"} 980",
            APP,
        ),
        K::LatencyMean => {
            ("http_request_duration_seconds_sum{namespace=\"shop\",service=\"checkout\"} 74.2", APP)
        }
        K::InFlight => ("http_requests_in_flight{namespace=\"shop\",service=\"checkout\"} 12", APP),
        K::Retries => ("http_client_retries_total{namespace=\"shop\",service=\"checkout\"} 31", APP),
        K::CpuUsed | K::CpuBusiest | K::MemoryUsed | K::MemoryLargest | K::Throttle => (CADVISOR, SCRAPE),
        K::CpuRequested
        | K::CpuLimit
        | K::MemoryRequested
        | K::MemoryLimit
        | K::OomKills
        | K::Restarts
        | K::ReplicasDesired
        | K::ReplicasReady
        | K::AutoscalerMin
        | K::AutoscalerMax
        | K::AutoscalerDesired => (KSM, SCRAPE),
        K::QueueDepth => ("- {job_name: haproxy, static_configs: [{targets: [\"haproxy:8404\"]}]}", SCRAPE),
        K::CacheHitRatio | K::CacheEvictions | K::CacheExpirations | K::CacheUsed | K::CacheMax => {
            ("- {job_name: redis, static_configs: [{targets: [\"redis-exporter:9121\"]}]}", SCRAPE)
        }
        K::PoolWaiting => ("hikaricp_connections_pending{namespace=\"shop\",service=\"checkout\"} 0", APP),
        K::LocalCacheHitRatio => {
            ("cache_gets_total{namespace=\"shop\",service=\"checkout\",result=\"hit\"} 950", APP)
        }
        K::Partitions => {
            ("- {job_name: kafka, static_configs: [{targets: [\"kafka-exporter:9308\"]}]}", SCRAPE)
        }
        K::DiskFree | K::DiskSize => {
            ("- {job_name: kubelet, scheme: https, kubernetes_sd_configs: [{role: node}]}", SCRAPE)
        }
        K::ResponseSize => {
            ("http_server_response_body_size_bytes_sum{namespace=\"shop\",service=\"checkout\"} 8.1e7", APP)
        }
        K::PoolUsed | K::PoolMax | K::ReplicationLag | K::ReadShare => {
            ("- {job_name: postgresql, static_configs: [{targets: [\"postgres-exporter:9187\"]}]}", SCRAPE)
        }
        K::AffinityRatio => (
            "session_affinity_requests_total{namespace=\"shop\",service=\"checkout\",result=\"hit\"} 950",
            APP,
        ),
        K::LocaleRatio => {
            ("locale_requests_total{namespace=\"shop\",service=\"checkout\",result=\"native\"} 870", APP)
        }
        K::Cost => {
            ("- {job_name: opencost, static_configs: [{targets: [\"opencost.opencost:9003\"]}]}", SCRAPE)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_names_metrics_that_a_recipe_reads_and_a_line() {
        let catalogue = Catalogue::embedded().unwrap();
        let needed =
            |name: &str| catalogue.recipes().iter().flat_map(|r| &r.entries).any(|e| e.needs.contains(name));
        for kind in SignalKind::ALL {
            let hint = catalogue.hint(kind);
            assert!(!hint.metrics.is_empty() && hint.metrics.len() <= SHOWN, "{kind:?}");
            assert!(hint.metrics.iter().all(|m| needed(m)), "{kind:?}");
            if hint.place == APP {
                let name = hint.line.split('{').next().unwrap();
                assert!(needed(name), "{kind:?}: no recipe would read {name}");
            }
        }
        for kind in PartKind::ALL {
            assert!(!catalogue.part_metrics(kind).is_empty(), "{kind:?}");
        }
        assert_eq!(
            catalogue.hint(SignalKind::LocaleRatio).metrics,
            ["locale_requests_total", "app_requests_by_locale_total"]
        );
    }
}
