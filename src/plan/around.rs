//! What surrounds a workload: limits of its platform, how it scales, what is foreseen for it.

use crate::fleet::Replicas;
use crate::forecast::burst::Dip;
use crate::series::Timestamp;

use super::Ceiling;
use super::horizontal::running;
use super::scaling::Scaling;

/// A span that is known beforehand.
#[derive(Clone, Debug, PartialEq)]
pub struct Foreseen {
    /// What: `event spring sale`, `freeze window holiday freeze`.
    pub what: String,
    /// First moment.
    pub from: Timestamp,
    /// First moment after.
    pub to: Timestamp,
    /// Demand over what is usual, where it was declared.
    pub factor: Option<f64>,
    /// Whether nothing may be changed meanwhile.
    pub frozen: bool,
}

/// Replicas that were asked for and do not become ready.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stuck {
    /// How many.
    pub replicas: u32,
    /// Since when the first of them is there.
    pub since: Timestamp,
    /// What the platform says of most of them; may be empty.
    pub why: String,
}

/// What surrounds a workload; by default nothing is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Around {
    /// The most that the platform has room for at present.
    pub highest: Option<Ceiling>,
    /// The fewest that its budgets allow at present.
    pub lowest: Option<Ceiling>,
    /// What more replicas bring; `None` before it was learned.
    pub scaling: Option<Scaling>,
    /// The dip that runs, if one does.
    pub dip: Option<Dip>,
    /// Declared events and freeze windows that are not over, soonest first.
    pub foreseen: Vec<Foreseen>,
    /// Floors approved for it in the last 24 hours.
    pub decided: u32,
    /// Replicas that nobody may count on.
    pub stuck: Option<Stuck>,
    /// Which part of its demand is not seen.
    pub unseen: Option<String>,
    /// Why another region's state forbids to take anything away here.
    pub elsewhere: Option<String>,
    /// What is not measured of its service in another region.
    pub unmeasured: Option<String>,
}

impl Around {
    /// Why nothing may be taken away here, whatever is seen of its own need; beginning with what it is about.
    pub fn needed(&self) -> Option<String> {
        let unseen = self.unseen.as_ref().map(|why| format!("endpoints: {why}"));
        unseen.or_else(|| self.elsewhere.as_ref().map(|why| format!("other regions: {why}")))
    }

    /// Replicas that will be there without us: asked for and at least the floor, without those that are stuck.
    pub fn coming(&self, replicas: &Replicas) -> u32 {
        let stuck = self.stuck.as_ref().map_or(0, |s| s.replicas);
        running(replicas).saturating_sub(stuck).max(replicas.ready)
    }
}
