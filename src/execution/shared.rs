//! What all operations of one executor share.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, watch};

use crate::clock::{Clock, Monotonic};
use crate::fleet::{Field, WorkloadId};
use crate::proposal::Target;

use super::guard::{FleetHealth, Guard};
use super::invariants::Invariants;
use super::observation::{Observation, Pacing, Readings};
use super::provider::Providers;
use super::record::Recorder;
use super::stages::Moment;
use super::traffic::TrafficManagers;
use super::{Lease, Operation, OperationId};

/// What the engine told longer ago than this, or as much of the machine's time, is not known now.
const FRESH: Duration = Duration::from_secs(60);
/// Longer than this between two looks, and the world is looked at again (`safety.md` I9).
const GAP: Duration = Duration::from_secs(2);
/// Longer than this after a read was asked for, its answer says nothing of now: a call has a deadline of 30 s.
const LOOK: Duration = Duration::from_secs(35);

/// Keys remembered of operations that ended.
const LET_GO: usize = 4096;

/// Readings kept for each workload, to compare with after a change.
const READINGS: usize = 60;

/// What the executor tells the engine.
#[derive(Clone, Debug, PartialEq)]
pub enum Receipt {
    /// An operation as it is now; sent on every change.
    Operation(Box<Operation>),
    /// A lease as it is now; sent on every change.
    Lease(Box<Lease>),
    /// Something a person must know: one sentence.
    Trouble {
        /// About which operation.
        operation: OperationId,
        /// The sentence.
        text: String,
    },
    /// An invariant was violated: nothing more is sent by this process. Why, in one sentence.
    Halted(String),
}

/// A held lease as other operations see it.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub target: Target,
    pub field: Field,
    pub floor: u32,
    pub restore: u32,
    pub key: String,
    pub note: crate::approval::LeaseNote,
}

/// Shared by the tasks of one executor.
pub(super) struct Shared {
    pub clock: Clock,
    pub providers: Providers,
    pub recorder: Arc<dyn Recorder>,
    pub receipts: mpsc::Sender<Receipt>,
    pub pacing: Pacing,
    pub traffic: TrafficManagers,
    pub slots: Arc<Semaphore>,
    pub observation: watch::Receiver<Arc<Observation>>,
    guard: Mutex<Guard>,
    history: Mutex<BTreeMap<WorkloadId, VecDeque<Readings>>>,
    held: Mutex<BTreeMap<OperationId, Held>>,
    /// Keys of operations of ours that hold nothing any more.
    let_go: Mutex<VecDeque<String>>,
    adopted: Mutex<BTreeMap<OperationId, Adopted>>,
    invariants: Mutex<Invariants>,
    /// Operations that are going through their stages or are being undone, each with what it may write.
    busy: Mutex<BTreeMap<OperationId, (Target, Field)>>,
    /// When the engine last told how the fleet fares.
    observed: Mutex<Option<Monotonic>>,
    halted: OnceLock<String>,
}

/// What an operation taken up after a restart had written.
#[derive(Clone, Debug)]
pub(super) struct Adopted {
    pub target: Target,
    pub field: Field,
    pub values: Vec<u32>,
}

impl Shared {
    pub fn new(
        clock: Clock,
        providers: Providers,
        recorder: Arc<dyn Recorder>,
        receipts: mpsc::Sender<Receipt>,
        observation: watch::Receiver<Arc<Observation>>,
        (pacing, guard, max_concurrent, traffic): (Pacing, Guard, usize, TrafficManagers),
    ) -> Self {
        Self {
            clock,
            providers,
            recorder,
            receipts,
            pacing,
            traffic,
            slots: Arc::new(Semaphore::new(max_concurrent.clamp(1, 1000))),
            observation,
            guard: Mutex::new(guard),
            history: Mutex::default(),
            held: Mutex::default(),
            let_go: Mutex::default(),
            adopted: Mutex::default(),
            invariants: Mutex::default(),
            busy: Mutex::default(),
            observed: Mutex::default(),
            halted: OnceLock::new(),
        }
    }

    pub fn invariants(&self) -> MutexGuard<'_, Invariants> {
        self.invariants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why nothing is sent any more, if so.
    pub fn halted(&self) -> Option<&str> {
        self.halted.get().map(String::as_str)
    }

    /// From here on nothing is sent; only a person who starts weescale anew changes that.
    pub async fn halt(&self, why: &str) {
        if self.halted.set(why.to_owned()).is_ok() {
            self.tell(Receipt::Halted(why.to_owned())).await;
        }
    }

    /// Longest time between the last check and the send. As much of the machine's time on a clock that runs faster,
    /// whose seconds are shorter than a call.
    pub fn gap(&self) -> Duration {
        GAP.mul_f64(self.clock.factor().max(1.0))
    }

    /// Longest time between the question what is there and a write that rests on its answer.
    pub fn look(&self) -> Duration {
        LOOK.mul_f64(self.clock.factor().max(1.0))
    }

    /// What is known of the fleet now.
    pub fn fleet_health(&self, now: Monotonic) -> FleetHealth {
        let fresh = FRESH.max(Duration::from_secs(30).mul_f64(self.clock.factor().max(1.0)));
        let observed = *self.observed.lock().unwrap_or_else(PoisonError::into_inner);
        if observed.is_none_or(|at| now.since(at) > fresh) {
            return FleetHealth::default();
        }
        let observation = self.observation.borrow();
        FleetHealth { unready: observation.fleet_unready, fresh: observation.fresh_sources }
    }

    /// Takes the object for `id`, unless another operation of ours is at work on it: then, which.
    pub fn occupy(&self, id: &OperationId, target: &Target, field: Field) -> Result<(), OperationId> {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((other, _)) = busy.iter().find(|(other, (t, _))| *other != id && t == target) {
            return Err(other.clone());
        }
        busy.insert(id.clone(), (target.clone(), field));
        Ok(())
    }

    /// Gives the object of `id` free.
    pub fn vacate(&self, id: &OperationId) {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// Whether another operation of ours is at work on the field that the lease of `id` holds.
    pub fn covered(&self, id: &OperationId, target: &Target, field: Field) -> bool {
        let busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        busy.iter().any(|(other, (t, f))| other != id && t == target && *f == field)
    }

    pub fn now(&self) -> Moment {
        Moment { wall: self.clock.now(), mono: self.clock.monotonic() }
    }

    pub fn guard(&self) -> MutexGuard<'_, Guard> {
        self.guard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn held(&self) -> MutexGuard<'_, BTreeMap<OperationId, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that the operation with this key holds nothing any more: what it left on an object binds nobody.
    pub fn let_go(&self, key: &str) {
        let mut keys = self.let_go.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= LET_GO {
            keys.pop_front();
        }
        keys.push_back(key.to_owned());
    }

    /// Whether a note on an object names an operation of ours as its owner, one that holds it or one that let it go.
    pub fn is_ours(&self, owner: &str) -> bool {
        self.is_let_go(owner) || self.held().values().any(|held| owner.ends_with(&held.key))
    }

    /// Whether a note on an object names an operation of ours that is over and holds nothing.
    pub fn is_let_go(&self, owner: &str) -> bool {
        let let_go = self.let_go.lock().unwrap_or_else(PoisonError::into_inner);
        let_go.iter().any(|key| owner.ends_with(key.as_str()))
    }

    /// Notes what an operation taken up after a restart had written.
    pub fn adopt(&self, id: OperationId, adopted: Adopted) {
        self.adopted.lock().unwrap_or_else(PoisonError::into_inner).insert(id, adopted);
    }

    /// Whether another operation taken up after the restart had written `value` to the same field.
    pub fn wrote_by_another(&self, id: &OperationId, target: &Target, field: Field, value: u32) -> bool {
        let adopted = self.adopted.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |a: &Adopted| a.target == *target && a.field == field && a.values.contains(&value);
        adopted.iter().any(|(other, a)| other != id && same(a))
    }

    /// Remembers the readings of a tick.
    pub fn take_in(&self, observation: &Observation) {
        *self.observed.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.clock.monotonic());
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        history.retain(|id, _| observation.workloads.contains_key(id));
        for (id, readings) in &observation.workloads {
            let kept = history.entry(id.clone()).or_default();
            if kept.back().is_some_and(|last| last.at >= readings.at) {
                continue;
            }
            if kept.len() >= READINGS {
                kept.pop_front();
            }
            kept.push_back(readings.clone());
        }
    }

    /// The last readings of a workload, oldest first.
    pub fn before(&self, workload: &WorkloadId) -> Vec<Readings> {
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        history.get(workload).map(|kept| kept.iter().cloned().collect()).unwrap_or_default()
    }

    /// The readings of a workload now.
    pub fn readings(&self, workload: &WorkloadId) -> Option<Readings> {
        self.observation.borrow().workloads.get(workload).cloned()
    }

    /// Why nothing may be taken away from a workload now for the sake of another region.
    pub fn elsewhere(&self, workload: &WorkloadId) -> Option<String> {
        self.observation.borrow().elsewhere.get(workload).cloned()
    }

    /// Tells the engine. An engine that is gone is not an error: the journal has it.
    pub async fn tell(&self, receipt: Receipt) {
        let _ = self.receipts.send(receipt).await;
    }
}
