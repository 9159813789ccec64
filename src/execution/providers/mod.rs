//! One file per platform that can be scaled, and per load balancer in front of one.

pub mod aws;
pub mod contract;
mod haproxy;
mod http;
mod kubernetes;
mod sizing;

pub use haproxy::{
    Address as HaproxyAddress, BadAddress as BadHaproxyAddress, HaproxyManager, SeveralHaproxies,
};
pub use http::{HttpProvider, HttpSettings, HttpSetupError, TokenSource};
pub use kubernetes::{KubernetesProvider, KubernetesSettings, KubernetesSetupError};
