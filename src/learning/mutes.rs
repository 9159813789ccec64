//! Proposals that somebody does not want to be called for, for a while: muted by service and dimension, or by why they are
//! made. They are still made, scored, counted and listed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fleet::WorkloadId;
use crate::plan::Dimension;
use crate::proposal::Proposal;
use crate::series::Timestamp;

use super::approvals::{Class, Why, service_of};

/// Mutes held at once.
const MOST: usize = 200;
/// A mute lasts at least and at most so long.
pub const MUTE_SHORTEST: Duration = Duration::from_secs(60);
/// See [`MUTE_SHORTEST`].
pub const MUTE_LONGEST: Duration = Duration::from_secs(30 * 86_400);

/// What is muted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Muted {
    /// The service; in all regions if it names none.
    pub service: WorkloadId,
    /// The dimension.
    pub dimension: Dimension,
    /// Only what is proposed for this; `None` for whatever is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
}

impl Muted {
    /// What the key mutes: a proposal's service in its dimension.
    pub fn of(p: &Proposal) -> Self {
        Self { service: service_of(&p.workload), dimension: p.change.dimension, why: None }
    }

    /// Whether a proposal is muted by it.
    pub fn covers(&self, p: &Proposal) -> bool {
        let same = self.service == p.workload || self.service == service_of(&p.workload);
        same && self.dimension == p.change.dimension && self.why.is_none_or(|why| why == Class::of(p).why)
    }

    /// `horizontal proposals for shop/cart for a peak that is expected`.
    pub fn words(&self) -> String {
        let why = self.why.map_or_else(String::new, |why| format!(" {}", why.words()));
        format!("{} proposals for {}{why}", self.dimension.name(), self.service)
    }
}

/// A mute that stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mute {
    /// What is muted.
    #[serde(flatten)]
    pub muted: Muted,
    /// Until when.
    pub until: Timestamp,
    /// Why somebody muted it, in their words.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

impl Mute {
    /// `horizontal proposals for shop/cart until 21:00, muted by ann: deploy`.
    pub fn words(&self) -> String {
        format!("{} until {}, muted by {}: {}", self.muted.words(), self.until.minute(), self.by, self.reason)
    }
}

/// Mutes that stand, the oldest first.
#[derive(Clone, Debug, Default)]
pub struct Mutes {
    held: Vec<Mute>,
}

impl Mutes {
    /// Holds a mute in place of an earlier one of the same; `false` if there are too many that stand.
    pub fn set(&mut self, mute: Mute, now: Timestamp) -> bool {
        self.held.retain(|m| m.until > now && m.muted != mute.muted);
        if self.held.len() >= MOST {
            return false;
        }
        self.held.push(mute);
        true
    }

    /// Whether a mute may be held, beside the others or in place of one of the same.
    pub fn has_room(&self, muted: &Muted, now: Timestamp) -> bool {
        self.standing(now).filter(|m| m.muted != *muted).count() < MOST
    }

    /// Ends a mute; `None` if none of the same stands.
    pub fn end(&mut self, muted: &Muted, now: Timestamp) -> Option<Mute> {
        let at = self.held.iter().position(|m| m.muted == *muted && m.until > now)?;
        Some(self.held.remove(at))
    }

    /// Those that stand, the oldest first.
    pub fn standing(&self, now: Timestamp) -> impl Iterator<Item = &Mute> {
        self.held.iter().filter(move |m| m.until > now)
    }

    /// The mute that a proposal is under: of several the one that lasts longest.
    pub fn of(&self, p: &Proposal, now: Timestamp) -> Option<&Mute> {
        self.standing(now).filter(|m| m.muted.covers(p)).max_by_key(|m| m.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_secs(seconds)
    }

    fn proposal(region: &str) -> Proposal {
        Proposal::example(&WorkloadId::new("shop", "cart", region), 4, at(10))
    }

    fn mute(muted: Muted, until: i64) -> Mute {
        Mute { muted, until: at(until), reason: "deploy".into(), by: "ann".into(), at: at(0) }
    }

    #[test]
    fn a_service_is_muted_in_all_regions_in_one_dimension_until_then() {
        let mut mutes = Mutes::default();
        assert!(mutes.set(mute(Muted::of(&proposal("eu")), 100), at(0)));
        assert!(mutes.of(&proposal("us"), at(99)).is_some() && mutes.of(&proposal("us"), at(100)).is_none());
        let mut vertical = proposal("eu");
        vertical.change.dimension = Dimension::Vertical;
        assert!(mutes.of(&vertical, at(1)).is_none());
        let other = Proposal::example(&WorkloadId::new("shop", "pay", ""), 4, at(10));
        assert!(mutes.of(&other, at(1)).is_none());
        let words = mutes.of(&proposal("eu"), at(1)).map(Mute::words).unwrap();
        assert_eq!(
            words,
            "horizontal proposals for shop/cart until 1970-01-01 00:01 UTC, muted by ann: deploy"
        );
    }

    #[test]
    fn one_region_or_one_reason_alone_can_be_muted() {
        let mut mutes = Mutes::default();
        let eu = Muted { service: WorkloadId::new("shop", "cart", "eu"), ..Muted::of(&proposal("eu")) };
        mutes.set(mute(eu, 100), at(0));
        assert!(mutes.of(&proposal("eu"), at(1)).is_some() && mutes.of(&proposal("us"), at(1)).is_none());
        let peaks = Muted { why: Some(Why::Peak), ..Muted::of(&proposal("us")) };
        mutes.set(mute(peaks.clone(), 100), at(0));
        assert!(mutes.of(&proposal("us"), at(1)).is_none(), "that one is for demand of now");
        mutes.set(mute(Muted { why: Some(Why::Present), ..peaks }, 100), at(0));
        assert!(mutes.of(&proposal("us"), at(1)).is_some());
    }

    #[test]
    fn the_same_is_muted_once_ends_by_name_and_is_bounded() {
        let mut mutes = Mutes::default();
        let cart = Muted::of(&proposal(""));
        mutes.set(mute(cart.clone(), 100), at(0));
        mutes.set(mute(cart.clone(), 50), at(0));
        assert_eq!(mutes.standing(at(0)).count(), 1);
        assert_eq!(mutes.end(&cart, at(60)), None, "it is over");
        assert_eq!(mutes.end(&cart, at(10)).map(|m| m.until), Some(at(50)));
        for i in 0..MOST {
            let service = WorkloadId::new("shop", &format!("s{i}"), "");
            assert!(mutes.set(mute(Muted { service, ..cart.clone() }, 100), at(0)));
        }
        assert!(!mutes.set(mute(cart.clone(), 100), at(0)));
        assert!(mutes.set(mute(cart, 300), at(200)), "what is over makes room");
    }

    #[test]
    fn it_is_read_back_as_it_was_written() {
        let mute = mute(Muted { why: Some(Why::Spare), ..Muted::of(&proposal("")) }, 100);
        let text = serde_json::to_string(&mute).unwrap();
        assert_eq!(serde_json::from_str::<Mute>(&text).unwrap(), mute);
    }
}
