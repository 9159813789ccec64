//! What the executor needs of a load balancer: servers, weights, draining, counters.
//!
//! A traffic manager changes no capacity: it decides how much of the traffic a server gets, so that new servers warm up
//! before they carry a full share, and old ones finish their sessions before they go.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::fleet::WorkloadId;

use super::provider::Pending;

/// One server of a backend, as the load balancer has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Server {
    /// Its name in the load balancer.
    pub name: String,
    /// Address and port, for people.
    pub address: String,
    /// Weight now.
    pub weight: u32,
    /// Weight as configured.
    pub base: u32,
    /// Whether it is up and not in maintenance.
    pub up: bool,
    /// Whether it takes no new sessions.
    pub draining: bool,
    /// Sessions on it now.
    pub sessions: u64,
    /// Sessions since the load balancer started.
    pub total: u64,
    /// Requests that failed to connect, got a broken answer, or were cut by the server, since the start.
    pub errors: u64,
    /// Sessions moved from it to another server, since the start.
    pub moved: u64,
}

/// One change of one server; absolute, so that repeating it changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Its weight.
    Weight(u32),
    /// No new sessions; those on it go on.
    Drain,
    /// New sessions again.
    Ready,
}

impl Turn {
    /// Whether `server` is as this asks for.
    pub const fn holds(self, server: &Server) -> bool {
        match self {
            Self::Weight(weight) => server.weight == weight,
            Self::Drain => server.draining,
            Self::Ready => !server.draining,
        }
    }
}

/// Why a load balancer did not do or tell something. Texts are clean and bounded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrafficError {
    /// It does not answer.
    #[error("{0}")]
    Unavailable(String),
    /// It refused, in its own words and with what to do about it.
    #[error("{0}")]
    Refused(String),
    /// A change was sent, and the server is not as it asked for.
    #[error("{0}")]
    NotDone(String),
}

/// A load balancer in front of one workload.
///
/// Implementations send a change **once**, within a deadline, and read it back.
pub trait TrafficManager: Send + Sync {
    /// As on cards: `haproxy shop`.
    fn name(&self) -> &str;

    /// Whether changes are allowed; the error says what to change so that they are.
    fn allowed(&self) -> Pending<'_, Result<(), TrafficError>>;

    /// The servers, in the load balancer's order.
    fn servers(&self) -> Pending<'_, Result<Vec<Server>, TrafficError>>;

    /// Changes one server, once, and reads it back.
    fn turn<'a>(&'a self, server: &'a str, turn: Turn) -> Pending<'a, Result<Server, TrafficError>>;
}

/// How traffic is given to new servers and taken from old ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlowStart {
    /// Time until a new server has its full weight.
    pub window: Duration,
    /// Above 1 gives more at the beginning.
    pub aggression: f64,
    /// Share of the weight at the beginning, `0..=1`.
    pub min: f64,
    /// Longest wait for the sessions of a draining server.
    pub drain: Duration,
}

impl Default for SlowStart {
    fn default() -> Self {
        Self { window: Duration::from_secs(60), aggression: 1.0, min: 0.1, drain: Duration::from_secs(120) }
    }
}

impl SlowStart {
    /// Weight of a server with full weight `base` that has been warming for `age`.
    ///
    /// Envoy's slow start: `W·max(min, (max(t, 1 s)/window)^(1/aggression))`. At least 1: 0 would drain it.
    pub fn weight(&self, base: u32, age: Duration) -> u32 {
        let window = self.window.as_secs_f64();
        if age >= self.window || window <= 0.0 || base == 0 {
            return base;
        }
        let part = (age.as_secs_f64().max(1.0) / window).min(1.0);
        let share = part.powf(1.0 / self.aggression.max(0.1)).max(self.min).clamp(0.0, 1.0);
        ((f64::from(base) * share).round() as u32).clamp(1, base)
    }
}

/// A load balancer with how it is used.
#[derive(Clone)]
pub struct Traffic {
    /// The load balancer.
    pub manager: Arc<dyn TrafficManager>,
    /// How.
    pub slow_start: SlowStart,
}

/// Load balancers by `namespace/name@region`, or by plain name.
#[derive(Clone, Default)]
pub struct TrafficManagers(pub BTreeMap<String, Traffic>);

impl TrafficManagers {
    /// The one in front of `workload`.
    pub fn of(&self, workload: &WorkloadId) -> Option<&Traffic> {
        self.0.get(&workload.to_string()).or_else(|| self.0.get(&*workload.name))
    }
}

impl std::fmt::Debug for TrafficManagers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_rise_from_the_minimum_to_the_whole() {
        let s = SlowStart::default();
        let at = |secs| s.weight(100, Duration::from_secs(secs));
        assert_eq!([at(0), at(5), at(6), at(30), at(59), at(60), at(600)], [10, 10, 10, 50, 98, 100, 100]);
        let eager = SlowStart { aggression: 2.0, ..s };
        assert_eq!(eager.weight(100, Duration::from_secs(15)), 50);
        assert_eq!(s.weight(1, Duration::ZERO), 1, "never 0, which would drain it");
        assert_eq!(s.weight(0, Duration::ZERO), 0, "what was configured to get nothing gets nothing");
        assert_eq!(SlowStart { window: Duration::ZERO, ..s }.weight(100, Duration::ZERO), 100);
    }
}
