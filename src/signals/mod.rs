//! Stage 3, understand: what each workload lives by, from recipes of PromQL expressions.
//!
//! A signal is a PromQL expression with a unit and a fallback order, so one definition serves every source:
//! pushed down to PromQL servers, evaluated over the store for scraped endpoints. Missing data is never zero.

mod kind;
mod signal;

pub use kind::SignalKind;
pub use signal::{Freshness, LatencyHistogram, Provenance, Signal, SignalSet};
