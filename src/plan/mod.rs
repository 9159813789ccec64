//! Stage 5, decide: capacity, need, quantile, cost, guardrails; one planner per dimension.

mod advice;
mod advisor;
mod around;
pub mod autoscaler;
mod binding;
mod caching;
mod capacity;
pub mod ceiling;
mod consolidation;
mod data;
pub mod day;
pub mod day_plan;
mod diagnosis;
mod dips;
#[cfg(test)]
mod fixture;
pub mod follow;
mod functional;
mod geographical;
pub mod guardrails;
mod hold;
mod horizontal;
pub mod hpa;
mod input;
mod intelligence;
mod isotonic;
pub mod lead_time;
pub mod newsvendor;
pub mod outlook;
mod performance;
mod planner;
mod regions;
pub mod queue_model;
pub mod reserve;
pub mod resize;
pub mod scaling;
mod sight;
mod spending;
mod survey;
mod swings;
#[cfg(test)]
mod tests;
mod types;
mod usage;
pub mod usl;
pub mod vertical;
mod versions;
pub mod what_if;

pub use advice::{Advice, Lack, Report, Urgency};
pub use advisor::{advise, ranked};
pub use around::{Around, Foreseen, Stuck};
pub use capacity::{CapacityModel, Observation};
pub use ceiling::{Binding, Ceiling};
pub use day::{DaySchedule, DayStep};
pub use hold::HoldFacts;
pub use input::{FleetState, PlanInput, Recent, Usual};
pub use planner::{capacity as capacity_of, instead, plan};
pub use regions::{Absent, Present, Regions};
pub use resize::{Lever, MOST_IN_PLACE, SizeFacts};
pub use scaling::{Scaling, ScalingModel};
pub use sight::{SUBSTANTIAL, Sight};
pub use spending::{Allocation, allocation, over_budget};
pub use survey::{Declared, Learning, Member, Money, PARTS_AGE, Survey};
pub use swings::{Swing, Swings};
pub use types::{
    Capacity, CapacityMethod, CostDelta, Dimension, Exhaustion, ExperienceDelta, Fact, GuardrailResult,
    Limits, Plan, PlannedChange, Resize, Verdict,
};
pub use usage::{Reading, Usage};
pub use versions::{VersionChange, Versions};
