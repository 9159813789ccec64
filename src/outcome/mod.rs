//! Stage 9, look back: what an operation did, measured against what was expected.

mod measure;
mod types;

pub use measure::measure;
pub use types::{Comparison, Outcome, OutcomeVerdict};
