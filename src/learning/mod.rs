//! Stage 10, get better: accuracy, calibration, scoreboard, outcome statistics.

mod accuracy;
mod interval;
mod scoreboard;
mod types;

pub use accuracy::Accuracy;
pub use interval::wilson;
pub use scoreboard::{Reality, ScoreKeeper};
pub use types::{HorizonSkill, Scoreboard, ScoredProposal};
