//! Days approved at once: taken, ended, and carried out step by step.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use crate::approval::{DayApproval, corridors, day_hash};
use crate::execution::{LeaseState, Operation, OperationState};
use crate::fleet::{Field, WorkloadId};
use crate::journal::{Entry, Kind, Record};
use crate::proposal::{Proposal, ProposalId, ProposalState};
use crate::series::Timestamp;
use crate::view::{Answer, Caller, Command, NoticeLevel};

use super::commands::Authority;
use super::run::Engine;

/// How the terminal of a decision is named that was made with an approved day.
const TTY: &str = "day approved";

/// Whether a caller is an approved day.
pub fn is_day(caller: &Caller) -> bool {
    caller.tty.starts_with(TTY)
}

/// A listing that was asked for before a write arrives no later than this after it.
const LISTED: Duration = Duration::from_secs(15);
/// Proposals carried out in one tick: each waits for the disk.
const AT_ONCE: usize = 4;
/// Workloads whose day may be approved at one time.
const MOST: usize = 1000;

/// Days that are approved, by workload.
#[derive(Clone, Debug, Default)]
pub struct Days {
    approved: BTreeMap<WorkloadId, DayApproval>,
    /// Live proposals that are a person's: tried once and refused, edited or snoozed.
    left: BTreeSet<ProposalId>,
    /// Ends that the journal did not take yet; a restart would not know of them.
    unrecorded: BTreeMap<WorkloadId, Entry>,
    /// What went wrong since the last tick, and why that ends a day.
    wrong: Vec<(WorkloadId, String)>,
}

impl Days {
    /// What is approved of a workload's day.
    pub fn of(&self, workload: &WorkloadId) -> Option<&DayApproval> {
        self.approved.get(workload)
    }

    /// Takes a record in: an approval, or the end of one.
    pub fn take(&mut self, body: &Value) {
        let day = body.get("day").cloned().and_then(|v| serde_json::from_value::<DayApproval>(v).ok());
        if let Some(day) = day {
            self.set(day);
        } else if let Some(workload) = body.get("ended").and_then(Value::as_str) {
            self.end_named(workload);
        }
    }

    /// Ends a day after a record that means so: that of the end itself may be missing.
    pub fn end_after(&mut self, record: &Record) {
        let text = |at: &str| record.body.pointer(at).and_then(Value::as_str).unwrap_or_default();
        match record.kind {
            Kind::Rollback | Kind::Abort => self.end_named(text("/workload")),
            Kind::Reject => self.end_named(text("/proposal/workload")),
            Kind::Ask if matches!(text("/ask"), "abort" | "release") => self.end_named(text("/workload")),
            _ => {}
        }
    }

    fn end_named(&mut self, workload: &str) {
        self.approved.retain(|id, _| id.to_string() != workload);
    }

    /// Takes note of an operation's state: what went wrong ends the day, whenever it began.
    pub fn watch(&mut self, operation: &Operation) {
        let wrong = matches!(
            operation.state,
            OperationState::RollingBack { .. }
                | OperationState::RolledBack { .. }
                | OperationState::Halted { .. }
        );
        if wrong && self.approved.contains_key(&operation.workload) {
            let why = format!("{} is {}", operation.id, operation.state.label());
            self.wrong.push((operation.workload.clone(), why));
        }
    }

    /// Leaves a proposal to people, whatever day it lies within.
    pub fn leave(&mut self, proposal: &ProposalId) {
        self.left.insert(proposal.clone());
    }

    fn set(&mut self, day: DayApproval) -> bool {
        let known = self.approved.contains_key(&day.workload);
        if !known && self.approved.len() >= MOST {
            return false;
        }
        self.approved.insert(day.workload.clone(), day);
        true
    }

    /// Forgets what is over, and proposals that are not live any more.
    fn forget(&mut self, now: Timestamp, is_live: impl Fn(&ProposalId) -> bool) {
        self.approved.retain(|_, day| now < day.ends());
        self.left.retain(is_live);
    }
}

impl Engine {
    /// Approves the coming day of a workload as it was shown.
    pub(super) async fn approve_day(
        &mut self,
        workload: &WorkloadId,
        hash: &str,
        typed: Option<&str>,
        caller: &Caller,
    ) -> Answer {
        if let Some(why) = self.state.halted.clone() {
            return self.refused(format!("weescale is halted: {why}"));
        }
        if let Err(refusal) = self.gate.may_approve_days(typed) {
            return self.refused(refusal.to_string());
        }
        let now = self.clock.now();
        let Some(facts) = self.state.fleet.get(workload) else {
            return self.refused(format!("there is no workload {workload}; nothing was approved"));
        };
        let Some(plan) = facts.day.as_ref().and_then(|(_, d)| d.as_ref()) else {
            return self.refused(format!("{workload} has no plan of the day; nothing was approved"));
        };
        if day_hash(plan) != hash {
            return self.refused(format!("the day plan of {workload} has changed since it was shown"));
        }
        let target = facts.platform.as_ref().map(|p| p.target.clone());
        let field = facts.workload.owner.floor_field();
        let (Some(target), Some(field)) = (target, field) else {
            return self.refused(format!("nothing can be written to {workload}: its card says why"));
        };
        let day = DayApproval {
            workload: workload.clone(),
            target,
            field,
            context: self.state.settings.context.name.clone(),
            corridors: corridors(plan, now),
            by: caller.person.clone(),
            at: now,
            typed: typed.map(str::to_owned),
        };
        if day.corridors.is_empty() {
            return self.refused(format!("the day plan of {workload} takes no decision"));
        }
        if !self.record_ends().await {
            return Answer::no("the day was not approved: the journal cannot be written");
        }
        let text = format!("{workload}: day approved until {}: {}", day.ends(), words(&day));
        let body = json!({ "day": day, "caller": caller });
        if !self.journal(vec![Entry::new(Kind::Day, text.clone(), body).by(&caller.person.name)]).await {
            return Answer::no("the day was not approved: the journal cannot be written");
        }
        if !self.state.learned.people.days.set(day) {
            return self.refused(format!("{MOST} days are approved already; end one first"));
        }
        self.state.learned.people.load.note(&caller.person.name, now);
        self.say(NoticeLevel::Info, text.clone());
        Answer::yes(text)
    }

    /// Ends what was approved of a workload's day; what runs already goes on.
    pub(super) async fn end_day(
        &mut self,
        workload: &WorkloadId,
        why: &str,
        caller: Option<&Caller>,
    ) -> Answer {
        if self.state.learned.people.days.approved.remove(workload).is_none() {
            return Answer::no(format!("no day of {workload} is approved"));
        }
        let by = caller.map_or("", |c| c.person.name.as_str());
        let text = format!("{workload}: the approved day ends: {why}; from now on each step asks");
        let body = json!({ "ended": workload.to_string(), "why": why, "caller": caller });
        self.say(NoticeLevel::Warning, text.clone());
        let entry = Entry::new(Kind::Day, text.clone(), body).by(by);
        // Ended is ended, recorded or not: that is the safe side.
        if self.journal(vec![entry.clone()]).await {
            return Answer::yes(text);
        }
        self.state.learned.people.days.unrecorded.insert(workload.clone(), entry);
        Answer::yes(format!(
            "{text}; but the journal cannot be written, so a restart would not know of it yet"
        ))
    }

    /// Records the ends that could not be recorded. `false` while some are left.
    async fn record_ends(&mut self) -> bool {
        let entries: Vec<Entry> = self.state.learned.people.days.unrecorded.values().cloned().collect();
        if entries.is_empty() {
            return true;
        }
        let recorded = self.journal(entries).await;
        if recorded {
            self.state.learned.people.days.unrecorded.clear();
        }
        recorded
    }

    /// Whoever stops, undoes or rejects something of a workload, carried out or not, wants to be asked again.
    pub(super) async fn end_day_after(&mut self, command: &Command, caller: &Caller) {
        let proposals = &self.state.learned.proposals;
        let of = |id| self.state.operations.get(id).map(|o| o.workload.clone());
        let (workload, what) = match command {
            Command::Reject { proposal, .. } => {
                (proposals.get(proposal).map(|p| p.workload.clone()), format!("{proposal} was rejected"))
            }
            Command::Abort(id) => (of(id), format!("{id} was aborted")),
            Command::Release(id) => (of(id), format!("the floor of {id} was given back")),
            _ => return,
        };
        if let Some(workload) = workload.filter(|w| self.state.learned.people.days.of(w).is_some()) {
            let why = format!("{what} by {}", caller.person.name);
            self.end_day(&workload, &why, Some(caller)).await;
        }
    }

    /// Carries out what lies within approved days, a few proposals a tick.
    pub(super) async fn carry_out_days(&mut self) {
        let now = self.clock.now();
        let queue = &self.state.queue;
        self.state.learned.people.days.forget(now, |id| queue.get(id).is_some());
        for (workload, why) in std::mem::take(&mut self.state.learned.people.days.wrong) {
            self.end_day(&workload, &why, None).await;
        }
        // Where the journal cannot be written nothing begins, and each try would hold up everything else.
        if !self.record_ends().await
            || !self.state.journal_error.is_empty()
            || self.state.learned.people.days.approved.is_empty()
            || self.state.halted.is_some()
        {
            return;
        }
        for (workload, why) in self.overruled() {
            self.end_day(&workload, &why, None).await;
        }
        for (proposal, day) in self.covered(now) {
            if self.jobs.capacity() == 0 {
                return;
            }
            self.state.learned.people.days.leave(&proposal);
            let since = day.at.to_string();
            let caller = Caller { person: day.by.clone(), tty: format!("{TTY} {since}"), company: None };
            let answer = self.authorise(&proposal, Authority::Day(Box::new(day)), &caller).await;
            if !answer.accepted && !self.state.journal_error.is_empty() {
                return;
            }
        }
    }

    /// Workloads with an approved day whose floor is not where we hold it: somebody else has set it.
    fn overruled(&self) -> Vec<(WorkloadId, String)> {
        let days = &self.state.learned.people.days;
        let overruled = days.approved.values().filter_map(|day| {
            let held = self.state.leases.values().filter(|l| {
                l.workload == day.workload && l.field == day.field && l.state == LeaseState::Held
            });
            let floor = held.map(|l| l.floor).max()?;
            let facts = self.state.fleet.get(&day.workload)?;
            let mut ours = self.state.operations.values().filter(|o| o.workload == day.workload);
            let last = ours.try_fold(Timestamp::from_millis(0), |last, o| Some(last.max(o.ended?)));
            // What was read before our own write says nothing.
            let seen =
                last.is_some_and(|last| facts.platform.as_ref().is_some_and(|p| p.seen > last + LISTED));
            let replicas = facts.workload.replicas?;
            let live = if day.field == Field::MinReplicas { replicas.min? } else { replicas.desired };
            let why = format!("{} is {live}, not the {floor} held: somebody else set it", day.field.name());
            (live != floor && seen).then(|| (day.workload.clone(), why))
        });
        overruled.collect()
    }

    /// Open proposals within approved days that nothing stands against now, each with its day.
    fn covered(&self, now: Timestamp) -> Vec<(ProposalId, DayApproval)> {
        let days = &self.state.learned.people.days;
        let within = |p: &&Proposal| {
            p.state == ProposalState::Open
                && !days.left.contains(&p.id)
                && days.of(&p.workload).is_some_and(|d| d.covers(p, now).is_ok())
                && super::publish::barred(&self.state, p, now).is_none()
                && self.passes_now(p)
        };
        let covered = self.state.queue.live().filter(within);
        let with_day = covered.filter_map(|p| Some((p.id.clone(), days.of(&p.workload)?.clone())));
        with_day.take(AT_ONCE).collect()
    }

    /// Whether every guardrail passes as it is now; what only has to wait, as for a cool-down, is not refused but waits.
    fn passes_now(&self, proposal: &Proposal) -> bool {
        let mut now = proposal.clone();
        self.guard_again(&mut now);
        now.guardrails.iter().all(|g| g.passed)
    }
}

/// `from 2026-11-29T07:00:00Z 12, from …`.
fn words(day: &DayApproval) -> String {
    let steps: Vec<String> =
        day.corridors.iter().map(|c| format!("from {} at most {}", c.from, c.most)).collect();
    steps.join(", ")
}
