//! One pod: its life, its queue, its counters.

use crate::execution::providers::contract::PodPhase;

use super::catalog::Spec;
use super::counters::{Counters, ROUTES};
use super::noise;
use super::queueing::ResponseTime;

/// The version that runs before any deploy.
pub const FIRST_VERSION: (&str, f64) = ("v141", 1.0);
/// Seconds a pod drains before it is gone.
pub const DRAIN: i64 = 15;
/// Seconds over which the load balancer gives a new pod its full share.
pub const SLOW_START: i64 = 30;
/// A cold pod takes this much longer for a request than a warm one, as a share.
const COLD: f64 = 0.6;
/// The same for a pod that never warms.
const BROKEN: f64 = 2.0;
/// A pod's queue is bounded: what would wait longer than this share of the clients' timeout is turned away.
const PATIENCE: f64 = 0.6;
/// Warmth from which a pod counts as warm.
const WARM: f64 = 0.9;

/// What is wrong with a pod from its creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It crashes on start.
    Crashes,
    /// It stays slow.
    NeverWarms,
    /// There is no node for it.
    NoNode,
}

/// A pod.
#[derive(Clone, Debug)]
pub struct Pod {
    /// As in labels.
    pub name: String,
    /// Seconds since the Unix epoch of creation.
    pub created: i64,
    /// Placed on a node.
    pub scheduled: i64,
    /// Image there, container running.
    pub started: i64,
    /// Ready, if it ever is.
    pub ready: i64,
    /// What is wrong with it.
    pub fault: Option<Fault>,
    /// Version of the code, and what a request of it takes against the first version.
    pub version: (&'static str, f64),
    /// Which machine of its region it is on, once it is placed.
    pub node: Option<usize>,
    /// Gone at, once it is being removed.
    pub ends: Option<i64>,
    /// `0.0..=1.0`.
    pub warmth: f64,
    /// Requests waiting.
    pub queue: f64,
    /// Requests in work or waiting, last second.
    pub active: f64,
    /// CPU in use, cores, averaged over about 30 s.
    pub cpu: f64,
    /// Memory in use, bytes.
    pub memory: f64,
    /// What it counted.
    pub counters: Counters,
}

/// What a second brings to a pod.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Requests that arrive.
    pub arrivals: f64,
    /// Time of a request in its queries, seconds.
    pub query_time: f64,
    /// Share of requests that fail for reasons outside the pod.
    pub failing: f64,
    /// Whether the pod's own metrics stand still.
    pub frozen: bool,
}

/// What a pod did in a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Done {
    /// Requests worked on.
    pub worked: f64,
    /// Good answers.
    pub good: f64,
    /// Failed: errors and requests given up.
    pub failed: f64,
}

/// Names a pod as Kubernetes does, from a hash of the template and a number.
pub fn pod_name(spec: &Spec, seed: u64, number: u64) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let word = |index: u64, length: usize| -> String {
        let mut bits = noise::mix(seed, spec.stream() ^ 0x9a, index);
        (0..length)
            .map(|_| {
                let letter = LETTERS.get((bits % LETTERS.len() as u64) as usize).copied().unwrap_or(b'x');
                bits /= LETTERS.len() as u64;
                char::from(letter)
            })
            .collect()
    };
    format!("{}-{}-{}", spec.name, word(0, 9), word(number + 1, 5))
}

impl Pod {
    /// A pod asked for at `created`, with its pace drawn from the seed.
    pub fn new(spec: &Spec, seed: u64, number: u64, created: i64, fault: Option<Fault>) -> Self {
        let mut pod = Self {
            name: pod_name(spec, seed, number),
            created,
            scheduled: i64::MAX,
            started: i64::MAX,
            ready: i64::MAX,
            fault,
            version: FIRST_VERSION,
            node: None,
            ends: None,
            warmth: 0.0,
            queue: 0.0,
            active: 0.0,
            cpu: 0.0,
            memory: spec.memory * 0.25,
            counters: Counters::default(),
        };
        if fault != Some(Fault::NoNode) {
            pod.plan(spec, seed, number, created);
        }
        pod
    }

    /// Draws when the pod is placed, running and ready, counted from `from`.
    pub fn plan(&mut self, spec: &Spec, seed: u64, number: u64, from: i64) {
        let stream = spec.stream() ^ 0x70d;
        let draw = |part: u64, mean: f64| {
            (mean * noise::between(seed, stream, number * 4 + part, 0.7, 1.3)).round() as i64
        };
        let (pull, boot, _) = spec.pace;
        if self.fault == Some(Fault::NoNode) {
            self.fault = None;
        }
        self.scheduled = from + 1 + draw(0, 1.5);
        self.started = self.scheduled + draw(1, pull);
        self.ready = if self.fault == Some(Fault::Crashes) { i64::MAX } else { self.started + draw(2, boot) };
    }

    /// A pod that has been there for `age` seconds.
    pub fn veteran(spec: &Spec, seed: u64, number: u64, now: i64, age: i64) -> Self {
        let mut pod = Self::new(spec, seed, number, now - age, None);
        pod.warmth = 1.0;
        pod.memory = spec.memory * 0.55;
        pod
    }

    /// Where it is in its life at `now`.
    pub fn phase(&self, now: i64) -> PodPhase {
        if self.ends.is_some() {
            PodPhase::Terminating
        } else if now < self.scheduled {
            PodPhase::Pending
        } else if now < self.started {
            PodPhase::Pulling
        } else if self.restarts(now) > 0 {
            PodPhase::Failed
        } else if now < self.ready {
            PodPhase::Starting
        } else {
            PodPhase::Ready
        }
    }

    /// Whether it takes traffic at `now`.
    pub fn is_ready(&self, now: i64) -> bool {
        self.ends.is_none() && now >= self.ready
    }

    /// Whether caches and compilers are warm.
    pub fn is_warm(&self, now: i64) -> bool {
        self.is_ready(now) && self.warmth >= WARM
    }

    /// Crashes so far at `now`: one 12 s after the start, then with growing pauses.
    pub fn restarts(&self, now: i64) -> u32 {
        if self.fault != Some(Fault::Crashes) || now < self.started {
            return 0;
        }
        [12, 34, 66, 118, 210, 382].iter().filter(|after| now - self.started >= **after).count() as u32
    }

    /// Why it is not ready, for people; empty if nothing is wrong.
    pub fn reason(&self, now: i64) -> &'static str {
        match self.fault {
            Some(Fault::NoNode) => "Unschedulable: no node in this region",
            Some(Fault::Crashes) if self.restarts(now) > 0 => "CrashLoopBackOff: exit code 1",
            _ => "",
        }
    }

    /// Share of a normal pod's traffic, `0.0..=1.0` (Envoy's slow start with aggression 1, never below 10 %).
    pub fn traffic(&self, now: i64) -> f64 {
        if !self.is_ready(now) {
            return 0.0;
        }
        ((now - self.ready).max(1) as f64 / SLOW_START as f64).clamp(0.1, 1.0)
    }

    /// Time of a request without its queries, seconds.
    fn service(&self, spec: &Spec) -> f64 {
        let extra = if self.fault == Some(Fault::NeverWarms) { BROKEN } else { COLD * (1.0 - self.warmth) };
        spec.service * self.version.1 * (1.0 + extra)
    }

    /// Works for one second.
    pub fn serve(&mut self, spec: &Spec, now: i64, load: &Load) -> Done {
        let own = self.service(spec);
        let service = own + load.query_time;
        let capacity = f64::from(spec.workers) / service;
        let before = self.queue;
        let total = before + load.arrivals;
        let worked = total.min(capacity);
        let patience = capacity * PATIENCE * spec.timeout;
        self.queue = (total - worked).min(patience);
        let given_up = total - worked - self.queue;
        let backlog = f64::midpoint(before, self.queue) / capacity;
        let response = ResponseTime::new(load.arrivals.min(capacity), spec.workers, service, backlog);
        let late = worked * (1.0 - load.failing) * (1.0 - response.within(spec.timeout, 1.0));
        let errors = worked * load.failing;
        let good = (worked - errors - late).max(0.0);
        if !load.frozen {
            for route in ROUTES {
                let part = route.share;
                self.counters.count(
                    route,
                    [good * part, errors * part, (late + given_up) * part],
                    &response,
                    spec,
                );
            }
        }
        // Little's law.
        self.active = worked * response.mean(1.0);
        let busy = (worked * own / f64::from(spec.workers)).min(1.0);
        self.work(spec, now, busy, worked);
        Done { worked, good, failed: errors + late + given_up }
    }

    /// CPU, memory and warmth of a second with `busy` share of the workers computing.
    fn work(&mut self, spec: &Spec, now: i64, busy: f64, worked: f64) {
        let cores = spec.cpu * (0.02 + 0.98 * busy);
        self.counters.compute(cores, busy);
        self.cpu += (cores - self.cpu) / 30.0;
        self.memory += (spec.memory * (0.45 + 0.2 * self.warmth + 0.1 * busy) - self.memory) / 120.0;
        if self.fault != Some(Fault::NeverWarms) {
            let share = self.traffic(now).max(0.3);
            self.warmth += (1.0 - self.warmth) * (1.0 - (-share / spec.pace.2).exp());
        }
        self.counters.look_up(worked, 0.92 * self.warmth);
    }
}

#[cfg(test)]
mod tests {
    use super::super::catalog;
    use super::*;

    const START: i64 = 1_000_000;

    fn spec() -> Spec {
        catalog::workloads().remove(0)
    }

    fn load(arrivals: f64) -> Load {
        Load { arrivals, query_time: 0.0, failing: 0.0, frozen: false }
    }

    #[test]
    fn life_runs_through_its_phases_in_order() {
        let pod = Pod::new(&spec(), 1, 5, START, None);
        let mut phases: Vec<PodPhase> = (START..START + 120).map(|t| pod.phase(t)).collect();
        phases.dedup();
        assert_eq!(phases, [PodPhase::Pending, PodPhase::Pulling, PodPhase::Starting, PodPhase::Ready]);
        assert_eq!(pod.traffic(pod.ready - 1), 0.0);
        assert!((pod.traffic(pod.ready) - 0.1).abs() < 1e-12);
        assert_eq!(pod.traffic(pod.ready + SLOW_START), 1.0);
        assert_ne!(Pod::new(&spec(), 1, 6, START, None).name, pod.name);
    }

    #[test]
    fn faults_keep_a_pod_from_serving() {
        let crashing = Pod::new(&spec(), 1, 5, START, Some(Fault::Crashes));
        assert_eq!(crashing.phase(START + 300), PodPhase::Failed);
        assert!(crashing.restarts(START + 300) >= 3);
        assert!(crashing.reason(START + 300).starts_with("CrashLoopBackOff"));
        let homeless = Pod::new(&spec(), 1, 5, START, Some(Fault::NoNode));
        assert_eq!(homeless.phase(START + 100_000), PodPhase::Pending);
        let mut cold = Pod::new(&spec(), 1, 5, START, Some(Fault::NeverWarms));
        for t in 0..600 {
            cold.serve(&spec(), START + 60 + t, &load(50.0));
        }
        assert!(cold.is_ready(START + 660) && !cold.is_warm(START + 660));
    }

    #[test]
    fn overload_queues_then_gives_up_and_nothing_is_lost() {
        let spec = spec();
        let mut pod = Pod::veteran(&spec, 1, 0, START, 5000);
        let calm = pod.serve(&spec, START, &load(100.0));
        assert!(calm.failed < 0.05, "{}", calm.failed);
        let mut sum = Done::default();
        for t in 1..=60 {
            let done = pod.serve(&spec, START + t, &load(200.0));
            sum.good += done.good;
            sum.failed += done.failed;
        }
        assert!(sum.failed > 1000.0, "{}", sum.failed);
        let seen = sum.good + sum.failed + pod.queue;
        assert!((seen - 60.0 * 200.0).abs() < 1e-6, "{seen}");
        assert!(pod.cpu > 0.5 && pod.counters.throttled > 0.0);
    }

    #[test]
    fn cold_pods_warm_with_traffic() {
        let spec = spec();
        let mut pod = Pod::new(&spec, 1, 5, START, None);
        let ready = pod.ready;
        let warm = (0..300).find(|t| {
            pod.serve(&spec, ready + t, &load(80.0));
            pod.is_warm(ready + t)
        });
        assert!((20..120).contains(&warm.unwrap()), "{warm:?}");
    }
}
