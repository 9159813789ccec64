//! The stage machine: pure, on whatever time it is given. Gates are judged in `gates.rs`.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use crate::approval::MandateRecord;
use crate::clock::Monotonic;
use crate::plan::Limits;
use crate::series::Timestamp;

use super::budget;
use super::foreign;
use super::gates::{self, Verdict};
use super::killed::{self, Lives};
use super::observation::{Pacing, Readings};
use super::providers::contract::{PodPhase, PodState, WorkloadState};
use super::sizes;
use super::traffic::{self, TrafficGates};
use super::{Gate, GateState, Operation, OperationState, Stage, StageKind};

/// Readings remembered of each kind.
const READINGS: usize = 128;

/// A moment on both clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// For people.
    pub wall: Timestamp,
    /// For waits.
    pub mono: Monotonic,
}

/// What the machine wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Write this value, forward.
    Write(u32),
    /// A batch of one stage has proved itself; the next may begin.
    Batch(String),
    /// A stage passed.
    Passed(StageKind),
    /// Undo everything.
    RollBack(String),
    /// Stop; a person must look.
    Halt(String),
    /// Wait for a person.
    Ask(String),
    /// Done: keep the change, begin its lease.
    Keep,
}

/// How things were before anything was written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Before {
    /// Names of the pods.
    pub pods: BTreeSet<String>,
    /// Signals, as medians of the readings just before.
    pub baseline: Readings,
    /// p95 readings just before, seconds.
    pub p95: Vec<f64>,
}

impl Before {
    /// From the pods present and the last readings, oldest first.
    pub fn new<'a>(state: &WorkloadState, readings: impl IntoIterator<Item = &'a Readings>) -> Self {
        let readings: Vec<&Readings> = readings.into_iter().collect();
        let median = |pick: fn(&Readings) -> Option<f64>| {
            let values: Vec<f64> =
                readings.iter().filter_map(|r| pick(r)).filter(|v| v.is_finite()).collect();
            (!values.is_empty()).then(|| super::judge::median(&values))
        };
        let baseline = Readings {
            at: readings.last().map(|r| r.at).unwrap_or_default(),
            demand: median(|r| r.demand),
            p95: median(|r| r.p95),
            error_ratio: median(|r| r.error_ratio),
            burn: median(|r| r.burn),
            p95_objective: median(|r| r.p95_objective),
            pods_at: Timestamp::default(),
            pods: std::collections::BTreeMap::new(),
        };
        let p95 = readings.iter().filter_map(|r| r.p95).collect();
        Self { pods: state.pods.iter().map(|p| p.name.clone()).collect(), baseline, p95 }
    }
}

/// Readings gathered while the change settles.
#[derive(Clone, Debug, Default)]
pub struct Gathered {
    /// p95 of the workload, seconds.
    pub p95: VecDeque<f64>,
    /// p95 of pods that were there before, seconds.
    pub old_pods: VecDeque<f64>,
    /// p95 of new pods, seconds.
    pub new_pods: VecDeque<f64>,
    /// Readings in a row with a broken gate.
    pub strikes: u32,
    /// Readings seen in this stage.
    pub count: u32,
    /// Newest reading taken in.
    pub last: Timestamp,
    /// Newest readings of pods taken in.
    pub last_pods: Timestamp,
}

/// An operation with all its machine needs to remember.
#[derive(Clone, Debug)]
pub struct OperationRun {
    /// As seen from outside.
    pub operation: Operation,
    /// How things were.
    pub before: Before,
    pub(super) path: Vec<u32>,
    /// Least time from one write forward to the next.
    pub(super) wait: Duration,
    pub(super) done: usize,
    pub(super) current: usize,
    pub(super) since: Monotonic,
    pub(super) pacing: Pacing,
    pub(super) learned_warm: Option<std::time::Duration>,
    pub(super) gathered: Gathered,
    /// Restarts of replicas, as they were before.
    pub(super) lives: Lives,
    /// What a load balancer in front of the workload adds to the gates.
    pub(super) traffic: TrafficGates,
    /// Why more users than are seen may be here now: another region may have sent them, or not all demand is seen.
    pub(super) elsewhere: Option<String>,
}

/// The values to be written one after another: each step at most what `limits` allow.
pub fn path(from: u32, to: u32, limits: &Limits) -> Vec<u32> {
    let mut path = Vec::new();
    let mut at = from;
    while at != to && path.len() < 64 {
        let next = if to > at { limits.highest_from(at).min(to) } else { limits.lowest_from(at).max(to) };
        if next == at {
            break;
        }
        path.push(next);
        at = next;
    }
    path
}

/// The values to be written one after another to make what was approved: in its steps, each of which may take several writes.
pub fn steps(record: &MandateRecord) -> Vec<u32> {
    let (from, to) = (record.change.from, record.change.to);
    let stops = match &record.staging {
        Some(staging) if to > from => staging.stops(from, to),
        _ => vec![to],
    };
    let mut steps = Vec::new();
    let mut at = from;
    for stop in stops {
        steps.extend(path(at, stop, &record.limits));
        at = steps.last().copied().unwrap_or(at);
    }
    steps
}

impl OperationRun {
    /// The same run, in the steps that were approved.
    #[must_use]
    pub fn staged(mut self, record: &MandateRecord) -> Self {
        self.path = steps(record);
        self.wait = record.staging.as_ref().map_or(Duration::ZERO, |s| s.wait);
        self
    }

    /// A run at its beginning; stages are pending.
    pub fn new(
        operation: Operation,
        before: Before,
        limits: &Limits,
        pacing: Pacing,
        learned_warm: Option<std::time::Duration>,
        now: Moment,
    ) -> Self {
        let path = path(operation.change.from, operation.change.to, limits);
        Self {
            operation,
            before,
            path,
            wait: Duration::ZERO,
            done: 0,
            current: 0,
            since: now.mono,
            pacing,
            learned_warm,
            gathered: Gathered::default(),
            lives: Lives::new(),
            traffic: TrafficGates::default(),
            elsewhere: None,
        }
    }

    /// The value that should be present now.
    pub fn applied(&self) -> u32 {
        self.done.checked_sub(1).and_then(|i| self.path.get(i)).copied().unwrap_or(self.operation.change.from)
    }

    /// The value to be written next, if any is left.
    pub fn next_value(&self) -> Option<u32> {
        self.path.get(self.done).copied()
    }

    /// Whether more than the first value was applied.
    pub const fn is_past_first(&self) -> bool {
        self.done > 1
    }

    /// Whether the change raises the value.
    pub const fn is_up(&self) -> bool {
        self.operation.change.to > self.operation.change.from
    }

    /// Whether it gives more: what gives less is watched in every stage.
    pub const fn is_more(&self) -> bool {
        self.operation.change.is_more()
    }

    /// The stage being worked on.
    pub fn stage(&self) -> Option<StageKind> {
        StageKind::ALL.get(self.current).copied()
    }

    /// A value on the way that was not planned becomes a stage of it.
    pub(super) fn pass_by(&mut self, value: u32) {
        let (from, to, up) = (self.operation.change.from, self.operation.change.to, self.is_up());
        let on_the_way = if up { from < value && value < to } else { to < value && value < from };
        if on_the_way && !self.path.contains(&value) {
            let place = self.path.iter().position(|v| if up { *v > value } else { *v < value });
            self.path.insert(place.unwrap_or(self.path.len()), value);
        }
    }

    /// A forward write took effect.
    pub fn wrote(&mut self, value: u32, now: Moment) {
        if let Some(i) = self.path.iter().position(|v| *v == value) {
            self.done = i + 1;
        }
        self.since = now.mono;
        if let Some(deadline) = self.deadline(now)
            && let Some(stage) = self.operation.stages.get_mut(self.current)
        {
            stage.deadline = Some(deadline);
        }
    }

    /// A person accepted what the data could not tell.
    pub fn accept(&mut self, now: Moment) {
        if let Some(stage) = self.operation.stages.get_mut(self.current)
            && stage.state == GateState::Inconclusive
        {
            for gate in &mut stage.gates {
                if gate.state == GateState::Inconclusive {
                    gate.detail.push_str("; accepted by a person");
                }
            }
            self.pass(now);
        }
        self.operation.state = OperationState::InFlight;
    }

    /// New pods: those not there before, and not on their way out.
    pub fn new_pods<'a>(&'a self, state: &'a WorkloadState) -> impl Iterator<Item = &'a PodState> {
        state.pods.iter().filter(|p| p.phase != PodPhase::Terminating && !self.before.pods.contains(&p.name))
    }

    fn deadline(&self, now: Moment) -> Option<Timestamp> {
        let p = &self.pacing;
        let allowed = match self.stage()? {
            StageKind::Provision => p.provision,
            StageKind::WarmUp => p.warm_up,
            StageKind::Shift => p.shift,
            StageKind::Validate => p.settle.saturating_mul(2),
            StageKind::Keep => return None,
        };
        Some(now.wall + allowed)
    }

    fn begin(&mut self, now: Moment) {
        self.since = now.mono;
        self.gathered = Gathered::default();
        let deadline = self.deadline(now);
        if let Some(stage) = self.operation.stages.get_mut(self.current) {
            stage.state = GateState::Running;
            stage.began = Some(now.wall);
            stage.deadline = deadline;
        }
    }

    fn pass(&mut self, now: Moment) {
        if let Some(stage) = self.operation.stages.get_mut(self.current) {
            stage.state = GateState::Passed;
            stage.ended = Some(now.wall);
        }
        self.current += 1;
        self.begin(now);
    }

    fn take_in(&mut self, state: &WorkloadState, readings: Option<&Readings>) -> Option<Readings> {
        let fresh = readings.filter(|r| r.at > self.gathered.last)?;
        let g = &mut self.gathered;
        g.last = fresh.at;
        g.count = g.count.saturating_add(1);
        push(&mut g.p95, fresh.p95);
        if fresh.pods_at > g.last_pods {
            g.last_pods = fresh.pods_at;
            for (name, pod) in &fresh.pods {
                if self.before.pods.contains(name) {
                    push(&mut g.old_pods, pod.p95);
                } else if state.pods.iter().any(|p| p.name == *name) {
                    push(&mut g.new_pods, pod.p95);
                }
                // What the platform does not know by this name is none of its pods.
            }
        }
        Some(fresh.clone())
    }
}

fn push(into: &mut VecDeque<f64>, value: Option<f64>) {
    if let Some(value) = value.filter(|v| v.is_finite()) {
        if into.len() >= READINGS {
            into.pop_front();
        }
        into.push_back(value);
    }
}

/// Five pending stages.
pub fn pending_stages() -> Vec<Stage> {
    StageKind::ALL
        .map(|kind| Stage {
            kind,
            state: GateState::Pending,
            began: None,
            ended: None,
            deadline: None,
            gates: Vec::new(),
        })
        .into()
}

/// Looks at the world once and says what to do; an empty answer means wait.
///
/// Must not be called while a write is unresolved, while paused, or after the end.
pub fn advance(
    run: &mut OperationRun,
    state: &WorkloadState,
    readings: Option<&Readings>,
    now: Moment,
) -> Vec<Effect> {
    run.operation.ready = Some(state.ready);
    let live = state.fields.get(run.operation.change.field);
    if let Some(why) = foreign::drifted(&run.operation.change, state) {
        return vec![Effect::Halt(why)];
    }
    if run.operation.change.field.is_in_place() && live.is_some_and(|n| n < run.applied()) {
        let why = "a replica was replaced while they were resized, and has the template's size";
        return vec![Effect::RollBack(why.into())];
    }
    if live != Some(run.applied()) {
        return vec![Effect::Halt(foreign::changed(state, run.operation.change.field, run.applied()))];
    }
    let Some(kind) = run.stage() else { return Vec::new() };
    if run.operation.stages.get(run.current).is_some_and(|s| s.state == GateState::Pending) {
        run.begin(now);
    }
    if run.done == 0 {
        run.lives = killed::before(state);
        return write(run, state, now);
    }
    let reading = run.take_in(state, readings);
    let in_place = run.operation.change.field.is_in_place();
    if (!run.is_more() || in_place)
        && kind < StageKind::Validate
        && let Some(reading) = &reading
        && let Some(why) = gates::hurts(run, reading)
    {
        return settle(run, kind, Verdict::Fail(why), now);
    }
    if kind < StageKind::Keep
        && let Some(why) = killed::found(run, state, kind)
    {
        return settle(run, kind, Verdict::Fail(why), now);
    }
    let (gates, verdict) = match kind {
        StageKind::Provision => gates::provision(run, state, now),
        StageKind::WarmUp => traffic::at_warm_up(run, gates::warm_up(run, state, now), now.mono),
        StageKind::Shift => gates::shift(run, state, reading.as_ref().or(readings), now),
        StageKind::Validate => traffic::at_validate(run, reading.as_ref(), now),
        StageKind::Keep => return keep(run, now),
    };
    if let Some(stage) = run.operation.stages.get_mut(run.current) {
        stage.gates = gates;
    }
    if verdict == Verdict::Pass && kind == StageKind::Provision && run.done < run.path.len() {
        if now.mono.since(run.since) < run.wait {
            return Vec::new();
        }
        let batch = sizes::ends_batch(run).then(|| Effect::Batch(sizes::said(run)));
        return batch.into_iter().chain(write(run, state, now)).collect();
    }
    settle(run, kind, verdict, now)
}

/// Writes the next value, or waits until it may be written.
fn write(run: &mut OperationRun, state: &WorkloadState, now: Moment) -> Vec<Effect> {
    match budget::next(run, state) {
        budget::Step::Write(value) => vec![Effect::Write(value)],
        budget::Step::Done => Vec::new(),
        budget::Step::Wait(why) => {
            let (gate, verdict) = budget::wait(run, &why, now);
            if let Some(stage) = run.operation.stages.get_mut(run.current) {
                stage.gates.push(gate);
            }
            settle(run, StageKind::Provision, verdict, now)
        }
    }
}

fn settle(run: &mut OperationRun, kind: StageKind, verdict: Verdict, now: Moment) -> Vec<Effect> {
    match verdict {
        Verdict::Wait => Vec::new(),
        Verdict::Pass => {
            run.pass(now);
            vec![Effect::Passed(kind)]
        }
        Verdict::Fail(why) => {
            mark(run, GateState::Failed, now);
            vec![Effect::RollBack(format!("{}: {why}", kind.label()))]
        }
        Verdict::Unsure(why) => {
            mark(run, GateState::Inconclusive, now);
            vec![Effect::Ask(format!("{}: {why}", kind.label()))]
        }
    }
}

fn mark(run: &mut OperationRun, state: GateState, now: Moment) {
    if let Some(stage) = run.operation.stages.get_mut(run.current) {
        stage.state = state;
        stage.ended = (state == GateState::Failed).then_some(now.wall);
    }
}

fn keep(run: &mut OperationRun, now: Moment) -> Vec<Effect> {
    let detail = match run.operation.change.until {
        Some(until) => format!("held until {until}"),
        None => "permanent".to_owned(),
    };
    if let Some(stage) = run.operation.stages.get_mut(run.current) {
        stage.gates =
            vec![Gate { name: "lease".into(), state: GateState::Passed, value: None, limit: None, detail }];
        stage.state = GateState::Passed;
        stage.ended = Some(now.wall);
    }
    vec![Effect::Passed(StageKind::Keep), Effect::Keep]
}

#[cfg(test)]
mod tests;
