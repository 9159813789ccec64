//! Stage 8, act: preflight, stages, gates, rollback, leases, providers.
//!
//! [`spawn`] starts the executor; each operation runs in a task of its own (`task.rs`): preflight, then the pure
//! stage machine (`stages.rs`, gates in `gates.rs`) decides and `sender.rs` writes: guard, intent on disk, one send,
//! read back. Undoing and leases are in `undo.rs`; `reconcile.rs` decides after a restart. A load balancer in front of the
//! workload is turned in `traffic`.

mod absent;
mod budget;
mod executor;
mod foreign;
mod gates;
mod guard;
mod invariants;
pub mod judge;
mod killed;
mod leases;
mod left;
mod moves;
mod observation;
mod patience;
mod preflight;
mod provider;
pub mod providers;
mod reconcile;
mod record;
mod sender;
mod shared;
mod sizes;
pub mod stages;
mod straggler;
mod task;
#[cfg(test)]
pub(crate) mod tests;
mod traffic;
mod types;
mod undo;

pub use executor::{ExecutorConfig, Job, spawn};
pub use guard::{Attempt, FleetHealth, Freeze, Guard, GuardPolicy, Stop, TurnAttempt};
pub use left::halted;
pub use moves::{PastMove, counting, let_go, past_moves, rolled_back};
pub use observation::{Observation, Pacing, PodReadings, Readings};
pub use preflight::foreign_lease;
pub use provider::{Pending, Provider, ProviderError, Providers};
pub use reconcile::{History, Next, reconcile, unfinished};
pub use record::{Entry, EntryData, EntryKind, RecordError, Recorder, WriteNote};
pub use shared::Receipt;
pub use traffic::{
    Backend, Counters, Ledger, Matching, Server, Traffic, TrafficError, TrafficManager, TrafficManagers,
    TrafficRules, TurnNote,
};
pub use types::{
    Checkpoint, Gate, GateState, Lease, LeaseState, Operation, OperationId, OperationState, Stage, StageKind,
};
