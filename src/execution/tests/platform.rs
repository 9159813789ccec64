//! A platform in memory that can be told to misbehave.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::approval::{Way, WriteOrder};
use crate::clock::Clock;
use crate::execution::providers::contract::{
    Fields, Odd, PodPhase, PodState, SizeFields, Sizing, WorkloadList, WorkloadState,
};
use crate::execution::{Pending, Provider, ProviderError};
use crate::fleet::{Field, Owner};

/// Every value of ours.
pub const EVERY: u32 = 0;
/// What replicas are resized to, thousandths of a core.
pub const OURS: u32 = 400;

/// What happens to the next write.
#[derive(Clone, Debug)]
pub enum Fault {
    None,
    TimeoutAfterEffect,
    TimeoutWithoutEffect,
    Refuse(ProviderError),
    RefuseWithEffect(ProviderError),
    /// Times out, and takes effect so many seconds later.
    Late(u32),
    Hang,
    /// Answered as accepted, changes nothing; its key is answered so from then on.
    Ignored,
    /// Answered with a 500, changes nothing; its key is answered so from then on.
    Broken,
    /// Takes effect and answers after so long on this clock.
    Slow(Clock, Duration),
}

/// A write as it arrived.
#[derive(Clone, Debug)]
pub struct Arrived {
    pub uid: String,
    pub field: Field,
    pub expect: u32,
    pub set: u32,
    pub key: String,
    dry_run: bool,
    annotations: BTreeMap<String, Option<String>>,
}

impl From<&WriteOrder> for Arrived {
    fn from(order: &WriteOrder) -> Self {
        Self {
            uid: order.target().uid.clone(),
            field: order.field(),
            expect: order.expect(),
            set: order.set(),
            key: order.key().to_owned(),
            dry_run: order.is_dry_run(),
            annotations: order.annotations().clone(),
        }
    }
}

/// Counts down provider and journal calls; at zero the program is dead.
#[derive(Default)]
pub struct Fuse(pub Mutex<Option<u32>>);

impl Fuse {
    /// Waits for ever when burnt.
    pub async fn pass(&self) {
        let burnt = {
            let mut left = self.0.lock().unwrap();
            match left.as_mut() {
                Some(0) => true,
                Some(n) => {
                    *n -= 1;
                    false
                }
                None => false,
            }
        };
        if burnt {
            std::future::pending::<()>().await;
        }
    }

    pub fn is_burnt(&self) -> bool {
        *self.0.lock().unwrap() == Some(0)
    }
}

#[derive(Default)]
pub struct Inner {
    pub state: WorkloadState,
    pub writes: VecDeque<Fault>,
    pub reads: VecDeque<Result<WorkloadState, ProviderError>>,
    /// The next read takes so long on this clock.
    pub slow_read: Option<(Clock, Duration)>,
    /// Every effect on the object: value and key.
    pub effects: Vec<(u32, String)>,
    /// Every write sent that was not a dry run.
    pub sent: Vec<String>,
    pub never_ready: bool,
    pub cold: bool,
    pub crash_reason: Option<String>,
    /// What a rehearsal of the way back is answered.
    pub no_way_back: Option<ProviderError>,
    /// What a rehearsal of the way back from this value of ours, or from [`EVERY`], is answered.
    pub barred: Option<(u32, ProviderError)>,
    pub born: u32,
    /// Every write that was sent and was not a dry run.
    pub arrived: Vec<Arrived>,
    /// Writes on their way: seconds left.
    pub late: Vec<(u32, Arrived)>,
    /// Keys of those that took effect when they came.
    pub landed: BTreeSet<String>,
    done: BTreeMap<String, WorkloadState>,
    /// Keys that are answered with a 500.
    broken: BTreeSet<String>,
}

#[derive(Clone, Default)]
pub struct Platform {
    pub inner: Arc<Mutex<Inner>>,
    pub fuse: Arc<Fuse>,
}

impl Platform {
    pub fn new(replicas: u32, min: Option<u32>) -> Self {
        let platform = Self::default();
        {
            let mut inner = platform.inner.lock().unwrap();
            let owner =
                if min.is_some() { Owner::Autoscaler { name: "hpa/checkout".into() } } else { Owner::Nobody };
            let max = min.map(|_| 50);
            inner.state = WorkloadState {
                uid: "u-1".into(),
                name: "checkout".into(),
                generation: 1,
                fields: Fields {
                    replicas: Some(replicas),
                    min_replicas: min,
                    max_replicas: max,
                    scale_in: min.map(|_| 0),
                    ..Fields::default()
                },
                owner,
                ..WorkloadState::default()
            };
            inner.converge();
            inner.settle();
        }
        platform
    }

    /// One whose replicas ask for 250 thousandths of a core each and can be resized in place.
    pub fn sized(replicas: u32) -> Self {
        let platform = Self::new(replicas, None);
        platform.set(|i| {
            let sizing = Sizing {
                owner: Owner::Nobody,
                in_place: Some(replicas),
                template: true,
                ..Sizing::default()
            };
            i.state.sizing = Some(Box::new(sizing));
            i.state.fields.sizes =
                SizeFields { cpu_request: Some(250), cpu_pods: Some(0), ..SizeFields::default() };
        });
        platform
    }

    pub fn set(&self, change: impl FnOnce(&mut Inner)) {
        change(&mut self.inner.lock().unwrap());
    }

    pub fn get<T>(&self, what: impl FnOnce(&Inner) -> T) -> T {
        what(&self.inner.lock().unwrap())
    }

    /// A second passes on the platform.
    pub fn settle(&self) {
        self.set(Inner::settle);
    }
}

impl Inner {
    fn converge(&mut self) {
        if let (Some(min), Some(n)) = (self.state.fields.min_replicas, self.state.fields.replicas) {
            self.state.fields.replicas = Some(n.max(min));
        }
        let want = self.state.fields.replicas.unwrap_or(0) as usize;
        while self.state.pods.iter().filter(|p| p.phase != PodPhase::Terminating).count() < want {
            self.born += 1;
            let name = format!("checkout-{}", self.born);
            let address = Some(format!("10.0.{}.{}", self.born / 250, self.born % 250));
            self.state.pods.push(PodState {
                name,
                address,
                created_ms: i64::from(self.born),
                warm: Some(false),
                traffic: Some(0.0),
                ..PodState::default()
            });
        }
        let mut alive = 0;
        for pod in &mut self.state.pods {
            if pod.phase != PodPhase::Terminating {
                alive += 1;
                if alive > want {
                    pod.phase = PodPhase::Terminating;
                }
            }
        }
    }

    fn settle(&mut self) {
        for (left, order) in std::mem::take(&mut self.late) {
            if left > 1 {
                self.late.push((left - 1, order));
            } else {
                let before = self.effects.len();
                let _ = self.apply(&order);
                if self.effects.len() > before {
                    self.landed.insert(order.key);
                }
            }
        }
        self.state.pods.retain(|p| p.phase != PodPhase::Terminating);
        for pod in &mut self.state.pods {
            if pod.phase == PodPhase::Ready {
                pod.warm = Some(!self.cold);
                pod.traffic = Some(1.0);
            } else if let Some(reason) = &self.crash_reason {
                pod.phase = PodPhase::Failed;
                pod.reason.clone_from(reason);
            } else if !self.never_ready {
                pod.phase = PodPhase::Ready;
            }
        }
        self.state.ready = self.state.pods.iter().filter(|p| p.phase == PodPhase::Ready).count() as u32;
    }

    pub fn write(&mut self, field: Field, value: u32) {
        match field {
            Field::Replicas => self.state.fields.replicas = Some(value),
            Field::MinReplicas => self.state.fields.min_replicas = Some(value),
            Field::MaxReplicas => self.state.fields.max_replicas = Some(value),
            Field::ScaleIn => self.state.fields.scale_in = Some(value),
            size => self.resize(size, value),
        }
        self.state.generation += 1;
        self.converge();
    }

    /// So many replicas have our size, the first ones; or the template gets it.
    fn resize(&mut self, field: Field, value: u32) {
        if !field.is_in_place() {
            self.state.fields.sizes.cpu_request = Some(value);
            return;
        }
        let Some(sizing) = &mut self.state.sizing else { return };
        let names = self.state.pods.iter().map(|p| p.name.clone());
        while sizing.odd.len() > value as usize {
            // What has another size is not ours to put back.
            let Some(last) = sizing.odd.iter().rposition(|o| o.cpu == Some(OURS)) else { break };
            sizing.odd.remove(last);
        }
        let missing = (value as usize).saturating_sub(sizing.odd.len());
        let new: Vec<String> =
            names.filter(|n| sizing.odd.iter().all(|o| o.pod != *n)).take(missing).collect();
        sizing.odd.extend(new.into_iter().map(|pod| Odd { pod, cpu: Some(OURS), ..Odd::default() }));
        self.state.fields.sizes.cpu_pods = Some(value);
    }

    /// A resized replica is replaced by one of the template's size.
    pub fn replace_one(&mut self) -> bool {
        let Some(odd) = self.state.sizing.as_mut().and_then(|s| s.odd.pop()) else { return false };
        self.born += 1;
        let name = format!("checkout-{}", self.born);
        self.state.pods.iter_mut().filter(|p| p.name == odd.pod).for_each(|p| p.name.clone_from(&name));
        self.state.fields.sizes.cpu_pods = self.state.fields.sizes.cpu_pods.map(|n| n - 1);
        self.state.generation += 1;
        true
    }

    fn apply(&mut self, order: &Arrived) -> Result<WorkloadState, ProviderError> {
        // A cluster knows no such keys: its patch tests the replica it is for.
        if let Some(first) = self.done.get(&order.key).filter(|_| !order.field.is_in_place()) {
            return Ok(first.clone());
        }
        let current = Some(Box::new(self.state.clone()));
        if order.uid != self.state.uid {
            return Err(ProviderError::Conflict { why: "409".into(), current });
        }
        if !self.state.shows(order.field, order.expect) {
            return Err(ProviderError::Precondition { why: "412".into(), current });
        }
        if order.dry_run {
            let mut would_be = self.state.clone();
            would_be.fields.min_replicas = would_be.fields.min_replicas.map(|_| order.set);
            return Ok(would_be);
        }
        for (key, value) in &order.annotations {
            match value {
                Some(value) => self.state.annotations.insert(key.clone(), value.clone()),
                None => self.state.annotations.remove(key),
            };
        }
        self.write(order.field, order.set);
        self.effects.push((order.set, order.key.clone()));
        self.done.insert(order.key.clone(), self.state.clone());
        Ok(self.state.clone())
    }
}

impl Provider for Platform {
    fn list(&self) -> Pending<'_, Result<WorkloadList, ProviderError>> {
        Box::pin(async {
            Ok(WorkloadList { workloads: vec![self.get(|i| i.state.clone())], ..WorkloadList::default() })
        })
    }

    fn read<'a>(&'a self, uid: &'a str) -> Pending<'a, Result<WorkloadState, ProviderError>> {
        Box::pin(async move {
            self.fuse.pass().await;
            let slow = self.inner.lock().unwrap().slow_read.take();
            if let Some((clock, time)) = slow {
                clock.sleep(time).await;
            }
            let scripted = self.inner.lock().unwrap().reads.pop_front();
            if let Some(answer) = scripted {
                return answer;
            }
            let state = self.get(|i| i.state.clone());
            if state.uid == uid { Ok(state) } else { Err(ProviderError::NotFound("404".into())) }
        })
    }

    fn write<'a>(&'a self, order: &'a WriteOrder) -> Pending<'a, Result<WorkloadState, ProviderError>> {
        Box::pin(async move {
            self.fuse.pass().await;
            let fault = {
                let mut inner = self.inner.lock().unwrap();
                if let Some(error) = inner.no_way_back.clone().filter(|_| order.rehearses_back()) {
                    return Err(error);
                }
                let barred = inner.barred.clone().filter(|(at, _)| {
                    if *at == EVERY { order.expect() != order.set() } else { order.expect() == *at }
                });
                if let Some((_, error)) = barred.filter(|_| order.is_dry_run() && order.way() == Way::Back) {
                    return Err(error);
                }
                if order.is_dry_run() {
                    return inner.apply(&order.into());
                }
                inner.sent.push(order.key().to_owned());
                inner.arrived.push(order.into());
                if inner.broken.contains(order.key()) {
                    return Err(ProviderError::Unknown("500".into()));
                }
                inner.writes.pop_front().unwrap_or(Fault::None)
            };
            let answer = match fault {
                Fault::None => self.inner.lock().unwrap().apply(&order.into()),
                Fault::Late(seconds) => {
                    self.inner.lock().unwrap().late.push((seconds, order.into()));
                    Err(ProviderError::Unknown("timed out".into()))
                }
                Fault::TimeoutAfterEffect => {
                    let _ = self.inner.lock().unwrap().apply(&order.into());
                    Err(ProviderError::Unknown("timed out".into()))
                }
                Fault::TimeoutWithoutEffect => Err(ProviderError::Unknown("timed out".into())),
                Fault::Refuse(error) => Err(error),
                Fault::RefuseWithEffect(error) => {
                    let _ = self.inner.lock().unwrap().apply(&order.into());
                    Err(error)
                }
                Fault::Ignored => {
                    let mut inner = self.inner.lock().unwrap();
                    let state = inner.state.clone();
                    inner.done.insert(order.key().to_owned(), state.clone());
                    Ok(state)
                }
                Fault::Broken => {
                    self.inner.lock().unwrap().broken.insert(order.key().to_owned());
                    Err(ProviderError::Unknown("500".into()))
                }
                Fault::Hang => std::future::pending().await,
                Fault::Slow(clock, time) => {
                    clock.sleep(time).await;
                    self.inner.lock().unwrap().apply(&order.into())
                }
            };
            self.fuse.pass().await;
            answer
        })
    }
}
