//! Sources: one file each, one line here.

mod asking;
pub mod aws;
mod backfill;
mod budget;
mod cloudwatch;
mod grouping;
mod prometheus_endpoint;
mod promql_client;
mod promql_server;

pub use cloudwatch::{CloudWatch, Metric as CloudWatchMetric, spawn_cloudwatch};
pub use prometheus_endpoint::{spawn_exposition, spawn_exposition_over};
pub use promql_client::{PromqlClient, Spent, Told};
pub use promql_server::spawn_promql;
