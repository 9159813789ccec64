//! Every bound on what comes from outside, in one place, on by default.

use std::time::Duration;

/// Bounds of one source. The name of the field is the name shown when the bound is hit.
///
/// Defaults: `VictoriaMetrics`' scrape limits (16 MiB, names 256 B, values 4 KiB) with 64 labels and 64 KiB of
/// response headers; Prometheus' timeout and clock tolerance (10 s, 10 min) and 11 000 points a range query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a body as sent.
    pub body_bytes: u64,
    /// Bytes of a body after decompression.
    pub decoded_bytes: u64,
    /// Samples of one exposition, or series of one answer.
    pub samples: usize,
    /// Points of one answer of a PromQL server.
    pub points: usize,
    /// Labels of one series, the metric name not counted.
    pub labels: usize,
    /// Bytes of a metric or label name.
    pub name_bytes: usize,
    /// Bytes of a label value.
    pub value_bytes: usize,
    /// Bytes of one exposition line.
    pub line_bytes: usize,
    /// Bytes of all response headers together.
    pub header_bytes: usize,
    /// Response headers.
    pub headers: usize,
    /// Metric families of which type, help and unit are remembered.
    pub metadata: usize,
    /// Time for one request, machine time.
    pub timeout: Duration,
    /// Redirects followed, same origin only.
    pub redirects: usize,
    /// How far ahead of the scrape a sample's own timestamp may lie.
    pub ahead: Duration,
    /// The longest `Retry-After` that is honoured.
    pub retry_after: Duration,
    /// PromQL requests in flight at once.
    pub concurrency: usize,
    /// PromQL queries asked in one request.
    pub grouped_queries: usize,
    /// Bytes of the expression of one such request.
    pub grouped_bytes: usize,
    /// Requests a second to one PromQL server, of the clock's time; ten seconds' worth may be spent at once.
    pub requests_per_s: u64,
    /// Points a second from one PromQL server, likewise.
    pub points_per_s: u64,
    /// Bytes a second from one PromQL server, likewise.
    pub bytes_per_s: u64,
    /// Points per series of one backfill request.
    pub backfill_points: u32,
    /// Backfill requests that may wait.
    pub backfill_queue: usize,
    /// Metric names taken from a server's list.
    pub names: usize,
    /// Warnings of a server that are kept.
    pub warnings: usize,
    /// How long a delivery waits for a busy engine before it is dropped, machine time.
    pub delivery_wait: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 16 << 20,
            decoded_bytes: 64 << 20,
            samples: 200_000,
            points: 2_000_000,
            labels: 64,
            name_bytes: 256,
            value_bytes: 4096,
            line_bytes: 128 << 10,
            header_bytes: 64 << 10,
            headers: 256,
            metadata: 20_000,
            timeout: Duration::from_secs(10),
            redirects: 5,
            ahead: Duration::from_secs(600),
            retry_after: Duration::from_secs(300),
            concurrency: 4,
            grouped_queries: 16,
            grouped_bytes: 8192,
            requests_per_s: 20,
            points_per_s: 500_000,
            bytes_per_s: 16 << 20,
            backfill_points: 2880,
            backfill_queue: 256,
            names: 200_000,
            warnings: 8,
            delivery_wait: Duration::from_secs(2),
        }
    }
}
