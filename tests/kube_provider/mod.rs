//! The tests themselves: the contract on both kinds of cluster, reading, faults, credentials.

mod cluster;
mod contract;
mod credentials;
mod faults;
mod reading;
mod rig;
mod rollout;
