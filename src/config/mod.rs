//! Find, read, merge, validate, explain.
//!
//! A file ([`mod@file`]) is read as typed, then turned into [`Settings`] in one pass that collects every error.
//! Command line beats file beats environment beats default, and [`mod@show`] says where each value came from.

mod calendar;
pub mod aws;
mod error;
pub mod file;
mod find;
mod haproxy;
mod kubernetes;
mod malformed;
mod merge;
mod place;
mod settings;
mod show;
mod sources;
mod span;
pub mod team;
#[cfg(test)]
mod tests;

pub use aws::{AwsService, AwsSettings};
pub use calendar::{Days, DeclaredEvent};
pub use error::{ConfigError, Problem};
pub use find::{default_journal, default_path, default_socket, log_path};
pub use haproxy::HaproxySettings;
pub use merge::{Given, load, load_without_file, refused};
pub use settings::{FreezeWindow, Override, ProviderSettings, ServiceRule, Settings};
pub use show::{TEMPLATE, show};
pub use span::parse as parse_duration;
pub use team::{Quiet, TeamRule};
