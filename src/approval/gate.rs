//! The gate: the only place where leave to write is given.

use std::collections::VecDeque;
use std::fmt::Write;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::clock::Monotonic;
use crate::fleet::{Context, Owner};
use crate::plan::Limits;
use crate::proposal::{Proposal, ProposalId};
use crate::series::Quantity;
use crate::series::Timestamp;
use crate::series::Unit::DollarsPerHour;

use super::{DayApproval, Mandate, MandateRecord, Mode, OperationId, Permit, Person};

/// How many shown and approved proposals are remembered.
const MEMORY: usize = 512;

/// What the engine knows at the moment of approval.
#[derive(Clone, Debug)]
pub struct Preconditions {
    /// Identity for the operation; never used before in this journal.
    pub operation: OperationId,
    /// Signals behind the proposal that are not fresh now, by name. Any stands against approval.
    pub not_fresh: Vec<String>,
    /// Whether the provider named by the target is configured and answers.
    pub provider_present: bool,
    /// Who owns the field, resolved now.
    pub owner: Owner,
    /// Age of the forecast behind the proposal; `None` if it does not rest on one.
    pub forecast_age: Option<Duration>,
    /// Horizon of that forecast.
    pub forecast_horizon: Duration,
    /// Limits of the workload, as configured now.
    pub limits: Limits,
}

/// Why an approval was refused. The text is for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing may be written.
    #[error("observe mode: nothing is written; start with --allow-actions to approve")]
    Observe,
    /// What was shown is not what would be executed.
    #[error("the proposal has changed since it was shown: {0}")]
    Changed(String),
    /// Nothing was ever shown under that hash.
    #[error(
        "{given} is not the hash of anything {proposal} was shown as since this start: mistyped, shortened, or from before; it says {now}, look again"
    )]
    NotShown {
        /// The hash as given.
        given: String,
        /// The proposal.
        proposal: ProposalId,
        /// What it says now.
        now: String,
    },
    /// Nobody decided in time.
    #[error("the proposal expired {} s ago", .0.as_secs())]
    Expired(Duration),
    /// Someone or something decided already.
    #[error("the proposal is no longer open: {0}")]
    NotLive(String),
    /// No platform to write to.
    #[error("advice only: no provider manages {0}; add one under [providers]")]
    NoTarget(String),
    /// The provider does not answer or is not configured.
    #[error("provider {0} is not there; check its address with `weescale check`")]
    NoProvider(String),
    /// The owner is unknown or would revert the write.
    #[error("advice only: the owner of the field is {0}")]
    Owner(String),
    /// The owner is not the one that was shown, or respects another field.
    #[error("the owner is now {now} and respects {field}, not what was proposed")]
    OwnerChanged {
        /// The owner now.
        now: String,
        /// Its field.
        field: &'static str,
    },
    /// A guardrail stands against it.
    #[error("guardrail {name}: {detail}")]
    Guardrail {
        /// Which.
        name: String,
        /// With numbers.
        detail: String,
    },
    /// The value is outside the configured bounds, or changes nothing.
    #[error("{to} is outside {min}..={max}, or no change from {from}")]
    Bounds {
        /// Proposed value.
        to: u32,
        /// Present value.
        from: u32,
        /// Lower bound.
        min: u32,
        /// Upper bound.
        max: u32,
    },
    /// Costs more than one person may approve.
    #[error("it costs {cost} more, above the {limit} one person may approve")]
    TooCostly {
        /// Extra cost.
        cost: String,
        /// Limit.
        limit: String,
    },
    /// The first of two keys was turned: no leave yet.
    #[error(
        "1 of 2: {by} approved {proposal}; it costs {cost} more, above the {limit} one person may decide, so another person must approve it too"
    )]
    SecondPerson {
        /// Which.
        proposal: ProposalId,
        /// Who turned the first key.
        by: Person,
        /// Extra cost.
        cost: String,
        /// Limit.
        limit: String,
    },
    /// The same person again.
    #[error("{by} approved {proposal} already; the second key must be another person's")]
    SamePerson {
        /// Which.
        proposal: ProposalId,
        /// Who.
        by: Person,
    },
    /// It does not lie within the day that was approved.
    #[error("it is not within the approved day: {0}")]
    OutsideDay(String),
    /// The name was not typed, or not exactly.
    #[error("protected context: type its name, {0}, exactly")]
    NotTyped(String),
    /// The forecast cannot back a decision any more.
    #[error("the forecast is {} s old, more than two horizons of {} s", .age.as_secs(), .horizon.as_secs())]
    OldForecast {
        /// Its age.
        age: Duration,
        /// Its horizon.
        horizon: Duration,
    },
    /// Inputs are stale, missing or suspect.
    #[error("inputs are not fresh: {0}")]
    NotFresh(String),
    /// Approved already.
    #[error("{0} was approved already")]
    Twice(ProposalId),
    /// The permit waited too long to be used.
    #[error("the approval waited too long to be started; approve again")]
    PermitVoid,
    /// The journalled approval was given in another context.
    #[error("the approval was given in context {0}")]
    OtherContext(String),
}

/// What a hash binds, by name.
type Parts = Vec<(&'static str, String)>;

/// Decides whether a person's approval gives leave to write.
#[derive(Debug)]
pub struct Gate {
    mode: Mode,
    context: Context,
    shown: VecDeque<(String, ProposalId, Parts)>,
    approved: VecDeque<ProposalId>,
    second_above: Option<f64>,
    /// First keys: hash of what was shown, and whose.
    first: VecDeque<(String, Person)>,
}

impl Gate {
    /// A gate for one context.
    pub const fn new(mode: Mode, context: Context) -> Self {
        Self {
            mode,
            context,
            shown: VecDeque::new(),
            approved: VecDeque::new(),
            second_above: None,
            first: VecDeque::new(),
        }
    }

    /// Changes that add more than this, $/h, take two people. What cannot be priced does too.
    #[must_use]
    pub fn with_second_person_above(mut self, limit: Option<f64>) -> Self {
        self.second_above = limit;
        self
    }

    /// The mode.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Remembers what people see, so that a refusal can say what changed since. Call it for each proposal published.
    pub fn note_shown(&mut self, proposal: &Proposal) {
        let hash = proposal.hash();
        if self.shown.iter().any(|(known, ..)| *known == hash) {
            return;
        }
        if self.shown.len() >= MEMORY {
            self.shown.pop_front();
        }
        self.shown.push_back((hash, proposal.id.clone(), bound_parts(proposal)));
    }

    /// Gives leave to execute exactly what was shown, once.
    ///
    /// `typed` is the context's name as typed, needed in protected contexts. Nothing is remembered on
    /// refusal, except the first of two keys ([`Refusal::SecondPerson`]).
    pub fn approve(
        &mut self,
        proposal: &Proposal,
        shown_hash: &str,
        typed: Option<&str>,
        person: &Person,
        now: Monotonic,
        facts: Preconditions,
    ) -> Result<Permit, Refusal> {
        let facts = Preconditions { limits: facts.limits.of(proposal.change.field), ..facts };
        if self.mode == Mode::Observe {
            return Err(Refusal::Observe);
        }
        self.check_shown(proposal, shown_hash)?;
        if self.approved.contains(&proposal.id) {
            return Err(Refusal::Twice(proposal.id.clone()));
        }
        if !proposal.state.is_live() {
            return Err(Refusal::NotLive(state_words(proposal)));
        }
        if now >= proposal.deadline {
            return Err(Refusal::Expired(now.since(proposal.deadline)));
        }
        check_ownership(proposal, &facts)?;
        check_plan(proposal, &facts)?;
        if self.context.protected && typed != Some(self.context.name.as_str()) {
            return Err(Refusal::NotTyped(self.context.name.clone()));
        }
        let Some(target) = proposal.target.clone() else {
            return Err(Refusal::NoTarget(proposal.workload.to_string()));
        };
        let first = self.two_keys(proposal, shown_hash, person)?;
        if self.approved.len() >= MEMORY {
            self.approved.pop_front();
        }
        self.approved.push_back(proposal.id.clone());
        let record = MandateRecord {
            key: root_key(proposal, person, &facts.operation),
            operation: facts.operation,
            proposal: proposal.id.clone(),
            hash: shown_hash.to_owned(),
            workload: proposal.workload.clone(),
            target,
            change: proposal.change.clone(),
            limits: facts.limits,
            context: self.context.name.clone(),
            approver: person.clone(),
            first,
            staging: proposal.staging.clone(),
            day: None,
            sentence: proposal.sentence.clone(),
            dollars_per_hour: proposal.cost.per_hour(),
        };
        Ok(Permit::new(record, now))
    }

    /// Whether a day may be approved at all: as for a single change, the mode and the typed name.
    ///
    /// # Errors
    /// Why not.
    pub fn may_approve_days(&self, typed: Option<&str>) -> Result<(), Refusal> {
        if self.mode == Mode::Observe {
            return Err(Refusal::Observe);
        }
        if self.context.protected && typed != Some(self.context.name.as_str()) {
            return Err(Refusal::NotTyped(self.context.name.clone()));
        }
        Ok(())
    }

    /// Gives leave to execute what lies within an approved day at wall time `at`, with every check that a single
    /// approval gets. What takes two people is never covered.
    ///
    /// # Errors
    /// [`Refusal::OutsideDay`], and all of [`Gate::approve`].
    pub fn approve_within(
        &mut self,
        proposal: &Proposal,
        day: &DayApproval,
        at: Timestamp,
        now: Monotonic,
        facts: Preconditions,
    ) -> Result<Permit, Refusal> {
        if day.context != self.context.name {
            return Err(Refusal::OtherContext(day.context.clone()));
        }
        day.covers(proposal, at).map_err(|why| Refusal::OutsideDay(why.into()))?;
        if self.takes_two(proposal) {
            return Err(Refusal::OutsideDay("it takes two people".into()));
        }
        let permit = self.approve(proposal, &proposal.hash(), day.typed.as_deref(), &day.by, now, facts)?;
        Ok(permit.within_day(day.at))
    }

    /// Whether so much takes two people.
    fn takes_two(&self, proposal: &Proposal) -> bool {
        let cost = proposal.cost.per_hour();
        self.second_above.is_some_and(|limit| cost.is_none_or(|cost| cost > limit))
    }

    /// After a restart: the authority of an approval that stands in the journal, to finish, undo or give back what
    /// it began. The caller has verified the journal. Never gives more than the record says.
    pub fn readmit(&self, record: MandateRecord) -> Result<Mandate, Refusal> {
        if self.mode == Mode::Observe {
            return Err(Refusal::Observe);
        }
        if record.context != self.context.name {
            return Err(Refusal::OtherContext(record.context));
        }
        Ok(Mandate::new(record))
    }

    /// Holds a large change back until two different people approved the very same thing. Whose the first key was, if
    /// it took two.
    fn two_keys(
        &mut self,
        proposal: &Proposal,
        hash: &str,
        person: &Person,
    ) -> Result<Option<Person>, Refusal> {
        let Some(limit) = self.second_above.filter(|_| self.takes_two(proposal)) else { return Ok(None) };
        let cost = proposal.cost.per_hour();
        match self.first.iter().find(|(shown, _)| shown == hash) {
            Some((_, first)) if first.uid != person.uid => {
                let first = first.clone();
                self.forget_key(hash);
                Ok(Some(first))
            }
            Some(_) => Err(Refusal::SamePerson { proposal: proposal.id.clone(), by: person.clone() }),
            None => {
                if self.first.len() >= MEMORY {
                    self.first.pop_front();
                }
                self.first.push_back((hash.to_owned(), person.clone()));
                let show = |v| Quantity::new(v, DollarsPerHour).to_string();
                Err(Refusal::SecondPerson {
                    proposal: proposal.id.clone(),
                    by: person.clone(),
                    cost: cost.map_or_else(|| "an unknown amount".into(), show),
                    limit: show(limit),
                })
            }
        }
    }

    /// Forgets the first key turned for what was shown as `hash`: it could not be recorded, so it does not count.
    pub fn forget_key(&mut self, hash: &str) {
        self.first.retain(|(shown, _)| shown != hash);
    }

    fn check_shown(&self, proposal: &Proposal, shown_hash: &str) -> Result<(), Refusal> {
        if proposal.hash() == shown_hash {
            return Ok(());
        }
        let now = bound_parts(proposal);
        let then = self.shown.iter().find(|(hash, id, _)| hash == shown_hash && *id == proposal.id);
        let Some((_, _, then)) = then else {
            let change = &proposal.change;
            return Err(Refusal::NotShown {
                given: crate::series::text::clean(shown_hash, 80),
                proposal: proposal.id.clone(),
                now: format!("{} {}→{}", change.field.name(), change.from, change.to),
            });
        };
        let what: Vec<String> = then
            .iter()
            .zip(&now)
            .filter(|(a, b)| a != b)
            .map(|((name, was), (_, is))| format!("{name} was {was}, is {is}"))
            .collect();
        Err(Refusal::Changed(what.join("; ")))
    }
}

fn bound_parts(proposal: &Proposal) -> Parts {
    let target = proposal.target.as_ref();
    vec![
        ("provider", target.map_or_else(|| "none".into(), |t| t.provider.clone())),
        ("uid", target.map_or_else(|| "none".into(), |t| t.uid.clone())),
        ("field", proposal.change.field.name().into()),
        ("from", proposal.change.from.to_string()),
        ("to", proposal.change.to.to_string()),
        ("size", proposal.change.size.map_or_else(|| "none".into(), |s| format!("{}→{}", s.from, s.to))),
        ("until", proposal.change.until.map_or_else(|| "for good".into(), |t| t.to_string())),
    ]
}

fn state_words(proposal: &Proposal) -> String {
    use crate::proposal::ProposalState as S;
    match &proposal.state {
        S::Open => "open".into(),
        S::Snoozed { until } => format!("hidden until {until}"),
        S::Approved { by, at } => format!("approved by {by} at {at}"),
        S::Rejected { by, at, .. } => format!("rejected by {by} at {at}"),
        S::Expired { at } => format!("expired at {at}"),
        S::Superseded { by } => format!("{by} took its place"),
        S::Withdrawn { why, .. } => format!("withdrawn: {why}"),
    }
}

fn check_ownership(proposal: &Proposal, facts: &Preconditions) -> Result<(), Refusal> {
    let Some(target) = &proposal.target else {
        return Err(Refusal::NoTarget(proposal.workload.to_string()));
    };
    if !facts.provider_present {
        return Err(Refusal::NoProvider(target.provider.clone()));
    }
    for owner in [&proposal.owner, &facts.owner] {
        let Some(floor) = owner.floor_field() else {
            return Err(Refusal::Owner(owner.label()));
        };
        if !owner.respects(proposal.change.field) {
            let field = if proposal.change.field.is_size() { "no size written here" } else { floor.name() };
            return Err(Refusal::OwnerChanged { now: owner.label(), field });
        }
    }
    Ok(())
}

fn check_plan(proposal: &Proposal, facts: &Preconditions) -> Result<(), Refusal> {
    if let Some(failed) = proposal.guardrails.iter().find(|g| !g.passed) {
        return Err(Refusal::Guardrail { name: failed.name.clone(), detail: failed.detail.clone() });
    }
    let Limits { min, max, max_dollars_per_hour, .. } = facts.limits;
    let (from, to) = (proposal.change.from, proposal.change.to);
    if to < min || to > max || to == from {
        return Err(Refusal::Bounds { to, from, min, max });
    }
    if let (Some(limit), Some(cost)) = (max_dollars_per_hour, proposal.cost.per_hour())
        && cost > limit
    {
        let show = |v| Quantity::new(v, DollarsPerHour).to_string();
        return Err(Refusal::TooCostly { cost: show(cost), limit: show(limit) });
    }
    if !facts.not_fresh.is_empty() {
        return Err(Refusal::NotFresh(facts.not_fresh.join(", ")));
    }
    match facts.forecast_age {
        Some(age) if age > facts.forecast_horizon.saturating_mul(2) => {
            Err(Refusal::OldForecast { age, horizon: facts.forecast_horizon })
        }
        _ => Ok(()),
    }
}

/// Operation id plus 16 hexadecimal digits over what was approved, when it was made and by whom: two instances with
/// journals of their own never share a key.
fn root_key(proposal: &Proposal, person: &Person, operation: &OperationId) -> String {
    let mut hasher = Sha256::new();
    hasher.update(proposal.hash().as_bytes());
    hasher.update(proposal.created.as_millis().to_be_bytes());
    hasher.update(proposal.workload.to_string().as_bytes());
    hasher.update(person.uid.to_be_bytes());
    let digest = hasher.finalize();
    let mut key = format!("{operation}.");
    for byte in digest.iter().take(8) {
        // Writing to a string cannot fail.
        let _ = write!(key, "{byte:02x}");
    }
    key
}

#[cfg(test)]
pub(super) mod tests;
