//! What is known of a workload, and what was: a region that cannot be seen must not pass for a quiet one.

use std::time::Duration;

use crate::series::Timestamp;

use super::guardrails::RECOVERY;

/// What did not come back within this was taken away: a metric, or a service in a region.
const AWAITED: Duration = Duration::from_secs(86_400);
/// Requests a second from which on it is noticed that they stop, as in the judgement of a sudden zero.
pub const SUBSTANTIAL: f64 = 1.0;
/// By then users of what fell silent have come to where they go instead: names live in resolvers for an hour at most.
const MOVING: Duration = Duration::from_secs(3600);

/// Whether one quantity is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Known {
    /// It never was.
    #[default]
    Never,
    /// It is.
    Now,
    /// It was, until then.
    Until(Timestamp),
}

impl Known {
    fn note(&mut self, fresh: bool, now: Timestamp) {
        *self = match *self {
            _ if fresh => Self::Now,
            Self::Now => Self::Until(now),
            other => other,
        };
    }

    /// Since when it is waited for in vain.
    pub fn lost(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Until(at) if now.since(at) <= AWAITED => Some(at),
            _ => None,
        }
    }
}

/// What is known of one workload.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sight {
    /// Since when it is listened for.
    pub met: Timestamp,
    /// Demand, fresh.
    pub demand: Known,
    /// How many replicas are ready, fresh.
    pub ready: Known,
    /// Its newest demand is exactly none.
    idle: bool,
    /// When it last had demand worth noticing.
    busy: Option<Timestamp>,
}

impl Sight {
    /// Of a workload met now, with what was known `before` it left.
    pub fn met(now: Timestamp, before: Option<Self>) -> Self {
        Self { met: now, ..before.unwrap_or_default() }
    }

    /// Takes in that its demand was known at `last`, of which nothing was noted yet, and `busy`, when it was last worth
    /// noticing.
    pub fn recall(&mut self, last: Timestamp, busy: Option<Timestamp>) {
        if self.demand == Known::Never {
            self.demand = Known::Until(last);
        }
        self.busy = self.busy.max(busy);
    }

    /// Takes in what is known now: demand in requests a second if it is fresh, and whether the count of ready replicas is.
    pub fn observe(&mut self, demand: Option<f64>, ready: bool, now: Timestamp) {
        self.demand.note(demand.is_some(), now);
        self.ready.note(ready, now);
        if let Some(demand) = demand {
            self.idle = demand <= 0.0;
            if demand >= SUBSTANTIAL {
                self.busy = Some(now);
            }
        }
    }

    /// Since when something that was known of it is not.
    pub fn lost(&self, now: Timestamp) -> Option<Timestamp> {
        [self.demand, self.ready].into_iter().filter_map(|known| known.lost(now)).min()
    }

    /// Whether nothing is known of it now, and nothing was after `at`.
    pub fn ended_by(&self, at: Timestamp) -> bool {
        [self.demand, self.ready].into_iter().all(|known| match known {
            Known::Now => false,
            Known::Until(last) => last <= at,
            Known::Never => true,
        })
    }

    /// Whether it is heard of for too short a time to say that anything of it is lost.
    pub fn is_young(&self, now: Timestamp) -> bool {
        now.since(self.met) < RECOVERY
    }

    /// Whether requests come to it now.
    pub fn is_served(&self) -> bool {
        self.demand == Known::Now && !self.idle
    }

    /// Since when no request reaches it that were there a moment ago.
    pub fn fell_silent(&self, now: Timestamp) -> Option<Timestamp> {
        self.busy.filter(|at| self.demand == Known::Now && self.idle && now.since(*at) <= MOVING)
    }
}
