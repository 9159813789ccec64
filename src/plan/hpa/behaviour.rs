//! `spec.behavior`: how long a direction is held back and how far one step may go.

use std::collections::VecDeque;
use std::time::Duration;

use crate::series::Timestamp;

/// A bound on the change within a period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// So many pods.
    Pods(u32),
    /// So many per cent of the count at the start of the period.
    Percent(u32),
}

/// One policy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// How far.
    pub step: Step,
    /// Within which time.
    pub period: Duration,
}

/// Which policy wins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Select {
    /// The one that allows the largest change.
    #[default]
    Max,
    /// The one that allows the smallest change.
    Min,
    /// No change in this direction.
    Disabled,
}

/// Behaviour in one direction.
#[derive(Clone, Debug, PartialEq)]
pub struct Behaviour {
    /// Recommendations of this long are remembered, and the most careful one counts.
    pub window: Duration,
    /// Policies; empty means no limit.
    pub policies: Vec<Policy>,
    /// Which of them wins.
    pub select: Select,
}

const PERIOD: Duration = Duration::from_secs(15);

impl Behaviour {
    /// Kubernetes' default upwards: at once; 100 % or 4 pods in 15 s, whichever is more.
    pub fn up() -> Self {
        let policies = [Step::Pods(4), Step::Percent(100)].map(|step| Policy { step, period: PERIOD });
        Self { window: Duration::ZERO, policies: policies.to_vec(), select: Select::Max }
    }

    /// Kubernetes' default downwards: the highest recommendation of 300 s; 100 % in 15 s.
    pub fn down() -> Self {
        let policies = vec![Policy { step: Step::Percent(100), period: PERIOD }];
        Self { window: Duration::from_secs(300), policies, select: Select::Max }
    }

    /// The longest period of a policy: how long changes must be remembered.
    pub fn memory(&self) -> Duration {
        self.policies.iter().map(|p| p.period).max().unwrap_or_default()
    }

    fn pick(&self, limits: impl Iterator<Item = u32>, most: bool) -> Option<u32> {
        let most = if self.select == Select::Min { !most } else { most };
        if most { limits.max() } else { limits.min() }
    }

    /// Highest count that may be asked for now.
    pub fn ceiling(&self, current: u32, changes: &Changes, now: Timestamp) -> u32 {
        if self.select == Select::Disabled {
            return current;
        }
        let limits = self.policies.iter().map(|p| {
            let start = changes.start(current, p.period, now);
            match p.step {
                Step::Pods(n) => start.saturating_add(n),
                Step::Percent(v) => (f64::from(start) * (1.0 + f64::from(v) / 100.0)).ceil() as u32,
            }
        });
        self.pick(limits, true).unwrap_or(u32::MAX).max(current)
    }

    /// Lowest count that may be asked for now.
    pub fn floor(&self, current: u32, changes: &Changes, now: Timestamp) -> u32 {
        if self.select == Select::Disabled {
            return current;
        }
        let limits = self.policies.iter().map(|p| {
            let start = changes.start(current, p.period, now);
            match p.step {
                Step::Pods(n) => start.saturating_sub(n),
                Step::Percent(v) => (f64::from(start) * (1.0 - f64::from(v.min(100)) / 100.0)).floor() as u32,
            }
        });
        self.pick(limits, false).unwrap_or(0).min(current)
    }
}

/// Changes of the count, as long as a policy looks back.
#[derive(Clone, Debug, Default)]
pub struct Changes(VecDeque<(Timestamp, i64)>);

impl Changes {
    /// Remembers a change by `delta` and forgets what is older than `memory`.
    pub fn add(&mut self, now: Timestamp, delta: i64, memory: Duration) {
        while self.0.front().is_some_and(|(at, _)| now.since(*at) > memory) {
            self.0.pop_front();
        }
        if delta != 0 {
            self.0.push_back((now, delta));
        }
    }

    /// The count at the start of the last `period`.
    fn start(&self, current: u32, period: Duration, now: Timestamp) -> u32 {
        let changed: i64 =
            self.0.iter().filter(|(at, _)| now.since(*at) < period).map(|(_, delta)| delta).sum();
        u32::try_from((i64::from(current) - changed).max(0)).unwrap_or(u32::MAX)
    }
}
