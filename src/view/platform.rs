//! Platforms as people see them.

use serde::{Deserialize, Serialize};

use crate::series::Timestamp;

/// A platform that lists workloads and takes writes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformView {
    /// As the configuration names it.
    pub name: String,
    /// When it last listed its workloads.
    pub heard: Option<Timestamp>,
    /// How many there were.
    pub workloads: usize,
    /// Why it does not answer; empty if it does.
    pub error: String,
}
