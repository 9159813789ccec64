//! Stage 2, keep: in-memory series with an index, retention and bounds; PromQL over it.
//!
//! [`Store`] has one owner, the engine; everybody else reads a [`Snapshot`]. Every bound is named in [`Limits`], and
//! whatever a bound refuses is counted in [`Counters`]. [`query`] evaluates PromQL over anything that implements
//! [`query::Storage`].
//!
//! # Layout
//!
//! What is scraped together is kept together. A target is a table: one column a series, one row a scrape, so that time
//! is stored once a scrape and not once a sample. A scrape becomes a `Row`: a bit for each column that changed, and the
//! changed values, which is little more than a comparison with the row before; more than half of all series never
//! move. Fifteen rows are packed into a `Segment`, a chunk of bytes for each column, four of those into one of 60 and two
//! of these into one of 120 rows, so that the open end stays cheap as well. `codec` says how values are packed; a chunk without a sample takes no
//! byte. Samples with timestamps of their own are rare, and kept beside the table (`Loose`).
//!
//! Rows, segments and packed loose samples never change. A snapshot shares them with the writer by reference, and the
//! writer copies no more than a target's list of references, or its labels when a new series arrives while a reader
//! holds them. So neither ever waits for the other.
//!
//! Labels are interned: each `name=value` is held once a target with the columns that have it, its strings once in
//! all, and a label set is a list of numbers. [`crate::series::Labels`] are made when a query asks.
//!
//! # Why not the `pco` crate
//!
//! Both measured in one run on mixed payloads (node, application, cluster and container metrics; values only), bytes
//! a sample and ns to pack and to unpack a value: with 120 values a chunk `codec` 0.59, 4.0 and 1.6, `pco` 0.84, 1 600
//! and 196, its frame included; with 480, 0.56, 590 and 56. Without its frame `pco` would come close at 120, but never
//! near in time, and the open end of a series never has 480.

mod append;
mod bits;
mod codec;
mod counters;
mod families;
mod footprint;
#[doc(hidden)]
pub mod fuzzing;
mod group;
mod head;
mod index;
mod limits;
mod loose;
mod maintain;
mod names;
pub mod query;
mod row;
mod segment;
mod sets;
mod snapshot;
mod target;

#[cfg(test)]
mod block_tests;
#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod thread_tests;

pub use counters::{Appended, Counters, Outcome};
pub use families::{Metadata, family_of};
pub use footprint::Footprint;
pub use head::Store;
pub use limits::Limits;
pub use snapshot::Snapshot;
