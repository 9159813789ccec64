//! Answers of the Prometheus HTTP API, decoded straight from the body into what is kept.
//!
//! There is never a tree of the document, and a value costs no allocation: a point is 16 bytes in a vector that its
//! series sizes, labels that are like those of the series before are shared. Everything is bounded by [`Limits`]
//! while it is read. See <https://prometheus.io/docs/prometheus/latest/querying/api/>.

mod context;
mod envelope;
mod labels;
mod lists;
mod points;
mod query;
#[cfg(test)]
mod tests;

pub use envelope::{AnswerError, Envelope};
pub use lists::Described;
pub use query::Data;

use super::Limits;
use crate::series::Labels;

/// Decodes the answer to an instant or a range query.
///
/// # Errors
/// The document is not such an answer, or over a bound.
pub fn query(body: &[u8], limits: &Limits) -> Result<Envelope<Data>, AnswerError> {
    envelope::decode(body, limits, query::QuerySeed)
}

/// Decodes a list of names: of metrics, of labels, of the values of a label. Over-long names are left out.
///
/// # Errors
/// As [`query()`].
pub fn names(body: &[u8], limits: &Limits) -> Result<Envelope<Vec<String>>, AnswerError> {
    envelope::decode(body, limits, lists::NamesSeed)
}

/// Decodes a list of series.
///
/// # Errors
/// As [`query()`].
pub fn series(body: &[u8], limits: &Limits) -> Result<Envelope<Vec<Labels>>, AnswerError> {
    envelope::decode(body, limits, lists::SeriesSeed)
}

/// Decodes what is known about metrics: of each name the first description, at most `metadata` of them.
///
/// # Errors
/// As [`query()`].
pub fn metadata(body: &[u8], limits: &Limits) -> Result<Envelope<Vec<(String, Described)>>, AnswerError> {
    envelope::decode(body, limits, lists::MetadataSeed)
}
