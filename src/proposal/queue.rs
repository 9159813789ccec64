//! The queue: at most one live proposal a workload, with expiry, supersession and withdrawal.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::Monotonic;
use crate::fleet::{Field, ScaleIn, Workload, WorkloadId};
use crate::plan::{Plan, PlannedChange, Verdict};
use crate::series::Timestamp;

use super::{Proposal, ProposalId, ProposalState, RejectReason, Staging, Target, card};

/// Times that govern the life of a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// A proposal nobody decided on expires after this.
    pub expiry: Duration,
    /// After a rejection, the same workload is left alone this long unless more is needed.
    pub quiet: Duration,
    /// A proposal whose reason is gone is withdrawn after this.
    pub withdraw: Duration,
    /// A lease end that moves by less than this is the same proposal.
    pub same_lease: Duration,
    /// A better-informed proposal takes the place of a live one at the earliest after this.
    pub settle: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            expiry: Duration::from_secs(300),
            quiet: Duration::from_secs(600),
            withdraw: Duration::from_secs(120),
            same_lease: Duration::from_secs(3600),
            settle: Duration::from_secs(60),
        }
    }
}

/// What happened to a proposal; each is journalled.
#[derive(Clone, Debug, PartialEq)]
pub enum QueueEvent {
    /// Made.
    Proposed(Proposal),
    /// Left the queue, with its final state.
    Closed(Proposal),
    /// Hidden for a while.
    Snoozed(Proposal),
}

/// Two moments of now: for people, and for waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Wall time.
    pub wall: Timestamp,
    /// Monotonic time.
    pub mono: Monotonic,
}

#[derive(Clone, Debug)]
struct Rejection {
    at: Monotonic,
    field: Field,
    to: u32,
}

/// Proposals, live and lately closed.
#[derive(Debug)]
pub struct Queue {
    lifetimes: Lifetimes,
    next: u64,
    live: BTreeMap<WorkloadId, Proposal>,
    made: BTreeMap<WorkloadId, Monotonic>,
    idle_since: BTreeMap<WorkloadId, Monotonic>,
    rejected: BTreeMap<WorkloadId, Rejection>,
    snoozed: BTreeMap<ProposalId, Monotonic>,
    closed: Vec<Proposal>,
}

/// A proposal of a size lives so many times as long as others.
const SIZE_EXPIRY: u32 = 12;
/// A size that was rejected, or left undecided, is not proposed again for this long.
const SIZE_QUIET: Duration = Duration::from_secs(86_400);

/// Closed proposals remembered for the screen.
const REMEMBERED: usize = 64;

impl Queue {
    /// An empty queue; ids go on from `last_id` (of the journal).
    pub fn new(lifetimes: Lifetimes, last_id: u64) -> Self {
        Self {
            lifetimes,
            next: last_id + 1,
            live: BTreeMap::new(),
            made: BTreeMap::new(),
            idle_since: BTreeMap::new(),
            rejected: BTreeMap::new(),
            snoozed: BTreeMap::new(),
            closed: Vec::new(),
        }
    }

    /// Live proposals, by workload.
    pub fn live(&self) -> impl Iterator<Item = &Proposal> {
        self.live.values()
    }

    /// Lately closed proposals, latest first.
    pub fn closed(&self) -> impl Iterator<Item = &Proposal> {
        self.closed.iter().rev()
    }

    /// Whether a proposal of that identity was ever made, in this run or an earlier one.
    pub fn has_made(&self, id: &ProposalId) -> bool {
        let number = id.as_str().strip_prefix("p-").and_then(|n| n.parse::<u64>().ok());
        number.is_some_and(|n| (1..self.next).contains(&n))
    }

    /// A live proposal.
    pub fn get(&self, id: &ProposalId) -> Option<&Proposal> {
        self.live.values().find(|p| p.id == *id)
    }

    /// Takes a plan in: makes, keeps, supersedes or withdraws the workload's proposal.
    pub fn offer(
        &mut self,
        plan: &Plan,
        workload: &Workload,
        target: Option<Target>,
        now: Moment,
    ) -> Vec<QueueEvent> {
        let Verdict::Change(change) = &plan.verdict else { return self.no_longer(plan, now) };
        self.idle_since.remove(&plan.workload);
        if self.is_quiet(&plan.workload, change, now) {
            return Vec::new();
        }
        let mut events = Vec::new();
        if let Some(live) = self.live.get(&plan.workload) {
            let old =
                self.made.get(&plan.workload).is_some_and(|at| now.mono.since(*at) >= self.lifetimes.settle);
            let other_object = live.target != target;
            // A pin at another count is another contract from the first moment on.
            let moved = ScaleIn::count_of(change.to) != ScaleIn::count_of(live.change.to);
            let moved = moved && change.field == Field::ScaleIn && live.change.field == Field::ScaleIn;
            if !other_object && !moved && (self.is_same(live, change) || !old) {
                return Vec::new();
            }
            let by = ProposalId::new(&format!("p-{}", self.next));
            events.extend(self.close(&plan.workload, ProposalState::Superseded { by }));
        }
        events.push(self.make(plan, change.clone(), workload, target, now));
        events
    }

    fn make(
        &mut self,
        plan: &Plan,
        change: PlannedChange,
        workload: &Workload,
        target: Option<Target>,
        now: Moment,
    ) -> QueueEvent {
        let id = ProposalId::new(&format!("p-{}", self.next));
        self.next += 1;
        // No forecast is behind a size: it is as right in an hour, and the write is as conditional.
        let expiry =
            self.lifetimes.expiry.saturating_mul(if change.field.is_size() { SIZE_EXPIRY } else { 1 });
        let proposal = Proposal {
            id,
            workload: plan.workload.clone(),
            target,
            sentence: card::sentence(plan, &change, &workload.owner),
            owner_note: card::owner_note(&workload.owner, &change),
            change,
            facts: plan.facts.clone(),
            cost: plan.cost,
            experience: plan.experience,
            staging: None,
            owner: workload.owner.clone(),
            guardrails: plan.guardrails.clone(),
            created: now.wall,
            expires: now.wall + expiry,
            deadline: now.mono.plus(expiry),
            state: ProposalState::Open,
        };
        self.made.insert(plan.workload.clone(), now.mono);
        self.live.insert(plan.workload.clone(), proposal.clone());
        QueueEvent::Proposed(proposal)
    }

    /// A proposal with the value a person wants instead; supersedes the live one. `None` if it is gone.
    pub fn edit(
        &mut self,
        id: &ProposalId,
        to: u32,
        plan: &Plan,
        workload: &Workload,
        now: Moment,
    ) -> Option<Vec<QueueEvent>> {
        let live = self.get(id)?.clone();
        let by = ProposalId::new(&format!("p-{}", self.next));
        let mut events: Vec<QueueEvent> =
            self.close(&live.workload, ProposalState::Superseded { by }).into_iter().collect();
        let change = PlannedChange { to, ..live.change };
        events.push(self.make(plan, change, workload, live.target, now));
        Some(events)
    }

    fn is_same(&self, live: &Proposal, change: &PlannedChange) -> bool {
        let lease = match (live.change.until, change.until) {
            (Some(a), Some(b)) => a.since(b).max(b.since(a)) < self.lifetimes.same_lease,
            (a, b) => a == b,
        };
        if let (Some((from, to)), Some((now_from, now_to))) = (live.change.request(), change.request()) {
            // What was used moves every minute; a tenth more or less is the same wish.
            let near = f64::from(to.abs_diff(now_to)) <= 0.1 * f64::from(to);
            let pods = live.change.size.is_none() || live.change.to == change.to;
            return live.change.field == change.field && from == now_from && near && pods;
        }
        // Asking for a little less is no news; a person may already be reading.
        let to = live.change.to;
        lease
            && live.change.field == change.field
            && live.change.from == change.from
            && change.to <= to
            && change.to + 1 >= to
    }

    fn is_quiet(&self, workload: &WorkloadId, change: &PlannedChange, now: Moment) -> bool {
        self.rejected.get(workload).is_some_and(|r| {
            let same = r.field == change.field && change.to <= r.to.saturating_add(1);
            // Of a size that a person has seen and left as it is, nothing is said again for a day.
            let size = r.field.is_size() && r.field.in_template() == change.field.in_template();
            let quiet = if size { SIZE_QUIET } else { self.lifetimes.quiet };
            now.mono.since(r.at) < quiet && (same || size)
        })
    }

    fn no_longer(&mut self, plan: &Plan, now: Moment) -> Vec<QueueEvent> {
        if !self.live.contains_key(&plan.workload) {
            return Vec::new();
        }
        let since = *self.idle_since.entry(plan.workload.clone()).or_insert(now.mono);
        // A need that fades, a guardrail or a gap in the data gets a moment to pass: the gate checks again anyway,
        // and a card that comes and goes cannot be read.
        let (why, at_once) = match &plan.verdict {
            Verdict::NotScaling { cause, .. } => (format!("not a scaling problem: {cause}"), true),
            Verdict::Blocked { by, .. } => (by.clone(), false),
            Verdict::NoData { why } | Verdict::Hold { why } => (why.clone(), false),
            Verdict::Change(_) => return Vec::new(),
        };
        if !at_once && now.mono.since(since) < self.lifetimes.withdraw {
            return Vec::new();
        }
        self.close(&plan.workload, ProposalState::Withdrawn { at: now.wall, why }).into_iter().collect()
    }

    /// Closes what has expired and shows again what was snoozed long enough.
    pub fn tick(&mut self, now: Moment) -> Vec<QueueEvent> {
        let expired: Vec<WorkloadId> =
            self.live.values().filter(|p| now.mono >= p.deadline).map(|p| p.workload.clone()).collect();
        for proposal in self.live.values_mut() {
            if self.snoozed.get(&proposal.id).is_some_and(|until| now.mono >= *until) {
                self.snoozed.remove(&proposal.id);
                proposal.state = ProposalState::Open;
            }
        }
        for p in expired.iter().filter_map(|w| self.live.get(w)).filter(|p| p.change.field.is_size()) {
            let left = Rejection { at: now.mono, field: p.change.field, to: p.change.to };
            self.rejected.insert(p.workload.clone(), left);
        }
        expired.iter().filter_map(|w| self.close(w, ProposalState::Expired { at: now.wall })).collect()
    }

    /// Sets the steps of a live proposal that nobody has seen yet.
    pub fn stage(&mut self, id: &ProposalId, staging: &Staging) {
        if let Some(proposal) = self.live.values_mut().find(|p| p.id == *id) {
            proposal.staging = Some(staging.clone());
        }
    }

    /// Marks an approved proposal; it leaves the queue.
    pub fn approved(&mut self, id: &ProposalId, by: &str, now: Moment) -> Option<QueueEvent> {
        let workload = self.get(id)?.workload.clone();
        self.close(&workload, ProposalState::Approved { by: by.to_owned(), at: now.wall })
    }

    /// Rejects a live proposal; the workload is left alone for a while.
    pub fn reject(
        &mut self,
        id: &ProposalId,
        by: &str,
        reason: RejectReason,
        now: Moment,
    ) -> Option<QueueEvent> {
        let proposal = self.get(id)?;
        let workload = proposal.workload.clone();
        self.rejected.insert(
            workload.clone(),
            Rejection { at: now.mono, field: proposal.change.field, to: proposal.change.to },
        );
        self.close(&workload, ProposalState::Rejected { by: by.to_owned(), at: now.wall, reason })
    }

    /// Hides a live proposal for `duration`; its expiry moves on by as much.
    pub fn snooze(&mut self, id: &ProposalId, duration: Duration, now: Moment) -> Option<QueueEvent> {
        let expiry = self.lifetimes.expiry;
        let proposal = self.live.values_mut().find(|p| p.id == *id)?;
        proposal.state = ProposalState::Snoozed { until: now.wall + duration };
        proposal.expires = now.wall + duration + expiry;
        proposal.deadline = now.mono.plus(duration).plus(expiry);
        self.snoozed.insert(proposal.id.clone(), now.mono.plus(duration));
        Some(QueueEvent::Snoozed(proposal.clone()))
    }

    /// Withdraws the live proposal of a workload, if any.
    pub fn withdraw(&mut self, workload: &WorkloadId, why: &str, now: Moment) -> Option<QueueEvent> {
        self.close(workload, ProposalState::Withdrawn { at: now.wall, why: why.to_owned() })
    }

    fn close(&mut self, workload: &WorkloadId, state: ProposalState) -> Option<QueueEvent> {
        let mut proposal = self.live.remove(workload)?;
        self.idle_since.remove(workload);
        self.snoozed.remove(&proposal.id);
        proposal.state = state;
        if self.closed.len() >= REMEMBERED {
            self.closed.remove(0);
        }
        self.closed.push(proposal.clone());
        Some(QueueEvent::Closed(proposal))
    }
}
