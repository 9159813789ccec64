//! The executor against a scripted platform, on simulated time.

mod crash;
mod faults;
mod fleet;
mod late;
mod leases;
mod path;
mod platform;
mod schedule;
pub(crate) mod world;
