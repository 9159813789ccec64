//! A simulated fleet behind real HTTP endpoints: the demo and the scenarios.
//!
//! [`World`] is the fleet, stepped in simulated seconds: people's demand in their local time, pods with a life of
//! their own, queues, caches, databases, an autoscaler. [`Sandbox`] puts it behind the endpoints a real fleet has:
//! exposition in the usual metric names, and the HTTP provider contract. Everything is a function of the seed, the
//! scenario and the writes received: two runs that are looked at differently are the same run.

mod calendar;
pub mod catalog;
mod counters;
mod demand;
pub mod expose;
mod history;
mod hpa;
mod nodes;
mod noise;
mod pod;
mod promql_api;
mod provider;
mod queueing;
mod scenario;
mod scenarios;
mod server;
mod start;
mod store;
mod workload;
mod world;

pub use pod::{Fault, Pod};
pub use scenario::{Effects, Expectation, Scenario, Shock, UnknownScenario, Verdict, What};
pub use start::{Sandbox, ScrapeUrl, Settings, StartError};
pub use workload::Running;
pub use world::World;

#[cfg(test)]
mod pod_signal_tests;
#[cfg(test)]
mod provider_tests;
#[cfg(test)]
mod tests;
