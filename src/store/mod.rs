//! Stage 2, keep: in-memory series with an index, retention and bounds; PromQL over it.
//!
//! [`Store`] has one owner, the engine. Series live in a slab; a label index finds them; samples sit in
//! append-only [`Chunk`]s. Every bound is named in [`Limits`], and whatever a bound refuses is counted in
//! [`Counters`]. [`query`] evaluates PromQL over anything that implements [`query::Storage`].

mod block;
mod chunk;
mod counters;
mod head;
mod index;
mod limits;
mod maintain;
pub mod query;
mod select;
mod series;
mod sources;
mod values;

#[cfg(test)]
mod block_tests;
#[cfg(test)]
mod tests;

pub use chunk::Chunk;
pub use counters::{Appended, Counters, Outcome};
pub use head::Store;
pub use limits::Limits;
