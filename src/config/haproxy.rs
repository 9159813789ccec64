//! `[[haproxy]]`: the load balancer in front of a workload.

use std::time::Duration;

use serde::Deserialize;

use crate::execution::providers::HaproxyAddress;
use crate::execution::{Matching, TrafficRules};
use crate::series::text::clean;

use super::merge::{Merge, NAME_CHARS};
use super::span::Written;

/// Longest slow start: the warm-up stage gives new pods ten minutes.
const LONGEST_START: Duration = Duration::from_secs(480);
/// Longest wait for sessions.
const LONGEST_DRAIN: Duration = Duration::from_secs(3600);
/// Most load balancers in front of one workload.
const MOST_SOCKETS: usize = 8;
/// Most steps of a slow start.
const MOST_STEPS: u32 = 20;

/// As typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Haproxy {
    /// Path of the runtime socket, or `127.0.0.1:9999`.
    pub socket: Option<String>,
    /// The same of several in front of one workload.
    #[serde(default)]
    pub sockets: Vec<String>,
    /// The backend.
    pub backend: String,
    /// The workload behind it: name, or `namespace/name@region`.
    pub workload: String,
    /// Time until a new server has its whole weight; 60s, and 0s for at once.
    pub slow_start: Option<Written>,
    /// In so many steps; 5.
    pub steps: Option<u32>,
    /// Longest wait for the sessions of servers that are to go; 2m, and 0s for none.
    pub drain: Option<Written>,
    /// `address` or `order`: which servers go.
    pub r#match: Option<String>,
}

/// Validated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HaproxySettings {
    /// Paths or addresses of the runtime sockets, one of each.
    pub sockets: Vec<HaproxyAddress>,
    /// The backend.
    pub backend: String,
    /// The workload.
    pub workload: String,
    /// How traffic is given and taken.
    pub rules: TrafficRules,
}

impl HaproxySettings {
    /// `shop at /run/a.sock and /run/b.sock for checkout`.
    pub fn words(&self) -> String {
        let sockets: Vec<String> = self.sockets.iter().map(ToString::to_string).collect();
        format!("{} at {} for {}", self.backend, sockets.join(" and "), self.workload)
    }
}

impl Merge {
    pub(super) fn haproxy(&mut self, written: &[Haproxy]) -> Vec<HaproxySettings> {
        let mut made: Vec<HaproxySettings> = Vec::new();
        for (i, h) in written.iter().enumerate() {
            let field = format!("haproxy[{i}]");
            let workload = clean(&h.workload, NAME_CHARS);
            if workload.trim().is_empty() {
                self.problem(format!("{field}.workload"), "must be given, for example \"shop/checkout@eu\"");
            }
            if made.iter().any(|m| m.workload == workload) {
                self.problem(format!("{field}.workload"), "has a load balancer already; one only");
            }
            let backend = clean(&h.backend, NAME_CHARS);
            if backend.trim().is_empty() {
                self.problem(format!("{field}.backend"), "must be given, as in haproxy's configuration");
            }
            let Some(sockets) = self.sockets(&field, h) else { continue };
            // Two workloads in one backend would take each other's servers for new ones.
            let shared = |m: &HaproxySettings| m.sockets.iter().any(|s| sockets.contains(s));
            if made.iter().any(|m| m.backend == backend && shared(m)) {
                self.problem(
                    format!("{field}.backend"),
                    "serves another workload already; give each its own",
                );
            }
            let rules = self.rules(&field, h);
            if sockets.len() > 1 && rules.matching == Matching::Order {
                let what = "must be \"address\" with several sockets: each has servers of its own order";
                self.problem(format!("{field}.match"), what);
            }
            let origin = self.origin.clone();
            let settings = HaproxySettings { sockets, backend, workload, rules };
            self.note("haproxy", settings.words(), &origin);
            made.push(settings);
        }
        made
    }

    /// The sockets of one load balancer or of several. `None` if there is none that could be used.
    fn sockets(&mut self, field: &str, h: &Haproxy) -> Option<Vec<HaproxyAddress>> {
        let mut sockets: Vec<HaproxyAddress> = Vec::new();
        let written = match (&h.socket, h.sockets.as_slice()) {
            (Some(one), []) => std::slice::from_ref(one),
            (None, several) if (1..=MOST_SOCKETS).contains(&several.len()) => several,
            _ => {
                let what = format!("give either socket, or sockets = [...] with at most {MOST_SOCKETS}");
                self.problem(format!("{field}.socket"), what);
                return None;
            }
        };
        for text in written {
            match text.parse() {
                Ok(socket) if sockets.contains(&socket) => {
                    self.problem(format!("{field}.sockets"), format!("{socket} is there twice"));
                }
                Ok(socket) => sockets.push(socket),
                Err(error) => {
                    self.problem(format!("{field}.socket"), error.to_string());
                    return None;
                }
            }
        }
        Some(sockets)
    }

    fn rules(&mut self, field: &str, h: &Haproxy) -> TrafficRules {
        let default = TrafficRules::default();
        let rules = TrafficRules {
            slow_start: h.slow_start.map_or(default.slow_start, |w| w.0),
            steps: h.steps.unwrap_or(default.steps),
            drain: h.drain.map_or(default.drain, |w| w.0),
            matching: match h.r#match.as_deref() {
                None | Some("address") => Matching::Address,
                Some("order") => Matching::Order,
                Some(_) => {
                    let known = "must be \"address\" (the newest pods) or \"order\" (the last servers)";
                    self.problem(format!("{field}.match"), known);
                    Matching::Address
                }
            },
        };
        if rules.slow_start > LONGEST_START {
            self.problem(format!("{field}.slow_start"), "must be at most 8m, or 0s for at once");
        }
        if !(2..=MOST_STEPS).contains(&rules.steps) {
            self.problem(format!("{field}.steps"), format!("must be between 2 and {MOST_STEPS}"));
        }
        if rules.drain > LONGEST_DRAIN {
            self.problem(format!("{field}.drain"), "must be at most 1h, or 0s to drain nothing");
        }
        rules
    }
}
