//! Stage 10, get better: accuracy, calibration, scoreboard, outcome statistics.

mod accuracy;
mod agreement;
mod apdex;
mod autonomy;
mod discovery;
mod interval;
pub mod kpi;
mod lessons;
mod load;
mod scoreboard;
mod shadow;
pub mod share;
mod stances;
mod subject;
mod tempo;
mod types;

pub use accuracy::Accuracy;
pub use agreement::{Agreement, Shadows};
pub use apdex::ApdexHistory;
pub use autonomy::eligible;
pub use interval::wilson;
pub use lessons::{Evidence, Mined, SUPPORT, mine};
pub use load::{Load, gini};
pub use scoreboard::{Reality, ScoreKeeper};
pub use shadow::{Recommended, Shadow, Tally};
pub use stances::{Effect, Held, Imported, Learnt, LessonBook, Stance, key_of};
pub use subject::{Case, Circumstances, Course, DEPLOY_HOURS, Subject, quarter_of, weekday_of};
pub use tempo::{DecisionPace, Tempo, Waited, Waits};
pub use types::{HorizonSkill, Scoreboard, ScoredProposal};
