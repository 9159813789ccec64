//! The executor against a scripted platform, on simulated time.

mod crash;
mod faults;
mod late;
mod leases;
mod path;
mod platform;
pub(crate) mod world;
