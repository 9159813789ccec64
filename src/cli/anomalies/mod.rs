//! `weescale anomalies`: scores of one series, or of a folder of them.

mod args;
mod folder;
mod one;
mod strip;

pub use args::Anomalies;
pub use one::run;
