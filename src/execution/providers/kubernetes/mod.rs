//! Kubernetes: Deployments, `StatefulSets` and Argo Rollouts, scaled through the field their owner respects.
//!
//! Reading is by watches (`reflect.rs`, one a kind and namespace) into a cache; an object that is about to be
//! written, or in flight, is read afresh. Writing is one conditional JSON patch, sent once (`provider.rs`).
//! `owner/` decides which field that is. The client is the crate's `kube`; its hidden retries are off.

mod api;
mod assemble;
mod cache;
mod connect;
mod departure;
mod exec;
mod followed;
mod fresh;
mod hold;
mod kind;
mod limits;
mod namespaces;
mod object;
mod owner;
mod patch;
mod pods;
mod provider;
mod quantity;
mod reflect;
mod refusal;
mod report;
mod rolling;
mod resize;
mod rights;
mod settings;
mod size;
mod size_room;
mod usage;
mod warning;
mod writer;
mod writing;
#[cfg(test)]
mod recorded_tests;

pub use provider::KubernetesProvider;
pub use settings::{KubernetesSettings, KubernetesSetupError};
