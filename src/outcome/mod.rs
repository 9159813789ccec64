//! Stage 9, look back: what an operation did, measured against what was expected.

mod types;

pub use types::{Comparison, Outcome, OutcomeVerdict};
