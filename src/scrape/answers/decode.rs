//! One function for each kind of document.

use crate::scrape::Limits;
use crate::series::Labels;

use super::envelope::{self, AnswerError, Envelope};
use super::lists::{self, Described};
use super::query::{self, Data};

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
