//! `weescale backtest`: what each policy would have done on a history.

mod args;
mod command;
mod draw;
mod json;
mod markdown;
mod read;
mod recorded;
mod svg;
mod table;
mod words;

pub use args::Backtest;
pub use command::run;
