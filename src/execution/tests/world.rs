//! Gate, executor, platform, journal and clock, wired for a test.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::balancer::Balancer;
use super::platform::{Fuse, Platform};
use crate::approval::{Gate, Mode, OperationId, Person, Preconditions};
use crate::clock::{Clock, Monotonic};
use crate::execution::{
    Entry, EntryKind, ExecutorConfig, FleetHealth, Job, Lease, LeaseState, Observation, Operation,
    OperationState, Pending, Providers, Readings, Receipt, RecordError, Recorder, spawn,
};
use crate::fleet::{Context, Field, Owner, WorkloadId};
use crate::plan::{CostDelta, Dimension, ExperienceDelta, Limits, PlannedChange};
use crate::proposal::{Proposal, ProposalId, ProposalState, Target};
use crate::series::Timestamp;

pub const START: i64 = 1_700_000_000;

#[derive(Clone, Default)]
pub struct Journal {
    pub entries: Arc<Mutex<Vec<Entry>>>,
    pub broken: Arc<Mutex<bool>>,
    /// Never answers.
    pub hangs: Arc<Mutex<bool>>,
    /// The next intent takes this long on this clock.
    pub stall: Arc<Mutex<Option<(Clock, Duration)>>>,
    pub fuse: Arc<Fuse>,
}

impl Recorder for Journal {
    fn record(&self, entry: Entry) -> Pending<'_, Result<(), RecordError>> {
        Box::pin(async move {
            self.fuse.pass().await;
            if *self.hangs.lock().unwrap() {
                std::future::pending::<()>().await;
            }
            let stall =
                if entry.kind == EntryKind::Intent { self.stall.lock().unwrap().take() } else { None };
            if let Some((clock, time)) = stall {
                clock.advance(time);
            }
            if *self.broken.lock().unwrap() {
                return Err(RecordError("disk full".into()));
            }
            // Through JSON, as on disk.
            let text = serde_json::to_string(&entry).unwrap();
            self.entries.lock().unwrap().push(serde_json::from_str(&text).unwrap());
            self.fuse.pass().await;
            Ok(())
        })
    }
}

pub fn person() -> Person {
    Person { uid: 1000, name: "ann".into() }
}

pub fn limits() -> Limits {
    Limits { min: 1, max: 50, ..Limits::default() }
}

pub fn proposal(id: &str, field: Field, from: u32, to: u32, lease: Option<Duration>) -> Proposal {
    let now = Timestamp::from_secs(START);
    let owner = if field == Field::Replicas {
        Owner::Nobody
    } else {
        Owner::Autoscaler { name: "hpa/checkout".into() }
    };
    Proposal {
        id: ProposalId::new(id),
        workload: WorkloadId::new("shop", "checkout", "eu"),
        target: Some(Target { provider: "p".into(), uid: "u-1".into() }),
        change: PlannedChange {
            dimension: Dimension::Horizontal,
            field,
            from,
            to,
            until: lease.map(|l| now + l),
            size: None,
        },
        sentence: "peak ahead".into(),
        facts: vec![],
        cost: CostDelta::default(),
        experience: ExperienceDelta::default(),
        staging: None,
        owner,
        owner_note: String::new(),
        guardrails: vec![],
        created: now,
        expires: now + Duration::from_secs(300),
        deadline: Monotonic::from_duration(Duration::from_secs(1_000_000)),
        state: ProposalState::Open,
    }
}

pub fn facts(operation: &str, owner: Owner) -> Preconditions {
    Preconditions {
        operation: OperationId::new(operation),
        not_fresh: vec![],
        provider_present: true,
        owner,
        forecast_age: None,
        forecast_horizon: Duration::from_secs(3600),
        limits: limits(),
    }
}

pub struct World {
    pub clock: Clock,
    pub platform: Platform,
    /// The load balancer in front of it, if there is one.
    pub balancer: Option<Balancer>,
    pub journal: Journal,
    pub gate: Gate,
    pub jobs: mpsc::Sender<Job>,
    pub receipts: mpsc::Receiver<Receipt>,
    pub handle: JoinHandle<()>,
    pub operations: BTreeMap<OperationId, Operation>,
    pub leases: BTreeMap<OperationId, Lease>,
    pub states: Vec<OperationState>,
    pub troubles: Vec<String>,
    pub readings: Option<Readings>,
    /// What the engine tells of the fleet.
    pub fleet: FleetHealth,
    /// Why nothing may be taken away for the sake of another region.
    pub elsewhere: Option<String>,
    /// Why the executor halted.
    pub halted: Option<String>,
    /// Bounds in force at approvals.
    pub limits: Limits,
}

pub fn healthy() -> Readings {
    Readings {
        demand: Some(100.0),
        p95: Some(0.1),
        error_ratio: Some(0.001),
        burn: Some(0.2),
        p95_objective: Some(0.3),
        ..Readings::default()
    }
}

impl World {
    pub fn new(platform: Platform) -> Self {
        let clock = Clock::paused(Timestamp::from_secs(START));
        Self::with(platform, Journal::default(), clock, ExecutorConfig::default())
    }

    pub fn with(platform: Platform, journal: Journal, clock: Clock, config: ExecutorConfig) -> Self {
        let providers = [("p".to_owned(), Arc::new(platform.clone()) as _)].into();
        Self::within(providers, platform, journal, clock, config)
    }

    /// With other providers than that of `platform`.
    pub fn within(
        providers: Providers,
        platform: Platform,
        journal: Journal,
        clock: Clock,
        config: ExecutorConfig,
    ) -> Self {
        let gate = Gate::new(Mode::Ask, Context { name: "test".into(), protected: false });
        let (jobs, inbox) = mpsc::channel(64);
        let (to, receipts) = mpsc::channel(1024);
        let handle = spawn(config, clock.clone(), providers, Arc::new(journal.clone()), inbox, to);
        Self {
            clock,
            platform,
            balancer: None,
            journal,
            gate,
            jobs,
            receipts,
            handle,
            operations: BTreeMap::new(),
            leases: BTreeMap::new(),
            states: vec![],
            troubles: vec![],
            readings: Some(healthy()),
            fleet: FleetHealth { unready: Some(0.0), fresh: Some(1.0) },
            elsewhere: None,
            halted: None,
            limits: limits(),
        }
    }

    /// Tells the executor how the fleet fares, and users as long as there are readings.
    pub fn observe(&self) {
        let at = self.clock.now();
        let workload = WorkloadId::new("shop", "checkout", "eu");
        let workloads =
            self.readings.iter().map(|r| (workload.clone(), Readings { at, ..r.clone() })).collect();
        let elsewhere =
            self.elsewhere.iter().map(|why| (workload.clone(), format!("other regions: {why}"))).collect();
        let FleetHealth { unready: fleet_unready, fresh: fresh_sources } = self.fleet;
        let observation = Observation { at, workloads, elsewhere, fleet_unready, fresh_sources };
        let _ = self.jobs.try_send(Job::Observe(Arc::new(observation)));
    }

    pub async fn start(&mut self, proposal: Proposal, operation: &str) {
        self.observe();
        let facts = Preconditions { limits: self.limits.clone(), ..facts(operation, proposal.owner.clone()) };
        let now = self.clock.monotonic();
        let permit = self.gate.approve(&proposal, &proposal.hash(), None, &person(), now, facts).unwrap();
        self.jobs.send(Job::Start { proposal: Box::new(proposal), permit, warm_up: None }).await.unwrap();
        self.breathe().await;
    }

    /// Lets every task run until it waits.
    pub async fn breathe(&mut self) {
        for _ in 0..60 {
            tokio::task::yield_now().await;
            while let Ok(receipt) = self.receipts.try_recv() {
                match receipt {
                    Receipt::Operation(op) => {
                        self.states.push(op.state.clone());
                        self.operations.insert(op.id.clone(), *op);
                    }
                    Receipt::Lease(lease) => {
                        self.leases.insert(lease.operation.clone(), *lease);
                    }
                    Receipt::Trouble { text, .. } => self.troubles.push(text),
                    Receipt::Halted(why) => self.halted = Some(why),
                }
            }
        }
    }

    /// `seconds` pass, one by one, with readings each second.
    pub async fn run(&mut self, seconds: u32) {
        for _ in 0..seconds {
            self.platform.settle();
            if let Some(balancer) = &self.balancer {
                balancer.settle();
            }
            if self.readings.is_some() {
                self.observe();
            }
            self.breathe().await;
            self.clock.advance(Duration::from_secs(1));
            self.breathe().await;
        }
    }

    pub async fn wish(&mut self, job: Job) {
        self.jobs.send(job).await.unwrap();
        self.breathe().await;
    }

    pub fn state(&self, operation: &str) -> &OperationState {
        &self.operations[&OperationId::new(operation)].state
    }

    pub fn lease(&self, operation: &str) -> &LeaseState {
        &self.leases[&OperationId::new(operation)].state
    }

    pub fn effects(&self) -> Vec<u32> {
        self.platform.get(|i| i.effects.iter().map(|e| e.0).collect())
    }

    pub fn sent(&self) -> usize {
        self.platform.get(|i| i.sent.len())
    }
}

pub fn op(id: &str) -> OperationId {
    OperationId::new(id)
}
