//! weescale's day plan: corridors that are approved in the morning, demand followed within them, and the cluster's own
//! autoscaler below as a net.

use std::time::Duration;

use crate::backtest::{Policy, Seen, Trace};
use crate::forecast::short::ShortLead;
use crate::plan::day_plan::{Corridor, corridors};
use crate::plan::follow::Follower;

use super::Autoscaler;
use super::approvals::Approvals;
use super::profile::{Profile, TIMES};

/// How a day is planned and who decides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// Share of slots that may be short, `0..1`.
    pub short: f64,
    /// Scale-in only after this; zero follows the forecast down at once.
    pub hold: Duration,
    /// Steps of a day's plan; each counts as a decision.
    pub steps: usize,
    /// Decisions a day, those of the plan included.
    pub decisions: usize,
    /// Time a person takes to approve a change of the plan; a day's plan is approved before its day.
    pub approval: Duration,
}

impl Rules {
    /// Three steps and three changes a day, five minutes to each approval. No hold: what may come back is in the forecast.
    pub fn new(short: f64) -> Self {
        Self { short, hold: Duration::ZERO, steps: 3, decisions: 6, approval: Duration::from_secs(300) }
    }

    /// Without corridors: what the limit of decisions costs is the difference.
    #[must_use]
    pub fn unlimited(self) -> Self {
        Self { decisions: usize::MAX, ..self }
    }
}

/// The cluster's own autoscaler below a plan: its target at full use and its hold dropped, so that it only catches what
/// the plan missed.
const NET: (f64, Duration) = (1.0, Duration::ZERO);

/// The policy.
#[derive(Debug)]
pub struct DayPlan {
    short: ShortLead,
    follower: Follower,
    net: Autoscaler,
    netted: u32,
    /// `None` without a limit of decisions.
    plan: Option<Plan>,
    pod_capacity: f64,
}

#[derive(Debug)]
struct Plan {
    person: Approvals,
    steps: usize,
    profile: Profile,
    corridors: Vec<Corridor>,
    /// Added to every ceiling of the rest of the day by an approved change.
    raised: u32,
}

impl DayPlan {
    /// For `trace`.
    pub fn new(trace: &Trace, rules: Rules) -> Self {
        let plan = (rules.decisions < usize::MAX).then(|| Plan {
            person: Approvals::new(trace, rules.decisions, rules.approval),
            steps: rules.steps,
            profile: Profile::new(),
            corridors: Vec::new(),
            raised: 0,
        });
        Self {
            short: ShortLead::new(trace.window.step(), trace.lag()),
            follower: Follower::new(trace.pod_capacity, held(trace, rules.hold), rules.short),
            net: Autoscaler::new(trace, NET.0, NET.1),
            netted: 1,
            plan,
            pod_capacity: trace.pod_capacity,
        }
    }
}

/// Slots of a hold; none of no hold.
fn held(trace: &Trace, hold: Duration) -> usize {
    if hold.is_zero() { 0 } else { trace.slots(hold) }
}

impl Policy for DayPlan {
    fn begins(&self, _: &Trace) -> usize {
        0
    }

    fn decide(&mut self, seen: &Seen) -> u32 {
        let foretold = self.short.ahead().is_some();
        self.short.observe(seen.demand);
        if let Some(demand) = seen.demand.filter(|_| foretold) {
            self.follower.settle(demand > f64::from(seen.serving) * self.pod_capacity * (1.0 + 1e-9));
        }
        let want = self.follower.want(self.short.ahead(), seen.demand);
        let within = self.plan.as_mut().map_or(want, |plan| plan.within(seen.slot, want));
        self.netted = self.net.ask(seen.at, seen.demand, self.netted, 1);
        within.max(self.netted)
    }

    fn decisions(&self) -> &[usize] {
        self.plan.as_ref().map_or(&[], |p| &p.person.made)
    }
}

impl Plan {
    /// `want` moved into what was approved, asking for more where that is not enough.
    fn within(&mut self, slot: usize, want: u32) -> u32 {
        if self.person.day_begins(slot) {
            self.raised = 0;
            if let Some((low, high)) = self.profile.expected() {
                self.corridors = corridors(&low, &high, self.steps);
                self.person.count(slot, self.corridors.len());
            }
        }
        let time = self.person.time(slot);
        self.profile.add(time, want);
        let Some(corridor) = self.corridors.iter().find(|c| (c.from..c.to).contains(&time)) else {
            return want;
        };
        let ceiling = corridor.ceiling.saturating_add(self.raised);
        if want <= ceiling {
            self.person.withdraw();
            return want.max(corridor.floor);
        }
        if self.person.approved(slot) {
            // With ample room, so that one question is enough for long.
            self.raised =
                self.raised.saturating_add(want.saturating_mul(5).div_ceil(2).saturating_sub(ceiling));
            return want;
        }
        ceiling
    }
}

impl Approvals {
    /// The time of day that a plan tells apart.
    fn time(&self, slot: usize) -> usize {
        self.time_of_day(slot) * TIMES / self.day_slots()
    }
}
