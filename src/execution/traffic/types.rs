//! What the executor needs of a load balancer: servers, turns, counters.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::approval::{Setting, TurnOrder};
use crate::execution::provider::Pending;
use crate::fleet::WorkloadId;

/// Counters since the load balancer started. `None` where it does not tell; never zero for missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Sessions or requests taken.
    pub total: Option<u64>,
    /// Answers of class 5xx, its own included.
    pub failed: Option<u64>,
    /// Sessions the server broke off.
    pub cut: Option<u64>,
    /// Sessions the client broke off.
    pub left: Option<u64>,
    /// Connections to a server that failed and were tried again.
    pub retried: Option<u64>,
    /// Sessions moved to another server.
    pub moved: Option<u64>,
}

/// One server of a backend, as the load balancer has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Server {
    /// Its name in the load balancer.
    pub name: String,
    /// `10.0.0.7:8080`; empty if it has none yet.
    pub address: String,
    /// Weight now.
    pub weight: u32,
    /// Weight as configured.
    pub base: u32,
    /// Whether it answers its checks, as far as it has any, and is not in maintenance.
    pub up: bool,
    /// Whether a person or a program put it into maintenance.
    pub maintenance: bool,
    /// Whether it takes no new sessions.
    pub draining: bool,
    /// Whether its health is checked.
    pub checked: bool,
    /// Whether it only stands in while no other server can.
    pub backup: bool,
    /// Sessions on it or waiting for it now; `None` if not told.
    pub sessions: Option<u64>,
    /// Its counters.
    pub counters: Counters,
}

/// Where the server called `name` is: what follows the `@`; empty with one load balancer.
pub(super) fn front(name: &str) -> &str {
    name.split_once('@').map_or("", |(_, front)| front)
}

impl Server {
    /// Which of several load balancers has it; empty where there is one.
    pub fn front(&self) -> &str {
        front(&self.name)
    }

    /// Whether it takes new sessions. One that only stands in does not count.
    pub const fn serves(&self) -> bool {
        self.up && !self.draining && self.weight > 0 && !self.backup
    }

    /// How it is set, of the kind of `like`.
    pub const fn setting(&self, like: Setting) -> Setting {
        match like {
            Setting::Weight(_) => Setting::Weight(self.weight),
            Setting::Drain | Setting::Ready if self.draining => Setting::Drain,
            Setting::Drain | Setting::Ready => Setting::Ready,
        }
    }

    /// Whether it is as `setting` asks for.
    pub fn shows(&self, setting: Setting) -> bool {
        self.setting(setting) == setting
    }
}

/// A backend at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backend {
    /// Its servers, in the load balancer's order.
    pub servers: Vec<Server>,
    /// Counters of the whole backend on each load balancer that answered, as its servers' names end; one alone is nameless.
    pub counters: BTreeMap<String, Counters>,
    /// Those of several load balancers that did not answer, and why.
    pub silent: BTreeMap<String, TrafficError>,
}

impl Backend {
    /// The server called `name`.
    pub fn server(&self, name: &str) -> Option<&Server> {
        self.servers.iter().find(|s| s.name == name)
    }

    /// Whether the load balancer that should have the server called `name` answered, and has none.
    pub fn lacks(&self, name: &str) -> bool {
        self.server(name).is_none() && !self.silent.contains_key(front(name))
    }

    /// How many servers take new sessions on one load balancer.
    pub fn serving(&self, front: &str) -> usize {
        self.servers.iter().filter(|s| s.serves() && s.front() == front).count()
    }

    /// The error of one that did not answer, if there is one.
    pub fn whole(&self) -> Result<(), TrafficError> {
        self.silent.values().next().map_or(Ok(()), |error| Err(error.clone()))
    }
}

/// Why a load balancer did not do or tell something. Texts are clean and bounded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrafficError {
    /// No whole answer came: what was sent may have been done.
    #[error("{0}")]
    Unavailable(String),
    /// It refused, in its own words and with what to do about it, or its answer makes no sense.
    #[error("{0}")]
    Refused(String),
}

/// A load balancer in front of one workload.
///
/// Implementations send a turn **once**, within a deadline of their own, and take only a [`TurnOrder`], which comes only
/// from an approval.
pub trait TrafficManager: Send + Sync {
    /// As on cards and in the journal: `haproxy shop`.
    fn name(&self) -> &str;

    /// Each of several load balancers, which has a server of its own for every replica, called `NAME@FRONT`; one alone is
    /// nameless.
    fn fronts(&self) -> Vec<String> {
        vec![String::new()]
    }

    /// How a server is called here that the journal calls so: it may have been written with fewer or more load balancers
    /// than there are now. `None` if it is on one that is not configured.
    fn called(&self, server: &str) -> Option<String> {
        Some(server.to_owned())
    }

    /// Whether turns are allowed; the error says what to change so that they are.
    fn allowed(&self) -> Pending<'_, Result<(), TrafficError>>;

    /// The backend now. Of several load balancers at least one answered.
    fn look(&self) -> Pending<'_, Result<Backend, TrafficError>>;

    /// Sends one turn, once. `Ok` means accepted: whether it took effect is read back.
    fn turn<'a>(&'a self, order: &'a TurnOrder) -> Pending<'a, Result<(), TrafficError>>;
}

/// Which servers a scale-in takes away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Matching {
    /// Those with the addresses of the newest pods, as the platform tells them.
    #[default]
    Address,
    /// The last ones of the backend: for fixed lists whose servers come and go in order.
    Order,
}

/// How traffic is given to new servers and taken from those that go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrafficRules {
    /// Time until a new server has its whole weight; zero gives it at once.
    pub slow_start: Duration,
    /// In so many steps.
    pub steps: u32,
    /// Longest wait for the sessions of servers that are to go; zero drains nothing.
    pub drain: Duration,
    /// Which servers go.
    pub matching: Matching,
}

impl Default for TrafficRules {
    fn default() -> Self {
        Self {
            slow_start: Duration::from_secs(60),
            steps: 5,
            drain: Duration::from_secs(120),
            matching: Matching::Address,
        }
    }
}

/// A load balancer with how it is used.
#[derive(Clone)]
pub struct Traffic {
    /// The load balancer.
    pub manager: Arc<dyn TrafficManager>,
    /// How.
    pub rules: TrafficRules,
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
