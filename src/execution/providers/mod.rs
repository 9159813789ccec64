//! One file per platform that can be scaled.

pub mod contract;
mod haproxy;
mod http;

pub use haproxy::{Address as HaproxyAddress, BadAddress, HaproxyManager};
pub use http::{HttpProvider, HttpSettings, HttpSetupError, TokenSource};
