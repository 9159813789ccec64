//! Stage 5, decide: capacity, need, quantile, cost, guardrails; one planner per dimension.

mod types;

pub use types::{
    Capacity, CapacityMethod, CostDelta, Dimension, Exhaustion, ExperienceDelta, Fact, GuardrailResult,
    Limits, Plan, PlannedChange, Verdict,
};
