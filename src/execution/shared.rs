//! What all operations of one executor share.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, mpsc, watch};

use crate::clock::Clock;
use crate::fleet::{Field, WorkloadId};
use crate::proposal::Target;

use super::guard::Guard;
use super::observation::{Observation, Pacing, Readings};
use super::provider::Providers;
use super::record::Recorder;
use super::stages::Moment;
use super::{Lease, Operation, OperationId};

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
    pub slots: Arc<Semaphore>,
    pub observation: watch::Receiver<Arc<Observation>>,
    guard: Mutex<Guard>,
    history: Mutex<BTreeMap<WorkloadId, VecDeque<Readings>>>,
    held: Mutex<BTreeMap<OperationId, Held>>,
    adopted: Mutex<BTreeMap<OperationId, Adopted>>,
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
        (pacing, guard, max_concurrent): (Pacing, Guard, usize),
    ) -> Self {
        Self {
            clock,
            providers,
            recorder,
            receipts,
            pacing,
            slots: Arc::new(Semaphore::new(max_concurrent.clamp(1, 1000))),
            observation,
            guard: Mutex::new(guard),
            history: Mutex::default(),
            held: Mutex::default(),
            adopted: Mutex::default(),
        }
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

    /// Tells the engine. An engine that is gone is not an error: the journal has it.
    pub async fn tell(&self, receipt: Receipt) {
        let _ = self.receipts.send(receipt).await;
    }
}
