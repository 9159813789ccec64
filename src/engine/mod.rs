//! Wiring: owns the store, runs the path every tick, publishes the view, takes commands.
//!
//! [`start()`] opens the journal, restores what earlier runs knew, compares unfinished operations with the live
//! state, and then runs one loop (`run.rs`) that owns [`State`] alone.

mod absent;
mod partial;
mod advising;
mod arrivals;
mod asides;
mod asks;
mod aws;
mod commands;
mod days;
mod decisions;
mod described;
mod error;
mod evaluate;
mod fleet;
mod freezes;
mod forecast_worker;
mod forecasts;
mod handover;
mod invariants;
mod kpi;
mod lead;
mod learn;
mod lessons;
mod mutes;
mod noted;
mod notes;
mod people;
mod person;
mod planning;
mod platforms;
mod pods;
mod pooling;
mod providers;
pub mod publish;
mod record;
mod recording;
mod refusals;
mod restore;
mod rules;
mod run;
mod shadows;
mod sources;
mod staging;
mod stances;
mod start;
mod state;
mod stuck;
mod teams;
#[cfg(test)]
mod absent_tests;
#[cfg(test)]
mod partial_tests;
#[cfg(test)]
mod evidence_tests;
#[cfg(test)]
mod mute_tests;
#[cfg(test)]
mod reject_tests;
#[cfg(test)]
mod size_tests;
#[cfg(test)]
mod team_tests;
#[cfg(test)]
mod tests;
mod thread;
mod traffic;
mod tuning;
mod sizes;
mod usage;
mod wishes;
mod worths;

pub use error::EngineError;
pub use kpi::KpiBook;
pub use learn::Learned;
pub use person::{current as current_person, learners, name_of, tty as current_tty};
pub use providers::{Asked, ask_providers};
pub use sources::catalogue;
pub use stances::imported;
pub use start::{EngineHandle, Options, start};
pub use state::{PlatformFacts, SourceFacts, State, WorkloadFacts};
pub use traffic::{Answer, ask_load_balancers};
pub use tuning::Tuning;
