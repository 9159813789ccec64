//! Stage 10, get better: accuracy, calibration, scoreboard, outcome statistics.

mod types;

pub use types::{HorizonSkill, Scoreboard, ScoredProposal};
