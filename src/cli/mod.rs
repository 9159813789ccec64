//! Command line, one file per command.

mod args;
mod check;
mod completions;
mod config;
mod dashboard;
mod demo;
mod exit;
mod journal;
mod live;
mod look;
mod out;
mod picture;
mod run;
mod serve;
mod status;

pub use args::{Cli, Command};
pub use exit::Failure;
pub use run::run;
