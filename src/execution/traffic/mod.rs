//! The load balancer in front of a workload while its capacity changes.
//!
//! New servers get their weight in steps, those that are to go are drained first, and every server gets back what it had:
//! at the end, while a person is asked (but for new ones that fail), and after a restart. Each turn goes the way of every
//! write: guard, intent on disk, one send, read back, record (`turn.rs`). What is ours and has not been given back is in
//! the [`Ledger`], which the journal's entries fill as well as the process itself.

mod continuity;
mod drain;
mod gate;
mod leaving;
mod ledger;
mod look;
mod settle;
mod shift;
mod steps;
mod turn;
mod types;
mod warm;

pub(super) use drain::Cleared;
pub(super) use gate::{TrafficGates, at_validate, at_warm_up};
pub use ledger::{Ledger, TurnNote};
pub(super) use settle::TRIES as SETTLE_TRIES;
pub(super) use shift::Shift;
pub use types::{
    Backend, Counters, Matching, Server, Traffic, TrafficError, TrafficManager, TrafficManagers, TrafficRules,
};
