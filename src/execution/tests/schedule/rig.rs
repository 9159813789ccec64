//! A gate, an executor, platforms, a journal and a clock, in which events happen.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::NAMES;
use super::balance::{self, Balancers};
use super::check::Checker;
use super::events::{self, Event, Pods};
use crate::approval::{Gate, Mode, OperationId, Preconditions};
use crate::clock::{Clock, Monotonic};
use crate::execution::tests::platform::{Fault, Platform};
use crate::execution::tests::world::{self, Journal};
use crate::execution::{
    ExecutorConfig, FleetHealth, Freeze, Job, Lease, Observation, Operation, OperationState, PastMove,
    Provider, Providers, Readings, Receipt, counting, past_moves, rolled_back, spawn, unfinished,
};
use crate::fleet::{Context, Field, Owner, ScaleIn, WorkloadId};
use crate::plan::{CostDelta, Limits};
use crate::proposal::{Proposal, Target};
use crate::series::Timestamp;

const START: i64 = world::START;
/// What the executor is running on now; a kill takes all of it.
struct Process {
    jobs: mpsc::Sender<Job>,
    receipts: mpsc::Receiver<Receipt>,
    handle: JoinHandle<()>,
    gate: Gate,
}

/// Everything.
pub struct Rig {
    seed: u64,
    random: fastrand::Rng,
    clock: Clock,
    pub platforms: Vec<Platform>,
    balancers: Balancers,
    /// What happens to load balancers is drawn apart: the rest of a schedule is the same without them.
    apart: fastrand::Rng,
    journal: Journal,
    config: ExecutorConfig,
    limits: Limits,
    process: Process,
    operations: BTreeMap<OperationId, Operation>,
    leases: BTreeMap<OperationId, Lease>,
    fleet: FleetHealth,
    burn: Option<f64>,
    next: u64,
    /// How far the wall clock is off, milliseconds.
    stepped: i64,
    checker: Checker,
    log: Vec<Event>,
}

fn workload(i: usize) -> WorkloadId {
    WorkloadId::new("shop", NAMES[i], "eu")
}

fn config(random: &mut fastrand::Rng) -> ExecutorConfig {
    let mut config = ExecutorConfig::default();
    let secs = Duration::from_secs;
    let p = &mut config.pacing;
    (p.provision, p.warm_up, p.warm_guess, p.shift) = (secs(40), secs(40), secs(4), secs(20));
    (p.settle, p.read_back, p.back_off) = (secs(8), secs(10), secs(2));
    // The one wait on the machine's own clock: a busy machine must not change a schedule.
    p.record = secs(600);
    let g = &mut config.guard;
    g.max_concurrent = random.usize(1..4);
    g.budget = random.bool().then_some(4.0);
    if random.u32(..3) == 0 {
        let from = Timestamp::from_secs(START + random.i64(0..600));
        let to = from + secs(random.u64(30..600));
        g.freezes.push(Freeze { name: "sale".into(), from, to });
    }
    config
}

impl Rig {
    pub fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let clock = Clock::paused(Timestamp::from_secs(START));
        let mut config = config(&mut random);
        let limits = Limits {
            min: random.u32(1..4),
            max: random.u32(12..22),
            cooldown: Duration::from_secs(*random.choice(&[0, 20, 120]).unwrap_or(&0)),
            ..Limits::default()
        };
        let n = random.usize(1..=NAMES.len());
        let platforms: Vec<Platform> = (0..n)
            .map(|_| {
                let at = random.u32(4..10);
                let platform = Platform::new(at, random.bool().then_some(at));
                platform.set(|i| i.state.ready = at);
                platform
            })
            .collect();
        let mut apart = fastrand::Rng::with_seed(seed ^ 0x7472_6166_6669_6321);
        let balancers = Balancers::new(&mut apart, &platforms);
        config.traffic = balancers.managers();
        let journal = Journal::default();
        let process = process(&config, &clock, &platforms, &journal);
        let checker = Checker::new(seed, limits.clone(), config.guard.clone(), n);
        Self {
            seed,
            random,
            clock,
            platforms,
            balancers,
            apart,
            journal,
            config,
            limits,
            process,
            operations: BTreeMap::new(),
            leases: BTreeMap::new(),
            fleet: FleetHealth { unready: Some(0.0), fresh: Some(1.0) },
            burn: Some(0.2),
            next: 1,
            stepped: 0,
            checker,
            log: Vec::new(),
        }
    }

    /// Events of this schedule.
    pub fn length(&mut self) -> usize {
        self.random.usize(20..70)
    }

    pub fn choose(&mut self) -> Event {
        if !self.balancers.all.is_empty() && self.apart.u32(..6) == 0 {
            let on = self.apart.usize(..self.platforms.len());
            return Event::Balance(on, balance::choose(&mut self.apart));
        }
        events::choose(&mut self.random, self.platforms.len())
    }

    pub async fn happen(&mut self, event: Event) {
        self.log.push(event.clone());
        match event {
            Event::Run(seconds) => return self.run(seconds).await,
            Event::Approve { .. } => self.approve(&event).await,
            Event::Pause(back) => self.wish(back, Job::Pause).await,
            Event::Resume(back) => self.resume(back).await,
            Event::Abort(back) => self.wish(back, Job::Abort).await,
            Event::Release(back) => self.wish(back, Job::Release).await,
            Event::Write(on, fault) => self.platforms[on].set(|i| i.writes.push_back(fault)),
            Event::Unreadable(on, times) => self.platforms[on].set(|i| {
                let down =
                    crate::execution::ProviderError::Unavailable { why: "503".into(), retry_after: None };
                i.reads.extend((0..times).map(|_| Err(down.clone())));
            }),
            Event::OldReads(on, times) => self.platforms[on].set(|i| {
                let old = crate::execution::providers::contract::WorkloadState {
                    generation: i.state.generation.saturating_sub(1),
                    ..i.state.clone()
                };
                i.reads.extend((0..times).map(|_| Ok(old.clone())));
            }),
            Event::Foreign(on, value) => self.platforms[on].set(|i| {
                let field =
                    if i.state.fields.min_replicas.is_some() { Field::MinReplicas } else { Field::Replicas };
                i.write(field, value);
            }),
            Event::Recreated(on) => self.platforms[on].set(|i| {
                i.state.uid = format!("u-{}", i.born + 100);
                i.state.generation = 1;
                i.state.annotations.clear();
            }),
            Event::Owned(on, git) => self.platforms[on].set(|i| {
                // An old answer with an old owner is the platform's word; no rule can see through it.
                i.reads.clear();
                i.state.owner = if git { events::git() } else { ours(&i.state) };
            }),
            Event::Pods(on, pods) => self.platforms[on].set(|i| pods.apply(i)),
            Event::Limits(on, low, high) => self.platforms[on].set(|i| {
                use crate::execution::providers::contract::{Bound, PlatformLimits};
                i.reads.clear();
                let bound = |v: Option<u32>| {
                    v.map(|value| Bound { value, why: "a budget".into(), limit: String::new() })
                };
                i.state.limits = PlatformLimits { min_allowed: bound(low), max_allowed: bound(high) };
            }),
            Event::Balance(on, ref event) => self.balancers.happen(on, event),
            Event::Disk(full) => *self.journal.broken.lock().unwrap() = full,
            Event::Fleet(health) => self.fleet = health,
            Event::Users(burn) => self.burn = burn,
            Event::Stopped(seconds) => self.clock.advance(Duration::from_secs(seconds)),
            Event::WallStep(millis) => {
                self.stepped += millis;
                self.clock.step_wall(millis);
            }
            Event::Killed(seconds) => self.killed(seconds).await,
        }
        self.observe();
        // Now and then several things happen at once.
        if self.random.u32(..6) > 0 {
            self.breathe().await;
        }
    }

    /// Seconds pass, two by two.
    async fn run(&mut self, seconds: u32) {
        for _ in 0..seconds.div_ceil(2) {
            for platform in &self.platforms {
                platform.settle();
                platform.settle();
            }
            self.balancers.settle();
            self.balancers.settle();
            self.observe();
            self.breathe().await;
            self.clock.advance(Duration::from_secs(2));
            self.breathe().await;
        }
    }

    fn observe(&self) {
        let at = self.clock.now();
        let readings = |burn| Readings { at, burn: Some(burn), ..world::healthy() };
        let workloads = self
            .burn
            .map(|burn| (0..self.platforms.len()).map(|i| (workload(i), readings(burn))).collect())
            .unwrap_or_default();
        let FleetHealth { unready: fleet_unready, fresh: fresh_sources } = self.fleet;
        let observation =
            Observation { at, workloads, fleet_unready, fresh_sources, ..Observation::default() };
        let _ = self.process.jobs.try_send(Job::Observe(Arc::new(observation)));
    }

    async fn breathe(&mut self) {
        let mut quiet = 0;
        let mut turns = 0;
        while quiet < 40 && turns < 1000 {
            tokio::task::yield_now().await;
            (quiet, turns) = (quiet + 1, turns + 1);
            while let Ok(receipt) = self.process.receipts.try_recv() {
                quiet = 0;
                match receipt {
                    Receipt::Operation(op) => {
                        if matches!(op.state, OperationState::RolledBack { .. }) {
                            let ago = op.ended.map_or(Duration::ZERO, |at| self.clock.now().since(at));
                            let now = self.clock.monotonic().since_origin();
                            let at = Monotonic::from_duration(now.saturating_sub(ago));
                            self.checker.undone(&op.id, at);
                        }
                        self.operations.insert(op.id.clone(), *op);
                    }
                    Receipt::Lease(lease) => {
                        self.leases.insert(lease.operation.clone(), *lease);
                    }
                    Receipt::Trouble { .. } => {}
                    Receipt::Halted(why) => panic!("{}halted: {why}", self.told()),
                }
            }
        }
        let told = self.checker.failed(
            &self.platforms,
            &self.journal,
            self.fleet,
            (self.clock.now(), self.clock.monotonic()),
        );
        let told = told.or_else(|| self.balancers.failed(&self.journal));
        if let Some(why) = told {
            panic!("{}{why}", self.told());
        }
    }

    fn told(&self) -> String {
        let mut text = format!("seed {}: {:?}\n", self.seed, self.limits);
        self.log.iter().for_each(|e| text.push_str(&format!("  {e:?}\n")));
        self.operations.values().for_each(|o| {
            text.push_str(&format!("  {} {:?} {:?}\n", o.id, o.change, o.state));
        });
        for entry in self.journal.entries.lock().unwrap().iter() {
            let sent = entry.data.write.as_ref().map(|w| format!("{}→{} {}", w.expect, w.set, w.outcome));
            let sent = sent.or_else(|| {
                entry.data.turn.as_ref().map(|t| format!("{:?}→{:?} {}", t.expect, t.set, t.outcome))
            });
            let (kind, id) = (entry.kind.word(), &entry.operation);
            text.push_str(&format!("  {kind} {id} {} {}\n", entry.text, sent.unwrap_or_default()));
        }
        text
    }

    async fn approve(&mut self, event: &Event) {
        let Event::Approve { platform: on, to, hold, lease, dollars, stale, old } = event else { return };
        let state = self.platforms[*on].get(|i| i.state.clone());
        let owner = ours(&state);
        let hold = *hold && state.fields.scale_in.is_some();
        let field = if hold { Field::ScaleIn } else { owner.floor_field().unwrap() };
        let to = &if hold { ScaleIn::Held.value() } else { *to };
        let from = state.fields.get(field).unwrap();
        let id = format!("p-{}", self.next);
        let operation = OperationId::new(&format!("op-{}", self.next));
        self.next += 1;
        let lease = lease.map(Duration::from_secs);
        let base = world::proposal(&id, field, from, *to, None);
        let now = self.clock.now();
        let proposal = Proposal {
            workload: workload(*on),
            target: Some(Target { provider: NAMES[*on].into(), uid: state.uid.clone() }),
            change: crate::plan::PlannedChange { until: lease.map(|l| now + l), ..base.change.clone() },
            cost: dollars.map_or_else(CostDelta::default, |d| CostDelta {
                now: Some(1.0),
                after: Some(1.0 + d),
                lease_total: None,
            }),
            owner: owner.clone(),
            deadline: self.clock.monotonic().plus(Duration::from_secs(if *old { 0 } else { 300 })),
            ..base
        };
        let hash = if *stale { "0".repeat(64) } else { proposal.hash() };
        let facts = Preconditions {
            operation: operation.clone(),
            not_fresh: vec![],
            provider_present: true,
            owner,
            forecast_age: None,
            forecast_horizon: Duration::from_secs(3600),
            limits: self.limits.clone(),
        };
        let mono = self.clock.monotonic();
        let permit = self.process.gate.approve(&proposal, &hash, None, &world::person(), mono, facts);
        let limits = self.limits.of(field);
        let bad = *stale || *old || *to < limits.min || *to > limits.max || *to == from;
        assert_eq!(permit.is_err(), bad, "{}{event:?}", self.told());
        let Ok(permit) = permit else { return };
        // As the engine does: the decision is on the disk before anything begins.
        if *self.journal.broken.lock().unwrap() {
            return;
        }
        self.checker.approved(&operation, permit.record());
        let job = Job::Start { proposal: Box::new(proposal), permit, warm_up: None };
        self.process.jobs.send(job).await.unwrap();
    }

    fn nth_last(&self, back: usize) -> Option<OperationId> {
        let mut ids: Vec<u64> =
            self.operations.keys().filter_map(|id| id.as_str().strip_prefix("op-")?.parse().ok()).collect();
        ids.sort_unstable();
        ids.iter().rev().nth(back).map(|n| OperationId::new(&format!("op-{n}")))
    }

    async fn wish(&mut self, back: usize, job: fn(OperationId, String) -> Job) {
        if let Some(id) = self.nth_last(back) {
            self.process.jobs.send(job(id, "bob".into())).await.unwrap();
        }
    }

    async fn resume(&mut self, back: usize) {
        if let Some(id) = self.nth_last(back) {
            self.checker.looked(&id);
            self.process.jobs.send(Job::Resume(id, "bob".into())).await.unwrap();
        }
    }

    /// kill −9, and a new process on the same journal and platforms.
    async fn killed(&mut self, seconds: u64) {
        self.process.handle.abort();
        let _ = (&mut self.process.handle).await;
        for _ in 0..seconds {
            self.platforms.iter().for_each(Platform::settle);
            self.balancers.settle();
        }
        self.clock.advance(Duration::from_secs(seconds));
        self.start().await;
    }

    async fn start(&mut self) {
        let entries = self.journal.entries.lock().unwrap().clone();
        // The journal's own times are not kept here: every move counts as just made, which waits longer, not shorter.
        let now = self.clock.now();
        let mut config = self.config.clone();
        let (undone, mono) = (rolled_back(entries.iter().map(|e| (now, e))), self.clock.monotonic());
        self.checker.restarted(&undone, mono);
        config.moved = counting(&past_moves(entries.iter().map(|e| (now, e))), &undone, now)
            .into_iter()
            .map(|past| PastMove { ago: self.checker.since(&past.mandate.operation, mono), ..past })
            .collect();
        self.process = process(&config, &self.clock, &self.platforms, &self.journal);
        for history in unfinished(&entries) {
            let mandate = self.process.gate.readmit(history.mandate.clone()).unwrap();
            let job = Job::Adopt { history: Box::new(history), mandate };
            self.process.jobs.send(job).await.unwrap();
        }
    }

    /// Everything gets well; what waits is answered; then nothing may be left over.
    pub async fn come_to_an_end(&mut self) {
        self.log.push(Event::Killed(1));
        *self.journal.broken.lock().unwrap() = false;
        self.balancers.heal();
        (self.fleet, self.burn) = (FleetHealth { unready: Some(0.0), fresh: Some(1.0) }, Some(0.2));
        for platform in &self.platforms {
            platform.set(|i| {
                i.writes.clear();
                i.reads.clear();
                Pods::Well.apply(i);
                i.state.limits = crate::execution::providers::contract::PlatformLimits::default();
                i.state.owner = ours(&i.state);
            });
        }
        // Leases end by the wall clock after a restart, as they stand on the object: set right, they end in time.
        self.clock.step_wall(-std::mem::take(&mut self.stepped));
        self.killed(30).await;
        self.clock.advance(Duration::from_secs(60_000));
        for round in 0..12 {
            self.run(60).await;
            let waiting: Vec<OperationId> = self
                .operations
                .values()
                .filter(|o| matches!(o.state, OperationState::Paused { .. }))
                .map(|o| o.id.clone())
                .collect();
            for (i, id) in waiting.into_iter().enumerate() {
                let job = if (i + round) % 2 == 0 && round < 6 { Job::Resume } else { Job::Abort };
                self.checker.looked(&id);
                self.process.jobs.send(job(id, "bob".into())).await.unwrap();
            }
        }
        let open = unfinished(self.journal.entries.lock().unwrap().iter());
        let open: Vec<String> = open
            .iter()
            .map(|h| format!("{} {:?} {:?} {:?}", h.mandate.operation, h.writes, h.ended, h.lease))
            .collect();
        assert!(open.is_empty(), "{}left over: {open:#?} {:?}", self.told(), self.leases);
        let left = self.balancers.left_over();
        assert!(left.is_none(), "{}{left:?}", self.told());
        for (on, platform) in self.platforms.iter().enumerate() {
            assert!(
                platform.get(|i| i.state.annotations.is_empty())
                    || self.was_disturbed()
                    || self.was_deceived(on),
                "{}",
                self.told()
            );
        }
    }

    /// Whether a platform refused a write, did it all the same, and then answered as before it: nobody can see through.
    fn was_deceived(&self, on: usize) -> bool {
        let refused = |e: &Event| matches!(e, Event::Write(p, Fault::RefuseWithEffect(_)) if *p == on);
        let old = |e: &Event| matches!(e, Event::OldReads(p, _) if *p == on);
        self.log.iter().any(refused) && self.log.iter().any(old)
    }

    /// Whether somebody else's change may have left a note on an object that is no longer ours to remove.
    fn was_disturbed(&self) -> bool {
        self.log.iter().any(|e| matches!(e, Event::Foreign(..) | Event::Recreated(_)))
            || self.operations.values().any(|o| matches!(o.state, OperationState::Halted { .. }))
    }
}

/// The owner whose field we write.
fn ours(state: &crate::execution::providers::contract::WorkloadState) -> Owner {
    match state.fields.min_replicas {
        Some(_) => Owner::Autoscaler { name: "hpa/checkout".into() },
        None => Owner::Nobody,
    }
}

fn process(config: &ExecutorConfig, clock: &Clock, platforms: &[Platform], journal: &Journal) -> Process {
    let (jobs, inbox) = mpsc::channel(256);
    let (to, receipts) = mpsc::channel(4096);
    let providers: Providers = platforms
        .iter()
        .zip(NAMES)
        .map(|(p, name)| (name.to_owned(), Arc::new(p.clone()) as Arc<dyn Provider>))
        .collect();
    let journal = Arc::new(journal.clone());
    let handle = spawn(config.clone(), clock.clone(), providers, journal, inbox, to);
    let gate = Gate::new(Mode::Ask, Context { name: "test".into(), protected: false });
    Process { jobs, receipts, handle, gate }
}
