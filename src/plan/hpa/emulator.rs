//! The controller's loop: the largest metric, stabilised, limited, bounded.

use std::collections::VecDeque;

use crate::series::Timestamp;

use super::behaviour::Changes;
use super::{Behaviour, Metric, TOLERANCE, replicas};

/// `spec` of an autoscaler.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// `minReplicas`: the floor.
    pub min: u32,
    /// `maxReplicas`.
    pub max: u32,
    /// Ratios this close to 1 are left alone.
    pub tolerance: f64,
    /// `behavior.scaleUp`.
    pub up: Behaviour,
    /// `behavior.scaleDown`.
    pub down: Behaviour,
}

impl Settings {
    /// Kubernetes' defaults between `min` and `max`.
    pub fn new(min: u32, max: u32) -> Self {
        Self { min, max, tolerance: TOLERANCE, up: Behaviour::up(), down: Behaviour::down() }
    }
}

/// Why the autoscaler asks for what it asks for, named as in its conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The spec has zero replicas while the minimum is above: it does nothing.
    ScalingDisabled,
    /// No metric could be read, or one failed and the others would scale in.
    FailedGetMetrics,
    /// A lower recommendation of the last minutes holds the scale-out back.
    ScaleUpStabilized,
    /// A higher recommendation of the last minutes holds the scale-in back.
    ScaleDownStabilized,
    /// More is wanted than one step allows.
    ScaleUpLimit,
    /// Less is wanted than one step allows.
    ScaleDownLimit,
    /// The maximum binds.
    TooManyReplicas,
    /// The minimum binds: a floor.
    TooFewReplicas,
    /// Nothing stands against the recommendation.
    DesiredWithinRange,
}

impl Reason {
    /// As a clause for people.
    pub const fn text(self) -> &'static str {
        match self {
            Self::ScalingDisabled => "it is disabled while the workload has no replicas",
            Self::FailedGetMetrics => "its metrics cannot be read",
            Self::ScaleUpStabilized => "a lower recommendation still holds it back",
            Self::ScaleDownStabilized => "a higher recommendation still holds it up",
            Self::ScaleUpLimit => "one step may not go further up",
            Self::ScaleDownLimit => "one step may not go further down",
            Self::TooManyReplicas => "its maximum binds",
            Self::TooFewReplicas => "its minimum binds",
            Self::DesiredWithinRange => "nothing holds it back",
        }
    }
}

/// What one run of the loop asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Replicas asked for.
    pub desired: u32,
    /// What the metrics alone would ask for; `None` when they could not be read.
    pub recommended: Option<u32>,
    /// The last thing that stood against the recommendation.
    pub reason: Reason,
}

/// An autoscaler with its memory. Feed it in order of time.
#[derive(Clone, Debug)]
pub struct Emulator {
    /// Its spec; may be changed between runs, as a floor does.
    pub settings: Settings,
    // Recommendations with the extremes of a window at the front: decreasing, increasing.
    highest: VecDeque<(Timestamp, u32)>,
    lowest: VecDeque<(Timestamp, u32)>,
    changes: Changes,
}

impl Emulator {
    /// An autoscaler without a past.
    pub fn new(settings: Settings) -> Self {
        Self { settings, highest: VecDeque::new(), lowest: VecDeque::new(), changes: Changes::default() }
    }

    /// One run (every 15 s in a cluster) with `current` replicas in the spec.
    pub fn sync(&mut self, now: Timestamp, current: u32, metrics: &[Metric]) -> Answer {
        let Settings { min, max, tolerance, .. } = self.settings;
        let hold = |reason, recommended| Answer { desired: current, recommended, reason };
        if current == 0 && min > 0 {
            return hold(Reason::ScalingDisabled, None);
        }
        if current > max || current < min {
            let desired = current.clamp(min, max.max(min));
            let reason = if current > max { Reason::TooManyReplicas } else { Reason::TooFewReplicas };
            self.remember(now, i64::from(desired) - i64::from(current));
            return Answer { desired, recommended: None, reason };
        }
        let asked: Vec<Option<u32>> = metrics.iter().map(|m| replicas(m, current, tolerance)).collect();
        let Some(wanted) = asked.iter().flatten().max().copied() else {
            return hold(Reason::FailedGetMetrics, None);
        };
        if wanted < current && asked.iter().any(Option::is_none) {
            return hold(Reason::FailedGetMetrics, Some(wanted));
        }
        let (stable, stabilised) = self.stabilise(now, current, wanted);
        let (desired, limit) = self.limit(now, current, stable);
        self.remember(now, i64::from(desired) - i64::from(current));
        let reason = limit.or(stabilised).unwrap_or(Reason::DesiredWithinRange);
        Answer { desired, recommended: Some(wanted), reason }
    }

    /// Upwards the lowest, downwards the highest recommendation of the window counts.
    fn stabilise(&mut self, now: Timestamp, current: u32, wanted: u32) -> (u32, Option<Reason>) {
        push(&mut self.highest, now, wanted, |old, new| old <= new);
        push(&mut self.lowest, now, wanted, |old, new| old >= new);
        let old = |window| move |(at, _): &(Timestamp, u32)| now.since(*at) > window;
        while self.highest.front().is_some_and(old(self.settings.down.window)) {
            self.highest.pop_front();
        }
        while self.lowest.front().is_some_and(old(self.settings.up.window)) {
            self.lowest.pop_front();
        }
        let up = self.lowest.front().map_or(wanted, |(_, n)| *n);
        let down = self.highest.front().map_or(wanted, |(_, n)| *n);
        let stable = current.max(up).min(down.max(up));
        let reason = match stable.cmp(&wanted) {
            std::cmp::Ordering::Less => Some(Reason::ScaleUpStabilized),
            std::cmp::Ordering::Greater => Some(Reason::ScaleDownStabilized),
            std::cmp::Ordering::Equal => None,
        };
        (stable, reason)
    }

    fn limit(&self, now: Timestamp, current: u32, stable: u32) -> (u32, Option<Reason>) {
        let Settings { min, max, up, down, .. } = &self.settings;
        let (low, low_reason) = if stable < current {
            let step = down.floor(current, &self.changes, now);
            if step > *min { (step, Reason::ScaleDownLimit) } else { (*min, Reason::TooFewReplicas) }
        } else {
            (*min, Reason::TooFewReplicas)
        };
        let (high, high_reason) = if stable > current {
            let step = up.ceiling(current, &self.changes, now);
            if step < *max { (step, Reason::ScaleUpLimit) } else { (*max, Reason::TooManyReplicas) }
        } else {
            (*max, Reason::TooManyReplicas)
        };
        if stable > high {
            (high, Some(high_reason))
        } else if stable < low {
            (low, Some(low_reason))
        } else {
            (stable, None)
        }
    }

    fn remember(&mut self, now: Timestamp, delta: i64) {
        let memory = self.settings.up.memory().max(self.settings.down.memory());
        self.changes.add(now, delta, memory);
    }
}

/// Keeps only entries that may still be the extreme of a window.
fn push(queue: &mut VecDeque<(Timestamp, u32)>, now: Timestamp, n: u32, beaten: fn(u32, u32) -> bool) {
    while queue.back().is_some_and(|(_, old)| beaten(*old, n)) {
        queue.pop_back();
    }
    queue.push_back((now, n));
}
