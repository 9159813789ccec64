//! The Kubernetes provider: the contract every provider keeps, against a server in this process and, when
//! `WEESCALE_TEST_KUBECONFIG` names a kubeconfig, against a real cluster; and the faults only the former can make.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::significant_drop_tightening,
    reason = "tests fail loudly, and hold the server's state for a statement"
)]

#[path = "support/approved.rs"]
mod approved;
mod kube_api;
mod kube_provider;
#[path = "support/recorded.rs"]
mod recorded;
