//! What a plan says about one workload.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fleet::{Field, ScaleIn, WorkloadId};
use crate::series::{Quantity, Timestamp};

use super::{Binding, Scaling};

/// A need of more times the replicas ever seen is none that more replicas meet, as far as anybody knows.
const FAR: u32 = 10;

/// How the capacity of one replica is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CapacityMethod {
    /// From observed load and latency.
    Observed,
    /// From a queue model, for want of observations near the limit.
    QueueModel,
    /// From CPU per request and the CPU request (utilisation law).
    Utilisation,
    /// Declared in the configuration.
    Declared,
}

/// The capacity curve `C(N)` of a workload, near its present size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capacity {
    /// Highest demand one replica serves within the objective, requests a second.
    pub per_replica: f64,
    /// How it is known.
    pub method: CapacityMethod,
    /// Load points behind it.
    pub observations: usize,
    /// Highest load per replica ever observed, requests a second; beyond it the curve is untested.
    pub tested_to: Option<f64>,
    /// What more replicas bring, where that was learned; without it as much as those before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaling: Option<Scaling>,
}

impl Capacity {
    /// `C(N)`: highest demand at which the objective holds with `n` replicas. Beyond the counts that what was learned is
    /// trusted for, each brings as much as the next one there.
    pub fn at(&self, n: u32) -> f64 {
        let by_law = |n: u32| self.per_replica * f64::from(n) * self.scaling.map_or(1.0, |s| s.worth(n));
        let Some(edge) = self.scaling.map(|s| s.trusted()).filter(|edge| n > *edge) else { return by_law(n) };
        let next = by_law(edge.saturating_add(1)) - by_law(edge);
        if next > 0.0 { by_law(edge) + next * f64::from(n - edge) } else { by_law(n) }
    }

    /// Whether so many replicas are more than what was learned of their scaling is trusted for.
    pub fn is_untested(&self, n: u32) -> bool {
        self.scaling.is_some_and(|s| !s.is_free() && n > s.trusted())
    }

    /// The replicas that hold the most, of the counts that what was learned is trusted for; `None` where replicas take
    /// nothing from each other.
    pub fn most_useful(&self) -> Option<u32> {
        let scaling = self.scaling.filter(|s| self.per_replica > 0.0 && !s.is_free())?;
        Some(scaling.law.peak().map_or(scaling.trusted(), |peak| peak.min(scaling.trusted())).max(1))
    }

    /// `N*`, or the replicas that hold the most where none hold `demand`: how far to raise, never how far to lower.
    pub fn need_or_most(&self, demand: f64) -> Option<u32> {
        self.need(demand).or_else(|| self.most_useful().filter(|_| demand.is_finite()))
    }

    /// `N*`: fewest replicas with `C(N) >= demand`; `None` if one replica has no capacity, or if no count is known to hold
    /// it.
    pub fn need(&self, demand: f64) -> Option<u32> {
        if self.per_replica <= 0.0 || !demand.is_finite() {
            return None;
        }
        let linear = (demand.max(0.0) / self.per_replica).ceil() as u32;
        let Some(scaling) = self.scaling.filter(|s| !s.is_free()) else { return Some(linear) };
        // A replica alone may hold more than one among many: both ways are looked at, by halves.
        let peak = scaling.law.peak().filter(|peak| *peak <= scaling.trusted());
        let most = peak.unwrap_or(scaling.seen.1.saturating_mul(FAR)).max(1);
        if self.at(most) < demand {
            return None;
        }
        let (mut low, mut high) = (0, most);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.at(middle) >= demand { high = middle } else { low = middle }
        }
        Some(if demand <= 0.0 { 0 } else { high })
    }
}

/// When demand is expected to cross what can be held.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Exhaustion {
    /// Demand is above capacity now.
    Now,
    /// Expected crossing: the median's, and the band from the 95 % to the 5 % quantile where they cross.
    In {
        /// Earliest (95 % quantile crosses).
        earliest: Duration,
        /// The median's crossing, if it crosses within the horizon.
        median: Option<Duration>,
    },
    /// Not within the forecast horizon.
    Beyond {
        /// The horizon.
        horizon: Duration,
    },
    /// Cannot be said: no forecast or no capacity.
    Unknown,
}

/// Which scaling dimension a change belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// Number of replicas.
    Horizontal,
    /// Size of a replica.
    Vertical,
    /// Where demand is served.
    Geographical,
    /// Which functions are served.
    Functional,
    /// Partitions, shards, read replicas.
    Data,
    /// Models and their budget.
    Intelligence,
    /// What is answered from memory.
    Caching,
    /// What a request costs.
    Performance,
    /// What is paid.
    Cost,
    /// On how many machines.
    Consolidation,
}

impl Dimension {
    /// As in the serde name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Horizontal => "horizontal",
            Self::Vertical => "vertical",
            Self::Geographical => "geographical",
            Self::Functional => "functional",
            Self::Data => "data",
            Self::Intelligence => "intelligence",
            Self::Caching => "caching",
            Self::Performance => "performance",
            Self::Cost => "cost",
            Self::Consolidation => "consolidation",
        }
    }
}

/// One strong fact with its number, for the reason of a proposal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// What: `peak expected`, `you can hold`.
    pub label: String,
    /// How much.
    pub quantity: Quantity,
    /// When, if it is about a moment.
    pub at: Option<Timestamp>,
}

/// What a change costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CostDelta {
    /// $/h now; `None` without a price.
    pub now: Option<f64>,
    /// $/h after.
    pub after: Option<f64>,
    /// $ over the lease, if it has an end.
    pub lease_total: Option<f64>,
}

impl CostDelta {
    /// `after - now`, $/h.
    pub fn per_hour(&self) -> Option<f64> {
        Some(self.after? - self.now?)
    }
}

/// What a change does to users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExperienceDelta {
    /// Expected p95 at the peak without the change, seconds.
    pub p95_without: Option<f64>,
    /// Expected p95 at the peak with the change, seconds.
    pub p95_with: Option<f64>,
    /// Expected minutes short of capacity without the change.
    pub minutes_short_without: Option<f64>,
    /// Expected minutes short of capacity with the change.
    pub minutes_short_with: Option<f64>,
    /// Expected share of sessions that move because of the change, `0..=1`.
    pub sessions_moved: Option<f64>,
}

/// A rule that was checked, and how it went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GuardrailResult {
    /// Its name: `max step`, `cool-down`, `freeze window`, `fresh data`.
    pub name: String,
    /// Whether the change may go on.
    pub passed: bool,
    /// With numbers: `+5 ≤ +6 allowed`.
    pub detail: String,
}

/// Bounds on what may be planned for a workload. Checked again next to the write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Never below.
    pub min: u32,
    /// Never above.
    pub max: u32,
    /// Largest step up: the larger of this share of the present count …
    pub step_up_ratio: f64,
    /// … and this many replicas.
    pub step_up_count: u32,
    /// Largest step down, as a share of the present count (at least one).
    pub step_down_ratio: f64,
    /// No new change this long after a scale-up.
    pub cooldown: Duration,
    /// Largest extra cost of one change without a second person, $/h.
    pub max_dollars_per_hour: Option<f64>,
}

impl Default for Limits {
    /// Step and cool-down from `safety.md` §4.7: ±30 % or 3 up, 20 % down, 10 min.
    fn default() -> Self {
        Self {
            min: 1,
            max: 1000,
            step_up_ratio: 0.3,
            step_up_count: 3,
            step_down_ratio: 0.2,
            cooldown: Duration::from_secs(600),
            max_dollars_per_hour: None,
        }
    }
}

impl Limits {
    /// The limits of `field`: those of counts are for counts. A policy is set in one step; its cool-down would be one
    /// for taking nothing away.
    #[must_use]
    pub fn of(&self, field: Field) -> Self {
        if field.is_count() {
            return self.clone();
        }
        if field.is_size() {
            return super::resize::limits(self, field);
        }
        let most = ScaleIn::HIGHEST;
        let (step_up_count, step_down_ratio, cooldown) = (most, 1.0, Duration::ZERO);
        Self { min: 0, max: most, step_up_count, step_down_ratio, cooldown, ..self.clone() }
    }

    /// Highest count one change may reach from `from`.
    pub fn highest_from(&self, from: u32) -> u32 {
        let by_ratio = (f64::from(from) * self.step_up_ratio).floor() as u32;
        from.saturating_add(by_ratio.max(self.step_up_count)).min(self.max.max(from))
    }

    /// Lowest count one change may reach from `from`.
    pub fn lowest_from(&self, from: u32) -> u32 {
        let step = ((f64::from(from) * self.step_down_ratio).floor() as u32).max(1);
        from.saturating_sub(step).max(self.min.min(from))
    }
}

/// A change the plan asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedChange {
    /// Dimension.
    pub dimension: Dimension,
    /// The field to be written.
    pub field: Field,
    /// Its value now.
    pub from: u32,
    /// Its value after.
    pub to: u32,
    /// Lease: the floor is given back then. `None` for a permanent change.
    pub until: Option<Timestamp>,
    /// What running replicas are resized to, with a field that counts those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Resize>,
}

/// The size of a running replica before and after, in the unit of the template's field: thousandths of a core, MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resize {
    /// Before: as the template has it.
    pub from: u32,
    /// After.
    pub to: u32,
}

impl PlannedChange {
    /// Its values for people: `6→11`, `allowed→held`, `250m→500m`, `250m→500m in 4 pods`.
    pub fn words(&self, arrow: &str) -> String {
        if let Some(size) = self.size {
            let field = self.field.in_template();
            let pods = self.to.abs_diff(self.from);
            return format!("{}{arrow}{} in {pods} pods", field.word(size.from), field.word(size.to));
        }
        format!("{}{arrow}{}", self.field.word(self.from), self.field.word(self.to))
    }

    /// Whether it gives more: replicas, or more to each.
    pub const fn is_more(&self) -> bool {
        match self.size {
            Some(size) => size.to > size.from,
            None => self.to > self.from,
        }
    }

    /// Request of a replica before and after, in the unit of the template's field; `None` if it is not about a size.
    pub fn request(&self) -> Option<(u32, u32)> {
        let whole = (self.field.is_size() && !self.field.is_in_place()).then_some((self.from, self.to));
        self.size.map(|s| (s.from, s.to)).or(whole)
    }

    /// Whether it asks for more replicas than there are: only such a change teaches how long pods take.
    pub const fn adds_pods(&self) -> bool {
        self.field.is_count() && self.to > self.from
    }

    /// The replicas it asks for; `None` if it is not about a count.
    pub fn count(&self) -> Option<u32> {
        self.field.is_count().then_some(self.to)
    }
}

/// What the plan says should be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing: with the reason.
    Hold {
        /// Why nothing is to be done.
        why: String,
    },
    /// A change is worth proposing.
    Change(PlannedChange),
    /// A change would be worth it but a guardrail or a limit stands against it.
    Blocked {
        /// What would have been done.
        change: PlannedChange,
        /// What stands against it: the binding limit, named.
        by: String,
    },
    /// Scaling would not help or make it worse.
    NotScaling {
        /// What it is instead: `retry storm`, `database pool exhausted`.
        cause: String,
        /// The evidence with numbers.
        evidence: Vec<Fact>,
        /// What to do instead.
        advice: String,
    },
    /// Data is missing, stale or suspect: no statement.
    NoData {
        /// Which signal, and what would provide it.
        why: String,
    },
}

/// Everything the plan stage says about one workload at one tick.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Which workload.
    pub workload: WorkloadId,
    /// When.
    pub at: Timestamp,
    /// Capacity, if it can be known.
    pub capacity: Option<Capacity>,
    /// `1 - X / C(N)`; negative when over capacity.
    pub headroom: Option<f64>,
    /// When capacity runs out.
    pub exhaustion: Exhaustion,
    /// Replicas needed now, and at the peak within the lead time's horizon.
    pub need_now: Option<u32>,
    /// Replicas needed at the planned quantile's peak.
    pub need_peak: Option<u32>,
    /// The planned quantile (newsvendor) and why: `q=.98 because a short minute costs 50× an idle one`.
    pub quantile: f64,
    /// Why that quantile.
    pub quantile_why: String,
    /// Time from decision to warm capacity.
    pub lead: Duration,
    /// What to do.
    pub verdict: Verdict,
    /// The strongest facts behind the verdict, strongest first.
    pub facts: Vec<Fact>,
    /// Cost of the change, if one is proposed.
    pub cost: CostDelta,
    /// Effect on users, if one is proposed.
    pub experience: ExperienceDelta,
    /// Every guardrail checked.
    pub guardrails: Vec<GuardrailResult>,
    /// The limit that lets in fewer replicas than are needed, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding: Option<Binding>,
}

/// With less room than this capacity is nearly short.
const STRAINED: f64 = 0.05;

impl Plan {
    /// Whether capacity is short or nearly so: not the time to take anything away.
    pub fn is_strained(&self) -> bool {
        self.exhaustion == Exhaustion::Now || self.headroom.is_some_and(|h| h < STRAINED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_bounded() {
        let limits = Limits { min: 2, max: 50, ..Limits::default() };
        assert_eq!(limits.highest_from(6), 9);
        assert_eq!(limits.highest_from(20), 26);
        assert_eq!(limits.highest_from(49), 50);
        assert_eq!(limits.lowest_from(20), 16);
        assert_eq!(limits.lowest_from(3), 2);
        assert_eq!(limits.lowest_from(2), 2);
        assert_eq!(limits.lowest_from(0), 0);
    }

    #[test]
    fn need_is_the_ceiling() {
        let c = Capacity {
            per_replica: 100.0,
            method: CapacityMethod::Declared,
            observations: 0,
            tested_to: None,
            scaling: None,
        };
        assert_eq!(c.need(1001.0), Some(11));
        assert_eq!(c.need(f64::NAN), None);
        assert_eq!(Capacity { per_replica: 0.0, ..c.clone() }.need(1.0), None);
        // σ .05, κ .002 learned about 7 replicas: E(7) = 1/1.384, E(12) = 1/1.814, E(13) = 1/1.912, so that 12 hold
        // 100 · 12 · .763 = 916 and 13 hold 100 · 13 · .724 = 941 rps. The most, about 22, hold less than 1 100.
        let law = super::super::usl::Usl { gamma: 100.0, sigma: 0.05, kappa: 0.002 };
        let scaling = Scaling { law, seen: (2, 12), counts: 6, about: 7 };
        let c = Capacity { scaling: Some(scaling), ..c };
        assert_eq!((c.at(7).round(), c.at(12).round(), c.at(13).round()), (700.0, 916.0, 941.0));
        assert_eq!((c.need(700.0), c.need(920.0), c.need(0.0)), (Some(7), Some(13), Some(0)));
        assert_eq!(
            (c.need(2000.0), c.need_or_most(2000.0)),
            (None, Some(18)),
            "no count is known to hold it"
        );
        // 12 were seen: past 18, which hold 1 012 rps, each brings what the next one there does, 5.8 rps.
        assert!(c.need(1020.0).is_some_and(|n| n > 18 && c.is_untested(n) && c.at(n) >= 1020.0));
        assert!(!c.is_untested(18) && c.at(30) > c.at(18));

        // √(.95 / .0148) = 8.01: past 8 more serve less, and no count holds twice what 8 hold.
        let law = super::super::usl::Usl { gamma: 100.0, sigma: 0.05, kappa: 0.0148 };
        let back = Capacity { scaling: Some(Scaling { law, seen: (2, 12), ..scaling }), ..c.clone() };
        assert_eq!((back.most_useful(), back.need(2.0 * back.at(8))), (Some(8), None));
        assert!(back.at(30) < back.at(12), "no line leads up from where it goes down");

        // Without coherency there is an asymptote, here of 20 replicas' worth: no million of them.
        let law = super::super::usl::Usl { kappa: 0.0, ..law };
        let bent = Capacity { scaling: Some(Scaling { law, ..scaling }), ..c };
        assert_eq!((bent.need(1e6), bent.need_or_most(1e6)), (None, Some(18)));
        assert!(bent.need(bent.at(18) + 100.0).is_some_and(|n| bent.is_untested(n) && n <= 120));
    }
}
