//! What is replayed.

use std::time::Duration;

use crate::series::{Timestamp, Window};

/// Slots a trace needs before and in its test.
const FEWEST: usize = 120;
/// Steps that can be replayed.
const STEPS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(3600));

/// A history, split into what may be learned from and the test.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Demand; gaps are missing, never zero.
    pub window: Window,
    /// Demand that one pod holds, in the unit of the window.
    pub pod_capacity: f64,
    /// Time from a decision to its effect.
    pub lead: Duration,
    /// The first slot of the test.
    pub test: usize,
}

/// Why a history cannot be replayed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TraceError {
    /// Not enough to learn from or to test on.
    #[error("the history has {have} values before the test and {test} in it; give at least {FEWEST} of each")]
    TooShort {
        /// Before the test.
        have: usize,
        /// In it.
        test: usize,
    },
    /// Values that are no demand.
    #[error("the history has a negative value at {at}; demand is zero or more")]
    Negative {
        /// Where.
        at: Timestamp,
    },
    /// A capacity that is none.
    #[error("pod capacity {0} is not a positive number")]
    Capacity(f64),
    /// A share outside its range.
    #[error("test fraction {0} is not between 0.05 and 0.95")]
    Fraction(f64),
    /// A step that cannot be replayed.
    #[error("the history has a step of {0:?}; between 1 s and 1 h can be replayed")]
    Step(Duration),
    /// A lead that cannot be replayed.
    #[error("lead {0:?} is above a day")]
    Lead(Duration),
}

impl Trace {
    /// The last `test_fraction` of `window` is the test. Without `pod_capacity` it is such that the mean demand before
    /// the test needs ten pods.
    ///
    /// # Errors
    /// [`TraceError`].
    pub fn new(
        window: Window,
        pod_capacity: Option<f64>,
        lead: Duration,
        test_fraction: f64,
    ) -> Result<Self, TraceError> {
        if !(0.05..=0.95).contains(&test_fraction) {
            return Err(TraceError::Fraction(test_fraction));
        }
        if !(STEPS.0..=STEPS.1).contains(&window.step()) {
            return Err(TraceError::Step(window.step()));
        }
        if lead > Duration::from_secs(86_400) {
            return Err(TraceError::Lead(lead));
        }
        if let Some((at, _)) = window.points().find(|(_, v)| *v < 0.0) {
            return Err(TraceError::Negative { at });
        }
        let test = (window.len() as f64 * (1.0 - test_fraction)) as usize;
        let (before, after) = window.values().split_at_checked(test).unwrap_or_default();
        let (have, tested) = (before.iter().flatten().count(), after.iter().flatten().count());
        if have < FEWEST || tested < FEWEST {
            return Err(TraceError::TooShort { have, test: tested });
        }
        let mean = before.iter().flatten().sum::<f64>() / have as f64;
        let pod_capacity = pod_capacity.unwrap_or(mean / 10.0);
        if !(pod_capacity > 0.0 && pod_capacity.is_finite()) {
            return Err(TraceError::Capacity(pod_capacity));
        }
        Ok(Self { window, pod_capacity, lead, test })
    }

    /// Slots from the latest value seen to the first that a decision taken on it reaches: the decision is taken when the
    /// slot is over, and a slot that is reached in part does not count.
    pub fn lag(&self) -> usize {
        let step = self.window.step().as_millis().max(1);
        1 + usize::try_from(self.lead.as_millis().div_ceil(step)).unwrap_or(usize::MAX / 2)
    }

    /// Slots of a day.
    pub fn day(&self) -> usize {
        ((86_400.0 / self.window.step().as_secs_f64()).round() as usize).max(1)
    }

    /// Slots of `span`, at least one.
    pub fn slots(&self, span: Duration) -> usize {
        ((span.as_secs_f64() / self.window.step().as_secs_f64()).round() as usize).max(1)
    }

    /// Fewest pods that hold `demand`, at least one.
    pub fn need(&self, demand: f64) -> u32 {
        ((demand / self.pod_capacity - 1e-9).ceil().max(1.0)) as u32
    }
}
