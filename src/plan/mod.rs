//! Stage 5, decide: capacity, need, quantile, cost, guardrails; one planner per dimension.

mod capacity;
mod diagnosis;
pub mod guardrails;
mod horizontal;
mod input;
mod isotonic;
pub mod newsvendor;
pub mod outlook;
mod planner;
pub mod queue_model;
#[cfg(test)]
mod tests;
mod types;

pub use capacity::{CapacityModel, Observation};
pub use input::{FleetState, PlanInput, Recent, Usual};
pub use planner::{instead, plan};
pub use types::{
    Capacity, CapacityMethod, CostDelta, Dimension, Exhaustion, ExperienceDelta, Fact, GuardrailResult,
    Limits, Plan, PlannedChange, Verdict,
};
