//! What must hold of every write, checked at the send by a memory of its own: a second pair of eyes beside the guard.
//!
//! The guard decides what may be done now; this only knows what must never be (`safety.md` §2, I1 and I2). A violation
//! means that weescale does not understand what it does: nothing more is sent, and everything stays readable.

use std::collections::{BTreeMap, BTreeSet};

use crate::approval::{MandateRecord, OperationId, Setting, TurnOrder, Way, WriteOrder};

use super::record::WriteNote;

/// An invariant was violated. One sentence that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken(pub String);

/// What one operation has done.
#[derive(Debug, Default)]
struct Path {
    /// Keys of writes whose intent is on the disk.
    intents: BTreeSet<String>,
    /// Values that took effect towards what was approved, in order.
    forward: Vec<u32>,
    /// Values that took effect on the way back, in order.
    back: Vec<u32>,
}

/// Memory of what operations that are not over have done. Bounded by their number and by the values on their way.
#[derive(Debug, Default)]
pub(super) struct Invariants {
    paths: BTreeMap<OperationId, Path>,
}

impl Invariants {
    /// The intent of `order` is on the disk.
    pub fn intended(&mut self, order: &WriteOrder) {
        self.path(order.operation()).intents.insert(order.key().to_owned());
    }

    /// `order` took effect.
    pub fn applied(&mut self, order: &WriteOrder) {
        let path = self.path(order.operation());
        let values = if order.way() == Way::Forward { &mut path.forward } else { &mut path.back };
        if values.last() != Some(&order.set()) {
            values.push(order.set());
        }
    }

    /// The intent of a turn is on the disk.
    pub fn intended_turn(&mut self, order: &TurnOrder) {
        self.path(order.operation()).intents.insert(order.key().to_owned());
    }

    /// Checks a turn just before it is sent.
    pub fn turning(&mut self, order: &TurnOrder, record: &MandateRecord) -> Result<(), Broken> {
        let what = format!("{} {} {}", order.manager(), order.server(), order.set().words());
        let id = order.operation();
        let broken = |name: &str, why: &str| Err(Broken(format!("invariant {name}: {id} {what}: {why}")));
        if order.operation() != &record.operation {
            return broken("I1", "it is not what was approved");
        }
        // Each intent is for one send.
        if !self.path(&record.operation).intents.remove(order.key()) {
            return broken("I1", "no intent of it is on the disk");
        }
        if order.set() == Setting::Weight(0) {
            return broken("I5", "a weight of 0");
        }
        Ok(())
    }

    /// What the journal tells of an operation taken up after a restart.
    pub fn recall(&mut self, record: &MandateRecord, writes: &[WriteNote]) {
        let path = self.path(&record.operation);
        let in_place = record.change.field.is_in_place();
        for write in writes.iter().filter(|w| w.outcome == "applied") {
            let values = if write.way == Way::Forward { &mut path.forward } else { &mut path.back };
            // Of resized replicas some were replaced between: what came after is what is.
            if in_place {
                values.retain(|v| (*v < write.set) == (write.way == Way::Forward) && *v != write.set);
            }
            values.push(write.set);
        }
    }

    /// Of resized replicas only `at` are left: a person saw it, and the others are written to anew. Each write tests the
    /// replica it is for, so that none is resized twice.
    pub fn fall_to(&mut self, id: &OperationId, at: u32) {
        self.path(id).forward.retain(|v| *v <= at);
    }

    /// The operation is over: nothing of it is sent any more.
    pub fn forget(&mut self, id: &OperationId) {
        self.paths.remove(id);
    }

    /// Checks `order` just before it is sent.
    pub fn sending(&mut self, order: &WriteOrder, record: &MandateRecord) -> Result<(), Broken> {
        let what = format!("{} {}→{}", order.field().name(), order.expect(), order.set());
        let id = order.operation();
        let broken = |name: &str, why: &str| Err(Broken(format!("invariant {name}: {id} {what}: {why}")));
        if order.operation() != &record.operation
            || order.target() != &record.target
            || order.field() != record.change.field
        {
            return broken("I1", "it is not what was approved");
        }
        let path = self.path(&record.operation);
        if !path.intents.contains(order.key()) {
            return broken("I1", "no intent of it is on the disk");
        }
        if order.set() < record.limits.min || order.set() > record.limits.max {
            return broken("I5", "outside the bounds it was approved with");
        }
        let up = record.is_up() == (order.way() == Way::Forward);
        let beyond = |last: &u32| if up { order.set() > *last } else { order.set() < *last };
        let (same, other) = match order.way() {
            Way::Forward => (&path.forward, &path.back),
            Way::Back => (&path.back, &Vec::new()),
        };
        if !other.is_empty() {
            return broken("I2", "forward again after it was undone");
        }
        if same.iter().any(|v| *v == order.set()) {
            return broken("I2", "the value was applied this way before");
        }
        if !same.last().is_none_or(beyond) {
            return broken("I2", "against its way");
        }
        Ok(())
    }

    fn path(&mut self, id: &OperationId) -> &mut Path {
        self.paths.entry(id.clone()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::approval::{Gate, Mandate, Mode};
    use crate::clock::Monotonic;
    use crate::execution::tests::world;
    use crate::fleet::{Context, Field};

    fn mandate(from: u32, to: u32) -> Mandate {
        let lease = Some(Duration::from_secs(600));
        let proposal = world::proposal("p-1", Field::MinReplicas, from, to, lease);
        let mut gate = Gate::new(Mode::Ask, Context { name: "t".into(), protected: false });
        let facts = world::facts("op-1", proposal.owner.clone());
        let now = Monotonic::default();
        let permit = gate.approve(&proposal, &proposal.hash(), None, &world::person(), now, facts).unwrap();
        permit.redeem(now).unwrap()
    }

    fn broken(result: &Result<(), Broken>, name: &str) {
        assert!(matches!(result, Err(Broken(why)) if why.contains(name)), "{result:?}, wanted {name}");
    }

    #[test]
    fn a_write_without_its_intent_is_seen() {
        let (mut m, mut i) = (mandate(6, 11), Invariants::default());
        let order = m.order(Way::Forward, 6, 9).unwrap();
        broken(&i.sending(&order, m.record()), "I1");
        i.intended(&order);
        assert_eq!(i.sending(&order, m.record()), Ok(()));
        let other = mandate(6, 8);
        let mut record = other.record().clone();
        record.target.uid = "u-2".into();
        broken(&i.sending(&order, &record), "not what was approved");
    }

    #[test]
    fn each_value_once_a_way_and_never_forward_after_back() {
        let (mut m, mut i) = (mandate(6, 11), Invariants::default());
        let mut go = |i: &mut Invariants, way, expect, set| {
            let order = m.order(way, expect, set).unwrap();
            i.intended(&order);
            let result = i.sending(&order, m.record());
            if result.is_ok() {
                i.applied(&order);
            }
            result
        };
        assert_eq!(go(&mut i, Way::Forward, 6, 9), Ok(()));
        // The mandate lets the last order be repeated, for outcomes that are not known; this one is.
        broken(&go(&mut i, Way::Forward, 6, 9), "I2");
        assert_eq!(go(&mut i, Way::Forward, 9, 11), Ok(()));
        assert_eq!(go(&mut i, Way::Back, 11, 6), Ok(()));
        broken(&go(&mut i, Way::Back, 11, 6), "I2");

        let mut again = mandate(6, 11);
        let order = again.order(Way::Forward, 6, 9).unwrap();
        i.intended(&order);
        broken(&i.sending(&order, again.record()), "I2");
        i.forget(order.operation());
        i.intended(&order);
        assert_eq!(i.sending(&order, again.record()), Ok(()));
    }

    #[test]
    fn a_turn_needs_an_intent_of_its_own() {
        let (mut m, mut i) = (mandate(6, 11), Invariants::default());
        let order = m.turn("haproxy shop", "a", Setting::Ready, Setting::Drain).unwrap();
        broken(&i.turning(&order, m.record()), "I1");
        i.intended_turn(&order);
        assert_eq!(i.turning(&order, m.record()), Ok(()));
        broken(&i.turning(&order, m.record()), "I1");
        let mut record = m.record().clone();
        record.operation = OperationId::new("op-2");
        broken(&i.turning(&order, &record), "not what was approved");
    }

    #[test]
    fn what_the_journal_tells_counts_and_bounds_hold() {
        let (mut m, mut i) = (mandate(6, 11), Invariants::default());
        let note = |set, outcome: &str| WriteNote {
            uid: "u-1".into(),
            way: Way::Forward,
            expect: 6,
            set,
            key: format!("k{set}"),
            outcome: outcome.into(),
        };
        i.recall(m.record(), &[note(9, "applied"), note(11, "unknown")]);
        let order = m.order(Way::Forward, 9, 11).unwrap();
        i.intended(&order);
        assert_eq!(i.sending(&order, m.record()), Ok(()));
        let mut narrow = m.record().clone();
        narrow.limits.max = 10;
        broken(&i.sending(&order, &narrow), "I5");
    }
}
