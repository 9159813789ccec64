//! Stage 1, collect: sources, pollers, limits, health.
//!
//! Each source runs in one supervised task and sends [`Delivery`] values over a bounded channel to the engine.

mod delivery;
mod status;

pub use delivery::{Answer, BackfillRequest, Delivery, QuerySpec, RangeAnswer, Scrape};
pub use status::{Dropped, Health, Progress, SourceId, SourceKind, SourceStatus};
