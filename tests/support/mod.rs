//! Real peers for integration tests: started on free loopback ports, ended on drop. A peer that is not installed
//! is reported as skipped, and its constructor returns `None`.

mod haproxy;
mod node_exporter;
mod peer;
mod prometheus;
pub mod victoria;

pub use haproxy::haproxy;
pub use node_exporter::node_exporter;
pub use peer::Peer;
pub use prometheus::prometheus;
