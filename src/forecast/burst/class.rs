//! Kinds of bursts.

use serde::{Deserialize, Serialize};

/// The shape of a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BurstClass {
    /// At its height at once, and it stays there.
    Step,
    /// Grows for long.
    Ramp,
    /// Up and down within minutes.
    Pulse,
    /// Fast up, slowly down.
    FlashCrowd,
    /// Demand that errors make: more requests, more failures, no more that succeed.
    RetryStorm,
}

impl BurstClass {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Step, Self::Ramp, Self::Pulse, Self::FlashCrowd, Self::RetryStorm];

    /// As shown to people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Ramp => "ramp",
            Self::Pulse => "pulse",
            Self::FlashCrowd => "flash crowd",
            Self::RetryStorm => "retry storm",
        }
    }
}
