//! The executor: takes jobs, runs each operation in a task of its own, answers with receipts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::approval::{Mandate, MandateRecord, Permit, Way};
use crate::clock::Clock;
use crate::proposal::Proposal;

use super::absent::Absent;
use super::guard::{Guard, GuardPolicy};
use super::moves::PastMove;
use super::observation::{Observation, Pacing};
use super::provider::{Provider, ProviderError, Providers};
use super::providers::contract::WorkloadState;
use super::reconcile::{History, Next, reconcile};
use super::record::Recorder;
use super::shared::{Adopted, Receipt, Shared};
use super::stages::{Before, OperationRun, pending_stages};
use super::task::{Begin, Task, Wish};
use super::traffic::{SETTLE_TRIES, Shift, TrafficManagers};
use super::{Checkpoint, LeaseState, Operation, OperationId, OperationState, StageKind};

/// Operations and leases in one executor.
const MAX_TASKS: usize = 512;
/// Wishes waiting for one operation.
const WISHES: usize = 16;
/// Time given to tasks at shutdown, of the machine's time.
const GRACE: Duration = Duration::from_secs(4);

/// Settings of the executor.
#[derive(Clone, Debug, Default)]
pub struct ExecutorConfig {
    /// How long stages may take.
    pub pacing: Pacing,
    /// What is checked next to each write.
    pub guard: GuardPolicy,
    /// Moves of earlier runs, from [`super::counting`].
    pub moved: Vec<PastMove>,
    /// Keys of operations of earlier runs that are over although their notes on objects name a time that is to come, from
    /// [`super::let_go`].
    pub noted: Vec<String>,
    /// Load balancers in front of workloads.
    pub traffic: TrafficManagers,
}

/// Work for the executor. `who` names the person who asks.
#[derive(Debug)]
pub enum Job {
    /// Execute an approved proposal.
    Start {
        /// What was approved.
        proposal: Box<Proposal>,
        /// The leave to execute it.
        permit: Permit,
        /// Time new pods of this workload take to warm up, where it was learned.
        warm_up: Option<Duration>,
    },
    /// Go on after a restart with what the journal tells of.
    Adopt {
        /// From [`super::unfinished`].
        history: Box<History>,
        /// From [`crate::approval::Gate::readmit`], for the same approval.
        mandate: Mandate,
    },
    /// Stop before the next write.
    Pause(OperationId, String),
    /// Go on; the person has looked.
    Resume(OperationId, String),
    /// Stop and undo.
    Abort(OperationId, String),
    /// Give the floor back now.
    Release(OperationId, String),
    /// How users and pods fare; send it every tick.
    Observe(Arc<Observation>),
    /// What this owner noted on an object binds nobody any more: a person has seen to it.
    SetAside(String),
    /// Send nothing more until restarted: an invariant was violated. Why, in one sentence.
    Halt(String),
    /// Stop within 5 s; nothing new is sent.
    Shutdown,
}

/// Runs until [`Job::Shutdown`] or until the sender of jobs is dropped.
pub fn spawn(
    config: ExecutorConfig,
    clock: Clock,
    providers: Providers,
    recorder: Arc<dyn Recorder>,
    jobs: mpsc::Receiver<Job>,
    receipts: mpsc::Sender<Receipt>,
) -> JoinHandle<()> {
    let (observe, observation) = watch::channel(Arc::new(Observation::default()));
    let max = config.guard.max_concurrent;
    let mut guard = Guard::new(config.guard);
    config.moved.iter().for_each(|past| guard.recall(past, clock.monotonic()));
    let parts = (config.pacing, guard, max, config.traffic);
    let shared = Arc::new(Shared::new(clock, providers, recorder, receipts, observation, parts));
    config.noted.iter().for_each(|key| shared.let_go(key));
    tokio::spawn(Executor { shared, observe, tasks: JoinSet::new(), wishes: BTreeMap::new() }.run(jobs))
}

struct Executor {
    shared: Arc<Shared>,
    observe: watch::Sender<Arc<Observation>>,
    tasks: JoinSet<OperationId>,
    wishes: BTreeMap<OperationId, mpsc::Sender<Wish>>,
}

impl Executor {
    async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        loop {
            // What happened decides what follows, not a die: a schedule of the tests is the same each time.
            tokio::select! {
                biased;
                Some(done) = self.tasks.join_next() => self.ended(done).await,
                job = jobs.recv() => match job {
                    None | Some(Job::Shutdown) => break,
                    Some(job) => self.take(job).await,
                },
            }
        }
        // Tasks see their mailbox close, record it, and end; what is stuck in a call is cut off, and its recorded
        // intent tells the next start to read back.
        self.wishes.clear();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, all).await.is_err() {
            self.tasks.shutdown().await;
        }
    }

    async fn ended(&mut self, done: Result<OperationId, tokio::task::JoinError>) {
        match done {
            Ok(id) => {
                self.wishes.remove(&id);
                self.shared.vacate(&id);
                self.shared.invariants().forget(&id);
            }
            Err(error) => {
                tracing::error!("an operation's task failed: {error}");
                let dead: Vec<OperationId> =
                    self.wishes.iter().filter(|(_, w)| w.is_closed()).map(|(id, _)| id.clone()).collect();
                for operation in dead {
                    self.wishes.remove(&operation);
                    self.shared.vacate(&operation);
                    let text =
                        "stopped by an error in weescale; restart it to compare with the platform".into();
                    self.shared.tell(Receipt::Trouble { operation, text }).await;
                }
            }
        }
    }

    async fn take(&mut self, job: Job) {
        match job {
            Job::Start { proposal, permit, warm_up } => self.start(*proposal, permit, warm_up).await,
            Job::Adopt { history, mandate } => self.adopt(*history, mandate),
            Job::Pause(id, who) => self.wish(id, Wish::Pause(who)).await,
            Job::Resume(id, who) => self.wish(id, Wish::Resume(who)).await,
            Job::Abort(id, who) => self.wish(id, Wish::Abort(who)).await,
            Job::Release(id, who) => self.wish(id, Wish::Release(who)).await,
            Job::Observe(observation) => {
                self.shared.take_in(&observation);
                self.observe.send_replace(observation);
            }
            Job::SetAside(owner) => self.shared.let_go(&owner),
            Job::Halt(why) => self.shared.halt(&why).await,
            Job::Shutdown => {}
        }
    }

    async fn wish(&mut self, operation: OperationId, wish: Wish) {
        let sent = self.wishes.get(&operation).is_some_and(|to| to.try_send(wish).is_ok());
        if !sent {
            let text = "is over, or cannot take this now".into();
            self.shared.tell(Receipt::Trouble { operation, text }).await;
        }
    }

    async fn start(&mut self, proposal: Proposal, permit: Permit, warm_up: Option<Duration>) {
        let record = permit.record().clone();
        let now = self.shared.now();
        let operation = operation_of(&record, now.wall);
        let refused = if record.hash != proposal.hash() {
            Some("the proposal is not the one that was approved".to_owned())
        } else if self.wishes.len() >= MAX_TASKS || self.wishes.contains_key(&record.operation) {
            Some("too many operations, or this one is running already".to_owned())
        } else {
            let taken = self.shared.occupy(&record.operation, &record.target, record.change.field);
            taken.err().map(|other| format!("{other} is at work on the same object"))
        };
        let provider = self.shared.providers.get(&record.target.provider).cloned();
        let mandate = permit.redeem(now.mono);
        let why = match (refused, provider, mandate) {
            (None, Some(provider), Ok(mandate)) => {
                let pacing = self.shared.pacing.clone();
                let run =
                    OperationRun::new(operation, Before::default(), &record.limits, pacing, warm_up, now)
                        .staged(&record);
                let task = self.task(run, mandate, provider);
                return self.launch(task, Begin::Fresh);
            }
            (Some(why), ..) => why,
            (_, None, _) => format!("provider {} is not configured", record.target.provider),
            (_, _, Err(refusal)) => refusal.to_string(),
        };
        if !self.wishes.contains_key(&record.operation) {
            self.shared.vacate(&record.operation);
        }
        let state = OperationState::Cancelled { why };
        let cancelled = Operation { state, ended: Some(now.wall), ..operation };
        self.shared.tell(Receipt::Operation(Box::new(cancelled))).await;
    }

    fn task(&mut self, run: OperationRun, mandate: Mandate, provider: Arc<dyn Provider>) -> Task {
        let (to, wishes) = mpsc::channel(WISHES);
        self.wishes.insert(run.operation.id.clone(), to);
        let shift = self.shared.traffic.of(&run.operation.workload).cloned().map(Shift::new);
        Task {
            shared: Arc::clone(&self.shared),
            provider,
            at: run.operation.change.from,
            mandate,
            run,
            wishes,
            live: None,
            read_at: None,
            stage_writes: 0,
            wrote: false,
            looked: false,
            failures: 0,
            lost: None,
            lost_back: None,
            astray: BTreeSet::new(),
            vain: 0,
            unsent: 0,
            one_way: false,
            silent_since: None,
            slot: None,
            shift,
        }
    }

    fn launch(&mut self, task: Task, begin: Begin) {
        let id = task.run.operation.id.clone();
        self.tasks.spawn(async move {
            task.execute(begin).await;
            id
        });
    }

    fn adopt(&mut self, history: History, mandate: Mandate) {
        let record = mandate.record().clone();
        // An approval only ever speaks for itself.
        if record != history.mandate || self.wishes.contains_key(&record.operation) {
            tracing::error!("{} cannot be taken up: another approval, or taken up already", record.operation);
            return;
        }
        let provider = self.shared.providers.get(&record.target.provider).cloned();
        let Some(provider) = provider else {
            let name = record.target.provider.clone();
            let task = self.remembered(&history, mandate, Arc::new(Absent(name)));
            let id = record.operation;
            self.tasks.spawn(async move {
                task.settle_without_provider(&history).await;
                id
            });
            return;
        };
        let task = self.remembered(&history, mandate, provider);
        if history.is_decided() {
            let id = record.operation;
            self.tasks.spawn(async move {
                task.settle_after_restart(&history).await;
                id
            });
            return;
        }
        if !history.writes.is_empty() {
            let now = self.shared.now();
            // It was moved when it began, and not at the restart.
            let ago = history.begun.map_or(Duration::ZERO, |begun| now.wall.since(begun));
            let mut guard = self.shared.guard();
            guard.recall(&PastMove { mandate: record.clone(), ago, put_back: false }, now.mono);
            guard.hold(&record);
        }
        self.shared.invariants().recall(&record, &history.writes);
        let id = record.operation.clone();
        if history.ended.is_none() {
            // Taken up as it was, whoever else was at work: what was begun has to be finished or undone.
            let _ = self.shared.occupy(&id, &record.target, record.change.field);
        }
        let values = history.writes.iter().map(|w| w.set).collect();
        let (target, field) = (record.target, record.change.field);
        self.shared.adopt(id.clone(), Adopted { target, field, values });
        self.tasks.spawn(async move {
            Box::pin(task.take_up(history)).await;
            id
        });
    }

    /// A task that knows what was sent and turned before the restart.
    fn remembered(&mut self, history: &History, mandate: Mandate, provider: Arc<dyn Provider>) -> Task {
        let now = self.shared.now();
        let record = mandate.record();
        let operation = operation_of(record, history.begun.unwrap_or(now.wall));
        let pacing = self.shared.pacing.clone();
        let run =
            OperationRun::new(operation, Before::default(), &record.limits, pacing, None, now).staged(record);
        let mut task = self.task(run, mandate, provider);
        for way in [Way::Forward, Way::Back] {
            if let Some(set) = history.last(way) {
                task.mandate.remember(way, set);
            }
        }
        task.mandate.remember_renewals(history.renewals());
        task.vain = history.vain();
        task.mandate.remember_turns(history.traffic.turns());
        if let Some(shift) = task.shift.as_mut() {
            shift.ledger = history.traffic.clone();
        }
        task
    }
}

impl Task {
    /// Reads the object until it answers, decides, and goes on from there.
    async fn take_up(mut self, history: History) {
        // Before anything else, and whether or not the platform answers: traffic must not wait for it.
        self.settle_first().await;
        self.become_state(OperationState::Unknown { what: "weescale was restarted; reading back".into() })
            .await;
        let live = loop {
            match self.read().await {
                Ok(Some(state)) => break Some(state),
                Err(ProviderError::NotFound(_)) => break None,
                Ok(None) => {}
                Err(error) => {
                    self.failures = self.failures.saturating_add(1);
                    self.trouble(format!("cannot be read after the restart: {error}")).await;
                }
            }
            self.shared.clock.sleep(self.nap()).await;
        };
        self.failures = 0;
        let next = match reconcile(&history, live.as_ref()) {
            Next::Halt(why) => {
                // The one on top is taken up after this one, and takes its place meanwhile.
                self.shared.clock.sleep(self.shared.pacing.poll).await;
                match self.covered(&history, live.as_ref()) {
                    Some(at) => Next::Hold { at },
                    None => Next::Halt(why),
                }
            }
            next => next,
        };
        if let (Next::Ask { at, .. } | Next::RollBack { at, .. } | Next::Hold { at }, Some(live)) =
            (&next, &live)
        {
            self.restore_position(*at, &history, live);
        }
        match next {
            Next::Cancel(why) => self.end(OperationState::Cancelled { why }).await,
            Next::Halt(why) => {
                if history.held().is_some() {
                    let found = live.and_then(|l| l.fields.get(self.run.operation.change.field));
                    self.tell_lease(LeaseState::Foreign { found }, None).await;
                }
                self.end(OperationState::Halted { why }).await;
            }
            Next::Ask { why, .. } => self.execute(Begin::Ask(why)).await,
            Next::RollBack { why, .. } => self.execute(Begin::RollBack(why)).await,
            Next::Hold { .. } => {
                self.run.operation.state = OperationState::Kept;
                self.publish().await;
                self.execute(Begin::Hold).await;
            }
        }
    }

    /// All that is left of it are turns of a load balancer that were not given back.
    async fn settle_after_restart(mut self, history: &History) {
        self.run.operation.state = history.ended.clone().unwrap_or(OperationState::Kept);
        self.settle_traffic(SETTLE_TRIES).await;
        if self.shift.as_ref().is_none_or(|s| !s.ledger.is_settled() && !s.has_open()) {
            let left = history.traffic.words();
            self.trouble(format!("{left}: not given back, as that load balancer is not configured any more"))
                .await;
        }
    }

    /// Nothing is read or written without its provider; what is turned at a load balancer is given back all the same.
    async fn settle_without_provider(self, history: &History) {
        let name = &self.mandate.record().target.provider;
        let text = format!(
            "not taken up: provider {name} is not configured; configure it and restart, or see to what it began by hand"
        );
        if history.held().is_some() {
            self.tell_lease(LeaseState::Failing { why: text.clone() }, None).await;
        }
        self.trouble(text).await;
        if !history.traffic.is_settled() {
            self.settle_after_restart(history).await;
        }
    }

    /// The floor of a lease on which another lease of ours stands: when that one ends, the floor is there again.
    fn covered(&self, history: &History, live: Option<&WorkloadState>) -> Option<u32> {
        let MandateRecord { operation, target, change, .. } = self.mandate.record();
        let floor = history.last(Way::Forward).filter(|_| history.ended == Some(OperationState::Kept))?;
        let value = live.filter(|l| l.uid == target.uid)?.fields.get(change.field)?;
        self.shared.wrote_by_another(operation, target, change.field, value).then_some(floor)
    }

    fn restore_position(&mut self, at: u32, history: &History, live: &WorkloadState) {
        let now = self.shared.now();
        self.at = at;
        if history.undoing.is_none() && self.run.operation.change.field.is_in_place() {
            // What was replaced since is resized anew, if a person says so.
            let applied = |w: &super::WriteNote| w.way == Way::Forward && w.outcome == "applied";
            if history.writes.iter().any(|w| applied(w) && w.set > at) {
                self.mandate.fall_to(at);
                self.shared.invariants().fall_to(&self.run.operation.id, at);
            }
        }
        self.wrote = history.writes.iter().any(|w| w.set == at || w.outcome == "applied");
        self.lost = history.lost(Way::Forward).filter(|lost| *lost != at);
        self.lost_back = history.lost(Way::Back).filter(|lost| *lost != at);
        self.astray = history.astray();
        // Pods from before the operation are not known any more: all present count as old, so that nothing is
        // judged by a comparison that was never made.
        let readings = self.shared.before(&self.run.operation.workload);
        self.run.before = Before::new(live, &readings);
        // Steps were made smaller as a disruption budget became tighter.
        history.writes.iter().filter(|w| w.way == Way::Forward).for_each(|w| self.run.pass_by(w.set));
        self.run.wrote(at, now);
        if self.wrote {
            let (old, field) = (self.mandate.record().home(), self.mandate.record().change.field);
            let ours = history.last(Way::Forward).unwrap_or(at);
            self.run.operation.checkpoint = Some(Checkpoint { field, old, ours });
        }
        if history.ended == Some(OperationState::Kept) {
            for stage in &mut self.run.operation.stages {
                stage.state = super::GateState::Passed;
            }
            self.run.current = StageKind::ALL.len();
        }
    }
}

pub(super) fn operation_of(record: &MandateRecord, now: crate::series::Timestamp) -> Operation {
    Operation {
        id: record.operation.clone(),
        proposal: record.proposal.clone(),
        workload: record.workload.clone(),
        target: record.target.clone(),
        change: record.change.clone(),
        staging: record.staging.clone(),
        approved_by: record.approver.name.clone(),
        started: now,
        ended: None,
        state: OperationState::Queued,
        stages: pending_stages(),
        checkpoint: None,
        ready: None,
        waiting_s: None,
        waiting_why: None,
        refused: None,
    }
}
