//! One file per platform that can be scaled.

pub mod aws;
pub mod contract;
mod haproxy;
mod http;
mod kubernetes;

pub use haproxy::{Address as HaproxyAddress, BadAddress, HaproxyManager};
pub use http::{HttpProvider, HttpSettings, HttpSetupError, TokenSource};
pub use kubernetes::{KubernetesProvider, KubernetesSettings, KubernetesSetupError};
