//! The sixteen KPIs: pure formulae of `meaning.md` §4, one file per family.
//!
//! Every formula takes observations and gives a [`Measure`]: the value, its 90 % interval, and how many
//! observations stand behind it. What is missing is missing; nothing is filled in.

mod cost;
mod intelligence;
mod measure;
mod preservation;
#[cfg(test)]
pub mod sample;
mod scalability;
mod spec;

pub use cost::{UnitCost, Utilised, budget, cost_efficiency, overhead, unit_cost, utilisation};
pub use intelligence::{DaySkill, Known, Pooled, growth, knowledge, learning_quality, personalization};
pub use measure::{Measure, bootstrap, quantile, weighted_mean};
pub use preservation::{Cell, availability, consistency, degradation, latency_increase};
pub use scalability::{Relief, accuracy, horizontal, response_time, vertical};
pub use spec::{SPECS, Spec, Standing};
