//! Wishes of people. Every guard is here or further down, never only at the key.

use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;

use crate::approval::{OperationId, Preconditions};
use crate::execution::Job;
use crate::fleet::WorkloadId;
use crate::journal::{Entry, Kind};
use crate::plan::{self, PlannedChange, guardrails};
use crate::proposal::{Proposal, ProposalId, QueueEvent};
use crate::signals::{Freshness, SignalKind};
use crate::view::{Command, NoticeLevel};

use super::run::Engine;
use super::{planning, record};

/// How long a proposal may be hidden.
const LONGEST_SNOOZE: Duration = Duration::from_secs(24 * 3600);
/// A tick that is late by more than this is a gap (`safety.md` I9).
const GAP: Duration = Duration::from_secs(2);

impl Engine {
    /// Carries out a wish, or says why not.
    pub(super) async fn command(&mut self, command: Command) {
        match command {
            Command::Approve { proposal, hash, typed } => {
                self.approve(&proposal, &hash, typed.as_deref()).await;
            }
            Command::Reject { proposal, reason } => {
                let by = self.state.person.name.clone();
                match self.state.queue.reject(&proposal, &by, reason, self.moment()) {
                    Some(event) => {
                        self.queue_events(vec![event]).await;
                        self.say(NoticeLevel::Info, format!("{proposal} rejected: {}", reason.phrase()));
                    }
                    None => self.say(NoticeLevel::Warning, format!("{proposal} is no longer open")),
                }
            }
            Command::Snooze { proposal, duration } => {
                match self.state.queue.snooze(&proposal, duration.min(LONGEST_SNOOZE), self.moment()) {
                    Some(event) => {
                        self.queue_events(vec![event]).await;
                    }
                    None => self.say(NoticeLevel::Warning, format!("{proposal} is no longer open")),
                }
            }
            Command::Edit { proposal, to } => self.edit(&proposal, to).await,
            Command::Pause(id) => self.job(Job::Pause(id, self.state.person.name.clone())),
            Command::Resume(id) => self.job(Job::Resume(id, self.state.person.name.clone())),
            Command::Abort(id) => self.job(Job::Abort(id, self.state.person.name.clone())),
            Command::Release(id) => self.job(Job::Release(id, self.state.person.name.clone())),
            Command::HandOver(name) => self.hand_over(&name).await,
            Command::Replay(_) => {
                self.say(NoticeLevel::Warning, "this is live: only a replay moves in time".into());
            }
            Command::PollNow => self.handles.iter().for_each(crate::scrape::Handle::poll_now),
        }
    }

    async fn approve(&mut self, id: &ProposalId, hash: &str, typed: Option<&str>) {
        // After a gap (a sleeping machine, a stopped process) nothing known is of now: look first.
        if self.gap() > self.state.tuning.tick + GAP {
            self.tick(None).await;
        }
        let Some(mut proposal) = self.state.queue.get(id).cloned() else {
            self.say(NoticeLevel::Warning, format!("{id} is no longer open; nothing was executed"));
            return;
        };
        if let Some(why) = self.state.halted.clone() {
            self.refuse(&proposal, format!("weescale is halted: {why}")).await;
            return;
        }
        // Reserved before anything is decided: the engine never waits for the executor, which waits for the engine.
        let Ok(turn) = self.jobs.clone().try_reserve_owned() else {
            self.refuse(&proposal, "the executor is busy or has stopped; try again".into()).await;
            return;
        };
        self.guard_again(&mut proposal);
        let operation = OperationId::new(&format!("op-{}", self.next_operation));
        let facts = self.preconditions(&proposal, operation);
        let now = self.clock.monotonic();
        let person = self.state.person.clone();
        let permit = match self.gate.approve(&proposal, hash, typed, &person, now, facts) {
            Ok(permit) => permit,
            Err(refusal) => {
                self.refuse(&proposal, refusal.to_string()).await;
                return;
            }
        };
        self.next_operation += 1;
        let Some(event) = self.state.queue.approved(id, &person.name, self.moment()) else { return };
        // The decision is on the disk before anything is executed; without that, nothing is.
        if self.queue_events(vec![event]).await {
            let warm_up = self.state.learned_warm_up(&proposal.workload);
            turn.send(Job::Start { proposal: Box::new(proposal), permit, warm_up });
        } else {
            self.say(NoticeLevel::Error, format!("{id} was not executed: the journal cannot be written"));
        }
    }

    /// Puts the guardrails as they are now in place of those at the time the proposal was made.
    fn guard_again(&self, proposal: &mut Proposal) {
        let Some(facts) = self.state.fleet.get(&proposal.workload) else { return };
        let running = self.running(&proposal.workload);
        proposal.guardrails = planning::with_input(&self.state, facts, self.clock.now(), |input| {
            guardrails::check(input, &proposal.change, running)
        });
    }

    async fn refuse(&mut self, proposal: &Proposal, why: String) {
        let text = format!("{} {}: {why}", proposal.id, proposal.workload);
        self.say(NoticeLevel::Warning, format!("not approved: {why}"));
        let body = serde_json::json!({ "proposal": proposal.id, "why": why });
        let user = self.state.person.name.clone();
        self.journal(vec![Entry::new(Kind::Refuse, text, body).by(&user)]).await;
    }

    fn preconditions(&self, proposal: &Proposal, operation: OperationId) -> Preconditions {
        let facts = self.state.fleet.get(&proposal.workload);
        let now = self.clock.now();
        let needed: &[SignalKind] = if proposal.change.to < proposal.change.from {
            &[SignalKind::Demand, SignalKind::LatencyP95]
        } else {
            &[SignalKind::Demand]
        };
        let freshness = |kind: SignalKind| facts.map_or(Freshness::Missing, |f| f.signals.freshness(kind));
        let fan = facts.and_then(|f| f.forecast.fan());
        let provider = proposal.target.as_ref().map(|t| t.provider.as_str()).unwrap_or_default();
        Preconditions {
            operation,
            not_fresh: needed
                .iter()
                .filter(|k| freshness(**k) != Freshness::Fresh)
                .map(|k| k.name().to_owned())
                .collect(),
            provider_present: self.providers.contains_key(provider)
                && !self.state.platform_errors.contains_key(provider),
            owner: facts.map(|f| f.workload.owner.clone()).unwrap_or_default(),
            forecast_age: fan.map(|f| now.since(f.issued)),
            forecast_horizon: fan.map_or(Duration::ZERO, |f| f.end().since(f.issued)),
            limits: self.state.limits_of(&proposal.workload),
        }
    }

    async fn edit(&mut self, id: &ProposalId, to: u32) {
        let now = self.moment();
        let events = self.state.queue.get(id).cloned().and_then(|proposal| {
            let facts = self.state.fleet.get(&proposal.workload)?;
            let change = PlannedChange { to, ..proposal.change };
            let plan =
                planning::with_input(&self.state, facts, now.wall, |input| plan::instead(input, &change));
            let workload = facts.workload.clone();
            self.state.queue.edit(id, to, &plan, &workload, now)
        });
        match events {
            Some(events) => {
                self.queue_events(events).await;
            }
            None => self.say(NoticeLevel::Warning, format!("{id} is no longer open")),
        }
    }

    fn job(&mut self, job: Job) {
        let why = match self.jobs.try_send(job) {
            Ok(()) => return,
            Err(TrySendError::Full(_)) => "the executor is busy, nothing was done; ask again",
            Err(TrySendError::Closed(_)) => "the executor has stopped; restart weescale",
        };
        self.say(NoticeLevel::Error, why.into());
    }

    /// Journals what happened to proposals and takes note of it; `false` if the journal did not take it.
    pub(super) async fn queue_events(&mut self, events: Vec<QueueEvent>) -> bool {
        if events.is_empty() {
            return true;
        }
        let entries = events.iter().map(record::of_queue).collect();
        for event in events {
            self.note(&event);
        }
        self.journal(entries).await
    }

    fn note(&mut self, event: &QueueEvent) {
        match event {
            QueueEvent::Proposed(p) => {
                self.gate.note_shown(p);
                let running = self.running(&p.workload);
                self.state.learned.scores.watch(p, running);
                self.state.learned.proposals.insert(p.id.clone(), p.clone());
                self.say(NoticeLevel::Info, format!("new proposal {}: {}", p.id, p.sentence));
            }
            QueueEvent::Closed(p) => {
                let text = super::decisions::decision(&p.state);
                self.state.learned.scores.decided(&p.id, &text);
                self.state.learned.proposals.insert(p.id.clone(), p.clone());
            }
            QueueEvent::Snoozed(_) => {}
        }
    }

    fn running(&self, id: &WorkloadId) -> u32 {
        let replicas = self.state.fleet.get(id).and_then(|f| f.workload.replicas);
        replicas.map_or(0, |r| r.desired.max(r.min.unwrap_or(0)))
    }
}
