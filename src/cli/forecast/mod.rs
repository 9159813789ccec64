//! `weescale forecast`: of one history as a picture and quantiles, of a folder of them as one file.

mod args;
mod bursts;
mod index;
mod one;
mod picture;
pub mod query;
mod task;
mod text;

pub use args::Forecast;
pub use one::run;
