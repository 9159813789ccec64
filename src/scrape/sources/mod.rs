//! Sources: one file each, one line here.

mod prometheus_endpoint;

pub use prometheus_endpoint::spawn_exposition;
