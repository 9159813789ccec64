//! Days approved at once: taken, ended, and carried out step by step.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::approval::{DayApproval, corridors, day_hash};
use crate::execution::OperationState;
use crate::fleet::WorkloadId;
use crate::journal::{Entry, Kind};
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

/// Workloads whose day may be approved at one time.
const MOST: usize = 1000;

/// Days that are approved, by workload.
#[derive(Clone, Debug, Default)]
pub struct Days {
    approved: BTreeMap<WorkloadId, DayApproval>,
    /// Proposals that were tried once: what was refused is a person's.
    tried: BTreeSet<ProposalId>,
}

impl Days {
    /// What is approved of a workload's day.
    pub fn of(&self, workload: &WorkloadId) -> Option<&DayApproval> {
        self.approved.get(workload)
    }

    /// Whether a decision was made with an approved day: the person decided once, not once more.
    pub fn carried(&self, proposal: &ProposalId) -> bool {
        self.tried.contains(proposal)
    }

    /// Takes a record in: an approval, or the end of one.
    pub fn take(&mut self, body: &Value) {
        let day = body.get("day").cloned().and_then(|v| serde_json::from_value::<DayApproval>(v).ok());
        if let Some(day) = day {
            self.set(day);
        } else if let Some(workload) = body.get("ended").and_then(Value::as_str) {
            self.approved.retain(|id, _| id.to_string() != workload);
        }
    }

    fn set(&mut self, day: DayApproval) -> bool {
        let known = self.approved.contains_key(&day.workload);
        if !known && self.approved.len() >= MOST {
            return false;
        }
        self.approved.insert(day.workload.clone(), day);
        true
    }

    /// Forgets what is over.
    pub fn forget(&mut self, now: Timestamp) {
        self.approved.retain(|_, day| now < day.ends());
        if self.approved.is_empty() {
            self.tried.clear();
        }
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
        let plan = self.state.fleet.get(workload).and_then(|f| f.day.as_ref()).and_then(|(_, d)| d.as_ref());
        let Some(plan) = plan else {
            return self.refused(format!("{workload} has no plan of the day; nothing was approved"));
        };
        if day_hash(plan) != hash {
            return self.refused(format!("the day plan of {workload} has changed since it was shown"));
        }
        let day = DayApproval {
            workload: workload.clone(),
            corridors: corridors(plan, now),
            by: caller.person.clone(),
            at: now,
            typed: typed.map(str::to_owned),
        };
        if day.corridors.is_empty() {
            return self.refused(format!("the day plan of {workload} takes no decision"));
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
        // Ended is ended, recorded or not: that is the safe side.
        self.journal(vec![Entry::new(Kind::Day, text.clone(), body).by(by)]).await;
        self.say(NoticeLevel::Warning, text.clone());
        Answer::yes(text)
    }

    /// Who stops, undoes or rejects something of a workload wants to be asked again.
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

    /// Carries out what lies within approved days, one proposal of a workload at a time.
    pub(super) async fn carry_out_days(&mut self) {
        let now = self.clock.now();
        self.state.learned.people.days.forget(now);
        if self.state.learned.people.days.approved.is_empty() || self.state.halted.is_some() {
            return;
        }
        let failed: Vec<(WorkloadId, String)> = self.failed_since_approved();
        for (workload, why) in failed {
            self.end_day(&workload, &why, None).await;
        }
        for (proposal, day) in self.covered(now) {
            self.state.learned.people.days.tried.insert(proposal.clone());
            let since = day.at.to_string();
            let caller = Caller { person: day.by.clone(), tty: format!("{TTY} {since}"), company: None };
            self.authorise(&proposal, Authority::Day(Box::new(day)), &caller).await;
        }
    }

    /// Workloads with an approved day of which an operation went wrong since.
    fn failed_since_approved(&self) -> Vec<(WorkloadId, String)> {
        let days = &self.state.learned.people.days;
        let went_wrong = self.state.operations.values().filter_map(|o| {
            let wrong = matches!(o.state, OperationState::RolledBack { .. } | OperationState::Halted { .. });
            let day = days.of(&o.workload).filter(|d| wrong && o.started >= d.at)?;
            Some((day.workload.clone(), format!("{} is {}", o.id, o.state.label())))
        });
        let mut all: Vec<_> = went_wrong.collect();
        all.dedup_by(|a, b| a.0 == b.0);
        all
    }

    /// Open proposals within approved days that nothing stands against, each with its day.
    fn covered(&self, now: Timestamp) -> Vec<(ProposalId, DayApproval)> {
        let days = &self.state.learned.people.days;
        let within = |p: &&Proposal| {
            p.state == ProposalState::Open
                && !days.tried.contains(&p.id)
                && days.of(&p.workload).is_some_and(|d| d.covers(p, now).is_ok())
                && super::publish::not_approvable(&self.state, p, now).is_none()
        };
        let covered = self.state.queue.live().filter(within);
        covered.filter_map(|p| Some((p.id.clone(), days.of(&p.workload)?.clone()))).collect()
    }
}

/// `from 2026-11-29T07:00:00Z 12, from …`.
fn words(day: &DayApproval) -> String {
    let steps: Vec<String> =
        day.corridors.iter().map(|c| format!("from {} at most {}", c.from, c.most)).collect();
    steps.join(", ")
}
