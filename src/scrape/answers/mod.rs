//! Answers of the Prometheus HTTP API, decoded straight from the body into what is kept.
//!
//! There is never a tree of the document, and a value costs no allocation: a point is 16 bytes in a vector that its
//! series sizes, labels that are like those of the series before are shared. Everything is bounded by `Limits`
//! while it is read. See <https://prometheus.io/docs/prometheus/latest/querying/api/>.

mod context;
mod decode;
mod envelope;
mod labels;
mod lists;
mod points;
mod query;
#[cfg(test)]
mod tests;

pub use decode::{metadata, names, query, series};
pub use envelope::{AnswerError, Envelope};
pub use lists::Described;
pub use query::Data;
