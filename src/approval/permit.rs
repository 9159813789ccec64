//! What an approval allows: a one-use permit, the mandate it turns into, and the orders a mandate can make.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Monotonic;
use crate::fleet::{Field, WorkloadId};
use crate::plan::{Limits, PlannedChange, Resize};
use crate::proposal::{ProposalId, Staging, Target};
use crate::series::Timestamp;

use super::{OperationId, Person, Refusal};

/// A permit that was not redeemed after this long is void: the world it was given for has moved on.
pub const PERMIT_LIFE: Duration = Duration::from_secs(300);

/// All an approval covers, as it stands in the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MandateRecord {
    /// The operation.
    pub operation: OperationId,
    /// The proposal.
    pub proposal: ProposalId,
    /// Hash of what was shown.
    pub hash: String,
    /// The workload.
    pub workload: WorkloadId,
    /// The object.
    pub target: Target,
    /// The change.
    pub change: PlannedChange,
    /// The limits in force when it was approved; a later, looser configuration does not widen them.
    pub limits: Limits,
    /// Name of the context it was given in.
    pub context: String,
    /// Who approved; the second of two.
    pub approver: Person,
    /// Whose the first key was, where it took two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<Person>,
    /// The steps in which it is made, as they were shown, those of the proposal or the fewer that time allowed; `None` if at once, as far as the limits allow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staging: Option<Staging>,
    /// When the day was approved within whose corridors it lies, where it was not approved by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<Timestamp>,
    /// Root of every idempotency key of this operation; unlike any other operation's, also of other instances.
    pub key: String,
    /// The card as one sentence.
    pub sentence: String,
    /// Extra cost, $/h, if known.
    pub dollars_per_hour: Option<f64>,
}

impl MandateRecord {
    /// `raise min_replicas 6→11 on shop/checkout`.
    pub fn summary(&self) -> String {
        format!("{} {} on {}", self.change.field.name(), self.change.words("→"), self.workload)
    }

    /// The value that undoing goes back to: what was there, unless that is outside the limits.
    pub fn home(&self) -> u32 {
        let home = self.change.from.clamp(self.limits.min.min(self.limits.max), self.limits.max);
        // Going home never overshoots in the direction of the change itself.
        if self.is_up() { home.min(self.change.to) } else { home.max(self.change.to) }
    }

    /// Whether the change raises the value.
    pub const fn is_up(&self) -> bool {
        self.change.to > self.change.from
    }

    /// Whether a write of `set` over `expect` stays on the way between home and the approved value.
    pub fn covers(&self, way: Way, expect: u32, set: u32) -> bool {
        let PlannedChange { from, to, size, .. } = self.change;
        // A count of resized replicas without their size says nothing of what would be written.
        if self.change.field.is_in_place() != size.is_some() {
            return false;
        }
        let start = if way == Way::Back { self.home() } else { from };
        let within = |value| (start.min(to)..=start.max(to)).contains(&value);
        within(set) && (within(expect) || expect == from)
    }
}

/// Leave to execute one approved proposal, once. Made only by [`super::Gate::approve`]; consumed by value.
#[derive(Debug)]
pub struct Permit {
    record: MandateRecord,
    void_after: Monotonic,
}

impl Permit {
    pub(super) fn new(record: MandateRecord, now: Monotonic) -> Self {
        Self { record, void_after: now.plus(PERMIT_LIFE) }
    }

    /// What it covers, for the journal.
    pub const fn record(&self) -> &MandateRecord {
        &self.record
    }

    /// The same, naming the day that was approved at once.
    pub(super) fn within_day(mut self, approved: Timestamp) -> Self {
        self.record.day = Some(approved);
        self
    }

    /// The same in fewer of the steps that were shown, and why: each value is still one that was approved. Steps that were not
    /// shown change nothing.
    #[must_use]
    pub fn hastened(mut self, staging: Staging, why: &str) -> Self {
        if self.record.staging.as_ref().is_some_and(|shown| staging.is_part_of(shown)) {
            self.record.staging = Some(staging);
            self.record.sentence = format!("{}; {why}", self.record.sentence);
        }
        self
    }

    /// Uses the permit up. Refused when it has waited too long.
    pub fn redeem(self, now: Monotonic) -> Result<Mandate, Refusal> {
        if now > self.void_after {
            return Err(Refusal::PermitVoid);
        }
        Ok(Mandate::new(self.record))
    }
}

/// Which way a write goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Towards the approved value.
    Forward,
    /// Back to what was there: rollback, or restore at the end of a lease.
    Back,
}

/// A write outside what was approved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{operation}: writing {set} over {expect} is outside what was approved ({from}→{to}, {why})")]
pub struct Outside {
    operation: OperationId,
    expect: u32,
    set: u32,
    from: u32,
    to: u32,
    why: &'static str,
}

/// Authority to walk one field of one object from `from` to `to`, and back, each value at most once a way.
///
/// Rollback and lease restore are part of what was approved; nothing else is.
#[derive(Debug)]
pub struct Mandate {
    record: MandateRecord,
    /// Furthest value ordered forward.
    forward: Option<u32>,
    /// Furthest value ordered back; once set, nothing goes forward again.
    back: Option<u32>,
    /// How often the next order became a new write with a key of its own: a platform answers a key it knows as it did the
    /// first time, so what was refused or had no effect could never succeed under the key it had.
    renewals: u32,
    /// Turns of a load balancer ordered so far.
    turns: u32,
}

impl Mandate {
    pub(super) const fn new(record: MandateRecord) -> Self {
        Self { record, forward: None, back: None, renewals: 0, turns: 0 }
    }

    /// Number of the next turn of a load balancer, from 1.
    pub(super) const fn next_turn(&mut self) -> u32 {
        self.turns = self.turns.saturating_add(1);
        self.turns
    }

    /// After a restart: how many turns of a load balancer the journal tells of.
    pub const fn remember_turns(&mut self, turns: u32) {
        self.turns = turns;
    }

    /// What it covers.
    pub const fn record(&self) -> &MandateRecord {
        &self.record
    }

    /// Whether undoing has begun.
    pub const fn is_undoing(&self) -> bool {
        self.back.is_some()
    }

    /// After a restart: what the journal says was ordered before.
    pub fn remember(&mut self, way: Way, set: u32) {
        match way {
            Way::Forward => self.forward = Some(set),
            Way::Back => self.back = Some(set),
        }
    }

    /// The platform refused the last order for certain, or it was read back for long enough to have had no effect: the
    /// next one is a new write.
    pub const fn renew_key(&mut self) {
        self.renewals = self.renewals.saturating_add(1);
    }

    /// The last order back over `present` was certainly not carried out: a shorter step over it may be next.
    pub const fn not_put_back(&mut self, present: u32) {
        if self.back.is_some() {
            self.back = Some(present);
        }
    }

    /// After a restart: how many keys the journal tells to be used up.
    pub const fn remember_renewals(&mut self, renewals: u32) {
        self.renewals = renewals;
    }

    /// An order to write `set` where `expect` is present. Repeating the last order is allowed (it carries the same
    /// idempotency key, unless that is used up); going against the way, past its end, or forward after back is not.
    pub fn order(&mut self, way: Way, expect: u32, set: u32) -> Result<WriteOrder, Outside> {
        self.allows(way, expect, set)?;
        self.remember(way, set);
        Ok(self.make(way, expect, set, false))
    }

    /// The order that [`Mandate::order`] would make, to be looked at only: sent, it would change nothing.
    pub fn look_ahead(&self, way: Way, expect: u32, set: u32) -> Result<WriteOrder, Outside> {
        self.allows(way, expect, set)?;
        Ok(self.make(way, expect, set, true))
    }

    fn allows(&self, way: Way, expect: u32, set: u32) -> Result<(), Outside> {
        let up = self.record.is_up() == (way == Way::Forward);
        let moves = if up { set > expect } else { set < expect };
        let last = if way == Way::Forward { self.forward } else { self.back };
        let beyond = last.is_none_or(|last| set == last || (set > last) == up);
        let why = if !moves {
            "against the way"
        } else if !self.record.covers(way, expect, set) {
            "past the end"
        } else if !beyond {
            "that value was already applied this way"
        } else if way == Way::Forward && self.back.is_some() {
            "it is being undone"
        } else {
            return Ok(());
        };
        let PlannedChange { from, to, .. } = self.record.change;
        Err(Outside { operation: self.record.operation.clone(), expect, set, from, to, why })
    }

    /// An order that checks everything and changes nothing.
    pub fn rehearsal(&self, set: u32) -> WriteOrder {
        self.make(Way::Forward, self.record.change.from, set, true)
    }

    /// An order that checks whether what is there now could be written back, and changes nothing: what cannot be taken
    /// back is not begun. It is rehearsed over what is there, as nothing of ours is yet.
    pub fn rehearsal_back(&self) -> WriteOrder {
        let order = self.make(Way::Back, self.record.change.from, self.record.home(), true);
        WriteOrder { rehearses_back: true, ..order }
    }

    /// An order that checks whether `set` could be written back over `at`, which is ours and there now, and changes
    /// nothing: only now is the step from the new value to the old one seen.
    pub fn rehearsal_back_over(&self, at: u32, set: u32) -> WriteOrder {
        let order = self.make(Way::Back, at, set, true);
        // Over another value it is another rehearsal, with a key of its own.
        WriteOrder { key: format!("{}.v{at}.{set}", self.record.key), ..order }
    }

    /// Replicas of ours were replaced by others of the template's size: the way goes on from the `at` that are left, each
    /// write of it a new one. Only for fields that count resized replicas, whose writes test the replica itself.
    pub fn fall_to(&mut self, at: u32) {
        if self.record.change.field.is_in_place() && self.forward.is_some_and(|last| last > at) {
            self.forward = (at > self.record.change.from).then_some(at);
            self.renew_key();
        }
    }

    fn make(&self, way: Way, expect: u32, set: u32, dry_run: bool) -> WriteOrder {
        let tag = match (dry_run, way) {
            (true, Way::Forward) => 'd',
            (true, Way::Back) => 'r',
            (false, Way::Forward) => 'f',
            (false, Way::Back) => 'b',
        };
        let again = if self.renewals == 0 { String::new() } else { format!(".{}", self.renewals) };
        WriteOrder {
            operation: self.record.operation.clone(),
            target: self.record.target.clone(),
            field: self.record.change.field,
            way,
            expect,
            set,
            size: self.record.change.size,
            raises: self.record.is_up() == (way == Way::Forward),
            dry_run,
            rehearses_back: false,
            key: format!("{}.{tag}{set}{again}", self.record.key),
            annotations: BTreeMap::new(),
        }
    }
}

/// The lease as noted on the object itself, so that others can give the floor back if weescale is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseNote {
    /// When the floor is given back.
    pub until: Timestamp,
    /// The value to write back.
    pub previous: u32,
    /// `NAME OPERATION KEY`.
    pub owner: String,
}

impl LeaseNote {
    /// Annotation: when the floor is given back, RFC 3339.
    pub const UNTIL: &str = "weescale.io/lease-until";
    /// Annotation: the value to write back.
    pub const PREVIOUS: &str = "weescale.io/lease-previous";
    /// Annotation: who holds it.
    pub const OWNER: &str = "weescale.io/lease-owner";

    /// The annotations of a lease on `field`, in the order until, previous, owner: leases on several fields of one object
    /// stand beside each other.
    pub const fn keys(field: Field) -> [&'static str; 3] {
        match field {
            Field::Replicas | Field::MinReplicas => [Self::UNTIL, Self::PREVIOUS, Self::OWNER],
            Field::MaxReplicas => [
                "weescale.io/max-lease-until",
                "weescale.io/max-lease-previous",
                "weescale.io/max-lease-owner",
            ],
            Field::ScaleIn => {
                ["weescale.io/hold-until", "weescale.io/hold-previous", "weescale.io/hold-owner"]
            }
            // Sizes are changed for good: a note says nothing of an end.
            Field::CpuRequest | Field::MemoryRequest | Field::CpuPods | Field::MemoryPods => {
                ["weescale.io/size-until", "weescale.io/size-previous", "weescale.io/size-owner"]
            }
        }
    }
}

/// One conditional, absolute write of one field. Made only by a [`Mandate`].
#[derive(Debug)]
pub struct WriteOrder {
    operation: OperationId,
    target: Target,
    field: Field,
    way: Way,
    expect: u32,
    set: u32,
    size: Option<Resize>,
    raises: bool,
    dry_run: bool,
    rehearses_back: bool,
    key: String,
    annotations: BTreeMap<String, Option<String>>,
}

impl WriteOrder {
    /// Notes the lease on the object, or with `None` removes the note.
    #[must_use]
    pub fn with_note(mut self, note: Option<&LeaseNote>) -> Self {
        let [until, previous, owner] = LeaseNote::keys(self.field);
        self.annotations = [
            (until, note.map(|n| n.until.to_string())),
            (previous, note.map(|n| self.field.word(n.previous))),
            (owner, note.map(|n| n.owner.clone())),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into();
        self
    }

    /// The operation it belongs to.
    pub const fn operation(&self) -> &OperationId {
        &self.operation
    }

    /// The object.
    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// The field.
    pub const fn field(&self) -> Field {
        self.field
    }

    /// Which way it goes.
    pub const fn way(&self) -> Way {
        self.way
    }

    /// The value that must be present.
    pub const fn expect(&self) -> u32 {
        self.expect
    }

    /// The value to write.
    pub const fn set(&self) -> u32 {
        self.set
    }

    /// What a running replica is resized from and to, where the field counts those.
    pub const fn size(&self) -> Option<Resize> {
        self.size
    }

    /// Whether it only checks.
    pub const fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// Whether it is the way back that is only checked: over what is there, as nothing of ours is yet.
    pub const fn rehearses_back(&self) -> bool {
        self.rehearses_back
    }

    /// Whether its way raises the value.
    pub const fn raises(&self) -> bool {
        self.raises
    }

    /// Idempotency key: the same for the same value the same way of the same operation.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Annotations to set (`None` removes).
    pub const fn annotations(&self) -> &BTreeMap<String, Option<String>> {
        &self.annotations
    }
}
