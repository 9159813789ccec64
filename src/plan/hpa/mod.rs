//! The horizontal pod autoscaler, emulated: what it asks for, why, and what it will do next.
//!
//! Follows the controller's `replica_calculator.go` and `horizontal.go` as documented in "Horizontal Pod Autoscaling" of
//! the Kubernetes documentation: [`replicas()`] from one metric, [`behaviour`] limits how far one step may go, and the
//! [`Emulator`] adds stabilisation and the bounds.

mod behaviour;
mod emulator;
mod replicas;
#[cfg(test)]
mod tests;

pub use behaviour::{Behaviour, Policy, Select, Step};
pub use emulator::{Answer, Emulator, Reason, Settings};
pub use replicas::{Metric, PodSample, TOLERANCE, replicas};
