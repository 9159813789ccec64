//! Times and sizes of the engine, named in one place.

use std::time::Duration;

/// How often things happen, in the clock's time, and how much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// Signals are evaluated, plans made and a view published this often.
    pub tick: Duration,
    /// Platforms are listed this often.
    pub platforms: Duration,
    /// Each workload's fan is issued this often.
    pub forecast: Duration,
    /// Capacity is learned from one reading each.
    pub observe: Duration,
    /// An outcome is measured this long after the last stage (`meaning.md` §4: settle = 10 min).
    pub settle: Duration,
    /// History asked of PromQL servers.
    pub backfill: Duration,
    /// Step of that history.
    pub backfill_step: Duration,
    /// Time from decision to warm capacity until it was measured.
    pub lead: Duration,
    /// Minutes of latency histograms kept for the heat map.
    pub heat_minutes: usize,
    /// Notices kept.
    pub notices: usize,
    /// Journal lines kept for the screen.
    pub journal_lines: usize,
    /// Outcomes kept for the screen.
    pub outcomes: usize,
    /// Signals are kept this long in the journal database.
    pub keep_signals: Duration,
    /// Fans are kept this long in the journal database.
    pub keep_fans: Duration,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            tick: Duration::from_secs(2),
            platforms: Duration::from_secs(5),
            forecast: Duration::from_secs(60),
            observe: Duration::from_secs(60),
            settle: Duration::from_secs(600),
            backfill: Duration::from_secs(14 * 86_400),
            backfill_step: Duration::from_secs(300),
            lead: Duration::from_secs(180),
            heat_minutes: 60,
            notices: 50,
            journal_lines: 500,
            outcomes: 100,
            keep_signals: Duration::from_secs(15 * 86_400),
            keep_fans: Duration::from_secs(30 * 86_400),
        }
    }
}
