//! Stage 10, get better: accuracy, calibration, scoreboard, outcome statistics.

mod accuracy;
mod apdex;
mod autonomy;
mod interval;
pub mod kpi;
mod lessons;
mod scoreboard;
mod shadow;
mod types;

pub use accuracy::Accuracy;
pub use apdex::ApdexHistory;
pub use autonomy::eligible;
pub use interval::wilson;
pub use lessons::{Evidence, Mined, SUPPORT, mine};
pub use scoreboard::{Reality, ScoreKeeper};
pub use shadow::{Recommended, Shadow, Tally};
pub use types::{HorizonSkill, Scoreboard, ScoredProposal};
