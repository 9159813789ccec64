//! Wishes of people. Every guard is here or further down, never only at the key.

use std::time::Duration;

use crate::approval::{DayApproval, OperationId, Preconditions, Refusal};
use crate::execution::Job;
use crate::fleet::WorkloadId;
use crate::journal::{Entry, Kind};
use crate::plan::{self, PlannedChange, guardrails};
use crate::proposal::{Proposal, ProposalId, QueueEvent};
use crate::signals::{Freshness, SignalKind};
use crate::view::{Answer, Caller, Command, NoticeLevel};

use super::asks::Ask;
use super::run::Engine;
use super::{WorkloadFacts, planning, record};

/// What an approval rests on.
pub(super) enum Authority<'a> {
    /// A person looked at this very proposal: its hash, and the context's name as typed.
    Shown(&'a str, Option<&'a str>),
    /// A person approved the day within which it lies.
    Day(Box<DayApproval>),
}

/// How long a proposal may be hidden.
const LONGEST_SNOOZE: Duration = Duration::from_secs(24 * 3600);
/// A tick that is late by more than this is a gap (`safety.md` I9).
const GAP: Duration = Duration::from_secs(2);

impl Engine {
    /// Carries out a wish, or says why not.
    pub(super) async fn command(&mut self, command: Command, caller: &Caller) -> Answer {
        let stops = matches!(command, Command::Reject { .. } | Command::Abort(_) | Command::Release(_));
        let stopped = stops.then(|| command.clone());
        let answer = self.carry_out(command, caller).await;
        if let Some(command) = stopped {
            self.end_day_after(&command, caller).await;
        }
        answer
    }

    async fn carry_out(&mut self, command: Command, caller: &Caller) -> Answer {
        let by = caller.person.name.clone();
        match command {
            Command::Approve { proposal, hash, typed } => {
                self.approve(&proposal, &hash, typed.as_deref(), caller).await
            }
            Command::ApproveDay { workload, hash, typed } => {
                self.approve_day(&workload, &hash, typed.as_deref(), caller).await
            }
            Command::EndDay(workload) => {
                self.end_day(&workload, &format!("{by} ended it"), Some(caller)).await
            }
            Command::Reject { proposal, reason } => {
                match self.state.queue.reject(&proposal, &by, reason, self.moment()) {
                    Some(event) => {
                        let said = format!("{proposal} rejected: {}", reason.phrase());
                        self.decided(vec![event], caller, said).await
                    }
                    None => self.refused(self.not_open(&proposal)),
                }
            }
            Command::Snooze { proposal, duration } => {
                let (duration, moment) = (duration.min(LONGEST_SNOOZE), self.moment());
                match self.state.queue.snooze(&proposal, duration, moment) {
                    Some(event) => {
                        self.state.learned.people.days.leave(&proposal);
                        let till = (moment.wall + duration).to_jiff().strftime("%H:%M");
                        let said = format!("{proposal} is hidden till {till} UTC");
                        self.decided(vec![event], caller, said).await
                    }
                    None => self.refused(self.not_open(&proposal)),
                }
            }
            Command::Mute { muted, duration, reason } => self.mute(muted, duration, &reason, caller).await,
            Command::Unmute(muted) => self.unmute(&muted, caller).await,
            Command::Edit { proposal, to } => self.edit(&proposal, to, caller).await,
            Command::Pause(id) => self.job(Ask::Pause, &id, caller).await,
            Command::Resume(id) => self.job(Ask::Resume, &id, caller).await,
            Command::Abort(id) => self.job(Ask::Abort, &id, caller).await,
            Command::Release(id) => self.job(Ask::Release, &id, caller).await,
            Command::Freeze { workload, duration, pin } => {
                self.freeze(&workload, duration, pin, caller).await
            }
            Command::HandOver(name) => self.hand_over(&name, caller).await,
            Command::TakeOver => self.take_over(caller).await,
            Command::Replay(_) => Answer::no("this is live: only a replay moves in time"),
            Command::Gone { what, reason, back } => self.gone(&what, &reason, back, caller).await,
            Command::Claim { workload, owner, reason } => {
                self.claim(&workload, &owner, &reason, caller).await
            }
            Command::PollNow => {
                self.handles.iter().for_each(crate::scrape::Handle::poll_now);
                Answer::yes("every source is polled now")
            }
            Command::Note { about, text } => self.note_down(&about, &text, caller).await,
            Command::Lesson { key, stance } => self.stance(&key, stance, caller).await,
            Command::ImportLessons { text, trust } => self.import(&text, trust.as_deref(), caller).await,
            Command::Shadow { proposal, hash, reject } => self.shadow(&proposal, &hash, reject, caller).await,
            Command::Wheel => Answer::no("the wheel is for screens that are attached"),
            Command::WheelTurned(text) => self.wheel_turned(&text, caller).await,
            Command::Unattended => self.unattended(caller).await,
        }
    }

    /// Records what a person decided of a proposal, and says whether the record has it.
    async fn decided(&mut self, events: Vec<QueueEvent>, caller: &Caller, said: String) -> Answer {
        if self.events_by(events, Some(caller)).await {
            return self.done(said);
        }
        let text = format!("{said}; but the journal cannot be written, so a restart will not know of it");
        self.say(NoticeLevel::Error, text.clone());
        Answer::no(text)
    }

    /// Why nothing can be decided of a proposal that is not open.
    fn not_open(&self, id: &ProposalId) -> String {
        match self.state.learned.proposals.get(id) {
            Some(p) if !p.state.is_live() => {
                format!("{id} is no longer open: {}", super::decisions::decision(&p.state))
            }
            Some(_) => format!("{id} cannot be decided so"),
            None if self.state.queue.has_made(id) => format!("{id} is no longer open"),
            None => format!("there is no proposal {id}"),
        }
    }

    fn done(&mut self, text: String) -> Answer {
        self.say(NoticeLevel::Info, text.clone());
        Answer::yes(text)
    }

    pub(super) fn refused(&mut self, text: String) -> Answer {
        self.say(NoticeLevel::Warning, text.clone());
        Answer::no(text)
    }

    async fn approve(&mut self, id: &ProposalId, hash: &str, typed: Option<&str>, caller: &Caller) -> Answer {
        // After a gap (a sleeping machine, a stopped process) nothing known is of now: look first.
        if self.gap() > self.state.tuning.tick + GAP {
            self.tick(None).await;
        }
        self.authorise(id, Authority::Shown(hash, typed), caller).await
    }

    /// Asks the gate for leave and begins what it gives leave for.
    pub(super) async fn authorise(
        &mut self,
        id: &ProposalId,
        authority: Authority<'_>,
        caller: &Caller,
    ) -> Answer {
        let Some(mut proposal) = self.state.queue.get(id).cloned() else {
            return self.refused(format!("{}; nothing was executed", self.not_open(id)));
        };
        if let Some(why) = self.state.halted.clone() {
            return self.refuse(&proposal, format!("weescale is halted: {why}"), caller).await;
        }
        // What a day's approval covers was approved before it was muted.
        let muted = super::mutes::refusal(&self.state, &proposal, self.clock.now());
        if let Some(why) = muted.filter(|_| !matches!(authority, Authority::Day(..))) {
            return self.refuse(&proposal, why, caller).await;
        }
        // Reserved before anything is decided: the engine never waits for the executor, which waits for the engine.
        let Ok(turn) = self.jobs.clone().try_reserve_owned() else {
            let why = "the executor is busy or has stopped; try again".into();
            return self.refuse(&proposal, why, caller).await;
        };
        self.guard_again(&mut proposal);
        let operation = OperationId::new(&format!("op-{}", self.next_operation));
        let facts = self.preconditions(&proposal, operation.clone());
        let limits = facts.limits.clone();
        let now = self.clock.monotonic();
        let permit = match authority {
            Authority::Shown(hash, typed) => {
                self.gate.approve(&proposal, hash, typed, &caller.person, now, facts)
            }
            Authority::Day(day) => {
                let at = self.clock.now();
                self.gate.approve_within(&proposal, &day, at, now, facts)
            }
        };
        let permit = match permit {
            Ok(permit) => permit,
            Err(first @ Refusal::SecondPerson { .. }) => {
                return self.first_key(&proposal, first.to_string(), caller).await;
            }
            Err(refusal) => return self.refuse(&proposal, refusal.to_string(), caller).await,
        };
        let hastened = super::staging::hastened(&self.state, &proposal);
        let (permit, how) = match hastened {
            Some((fewer, why)) => (permit.hastened(fewer, &why), format!(", {why}")),
            None => (permit, String::new()),
        };
        self.next_operation += 1;
        self.state.keys.add(&permit.record().key);
        self.state.learned.rules.approved(operation.clone(), limits);
        let name = &caller.person.name;
        let Some(event) = self.state.queue.approved(id, name, self.moment()) else {
            return Answer::no(format!("{id} is no longer open; nothing was executed"));
        };
        // The decision is on the disk before anything is executed; without that, nothing is.
        if self.events_by(vec![event], Some(caller)).await {
            let warm_up = self.state.learned_warm_up(&proposal.workload);
            turn.send(Job::Start { proposal: Box::new(proposal), permit, warm_up });
            if !how.is_empty() {
                self.say(NoticeLevel::Info, format!("{operation} is made{}", how.trim_start_matches(',')));
            }
            Answer::yes(format!("{id} is approved: {operation} begins{how}"))
        } else {
            let text = format!("{id} was not executed: the journal cannot be written");
            self.say(NoticeLevel::Error, text.clone());
            Answer::no(text)
        }
    }

    /// The first of two keys is on the disk before it is shown.
    async fn first_key(&mut self, proposal: &Proposal, text: String, caller: &Caller) -> Answer {
        let hash = proposal.hash();
        let body = serde_json::json!({ "proposal": proposal.id, "hash": hash, "caller": caller });
        let line = format!("{} {}: {text}", proposal.id, proposal.workload);
        if !self.journal(vec![Entry::new(Kind::Key, line, body).by(&caller.person.name)]).await {
            // A key that nobody could find again is none: the next one is the first.
            self.gate.forget_key(&hash);
            let text = format!("{} was not approved: the journal cannot be written", proposal.id);
            self.say(NoticeLevel::Error, text.clone());
            return Answer::no(text);
        }
        self.state.first_keys.insert(proposal.id.clone(), caller.person.clone());
        self.done(text)
    }

    /// Puts the guardrails as they are now in place of those at the time the proposal was made.
    pub(super) fn guard_again(&self, proposal: &mut Proposal) {
        let Some(facts) = self.state.fleet.get(&proposal.workload) else { return };
        let running = self.running(&proposal.workload);
        let now = self.clock.now();
        proposal.guardrails = planning::with_input(&self.state, facts, now, |input| {
            guardrails::at_approval(input, &proposal.change, running)
        });
        let short = self.is_short(&proposal.workload);
        let (workload, change) = (&proposal.workload, &proposal.change);
        proposal.guardrails.extend(super::stances::guardrail(&self.state, workload, change, short, now));
        let others = super::noted::guardrail(&self.state, proposal, now);
        proposal.guardrails.extend(others);
    }

    async fn refuse(&mut self, proposal: &Proposal, why: String, caller: &Caller) -> Answer {
        let text = format!("{} {}: {why}", proposal.id, proposal.workload);
        self.say(NoticeLevel::Warning, format!("not approved: {why}"));
        let body = serde_json::json!({ "proposal": proposal.id, "why": why, "caller": caller });
        self.journal(vec![Entry::new(Kind::Refuse, text, body).by(&caller.person.name)]).await;
        Answer::no(why)
    }

    fn preconditions(&self, proposal: &Proposal, operation: OperationId) -> Preconditions {
        let facts = self.state.fleet.get(&proposal.workload);
        let now = self.clock.now();
        let fan = facts.and_then(|f| f.forecast.fan());
        let provider = proposal.target.as_ref().map(|t| t.provider.as_str()).unwrap_or_default();
        Preconditions {
            operation,
            not_fresh: not_fresh(facts, &proposal.change),
            provider_present: self.providers.contains_key(provider)
                && !self.state.platform_errors.contains_key(provider),
            owner: facts.map(|f| super::sizes::owner_of(f, proposal.change.field)).unwrap_or_default(),
            forecast_age: fan.map(|f| now.since(f.issued)),
            forecast_horizon: fan.map_or(Duration::ZERO, |f| f.own_end().since(f.issued)),
            limits: self.state.limits_of(&proposal.workload),
        }
    }

    async fn edit(&mut self, id: &ProposalId, to: u32, caller: &Caller) -> Answer {
        let now = self.moment();
        let events = self.state.queue.get(id).cloned().and_then(|proposal| {
            // A size has one step that is right: there is no other value to give it.
            let facts =
                self.state.fleet.get(&proposal.workload).filter(|_| !proposal.change.field.is_size())?;
            let change = PlannedChange { to, ..proposal.change };
            let plan =
                planning::with_input(&self.state, facts, now.wall, |input| plan::instead(input, &change));
            let workload = facts.workload.clone();
            self.state.queue.edit(id, to, &plan, &workload, now)
        });
        match events {
            Some(events) => {
                // Who asks for another value wants to look at it first.
                for event in &events {
                    if let QueueEvent::Proposed(p) = event {
                        self.state.learned.people.days.leave(&p.id);
                    }
                }
                let said = format!("a new proposal with {to} takes the place of {id}");
                let body = serde_json::json!({ "proposal": id, "to": to, "caller": caller });
                let asked = Entry::new(Kind::Edit, format!("{id} edited to {to}"), body);
                if self.journal(vec![asked.by(&caller.person.name)]).await {
                    self.state.learned.people.load.note(&caller.person.name, now.wall);
                }
                // Made a moment ago by who decides it next: that tells nothing of how long a proposal waits.
                for event in &events {
                    if let QueueEvent::Proposed(p) = event {
                        self.state.learned.people.tempo.leave_out(&p.id);
                    }
                }
                self.decided(events, caller, said).await
            }
            None => self.refused(self.not_open(id)),
        }
    }

    /// Journals what happened to proposals and takes note of it; `false` if the journal did not take it.
    pub(super) async fn queue_events(&mut self, events: Vec<QueueEvent>) -> bool {
        self.events_by(events, None).await
    }

    /// The same, with who did it, as the kernel names them, in each record.
    async fn events_by(&mut self, mut events: Vec<QueueEvent>, caller: Option<&Caller>) -> bool {
        if events.is_empty() {
            return true;
        }
        super::staging::choose(&mut self.state, &mut events);
        let mut entries: Vec<Entry> = events.iter().map(record::of_queue).collect();
        if let Some(caller) = caller {
            for (entry, event) in entries.iter_mut().zip(&events) {
                entry.user.clone_from(&caller.person.name);
                let by_day = super::days::is_day(caller);
                if by_day {
                    entry.text.push_str(", within the approved day");
                }
                let waited = super::decisions::waited(&mut self.state, event, caller).filter(|_| !by_day);
                let Some(body) = entry.body.as_object_mut() else { continue };
                body.insert("caller".into(), serde_json::json!(caller));
                if let Some((at, waited)) = waited {
                    body.insert("waited".into(), serde_json::json!(waited));
                    self.state.learned.people.tempo.note(at, waited);
                }
            }
        }
        let by_day = caller.is_some_and(super::days::is_day);
        for event in events {
            self.note(&event, by_day);
        }
        self.journal(entries).await
    }

    /// `by_day`: decided with an approved day, which was one decision.
    fn note(&mut self, event: &QueueEvent, by_day: bool) {
        match event {
            QueueEvent::Proposed(p) => {
                self.gate.note_shown(p);
                let running = self.running(&p.workload);
                let around = super::stances::circumstances(&self.state, &p.workload, p.created);
                self.state.learned.scores.watch(p, running, around);
                self.state.learned.proposals.insert(p.id.clone(), p.clone());
                // In a team's quiet hours nobody is called for what can wait, nor for what somebody muted.
                let routed = super::teams::routed(&self.state, p, self.clock.now());
                if routed.calls() {
                    let whom = if routed.team.is_empty() {
                        String::new()
                    } else {
                        format!(" (for {})", routed.team)
                    };
                    // The rest of the sentence stands in the strip and on the card.
                    let what = p.sentence.split(". ").next().unwrap_or_default().trim_end_matches('.');
                    self.say(NoticeLevel::Info, format!("new proposal {}: {what}{whom}", p.id));
                }
            }
            QueueEvent::Closed(p) => {
                self.state.first_keys.remove(&p.id);
                let text = super::decisions::decision(&p.state);
                self.state.learned.scores.decided(&p.id, &text);
                self.state.learned.people.decided(p, by_day);
                self.state.learned.proposals.insert(p.id.clone(), p.clone());
            }
            QueueEvent::Snoozed(p) => self.state.learned.people.tempo.leave_out(&p.id),
        }
    }

    /// Whether demand is above capacity now.
    fn is_short(&self, id: &WorkloadId) -> bool {
        let plan = self.state.fleet.get(id).and_then(|f| f.plan.as_ref());
        plan.is_some_and(|p| p.exhaustion == crate::plan::Exhaustion::Now)
    }

    fn running(&self, id: &WorkloadId) -> u32 {
        let replicas = self.state.fleet.get(id).and_then(|f| f.workload.replicas);
        replicas.map_or(0, |r| r.desired.max(r.min.unwrap_or(0)))
    }
}

/// Signals that `change` needs and that are not fresh. Of a demand that comes back as much as is there is known: enough
/// for more replicas.
pub(super) fn not_fresh(facts: Option<&WorkloadFacts>, change: &PlannedChange) -> Vec<String> {
    let needed: &[SignalKind] =
        if change.is_more() { &[SignalKind::Demand] } else { &[SignalKind::Demand, SignalKind::LatencyP95] };
    let more = change.is_more() && change.field.is_count();
    let fresh = |kind: SignalKind| match facts {
        Some(f) if more => f.signals.at_least(kind).is_some(),
        Some(f) => f.signals.freshness(kind) == Freshness::Fresh,
        None => false,
    };
    needed.iter().filter(|kind| !fresh(**kind)).map(|kind| kind.name().to_owned()).collect()
}
