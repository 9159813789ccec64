//! Stage 7, authorise: mode, challenge, decision, one-use permit.
//!
//! [`Gate::approve`] is the only place that makes a [`Permit`]; a permit is redeemed once into a [`Mandate`]; a
//! mandate is the only thing that makes a [`WriteOrder`]; and providers accept nothing else. So no platform can be
//! written to without an approval, and no approval can write anything but the values between its `from` and `to`. A
//! [`TurnOrder`] is the same for a load balancer in front of the workload.
//!
//! A day's plan can be approved at once ([`DayApproval`]): what lies within its corridors needs no other key, passes the
//! same gate with the same checks, and names whose approval it was.

mod day;
mod decision;
mod gate;
mod permit;
mod turn;
mod types;

pub use day::{Corridor, DayApproval, corridors, day_hash, early};
pub use decision::{Decision, DecisionKind};
pub use gate::{Gate, Preconditions, Refusal};
pub use permit::{LeaseNote, Mandate, MandateRecord, Outside, PERMIT_LIFE, Permit, Way, WriteOrder};
pub use turn::{NoTurn, Setting, TurnOrder};
pub use types::{Mode, OperationId, Person};
