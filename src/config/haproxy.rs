//! `[[haproxy]]`: the load balancer in front of a workload.

use std::time::Duration;

use serde::Deserialize;

use crate::series::text::clean;

use super::merge::{Merge, NAME_CHARS};
use super::span::Written;

/// Longest slow start: the shift stage asks a person after five minutes.
const LONGEST: Duration = Duration::from_secs(240);

/// As typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Haproxy {
    /// Path of the runtime socket, or `127.0.0.1:9999`.
    pub socket: String,
    /// The backend.
    pub backend: String,
    /// The workload behind it: name, or `namespace/name@region`.
    pub workload: String,
    /// Time until a new server has its full weight; 60s.
    pub slow_start: Option<Written>,
    /// Longest wait for sessions of a server that is to go; 2m.
    pub drain: Option<Written>,
}

/// Validated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HaproxySettings {
    /// Path or address of the runtime socket.
    pub socket: String,
    /// The backend.
    pub backend: String,
    /// The workload.
    pub workload: String,
    /// Time until a new server has its full weight.
    pub slow_start: Duration,
    /// Longest wait for sessions of a server that is to go.
    pub drain: Duration,
}

impl Merge {
    pub(super) fn haproxy(&mut self, written: &[Haproxy]) -> Vec<HaproxySettings> {
        let mut made: Vec<HaproxySettings> = Vec::new();
        for (i, h) in written.iter().enumerate() {
            for (key, value) in [("socket", &h.socket), ("backend", &h.backend), ("workload", &h.workload)] {
                if value.trim().is_empty() {
                    self.problem(format!("haproxy[{i}].{key}"), "must be given");
                }
            }
            let workload = clean(&h.workload, NAME_CHARS);
            if made.iter().any(|m| m.workload == workload) {
                self.problem(format!("haproxy[{i}].workload"), "has a load balancer already; one only");
            }
            let slow_start = h.slow_start.map_or(Duration::from_secs(60), |w| w.0);
            if slow_start > LONGEST {
                self.problem(format!("haproxy[{i}].slow_start"), "must be at most 4m");
            }
            made.push(HaproxySettings {
                socket: clean(&h.socket, 300),
                backend: clean(&h.backend, NAME_CHARS),
                workload,
                slow_start,
                drain: h.drain.map_or(Duration::from_secs(120), |w| w.0),
            });
        }
        made
    }
}
