//! The tests themselves: the contract on both kinds of cluster, reading, faults, credentials.

mod cluster;
mod contract;
mod credentials;
mod faults;
mod hold;
mod killed;
mod leaving;
mod mounted;
mod play;
mod reading;
mod rig;
mod rollout;
mod size;
mod size_play;
mod size_rollout;
mod telling;
