//! The executor against a scripted platform, on simulated time.

mod balancer;
mod crash;
mod earlier;
mod faults;
mod fleet;
mod late;
mod leases;
mod path;
pub(crate) mod platform;
mod schedule;
mod sizes;
mod stragglers;
mod traffic;
mod traffic_drains;
mod traffic_faults;
mod traffic_several;
mod traffic_weights;
mod vain;
pub(crate) mod world;
