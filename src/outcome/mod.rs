//! Stage 9, look back: what an operation did, measured against what was expected.

mod figures;
mod measure;
mod size;
mod types;

pub use figures::{Around, Figures, Response, Span, figures};
pub use measure::measure;
pub use types::{Comparison, Outcome, OutcomeVerdict};
