//! PromQL's functions, one file per family.

mod absent;
mod call;
mod histogram;
mod label;
mod math;
mod over_time;
mod rate;
mod regression;
mod sort;
mod table;
mod time;
mod window;

pub(super) use table::Func;
pub(super) use window::Window;
