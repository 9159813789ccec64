//! The view from the state: pure, one file per panel.

mod experience;
mod intelligence;
mod kpis;
mod metrics;
mod order;
pub(super) mod ownership;
mod predictive;
mod root;
mod status;
#[cfg(test)]
mod tests;
mod widget;

pub(in crate::engine) use predictive::{barred, month_start, projection};
pub use root::view;
