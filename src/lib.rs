//! weescale: a terminal real-time scaling dashboard for site reliability engineers.

pub mod clock;
pub mod series;
pub mod fleet;
pub mod scrape;
pub mod store;
pub mod signals;
pub mod forecast;
pub mod plan;
pub mod proposal;
pub mod approval;
pub mod execution;
pub mod outcome;
pub mod learning;
pub mod journal;
pub mod view;
pub mod screen;
pub mod report;
pub mod engine;
pub mod sandbox;
pub mod config;
pub mod telemetry;
pub mod cli;
