//! History replayed: what each policy would have done, minute by minute, on a simulated fleet.
//!
//! Pods are idealised: each holds a fixed demand, and a decision takes effect a lead time after it was taken. A policy
//! sees each slot once it is over and answers with a count ([`policies`]); [`simulate()`] keeps the books ([`Figures`]).
//! Policies have one knob each, so that they are compared as frontiers at equal minutes short ([`frontier`]).
//! Slots without a value are seen as missing, and nothing is scored in them.

pub mod frontier;
mod figures;
pub mod policies;
mod run;
mod simulate;
#[cfg(test)]
mod tests;
mod trace;

pub use figures::Figures;
pub use run::{Aim, Comparison, Family, Report, Run, run};
pub use simulate::{Policy, Seen, simulate};
pub use trace::{Trace, TraceError};
