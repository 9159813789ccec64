//! A workload in motion: pods, demand, retries, sessions, autoscaler.

use std::collections::BTreeMap;

use crate::fleet::{Owner, ScaleIn};

use super::catalog::Spec;
use super::demand;
use super::history::need;
use super::hpa::{Autoscaler, Reading, SYNC};
use super::noise;
use super::pod::{DRAIN, Done, FIRST_VERSION, Fault, Load, Pod};
use super::scenario::Effects;
use super::store::Store;

/// Share of sessions that find their pod while nothing changes.
const STEADY_AFFINITY: f64 = 0.97;
/// Time constant with which moved sessions settle, seconds.
const SESSION: f64 = 600.0;
/// Seconds after which a self-healing tool writes its own value back.
const SELF_HEAL: i64 = 12;

/// What a load balancer in front of a workload knows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Balance {
    /// Good answers since start.
    pub good: f64,
    /// Failed requests since start.
    pub failed: f64,
    /// Mean response time over about a minute, seconds.
    pub response_time: f64,
}

/// A workload and its state.
#[derive(Clone, Debug)]
pub struct Running {
    /// Sizes.
    pub spec: Spec,
    /// Identity at the provider.
    pub uid: String,
    /// Counts changes of fields and annotations.
    pub generation: u64,
    /// Replicas asked for.
    pub desired: u32,
    /// The autoscaler's bounds now.
    pub bounds: (u32, u32),
    /// What the autoscaler may take away.
    pub scale_in: ScaleIn,
    /// Notes kept at the provider.
    pub annotations: BTreeMap<String, String>,
    /// Pods, oldest first.
    pub pods: Vec<Pod>,
    /// Database and cache.
    pub store: Option<Store>,
    /// The autoscaler's memory.
    pub autoscaler: Autoscaler,
    /// Share of sessions that find their pod.
    pub affinity: f64,
    /// Session look-ups that found their pod and that did not, since start.
    pub sessions: (f64, f64),
    /// Requests clients sent again, since start.
    pub retries: f64,
    /// What the load balancer in front counted.
    pub balance: Balance,
    /// What is in force.
    pub effects: Effects,
    /// First-time requests in the last second.
    pub external: f64,
    /// All requests in the last second.
    pub offered: f64,
    /// Outcome of the last second.
    pub done: Done,
    seed: u64,
    next_pod: u64,
    again: f64,
    last_ready: u32,
    written: Option<i64>,
    home: (u32, (u32, u32)),
}

impl Running {
    /// Running steadily at `now` with as many pods as `rate` requests per second need.
    pub fn new(spec: Spec, seed: u64, now: i64, rate: f64, effects: Effects) -> Self {
        let busy = rate * spec.service / f64::from(spec.workers);
        let floor = effects.floor.unwrap_or(spec.min);
        let desired = need(&spec, rate).max(floor);
        let bounds = (floor, spec.max.max(floor));
        let age = |n: u32| 7200 + (noise::unit(seed, spec.stream(), u64::from(n)) * 200_000.0) as i64;
        let mut pods: Vec<Pod> =
            (0..desired).map(|n| Pod::veteran(&spec, seed, u64::from(n), now, age(n))).collect();
        pods.sort_by_key(|p| p.created);
        for pod in &mut pods {
            pod.cpu = spec.cpu * (busy / f64::from(desired.max(1))).min(1.0);
        }
        Self {
            uid: spec.uid(),
            generation: 1,
            desired,
            bounds,
            scale_in: ScaleIn::Allowed,
            annotations: BTreeMap::new(),
            pods,
            store: spec.store.map(Store::new),
            autoscaler: Autoscaler::default(),
            affinity: STEADY_AFFINITY,
            sessions: (0.0, 0.0),
            retries: 0.0,
            balance: Balance::default(),
            effects,
            external: 0.0,
            offered: 0.0,
            done: Done::default(),
            seed,
            next_pod: u64::from(desired),
            again: 0.0,
            last_ready: desired,
            written: None,
            home: (desired, bounds),
            spec,
        }
    }

    /// Pods that take traffic at `now`.
    pub fn ready(&self, now: i64) -> u32 {
        self.pods.iter().filter(|p| p.is_ready(now)).count() as u32
    }

    /// One second: `rate` first-time requests per second are expected.
    pub fn tick(&mut self, now: i64, rate: f64, effects: Effects) {
        self.effects = effects;
        self.write_back(now);
        self.reconcile(now);
        let stream = self.spec.stream();
        self.external = demand::arrivals(self.seed, stream, now, rate);
        self.retries += self.again;
        self.offered = self.external + self.again;
        self.serve(now);
        // Clients wait a little before they ask again, and give up after three times.
        self.again = (self.done.failed * self.effects.retries).min(3.0 * self.external);
        self.settle_sessions(now);
        if now.rem_euclid(SYNC) == 0 {
            self.autoscale(now);
        }
    }

    fn serve(&mut self, now: i64) {
        let weights: f64 = self.pods.iter().map(|p| p.traffic(now)).sum();
        let refused = self.store.as_ref().map_or(0.0, |s| s.refused);
        let query_time = self.store.as_ref().map_or(0.0, Store::request_time);
        let ordinary = 0.0002;
        let outside = self.effects.dependency_errors.max(refused).max(ordinary);
        let mut sum = Done::default();
        for pod in &mut self.pods {
            if now < pod.ready {
                continue;
            }
            let arrivals = if weights > 0.0 { self.offered * pod.traffic(now) / weights } else { 0.0 };
            let load = Load { arrivals, query_time, failing: outside, frozen: self.effects.metrics_frozen };
            let done = pod.serve(&self.spec, now, &load);
            sum.worked += done.worked;
            sum.good += done.good;
            sum.failed += done.failed;
        }
        if weights <= 0.0 {
            sum.failed += self.offered;
        }
        if let Some(store) = &mut self.store {
            store.tick(sum.worked, &self.effects);
        }
        self.done = sum;
        self.balance.good += sum.good;
        self.balance.failed += sum.failed;
        if sum.worked > 0.0 {
            // Little's law: requests in the system over those that leave it.
            let active: f64 = self.pods.iter().map(|p| p.active).sum();
            self.balance.response_time += (active / sum.worked - self.balance.response_time) / 60.0;
        }
    }

    fn settle_sessions(&mut self, now: i64) {
        let ready = self.ready(now);
        if ready != self.last_ready {
            // Consistent hashing moves the share |N - N'| / max(N, N') of all sessions.
            let moved =
                f64::from(ready.abs_diff(self.last_ready)) / f64::from(ready.max(self.last_ready).max(1));
            self.affinity *= 1.0 - moved;
            self.last_ready = ready;
        }
        self.affinity += (STEADY_AFFINITY - self.affinity) / SESSION;
        if self.spec.sticky && !self.effects.metrics_frozen {
            self.sessions.0 += self.done.worked * self.affinity;
            self.sessions.1 += self.done.worked * (1.0 - self.affinity);
        }
    }

    /// Brings the pods to the count asked for.
    fn reconcile(&mut self, now: i64) {
        self.pods.retain(|p| p.ends.is_none_or(|end| now < end));
        if self.effects.region_down {
            // The nodes are gone, and with them every pod that ran on one.
            self.pods.retain(|p| p.fault == Some(Fault::NoNode));
        } else {
            let homeless = self.pods.iter_mut().filter(|p| p.fault == Some(Fault::NoNode));
            for (number, pod) in homeless.enumerate() {
                pod.plan(&self.spec, self.seed, self.next_pod + number as u64, now);
            }
        }
        let live = self.pods.iter().filter(|p| p.ends.is_none()).count() as u32;
        let surge = self.surge();
        for _ in live..self.desired + surge {
            let mut pod = Pod::new(&self.spec, self.seed, self.next_pod, now, self.fault());
            pod.version = self.effects.deploy.unwrap_or(FIRST_VERSION);
            self.pods.push(pod);
            self.next_pod += 1;
        }
        if surge > 0 {
            self.replace_old(now);
            return;
        }
        for _ in self.desired..live {
            self.remove_one(now);
        }
    }

    /// Pods over the count asked for while a new version is rolled out: a quarter, as Kubernetes does by default.
    fn surge(&self) -> u32 {
        let Some(version) = self.effects.deploy else { return 0 };
        let old = self.pods.iter().filter(|p| p.ends.is_none() && p.version != version).count() as u32;
        old.min(self.desired.div_ceil(4))
    }

    /// As many pods of an older version end as there are ready ones too many.
    fn replace_old(&mut self, now: i64) {
        let version = self.effects.deploy.unwrap_or(FIRST_VERSION);
        for _ in self.desired..self.ready(now) {
            let old = self.pods.iter_mut().find(|p| p.ends.is_none() && p.version != version);
            if let Some(pod) = old {
                pod.ends = Some(now + DRAIN);
            }
        }
    }

    fn fault(&self) -> Option<Fault> {
        if self.effects.region_down {
            Some(Fault::NoNode)
        } else if self.effects.crash_on_start {
            Some(Fault::Crashes)
        } else if self.effects.never_warm {
            Some(Fault::NeverWarms)
        } else {
            None
        }
    }

    /// Removes the pod that costs least: not ready before ready, young before old.
    fn remove_one(&mut self, now: i64) {
        let victim = self
            .pods
            .iter_mut()
            .filter(|p| p.ends.is_none())
            .max_by_key(|p| (!p.is_ready(now), p.created, p.name.clone()));
        if let Some(pod) = victim {
            pod.ends = Some(now + DRAIN);
        }
    }

    fn autoscale(&mut self, now: i64) {
        if !matches!(self.spec.owner, Owner::Autoscaler { .. }) {
            return;
        }
        let ready: Vec<f64> =
            self.pods.iter().filter(|p| p.is_ready(now)).map(|p| p.cpu / self.spec.cpu).collect();
        let reading = Reading {
            replicas: self.desired,
            ready: ready.len() as u32,
            utilisation: (!ready.is_empty()).then(|| ready.iter().sum::<f64>() / ready.len() as f64),
            target: self.spec.target,
            bounds: self.bounds,
        };
        let mut wanted = self.autoscaler.decide(now, &reading);
        if self.scale_in == ScaleIn::Held {
            wanted = wanted.max(self.desired.min(self.bounds.1));
        }
        if wanted != self.desired {
            self.desired = wanted;
            self.generation += 1;
        }
    }

    /// Notes that someone wrote a field at `now`: whoever undoes such writes counts from here.
    pub fn note_write(&mut self, now: i64) {
        self.written = Some(now);
    }

    /// A tool that keeps its own truth undoes what others wrote.
    fn write_back(&mut self, now: i64) {
        let healing = matches!(self.spec.owner, Owner::Git { self_heal: true, .. }).then_some(SELF_HEAL);
        let (Some(after), Some(written)) = (self.effects.reverted_after.or(healing), self.written) else {
            return;
        };
        if now - written < after {
            return;
        }
        self.written = None;
        let (desired, bounds) = self.home;
        let autoscaled = matches!(self.spec.owner, Owner::Autoscaler { .. });
        let wanted = if autoscaled { self.desired.clamp(bounds.0, bounds.1) } else { desired };
        if (self.desired, self.bounds) != (wanted, bounds) {
            self.desired = wanted;
            self.bounds = bounds;
            self.generation += 1;
        }
    }
}
