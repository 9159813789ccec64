//! What can go wrong with a query.

/// Why a query has no answer. An empty vector is an answer, not an error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The text is not PromQL.
    #[error("not a PromQL expression: {0}")]
    Parse(String),
    /// PromQL that this evaluator does not have.
    #[error("not supported here: {0}")]
    Unsupported(String),
    /// The evaluation failed, with Prometheus's sentence.
    #[error("{0}")]
    Eval(String),
    /// A limit of [`super::Options`] was hit.
    #[error("the query needs more than {limit} {what} (limit `{name}`): narrow its selectors or its time")]
    Limit {
        /// Name of the field in [`super::Options`].
        name: &'static str,
        /// What is counted.
        what: &'static str,
        /// Its value.
        limit: usize,
    },
}

impl QueryError {
    /// Two elements of one vector have the same labels.
    pub(super) fn duplicate_labels() -> Self {
        Self::Eval("vector cannot contain metrics with the same labelset".into())
    }
}
