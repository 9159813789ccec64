//! Command line, one file per command.

mod anomalies;
mod args;
mod attach;
mod backtest;
mod check;
mod completions;
mod config;
mod dashboard;
mod day;
mod demo;
mod exit;
mod forecast;
mod harden;
mod journal;
mod lessons;
mod live;
mod look;
mod out;
mod parallel;
mod picture;
mod plan;
mod printed;
mod progress;
mod run;
mod samples;
mod serve;
mod status;
mod table;
mod travel;
mod what_if;
mod whole;
mod wish;

pub use args::{Cli, Command};
pub use exit::Failure;
pub use harden::{no_core_files, no_huge_pages};
pub use run::run;
