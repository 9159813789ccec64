//! The exposition endpoints, each in the names of the exporter it stands for.

mod app;
mod around;
mod cluster;
mod cost;
mod haproxy;
mod stores;
mod text;
mod usage;

pub use app::application;
pub use around::{kafka, machines, probes};
pub use cluster::kube_state_metrics;
pub use cost::opencost;
pub use haproxy::haproxy;
pub use stores::{postgres, redis, volumes};
pub use text::CONTENT_TYPE;
pub use usage::cadvisor;
