//! The canonical signals: one internal name, many sources.

use serde::{Deserialize, Serialize};

use crate::series::Unit;

/// One named quantity of one workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignalKind {
    /// Requests (or messages) a second that arrive.
    Demand,
    /// Failed requests a second.
    Errors,
    /// Median response time.
    LatencyP50,
    /// 95th percentile of response times.
    LatencyP95,
    /// 99th percentile of response times.
    LatencyP99,
    /// Mean response time.
    LatencyMean,
    /// Requests being worked on.
    InFlight,
    /// Retried requests a second, part of demand.
    Retries,
    /// CPU used, cores, all replicas.
    CpuUsed,
    /// CPU requested, cores, all replicas.
    CpuRequested,
    /// CPU limit, cores, all replicas.
    CpuLimit,
    /// Memory working set, bytes, all replicas.
    MemoryUsed,
    /// Memory requested, bytes, all replicas.
    MemoryRequested,
    /// Memory limit, bytes, all replicas.
    MemoryLimit,
    /// Share of CPU periods throttled.
    Throttle,
    /// Containers last ended by running out of memory.
    OomKills,
    /// Container restarts an hour.
    Restarts,
    /// Replicas asked for.
    ReplicasDesired,
    /// Replicas ready.
    ReplicasReady,
    /// The autoscaler's minimum.
    AutoscalerMin,
    /// The autoscaler's maximum.
    AutoscalerMax,
    /// What the autoscaler asks for now.
    AutoscalerDesired,
    /// Messages or requests waiting.
    QueueDepth,
    /// Share of cache look-ups that hit.
    CacheHitRatio,
    /// Entries evicted a second for lack of room.
    CacheEvictions,
    /// Requests waiting for a database connection.
    PoolWaiting,
    /// Database connections in use.
    PoolUsed,
    /// Database connections allowed.
    PoolMax,
    /// Share of session requests that reached the replica holding their session.
    AffinityRatio,
    /// Share of requests answered in the user's own language.
    LocaleRatio,
    /// Cost, $/h, all replicas.
    Cost,
    /// CPU used by the busiest replica, cores.
    CpuBusiest,
    /// Memory working set of the largest replica, bytes.
    MemoryLargest,
    /// Entries a second that a cache dropped because their time was over.
    CacheExpirations,
    /// Memory a cache holds entries in, bytes.
    CacheUsed,
    /// Memory a cache may hold entries in, bytes.
    CacheMax,
    /// Share of look-ups that hit in caches inside the replicas themselves, which start empty.
    LocalCacheHitRatio,
    /// Partitions that consumers share out among themselves: more consumers than these stand idle.
    Partitions,
    /// Age of what the slowest replica of a database knows, seconds.
    ReplicationLag,
    /// Share of rows touched in a database that are only read.
    ReadShare,
    /// Room left on the fullest volume, bytes.
    DiskFree,
    /// Size of that volume, bytes.
    DiskSize,
    /// Mean size of an answer, bytes.
    ResponseSize,
}

impl SignalKind {
    /// Every kind, in display order.
    pub const ALL: [Self; 43] = [
        Self::Demand,
        Self::Errors,
        Self::LatencyP50,
        Self::LatencyP95,
        Self::LatencyP99,
        Self::LatencyMean,
        Self::InFlight,
        Self::Retries,
        Self::CpuUsed,
        Self::CpuRequested,
        Self::CpuLimit,
        Self::MemoryUsed,
        Self::MemoryRequested,
        Self::MemoryLimit,
        Self::Throttle,
        Self::OomKills,
        Self::Restarts,
        Self::ReplicasDesired,
        Self::ReplicasReady,
        Self::AutoscalerMin,
        Self::AutoscalerMax,
        Self::AutoscalerDesired,
        Self::QueueDepth,
        Self::CacheHitRatio,
        Self::CacheEvictions,
        Self::PoolWaiting,
        Self::PoolUsed,
        Self::PoolMax,
        Self::AffinityRatio,
        Self::LocaleRatio,
        Self::Cost,
        Self::CpuBusiest,
        Self::MemoryLargest,
        Self::CacheExpirations,
        Self::CacheUsed,
        Self::CacheMax,
        Self::LocalCacheHitRatio,
        Self::Partitions,
        Self::ReplicationLag,
        Self::ReadShare,
        Self::DiskFree,
        Self::DiskSize,
        Self::ResponseSize,
    ];

    /// As in recipes, configuration and machine output: the serde name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Demand => "demand",
            Self::Errors => "errors",
            Self::LatencyP50 => "latency_p50",
            Self::LatencyP95 => "latency_p95",
            Self::LatencyP99 => "latency_p99",
            Self::LatencyMean => "latency_mean",
            Self::InFlight => "in_flight",
            Self::Retries => "retries",
            Self::CpuUsed => "cpu_used",
            Self::CpuRequested => "cpu_requested",
            Self::CpuLimit => "cpu_limit",
            Self::MemoryUsed => "memory_used",
            Self::MemoryRequested => "memory_requested",
            Self::MemoryLimit => "memory_limit",
            Self::Throttle => "throttle",
            Self::OomKills => "oom_kills",
            Self::Restarts => "restarts",
            Self::ReplicasDesired => "replicas_desired",
            Self::ReplicasReady => "replicas_ready",
            Self::AutoscalerMin => "autoscaler_min",
            Self::AutoscalerMax => "autoscaler_max",
            Self::AutoscalerDesired => "autoscaler_desired",
            Self::QueueDepth => "queue_depth",
            Self::CacheHitRatio => "cache_hit_ratio",
            Self::CacheEvictions => "cache_evictions",
            Self::PoolWaiting => "pool_waiting",
            Self::PoolUsed => "pool_used",
            Self::PoolMax => "pool_max",
            Self::AffinityRatio => "affinity_ratio",
            Self::LocaleRatio => "locale_ratio",
            Self::Cost => "cost",
            Self::CpuBusiest => "cpu_busiest",
            Self::MemoryLargest => "memory_largest",
            Self::CacheExpirations => "cache_expirations",
            Self::CacheUsed => "cache_used",
            Self::CacheMax => "cache_max",
            Self::LocalCacheHitRatio => "local_cache_hit_ratio",
            Self::Partitions => "partitions",
            Self::ReplicationLag => "replication_lag",
            Self::ReadShare => "read_share",
            Self::DiskFree => "disk_free",
            Self::DiskSize => "disk_size",
            Self::ResponseSize => "response_size",
        }
    }

    /// The unit every source is brought to.
    pub const fn unit(self) -> Unit {
        match self {
            Self::Demand | Self::Errors | Self::Retries => Unit::RequestsPerSecond,
            Self::LatencyP50
            | Self::LatencyP95
            | Self::LatencyP99
            | Self::LatencyMean
            | Self::ReplicationLag => Unit::Seconds,
            Self::CpuUsed | Self::CpuRequested | Self::CpuLimit | Self::CpuBusiest => Unit::Cores,
            Self::MemoryUsed
            | Self::MemoryRequested
            | Self::MemoryLimit
            | Self::MemoryLargest
            | Self::CacheUsed
            | Self::CacheMax
            | Self::DiskFree
            | Self::DiskSize
            | Self::ResponseSize => Unit::Bytes,
            Self::Throttle
            | Self::CacheHitRatio
            | Self::AffinityRatio
            | Self::LocaleRatio
            | Self::LocalCacheHitRatio
            | Self::ReadShare => Unit::Ratio,
            Self::CacheEvictions | Self::CacheExpirations => Unit::PerSecond,
            Self::Cost => Unit::DollarsPerHour,
            Self::InFlight
            | Self::OomKills
            | Self::Restarts
            | Self::ReplicasDesired
            | Self::ReplicasReady
            | Self::AutoscalerMin
            | Self::AutoscalerMax
            | Self::AutoscalerDesired
            | Self::QueueDepth
            | Self::PoolWaiting
            | Self::PoolUsed
            | Self::PoolMax
            | Self::Partitions => Unit::Count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_serde_names() {
        for kind in SignalKind::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{}\"", kind.name()));
        }
    }
}
