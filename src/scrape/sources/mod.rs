//! Sources: one file each, one line here.

mod asking;
mod backfill;
mod budget;
mod grouping;
mod prometheus_endpoint;
mod promql_client;
mod promql_server;

pub use prometheus_endpoint::{spawn_exposition, spawn_exposition_over};
pub use promql_client::{PromqlClient, Spent, Told};
pub use promql_server::spawn_promql;
