//! The last check before a write, in the function that sends. Small on purpose.
//!
//! What was approved may have become wrong since: another operation moved the workload, a freeze began, half the
//! fleet went unready. On violation nothing is sent.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::approval::{MandateRecord, OperationId, Way, WriteOrder};
use crate::clock::Monotonic;
use crate::fleet::{Field, ScaleIn, WorkloadId};
use crate::series::Timestamp;

use super::moves::PastMove;
use super::providers::contract::WorkloadState;

mod turn;

pub use turn::TurnAttempt;

const HOUR: Duration = Duration::from_secs(3600);
/// Moves remembered; older ones are dropped first.
const MEMORY: usize = 4096;

/// A time during which nothing new is begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// Its name: `black friday`.
    pub name: String,
    /// First moment.
    pub from: Timestamp,
    /// First moment after.
    pub to: Timestamp,
}

/// What the guard holds operations to, beside each approval's own limits.
#[derive(Clone, Debug, PartialEq)]
pub struct GuardPolicy {
    /// Freeze windows.
    pub freezes: Vec<Freeze>,
    /// Operations that may write at once.
    pub max_concurrent: usize,
    /// Operations on one workload in one direction within an hour without a person having looked again.
    pub same_way_an_hour: usize,
    /// Writes a stage.
    pub writes_a_stage: u32,
    /// Writes a minute over the whole fleet.
    pub writes_a_minute: usize,
    /// Turns of load balancers a minute; giving back is not held up by it.
    pub turns_a_minute: usize,
    /// Nothing goes forward while a larger share of the fleet is unready, or while that is not known.
    pub unready: f64,
    /// Nothing is lowered while a smaller share of the expected sources is fresh, or while that is not known.
    pub fresh_to_lower: f64,
    /// Extra cost of all held changes together, $/h.
    pub budget: Option<f64>,
}

impl Default for GuardPolicy {
    fn default() -> Self {
        Self {
            freezes: Vec::new(),
            max_concurrent: 4,
            same_way_an_hour: 3,
            writes_a_stage: 10,
            writes_a_minute: 60,
            turns_a_minute: 240,
            unready: 0.45,
            fresh_to_lower: 0.8,
            budget: None,
        }
    }
}

/// Why nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// Must not begin now; the world is not what was approved.
    #[error("{0}")]
    Refuse(String),
    /// A person must look first; after that it may go on.
    #[error("{0}")]
    Look(String),
}

/// What is known of the whole fleet at the moment of a write.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FleetHealth {
    /// Share that is unready, `0..=1`; `None` if not known now.
    pub unready: Option<f64>,
    /// Share of the expected sources that are fresh, `0..=1`; `None` if not known now.
    pub fresh: Option<f64>,
}

/// What the guard is shown of one write.
#[derive(Debug)]
pub struct Attempt<'a> {
    /// The order.
    pub order: &'a WriteOrder,
    /// The approval behind it.
    pub record: &'a MandateRecord,
    /// The object as just read.
    pub live: &'a WorkloadState,
    /// Writes in this stage before this one.
    pub stage_writes: u32,
    /// Whether this is the operation's first write.
    pub first: bool,
    /// Whether a person asked to go on after a stop.
    pub looked: bool,
    /// The fleet.
    pub fleet: FleetHealth,
    /// Why nothing may be taken away for the sake of another region.
    pub elsewhere: Option<&'a str>,
    /// Wall time, for freeze windows.
    pub wall: Timestamp,
    /// Monotonic time, for everything else.
    pub now: Monotonic,
}

/// What a move was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Count,
    Policy,
    Size,
}

const fn sort(field: Field) -> Sort {
    if field.is_size() {
        Sort::Size
    } else if field.is_count() {
        Sort::Count
    } else {
        Sort::Policy
    }
}

#[derive(Debug)]
struct Move {
    operation: OperationId,
    workload: WorkloadId,
    up: bool,
    /// Counts, policies and sizes are each counted among themselves.
    sort: Sort,
    at: Monotonic,
    /// Whether it was put back, which is when it counts from if it was a lowering.
    undone: bool,
    /// Age it had then already: moves of earlier runs happened before this clock began.
    before: Duration,
}

impl Move {
    fn age(&self, now: Monotonic) -> Duration {
        now.since(self.at).saturating_add(self.before)
    }

    /// A raise that was put back gave nothing that has to show. A lowering that was put back hurt.
    const fn stands(&self) -> bool {
        !(self.up && self.undone)
    }
}

/// Memory of what was moved when.
#[derive(Debug, Default)]
pub struct Guard {
    policy: GuardPolicy,
    moves: VecDeque<Move>,
    writes: VecDeque<Monotonic>,
    turns: VecDeque<Monotonic>,
    held: BTreeMap<String, f64>,
}

impl Guard {
    /// A guard with no memory.
    pub fn new(policy: GuardPolicy) -> Self {
        Self { policy, ..Self::default() }
    }

    /// Share of the expected sources that must be fresh before anything is lowered, `0..=1`.
    pub const fn fresh_to_lower(&self) -> f64 {
        self.policy.fresh_to_lower
    }

    /// Share of the fleet that may be unready, `0..=1`.
    pub const fn largest_unready(&self) -> f64 {
        self.policy.unready
    }

    /// A move that was begun `at`; an operation counts once, however often it had to send.
    pub fn remember(&mut self, record: &MandateRecord, at: Monotonic) {
        self.note(record, at, Duration::ZERO, false);
    }

    /// A move of an earlier run, as old as it says `at` this moment.
    pub fn recall(&mut self, past: &PastMove, at: Monotonic) {
        self.note(&past.mandate, at, past.ago, past.put_back);
    }

    fn note(&mut self, record: &MandateRecord, at: Monotonic, before: Duration, undone: bool) {
        if self.moves.iter().any(|m| m.operation == record.operation) {
            return;
        }
        if self.moves.len() >= MEMORY {
            self.moves.pop_front();
        }
        let (operation, workload) = (record.operation.clone(), record.workload.clone());
        let (up, sort) = (record.change.is_more(), sort(record.change.field));
        self.moves.push_back(Move { operation, workload, up, sort, at, undone, before });
    }

    /// A move was put back `at`.
    pub fn undone(&mut self, operation: &OperationId, at: Monotonic) {
        for put_back in self.moves.iter_mut().filter(|m| m.operation == *operation) {
            put_back.undone = true;
            if !put_back.up {
                (put_back.at, put_back.before) = (at, Duration::ZERO);
            }
        }
    }

    /// A change is held, also one of an earlier run: its cost counts until it is released.
    pub fn hold(&mut self, record: &MandateRecord) {
        if let Some(extra) = record.dollars_per_hour {
            self.held.insert(record.operation.as_str().to_owned(), extra.max(0.0));
        }
    }

    /// A held change ended; its cost no longer counts.
    pub fn release(&mut self, operation: &str) {
        self.held.remove(operation);
    }

    /// Checks one write and, if it may go out, counts it. Called in the function that sends, and nowhere else.
    pub fn check(&mut self, a: &Attempt<'_>) -> Result<(), Stop> {
        self.would(a)?;
        self.count(a);
        Ok(())
    }

    /// Whether one write would be let out now. It counts nothing, and lets nothing out.
    pub fn would(&mut self, a: &Attempt<'_>) -> Result<(), Stop> {
        Self::check_object(a)?;
        Self::check_value(a)?;
        self.check_rate(a)?;
        if a.order.way() == Way::Forward {
            self.check_fleet(a)?;
            if a.first {
                self.check_begin(a)?;
            }
        }
        Ok(())
    }

    fn check_object(a: &Attempt<'_>) -> Result<(), Stop> {
        let (order, live) = (a.order, a.live);
        if live.uid != order.target().uid || order.target() != &a.record.target {
            return refuse(format!("the object is {}, approved was {}", live.uid, a.record.target.uid));
        }
        // Between two steps somebody may have taken the field over; undoing our own stays allowed.
        if order.way() == Way::Forward
            && let Some(why) = super::preflight::disowned(live, order.field())
        {
            return refuse(why);
        }
        match live.fields.get(order.field()) {
            Some(value) if value == order.expect() => Ok(()),
            Some(value) => {
                let word = |v| order.field().word(v);
                refuse(format!(
                    "{} is {}, expected {}",
                    order.field().name(),
                    word(value),
                    word(order.expect())
                ))
            }
            None => refuse(format!("{} does not exist on {}", order.field().name(), a.record.workload)),
        }
    }

    fn check_value(a: &Attempt<'_>) -> Result<(), Stop> {
        let (order, limits) = (a.order, &a.record.limits);
        let (from, set) = (order.expect(), order.set());
        if order.operation() != &a.record.operation || order.field() != a.record.change.field {
            return refuse("the order does not belong to this approval".into());
        }
        if !a.record.covers(order.way(), from, set) {
            return refuse(format!("{set} is outside what was approved"));
        }
        // A value from before the limits were set may be outside them; nothing is ever written outside them.
        if set < limits.min || set > limits.max {
            return refuse(format!("{set} is outside {}..={}", limits.min, limits.max));
        }
        // Disruption budgets, quota and room; undoing our own stays allowed.
        if order.way() == Way::Forward
            && order.field().is_count()
            && let Some(why) = a.live.limits.forbid(from, set)
        {
            return refuse(why);
        }
        if order.way() == Way::Forward
            && let (Some(sizing), Some((from, to))) = (&a.live.sizing, a.record.change.request())
            && let Some(why) = sizing.forbid(order.field(), from, to)
        {
            return refuse(why);
        }
        // One replica a write is no bound on what it is resized to.
        if let (Way::Forward, Some(size)) = (order.way(), order.size()) {
            let (field, bounds) = (order.field().in_template(), limits.of(order.field().in_template()));
            let (low, high) = (bounds.lowest_from(size.from), bounds.highest_from(size.from));
            let fits = (low..=high).contains(&size.to) && (bounds.min..=bounds.max).contains(&size.to);
            if !fits || a.live.fields.get(field) != Some(size.from) {
                let word = |v| field.word(v);
                let (from, to, low, high) = (word(size.from), word(size.to), word(low), word(high));
                return refuse(format!(
                    "{from}→{to} is more than one step, {low}..={high}, or not from what the template has"
                ));
            }
        }
        let (low, high) = (limits.lowest_from(from), limits.highest_from(from));
        if order.way() == Way::Forward && !(low..=high).contains(&set) {
            return refuse(format!("{from}→{set} is more than one step, {low}..={high}"));
        }
        Ok(())
    }

    fn check_rate(&mut self, a: &Attempt<'_>) -> Result<(), Stop> {
        if a.stage_writes >= self.policy.writes_a_stage {
            return refuse(format!("more than {} writes in one stage", self.policy.writes_a_stage));
        }
        let minute = Duration::from_secs(60);
        while self.writes.front().is_some_and(|at| a.now.since(*at) >= minute) {
            self.writes.pop_front();
        }
        if self.writes.len() >= self.policy.writes_a_minute {
            return Err(Stop::Look(format!("more than {} writes a minute", self.policy.writes_a_minute)));
        }
        Ok(())
    }

    /// Halt conditions, for every write forward. What has begun waits for a person, and a person cannot talk it away:
    /// resuming asks again.
    fn check_fleet(&self, a: &Attempt<'_>) -> Result<(), Stop> {
        let percent = |share: f64| (share * 100.0).round();
        let up = a.record.change.is_more();
        // A pin keeps replicas from being added: it needs the data that taking away needs.
        let pins = a.order.field() == Field::ScaleIn && ScaleIn::of(a.order.set()) == Some(ScaleIn::Pinned);
        let takes = !up || pins;
        let least = if takes { self.policy.fresh_to_lower } else { 0.0 };
        let known = |share: Option<f64>| share.filter(|s| s.is_finite());
        let why = match (known(a.fleet.unready), known(a.fleet.fresh)) {
            (None, _) => "how much of the fleet is ready is not known".to_owned(),
            (Some(share), _) if share > self.policy.unready => format!(
                "fleet unhealthy: {} % unready, halted above {} %",
                percent(share),
                percent(self.policy.unready)
            ),
            (_, None) => "how many sources are fresh is not known".to_owned(),
            (_, Some(share)) if share <= 0.0 => "no source is fresh: the fleet cannot be seen".to_owned(),
            (_, Some(share)) if share < least => {
                format!("{} % of the sources are fresh, {} % needed to lower", percent(share), percent(least))
            }
            _ => match a.elsewhere.filter(|_| takes) {
                Some(why) => why.to_owned(),
                None => return Ok(()),
            },
        };
        if a.first { refuse(why) } else { Err(Stop::Look(why)) }
    }

    /// What holds for beginning something new; undoing and finishing are never held up by it.
    fn check_begin(&self, a: &Attempt<'_>) -> Result<(), Stop> {
        if let Some(f) = self.policy.freezes.iter().find(|f| f.from <= a.wall && a.wall < f.to) {
            return refuse(format!("freeze window {} until {}", f.name, f.to));
        }
        let sort = sort(a.order.field());
        let of_it = || {
            let other = |m: &&Move| m.operation != a.record.operation;
            self.moves.iter().filter(|m| m.workload == a.record.workload).filter(other)
        };
        let others = || of_it().filter(|m| m.sort == sort);
        let up = a.record.change.is_more();
        // Counts and sizes are the capacity of one object: what one of them gave has to show before the other is moved,
        // and nothing is taken away twice. More after less is the way back, and never waits; what had to be put back is not
        // taken away again at once.
        let bars = |m: &&Move| match (m.sort == sort, sort, m.sort) {
            _ if !m.stands() => false,
            (true, ..) => m.up || (m.undone && !up),
            (_, Sort::Count, Sort::Size) | (_, Sort::Size, Sort::Count) => m.up || !up,
            _ => false,
        };
        let last = of_it().filter(bars).map(|m| (m.age(a.now), m)).min_by_key(|(age, _)| *age);
        if let Some((age, last)) = last
            && age < a.record.limits.cooldown
        {
            let left = a.record.limits.cooldown.saturating_sub(age).as_secs();
            let what = match (last.sort, last.up) {
                (_, false) if last.undone => "what was taken away and put back",
                (Sort::Size, true) => "replicas got more each",
                (Sort::Size, false) => "replicas got less each",
                (_, true) => "the last scale-up",
                (_, false) => "the last scale-down",
            };
            return refuse(format!("cool-down after {what}: {left} s left"));
        }
        let same = others().filter(|m| m.up == up && m.stands() && m.age(a.now) < HOUR).count();
        if same >= self.policy.same_way_an_hour && !a.looked {
            return Err(Stop::Look(format!(
                "{same} moves {} within the hour: look whether they help, then resume",
                if up { "up" } else { "down" }
            )));
        }
        self.check_budget(a)
    }

    fn check_budget(&self, a: &Attempt<'_>) -> Result<(), Stop> {
        let Some(budget) = self.policy.budget else { return Ok(()) };
        // What it holds itself, since a send that did not go out, is not more than it asks for.
        let own = a.record.operation.as_str();
        let held: f64 = self.held.iter().filter(|(id, _)| *id != own).map(|(_, extra)| extra).sum();
        match a.record.dollars_per_hour {
            Some(extra) if held + extra.max(0.0) > budget => {
                refuse(format!("budget: ${held:.2}/h held and ${extra:.2}/h more is above ${budget:.2}/h"))
            }
            // What it costs is not known, which is not nothing.
            None if a.record.change.is_more() && !a.looked => Err(Stop::Look(format!(
                "budget: the price of this is not known, ${budget:.2}/h may be held: look, then resume"
            ))),
            _ => Ok(()),
        }
    }

    fn count(&mut self, a: &Attempt<'_>) {
        self.writes.push_back(a.now);
        if a.order.way() == Way::Forward && a.first {
            self.remember(a.record, a.now);
            self.hold(a.record);
        }
    }
}

fn refuse(why: String) -> Result<(), Stop> {
    Err(Stop::Refuse(why))
}

#[cfg(test)]
mod tests;
