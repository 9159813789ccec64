//! Every bound of this stage, by name.

use std::time::Duration;

/// Workloads followed at once; further ones are refused and counted.
pub const MAX_WORKLOADS: usize = 2_000;
/// Characters kept of a namespace, name, region or team.
pub const MAX_NAME_CHARS: usize = 100;
/// Workloads whose pods are measured one by one at a time.
pub const MAX_POD_WORKLOADS: usize = 16;
/// Pods of one workload measured one by one; further ones are not read.
pub const MAX_PODS: usize = 1_000;
/// Characters kept of a pod's name: the longest that Kubernetes gives.
pub const MAX_POD_NAME_CHARS: usize = 253;
/// Buckets of one latency histogram.
pub const MAX_BUCKETS: usize = 512;
/// Bytes of one recipe file.
pub const MAX_RECIPE_BYTES: usize = 256 * 1024;
/// A value is fresh while its age is at most this many poll intervals.
pub const FRESH_INTERVALS: u32 = 2;
/// A stale value is shown this long, then the signal is missing.
pub const STALE_KEPT: Duration = Duration::from_secs(3_600);
/// A workload of which nothing was heard for this long is forgotten.
pub const FORGET_AFTER: Duration = Duration::from_secs(2 * 3_600);
/// Least span of `$window`.
pub const MIN_RATE_WINDOW: Duration = Duration::from_secs(60);
/// `$window` spans at least this many poll intervals, so that one lost scrape leaves a rate.
pub const RATE_INTERVALS: u32 = 4;
/// Minutes of history kept of the kinds that forecasts are made from.
pub const HISTORY_DAYS: i64 = 15;
/// Days of history kept of the other kinds.
pub const SHORT_HISTORY_DAYS: i64 = 1;
/// Day-long chunks of history over all workloads and kinds, 5.8 kB each (190 MB); the oldest day goes first.
pub const MAX_HISTORY_DAYS_STORED: usize = 32_768;
/// Series names and identities held by one backfill answer.
pub const MAX_BACKFILL_SERIES: usize = 20_000;
/// Parts kept of one breakdown of one workload, largest first.
pub const MAX_PARTS: usize = 64;
/// Breakdowns kept over all workloads and kinds; further ones are not taken in.
pub const MAX_BREAKDOWNS: usize = 16_384;
/// Characters kept of a part's name.
pub const MAX_PART_CHARS: usize = 100;
