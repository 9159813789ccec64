//! One file per platform that can be scaled.

pub mod aws;
pub mod contract;
mod http;
mod kubernetes;

pub use http::{HttpProvider, HttpSettings, HttpSetupError, TokenSource};
pub use kubernetes::{KubernetesProvider, KubernetesSettings, KubernetesSetupError};
