//! Sources: one file each, one line here.

mod backfill;
mod prometheus_endpoint;
mod promql_api;
mod promql_server;
mod promql_wire;

pub use prometheus_endpoint::spawn_exposition;
pub use promql_server::spawn_promql;
