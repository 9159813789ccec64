//! What the sixteen KPIs are computed from, gathered once a minute, and the last result.
//!
//! The formulae are in `learning::kpi`. What a formula needs and nobody observed stays lacking.

mod book;
mod knowledge;
mod minute;
mod money;
mod operations;
mod resizes;

pub use book::{CostBase, KpiBook, update};
pub use knowledge::{quality, reviewers};
pub use minute::note_minute;
pub use money::{StoredBase, freeze_base};
pub use operations::{StoredFigures, figures_of, note_begun};
pub use resizes::{StoredRelief, note as note_resizes};
