//! PromQL over anything that implements [`Storage`]: float semantics of Prometheus 3.
//!
//! `promql-parser` parses; [`Prepared`] lowers its tree once into a plan with compiled matchers, and the
//! evaluator runs the plan step by step over series that were loaded once per query. Look-back and range
//! windows are half-open, `(t - range, t]`, as in Prometheus 3. Native histograms do not occur.

mod aggregate;
mod binary;
mod budget;
mod error;
mod eval;
mod functions;
mod literal;
mod load;
mod lower;
mod matcher;
mod matching;
mod numeric;
mod options;
mod plan;
mod prepared;
mod run;
mod setop;
mod storage;
mod subquery;
mod value;

#[cfg(test)]
mod tests;

pub use budget::Budget;
pub use error::QueryError;
pub use matcher::Matcher;
pub use options::Options;
pub use prepared::Prepared;
pub use run::{instant, range};
pub use storage::{Series, Storage};
pub use value::Value;
