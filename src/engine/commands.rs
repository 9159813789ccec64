//! Wishes of people. Every guard is here or further down, never only at the key.

use std::time::Duration;

use crate::approval::{OperationId, Preconditions};
use crate::execution::Job;
use crate::fleet::WorkloadId;
use crate::journal::{Entry, Kind};
use crate::plan::{PlannedChange, guardrails};
use crate::proposal::{Proposal, ProposalId, QueueEvent};
use crate::signals::{Freshness, SignalKind};
use crate::view::{Command, NoticeLevel};

use super::run::Engine;
use super::{planning, record};

/// How long a proposal may be hidden.
const LONGEST_SNOOZE: Duration = Duration::from_secs(24 * 3600);

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
            Command::Pause(id) => self.job(Job::Pause(id, self.state.person.name.clone())).await,
            Command::Resume(id) => self.job(Job::Resume(id, self.state.person.name.clone())).await,
            Command::Abort(id) => self.job(Job::Abort(id, self.state.person.name.clone())).await,
            Command::Release(id) => self.job(Job::Release(id, self.state.person.name.clone())).await,
            Command::PollNow => self.handles.iter().for_each(crate::scrape::Handle::poll_now),
        }
    }

    async fn approve(&mut self, id: &ProposalId, hash: &str, typed: Option<&str>) {
        let Some(proposal) = self.state.queue.get(id).cloned() else {
            self.say(NoticeLevel::Warning, format!("{id} is no longer open; nothing was executed"));
            return;
        };
        if let Some(why) = self.state.halted.clone() {
            self.refuse(&proposal, format!("weescale is halted: {why}")).await;
            return;
        }
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
            self.job(Job::Start { proposal: Box::new(proposal), permit, warm_up }).await;
        } else {
            self.say(NoticeLevel::Error, format!("{id} was not executed: the journal cannot be written"));
        }
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
            limits: self.state.settings.rule_for(&proposal.workload, "").limits(),
        }
    }

    async fn edit(&mut self, id: &ProposalId, to: u32) {
        let now = self.moment();
        let events = self.state.queue.get(id).cloned().and_then(|proposal| {
            let facts = self.state.fleet.get(&proposal.workload)?;
            let mut plan = planning::plan_one(&self.state, facts, now.wall);
            let change = PlannedChange { to, ..proposal.change };
            let running = facts.workload.replicas.map_or(0, |r| r.desired.max(r.min.unwrap_or(0)));
            plan.guardrails = planning::with_input(&self.state, facts, now.wall, |input| {
                guardrails::check(input, &change, running)
            });
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

    async fn job(&mut self, job: Job) {
        if self.jobs.send(job).await.is_err() {
            self.say(NoticeLevel::Error, "the executor has stopped; restart weescale".into());
        }
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
