//! What was learned, in numbers.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fleet::WorkloadId;
use crate::proposal::ProposalId;
use crate::series::Timestamp;

use super::Circumstances;

/// Measured skill of stored forecasts at one horizon band.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HorizonSkill {
    /// Band: leads up to this.
    pub horizon: Duration,
    /// `1 - WQL / WQL_naive`; `None` before anything was scored.
    pub skill: Option<f64>,
    /// Share of values inside the 90 % band.
    pub coverage: Option<f64>,
    /// Values scored.
    pub n: usize,
}

/// What a proposal, approved or not, would have done, scored against what really happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoredProposal {
    /// Which.
    pub proposal: ProposalId,
    /// On which workload.
    pub workload: WorkloadId,
    /// When it was made.
    pub created: Timestamp,
    /// What was decided: `approved`, `rejected: bad time`, `expired`.
    pub decision: String,
    /// Value before and proposed.
    pub from: u32,
    /// Proposed value.
    pub to: u32,
    /// Minutes short of capacity that really happened in its window.
    pub minutes_short: Option<f64>,
    /// Minutes short that would have happened with it.
    pub minutes_short_with: Option<f64>,
    /// Minutes short that would have happened without it.
    pub minutes_short_without: Option<f64>,
    /// Its cost, $, over the window scored so far.
    pub cost: Option<f64>,
    /// Replica-hours it adds over the window scored so far, negative if it gives back: what prices are put on.
    #[serde(default)]
    pub hours: Option<f64>,
    /// Whether its window is over.
    pub settled: bool,
    /// Whether it turned out to be needed; `None` while that cannot be said.
    pub needed: Option<bool>,
    /// What surrounded it when it was made.
    #[serde(default)]
    pub circumstances: Circumstances,
}

/// What a proposal turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hindsight {
    /// A raise that saves minutes short.
    Needed,
    /// A raise where nothing was short.
    NotNeeded,
    /// A raise with which it would have been short all the same.
    TooSmall,
    /// A raise that would have been warm after the shortage.
    TooLate,
    /// A lowering that costs no minute.
    Safe,
    /// A lowering that does.
    FallsShort,
    /// Its window is not over.
    Open,
    /// Nothing was measured.
    Unknown,
}

impl Hindsight {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Needed => "needed",
            Self::NotNeeded => "not needed",
            Self::TooSmall => "too small",
            Self::TooLate => "too late",
            Self::Safe => "safe",
            Self::FallsShort => "falls short",
            Self::Open => "window open",
            Self::Unknown => "cannot tell",
        }
    }

    /// Whether it was right to propose just that; `None` while it cannot be said.
    pub const fn is_right(self) -> Option<bool> {
        match self {
            Self::Needed | Self::Safe => Some(true),
            Self::NotNeeded | Self::TooSmall | Self::TooLate | Self::FallsShort => Some(false),
            Self::Open | Self::Unknown => None,
        }
    }
}

impl ScoredProposal {
    /// What it turned out to be.
    pub fn hindsight(&self) -> Hindsight {
        let lowers = self.to < self.from;
        let (with, without) = (self.minutes_short_with, self.minutes_short_without);
        let helps = with.zip(without).is_none_or(|(with, without)| with < without);
        match self.needed {
            Some(true) if lowers => Hindsight::Safe,
            Some(false) if lowers => Hindsight::FallsShort,
            Some(true) if helps => Hindsight::Needed,
            Some(true) => Hindsight::TooSmall,
            Some(false) => Hindsight::NotNeeded,
            None if !self.settled => Hindsight::Open,
            None if !lowers && without.is_some_and(|m| m > 0.0) => Hindsight::TooLate,
            None => Hindsight::Unknown,
        }
    }
}

#[cfg(test)]
impl ScoredProposal {
    /// One that nobody decided on, and that was needed: for tests.
    pub fn example() -> Self {
        Self {
            proposal: ProposalId::new("p-1"),
            workload: WorkloadId::new("shop", "cart", ""),
            created: Timestamp::from_secs(0),
            decision: "expired".into(),
            from: 6,
            to: 9,
            minutes_short: Some(8.0),
            minutes_short_with: Some(1.0),
            minutes_short_without: Some(8.0),
            cost: Some(4.5),
            hours: None,
            settled: true,
            needed: Some(true),
            circumstances: Circumstances::default(),
        }
    }
}

/// All scored proposals and the sums.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scoreboard {
    /// Latest first.
    pub rows: Vec<ScoredProposal>,
    /// "If you had approved all 14: 0 min short (you had 9), +$18."
    pub summary: String,
}
