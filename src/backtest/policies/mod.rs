//! What is compared: weescale's planners, and what people use today.

mod approvals;
mod autoscaler;
mod day_plan;
mod fixed;
mod leased;
mod predictive;
mod profile;

pub use autoscaler::Autoscaler;
pub use day_plan::{DayPlan, Rules};
pub use fixed::Fixed;
pub use leased::Leased;
pub use predictive::Predictive;
