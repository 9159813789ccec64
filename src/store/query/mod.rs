//! PromQL over anything that implements [`Storage`]: float semantics of Prometheus 3.
//!
//! [`Prepared`] parses and checks once ([`syntax`]). An evaluation computes each expression once for all instants of the
//! query: a vector is a list of columns, each one series with a value an instant, so labels are made once a series and
//! not once a step, and windows slide. Look-back and range windows are half-open, `(t - range, t]`, as in Prometheus 3.
//! Native histograms do not occur. `assets/promql.md` says what is there and what is not. [`Budget`] bounds series,
//! samples and visits of samples. What is asked again and again over the store is a [`standing`] query.

mod aggregate;
mod annotations;
mod binary;
mod budget;
mod error;
mod eval;
mod expression;
mod functions;
mod matcher;
mod matching;
mod moment;
mod names;
mod numeric;
mod options;
mod pick;
mod plan;
mod prepared;
mod ranges;
mod re2;
mod run;
mod sampler;
mod select;
mod setop;
mod span;
pub mod standing;
mod storage;
mod syntax;
mod value;

#[cfg(test)]
mod tests;

pub use annotations::Annotations;
pub use budget::Budget;
pub use error::QueryError;
pub use matcher::Matcher;
pub use options::Options;
pub use prepared::Prepared;
pub use run::{AnnotatedSeries, annotated_instant, annotated_range, instant, range};
pub use standing::Standing;
pub use storage::{Series, Storage};
pub use value::Value;
