//! PromQL's functions, one file per family.

mod absent;
mod buckets;
mod call;
mod extended;
mod extrapolation;
mod histogram;
mod info;
mod label;
mod math;
mod over_time;
mod range_call;
mod rate;
mod regression;
mod sort;
mod table;
mod time;
mod window;

pub(super) use extended::bounded;
pub(super) use extrapolation::{Change, Together};
pub(super) use table::Func;
pub(super) use window::{Compute, RangeFn, Window};
