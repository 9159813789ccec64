//! Metrics of `CloudWatch`: the newest complete period of each, asked for in batches.
//!
//! A period that is not over, or that ended less than `delay` ago, is not asked for: it would read as a drop. Each
//! value stands at the end of its period, so that its age is what the store, the screen and the signals see.

mod answer;
mod metric;
mod source;

pub use metric::{CloudWatch, Metric};
pub use source::spawn_cloudwatch;
