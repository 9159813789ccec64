//! Stage 8, act: preflight, stages, gates, rollback, leases, providers.

pub mod providers;
mod types;

pub use types::{
    Checkpoint, Gate, GateState, Lease, LeaseState, Operation, OperationId, OperationState, Stage, StageKind,
};
