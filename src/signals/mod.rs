//! Stage 3, understand: what each workload lives by, from recipes of PromQL expressions.
//!
//! A signal is a PromQL expression with a unit and a fallback order, so one definition serves every source:
//! pushed down to PromQL servers, evaluated over the store for scraped endpoints. Missing data is never zero.

mod backfill;
mod catalogue;
mod choose;
mod expr;
mod given;
mod guard;
mod histogram;
mod history;
mod identity;
mod kind;
pub mod limits;
mod missing;
mod observe;
mod parts;
mod pods;
mod recipe;
mod resolver;
mod signal;
#[cfg(test)]
mod store_tests;
#[cfg(test)]
mod tests;

pub use backfill::BackfillQuery;
pub use catalogue::Catalogue;
pub use expr::{rate_span, young_span};
pub use history::History;
pub use identity::Identity;
pub use kind::SignalKind;
pub use missing::Hint;
pub use parts::{Named, PartKind, Parts};
pub use pods::PodQuery;
pub use recipe::{Detect, Entry, Recipe, RecipeError, Target};
pub use resolver::Resolver;
pub use signal::{Freshness, LatencyHistogram, Provenance, Signal, SignalSet};
