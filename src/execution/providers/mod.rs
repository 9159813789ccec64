//! One file per platform that can be scaled.

pub mod aws;
pub mod contract;
mod http;

pub use http::{HttpProvider, HttpSettings, HttpSetupError, TokenSource};
