//! A load balancer in memory in front of a platform in memory, that can be told to misbehave.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::platform::{Fuse, Platform};
use crate::approval::{Setting, TurnOrder};
use crate::clock::Clock;
use crate::execution::providers::contract::PodPhase;
use crate::execution::{
    Backend, Counters, Matching, Pending, Server, Traffic, TrafficError, TrafficManager, TrafficManagers,
    TrafficRules,
};

/// What happens to the next turn.
#[derive(Clone, Debug)]
pub enum TurnFault {
    None,
    Refuse,
    /// No answer, and it was done.
    LostWithEffect,
    /// No answer, and it was not done.
    LostWithoutEffect,
    /// It says done and does nothing.
    Lie,
}

/// A turn as it arrived, and what was there.
#[derive(Clone, Debug)]
pub struct Arrived {
    pub server: String,
    pub expect: Setting,
    pub set: Setting,
    pub key: String,
    pub present: Option<Setting>,
    /// Servers that took traffic before it.
    pub serving: usize,
}

#[derive(Default)]
pub struct Desk {
    pub servers: Vec<Server>,
    pub faults: VecDeque<TurnFault>,
    /// So many looks get no answer.
    pub deaf: u32,
    pub refused: Option<String>,
    pub arrived: Vec<Arrived>,
    /// Sessions on each server that takes traffic.
    pub busy: u64,
    /// Sessions never end by themselves.
    pub sticky: bool,
    /// Sessions that were on a server when its pod went.
    pub lost: u64,
    /// Servers by slot, or one made for each pod.
    pub slots: bool,
    /// Weight of new servers.
    pub base: u32,
    /// Servers of which three requests in ten fail.
    pub failing: Vec<String>,
    /// Right after so many turns somebody else sets the weight of a server.
    pub meanwhile: Option<(usize, String, u32)>,
    /// So many looks from now on, every other one lists no server.
    pub flicker: u32,
    /// New pods are not seen.
    pub blind: bool,
    /// So much time passes while it answers.
    pub late: Option<(Clock, Duration)>,
    pods: BTreeMap<String, String>,
    pub requests: u64,
}

#[derive(Clone)]
pub struct Balancer {
    pub inner: Arc<Mutex<Desk>>,
    pub fuse: Arc<Fuse>,
    pub platform: Platform,
    /// Another one in front of the same pods: servers are `NAME@a` and `NAME@b` then.
    pub twin: Option<Box<Balancer>>,
}

impl Balancer {
    /// With another one beside it.
    pub fn on_two(platform: &Platform, slots: u32) -> Self {
        Self { twin: Some(Box::new(Self::new(platform, slots))), ..Self::new(platform, slots) }
    }

    /// `slots` fixed servers, or with 0 one made for each pod.
    pub fn new(platform: &Platform, slots: u32) -> Self {
        let server =
            |i| Server { name: format!("s{i}"), weight: 100, base: 100, checked: true, ..Server::default() };
        let desk = Desk {
            servers: (1..=slots).map(server).collect(),
            slots: slots > 0,
            base: 100,
            ..Desk::default()
        };
        let fuse = Arc::clone(&platform.fuse);
        let balancer =
            Self { inner: Arc::new(Mutex::new(desk)), fuse, platform: platform.clone(), twin: None };
        balancer.settle();
        balancer
    }

    /// As the executor is configured with it.
    pub fn managers(&self, rules: TrafficRules) -> TrafficManagers {
        let matching = if self.get(|d| d.slots) { Matching::Order } else { Matching::Address };
        let rules = TrafficRules { matching, ..rules };
        let traffic = Traffic { manager: Arc::new(self.clone()), rules };
        TrafficManagers([("checkout".to_owned(), traffic)].into())
    }

    pub fn set(&self, change: impl FnOnce(&mut Desk)) {
        change(&mut self.inner.lock().unwrap());
    }

    pub fn get<T>(&self, what: impl FnOnce(&Desk) -> T) -> T {
        what(&self.inner.lock().unwrap())
    }

    /// Changes one server as somebody else would.
    pub fn server(&self, name: &str, change: impl FnOnce(&mut Server)) {
        self.set(|d| change(d.servers.iter_mut().find(|s| s.name == name).unwrap()));
    }

    /// A second passes: checks see the pods, sessions come and go.
    pub fn settle(&self) {
        if let Some(twin) = &self.twin {
            twin.settle();
        }
        let pods = self.platform.get(|i| i.state.pods.clone());
        self.set(|desk| {
            let there = |name: &String| pods.iter().any(|p| p.name == *name);
            let gone: Vec<String> =
                desk.pods.iter().filter(|(_, pod)| !there(pod)).map(|(s, _)| s.clone()).collect();
            for name in gone {
                desk.pods.remove(&name);
                let lost = desk.servers.iter().find(|s| s.name == name).and_then(|s| s.sessions);
                desk.lost += lost.unwrap_or(0);
                if desk.slots {
                    let server = desk.servers.iter_mut().find(|s| s.name == name).unwrap();
                    (server.up, server.address) = (false, String::new());
                } else {
                    desk.servers.retain(|s| s.name != name);
                }
            }
            for pod in &pods {
                if desk.blind || desk.pods.values().any(|p| *p == pod.name) || pod.phase != PodPhase::Ready {
                    continue;
                }
                let name = if desk.slots {
                    let free = desk.servers.iter().find(|s| !desk.pods.contains_key(&s.name));
                    let Some(free) = free else { continue };
                    free.name.clone()
                } else {
                    let (name, base) = (format!("srv-{}", pod.name), desk.base);
                    let made =
                        Server { name: name.clone(), weight: base, base, checked: true, ..Server::default() };
                    desk.servers.push(made);
                    name
                };
                desk.pods.insert(name, pod.name.clone());
            }
            desk.pass(&pods);
        });
    }
}

impl Desk {
    fn pass(&mut self, pods: &[crate::execution::providers::contract::PodState]) {
        self.requests += 200;
        for server in &mut self.servers {
            let pod = self.pods.get(&server.name).and_then(|name| pods.iter().find(|p| p.name == *name));
            server.up = pod.is_some_and(|p| p.phase == PodPhase::Ready) && !server.maintenance;
            if let Some(address) = pod.and_then(|p| p.address.as_ref()) {
                server.address = format!("{address}:80");
            }
            let now = server.sessions.unwrap_or(0);
            server.sessions = Some(match (server.serves(), self.sticky) {
                (true, _) => self.busy,
                (false, true) if server.up => now,
                _ => now.saturating_sub(1),
            });
            let c = &mut server.counters;
            let failed = if self.failing.contains(&server.name) { self.requests * 3 / 10 } else { 0 };
            (c.total, c.failed, c.cut) = (Some(self.requests), Some(failed), Some(0));
        }
    }

    fn backend(&self) -> Backend {
        let counters = Counters {
            total: Some(self.requests),
            failed: Some(0),
            cut: Some(self.lost),
            left: Some(0),
            retried: Some(0),
            moved: Some(0),
        };
        let counters = [(String::new(), counters)].into();
        Backend { servers: self.servers.clone(), counters, ..Backend::default() }
    }

    fn turn(&mut self, order: &TurnOrder) {
        let Some(server) = self.servers.iter_mut().find(|s| s.name == bare(order)) else { return };
        match order.set() {
            Setting::Weight(weight) => server.weight = weight,
            Setting::Drain => (server.draining, server.maintenance) = (true, false),
            Setting::Ready => (server.draining, server.maintenance) = (false, false),
        }
    }

    fn others(&mut self) {
        let Some((after, name, weight)) = self.meanwhile.clone() else { return };
        if self.arrived.len() == after {
            self.servers.iter_mut().filter(|s| s.name == name).for_each(|s| s.weight = weight);
        }
    }
}

/// How the server is called on the one that has it.
fn bare(order: &TurnOrder) -> &str {
    order.server().split('@').next().unwrap()
}

impl Balancer {
    /// What this one alone answers.
    fn seen(&self) -> Result<Backend, TrafficError> {
        let mut desk = self.inner.lock().unwrap();
        if let Some((clock, late)) = &desk.late {
            clock.advance(*late);
        }
        if desk.deaf > 0 {
            desk.deaf -= 1;
            return Err(lost());
        }
        desk.flicker = desk.flicker.saturating_sub(1);
        let mut backend = desk.backend();
        if desk.flicker % 2 == 1 {
            backend.servers.clear();
        }
        Ok(backend)
    }
}

fn lost() -> TrafficError {
    TrafficError::Unavailable("no answer".into())
}

impl TrafficManager for Balancer {
    fn name(&self) -> &'static str {
        "haproxy shop"
    }

    fn fronts(&self) -> Vec<String> {
        if self.twin.is_some() { vec!["a".into(), "b".into()] } else { vec![String::new()] }
    }

    /// As those of a real one do: one alone is `a`.
    fn called(&self, server: &str) -> Option<String> {
        match (server.split_once('@'), &self.twin) {
            (Some((_, at)), Some(_)) => ["a", "b"].contains(&at).then(|| server.to_owned()),
            (Some((name, at)), None) => (at == "a").then(|| name.to_owned()),
            (None, Some(_)) => Some(format!("{server}@a")),
            (None, None) => Some(server.to_owned()),
        }
    }

    fn allowed(&self) -> Pending<'_, Result<(), TrafficError>> {
        Box::pin(async {
            self.fuse.pass().await;
            self.get(|d| d.refused.clone()).map_or(Ok(()), |why| Err(TrafficError::Refused(why)))
        })
    }

    fn look(&self) -> Pending<'_, Result<Backend, TrafficError>> {
        Box::pin(async {
            self.fuse.pass().await;
            let Some(twin) = &self.twin else { return self.seen() };
            let mut whole = Backend::default();
            for (front, seen) in [("a", self.seen()), ("b", twin.seen())] {
                let Ok(one) = seen else {
                    whole.silent.insert(front.into(), lost());
                    continue;
                };
                whole.counters.extend(one.counters.into_values().map(|c| (front.to_owned(), c)));
                let named = |s: Server| Server { name: format!("{}@{front}", s.name), ..s };
                whole.servers.extend(one.servers.into_iter().map(named));
            }
            if whole.silent.len() == 2 { Err(lost()) } else { Ok(whole) }
        })
    }

    fn turn<'a>(&'a self, order: &'a TurnOrder) -> Pending<'a, Result<(), TrafficError>> {
        Box::pin(async move {
            self.fuse.pass().await;
            let answer = {
                let twin = self.twin.as_ref().filter(|_| order.server().ends_with("@b"));
                let mut desk = twin.map_or(&self.inner, |twin| &twin.inner).lock().unwrap();
                let found = desk.servers.iter().find(|s| s.name == bare(order));
                let present = found.map(|s| s.setting(order.set()));
                let serving = desk.servers.iter().filter(|s| s.serves()).count();
                desk.arrived.push(Arrived {
                    server: order.server().to_owned(),
                    expect: order.expect(),
                    set: order.set(),
                    key: order.key().to_owned(),
                    present,
                    serving,
                });
                let answer = match desk.faults.pop_front().unwrap_or(TurnFault::None) {
                    TurnFault::None => {
                        desk.turn(order);
                        Ok(())
                    }
                    TurnFault::Refuse => Err(TrafficError::Refused("no".into())),
                    TurnFault::LostWithEffect => {
                        desk.turn(order);
                        Err(lost())
                    }
                    TurnFault::LostWithoutEffect => Err(lost()),
                    TurnFault::Lie => Ok(()),
                };
                desk.others();
                answer
            };
            self.fuse.pass().await;
            answer
        })
    }
}
