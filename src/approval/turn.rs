//! Turns of a load balancer that belong to an approval: how much of the traffic a server gets while capacity changes.
//!
//! An approved change of a count covers giving new servers their weight in steps and draining those that are to go, and
//! giving back what was there. A turn is made only by a [`Mandate`], as a write is.

use serde::{Deserialize, Serialize};

use super::{Mandate, OperationId};

/// How one server of a load balancer is set, as far as weescale sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// Its weight.
    Weight(u32),
    /// It takes no new sessions; those on it go on.
    Drain,
    /// It takes new sessions.
    Ready,
}

impl Setting {
    /// `weight 20`, `drain`, `ready`.
    pub fn words(self) -> String {
        match self {
            Self::Weight(weight) => format!("weight {weight}"),
            Self::Drain => "drain".to_owned(),
            Self::Ready => "ready".to_owned(),
        }
    }

    /// Whether both are about the same: the weight, or whether it takes sessions.
    pub const fn is_like(self, other: Self) -> bool {
        matches!(self, Self::Weight(_)) == matches!(other, Self::Weight(_))
    }
}

/// A turn that no approval covers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{operation}: {what}: {why}")]
pub struct NoTurn {
    operation: OperationId,
    what: String,
    why: &'static str,
}

/// One absolute turn of one server. Made only by a [`Mandate`].
#[derive(Debug)]
pub struct TurnOrder {
    operation: OperationId,
    manager: String,
    server: String,
    expect: Setting,
    set: Setting,
    key: String,
}

impl TurnOrder {
    /// The operation it belongs to.
    pub const fn operation(&self) -> &OperationId {
        &self.operation
    }

    /// Name of the load balancer's backend.
    pub fn manager(&self) -> &str {
        &self.manager
    }

    /// Name of the server, as the load balancer listed it.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// What must be present.
    pub const fn expect(&self) -> Setting {
        self.expect
    }

    /// What to set.
    pub const fn set(&self) -> Setting {
        self.set
    }

    /// Names this intended turn in the journal; unlike any other.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl Mandate {
    /// An order to set `server` of `manager` where `expect` is present.
    pub fn turn(
        &mut self,
        manager: &str,
        server: &str,
        expect: Setting,
        set: Setting,
    ) -> Result<TurnOrder, NoTurn> {
        let operation = self.record().operation.clone();
        let why = if !self.record().change.field.is_count() {
            "what was approved moves no servers"
        } else if set == Setting::Weight(0) {
            "a weight of 0 would drain it"
        } else if set == expect || !set.is_like(expect) {
            "that changes nothing"
        } else {
            let number = self.next_turn();
            let key = format!("{}.t{number}", self.record().key);
            let (manager, server) = (manager.to_owned(), server.to_owned());
            return Ok(TurnOrder { operation, manager, server, expect, set, key });
        };
        let what = format!("{manager} {server} {}→{}", expect.words(), set.words());
        Err(NoTurn { operation, what, why })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::approval::{Gate, Mode};
    use crate::clock::Monotonic;
    use crate::execution::tests::world;
    use crate::fleet::{Context, Field};

    fn mandate(field: Field, from: u32, to: u32) -> Mandate {
        let lease = Some(std::time::Duration::from_secs(600));
        let proposal = world::proposal("p-1", field, from, to, lease);
        let mut gate = Gate::new(Mode::Ask, Context { name: "t".into(), protected: false });
        let facts = world::facts("op-1", proposal.owner.clone());
        let now = Monotonic::default();
        let permit = gate.approve(&proposal, &proposal.hash(), None, &world::person(), now, facts).unwrap();
        permit.redeem(now).unwrap()
    }

    #[test]
    fn turns_are_made_only_of_counts_and_never_take_all_weight() {
        let mut m = mandate(Field::Replicas, 6, 8);
        let first = m.turn("haproxy shop", "a", Setting::Weight(100), Setting::Weight(20)).unwrap();
        let second = m.turn("haproxy shop", "a", Setting::Ready, Setting::Drain).unwrap();
        assert_ne!(first.key(), second.key());
        assert!(m.turn("haproxy shop", "a", Setting::Weight(100), Setting::Weight(0)).is_err());
        assert!(m.turn("haproxy shop", "a", Setting::Drain, Setting::Drain).is_err());
        assert!(m.turn("haproxy shop", "a", Setting::Ready, Setting::Weight(5)).is_err());
        let mut hold = mandate(Field::ScaleIn, 0, 2);
        let error = hold.turn("haproxy shop", "a", Setting::Ready, Setting::Drain).unwrap_err();
        assert!(error.to_string().contains("moves no servers"), "{error}");
    }

    #[test]
    fn after_a_restart_keys_go_on() {
        let mut m = mandate(Field::Replicas, 6, 8);
        m.remember_turns(3);
        let order = m.turn("haproxy shop", "a", Setting::Ready, Setting::Drain).unwrap();
        assert_eq!(order.key().rsplit_once('.').map(|(_, tag)| tag), Some("t4"));
    }
}
