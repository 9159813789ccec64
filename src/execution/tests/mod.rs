//! The executor against a scripted platform, on simulated time.

mod balancer;
mod crash;
mod faults;
mod fleet;
mod late;
mod leases;
mod path;
mod platform;
mod schedule;
mod traffic;
mod traffic_faults;
pub(crate) mod world;
