//! What the planners that look at the whole fleet are given.

use std::sync::Arc;
use std::time::Duration;

use crate::fleet::{Owner, Region, Workload};
use crate::forecast::ForecastState;
use crate::series::{Timestamp, Window};
use crate::signals::{Catalogue, History, PartKind, Parts, SignalKind, SignalSet};

use super::usage::Usage;
use super::versions::Versions;
use super::{Around, CapacityModel, Plan, Usual, Verdict};

/// Breakdowns older than this say nothing about now.
pub const PARTS_AGE: Duration = Duration::from_secs(600);
/// Step of the windows that planners look at.
pub const FIVE: Duration = Duration::from_secs(300);

/// What people declared about a workload that planners ask for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Declared {
    /// Routes that may be shed, dearest to lose last.
    pub optional_routes: Vec<String>,
    /// Regions in which its data may be; empty: anywhere.
    pub residency: Vec<String>,
}

/// One workload.
#[derive(Clone, Debug)]
pub struct Member<'a> {
    /// As known now.
    pub workload: &'a Workload,
    /// Its signals.
    pub signals: &'a SignalSet,
    /// Its demand forecast.
    pub forecast: &'a ForecastState,
    /// What was learned of its capacity.
    pub model: &'a CapacityModel,
    /// What the horizontal plan says.
    pub plan: Option<&'a Plan>,
    /// What its replicas used.
    pub usage: &'a Usage,
    /// What its versions cost.
    pub versions: &'a Versions,
    /// What is usual for it.
    pub usual: Usual,
    /// What people declared.
    pub declared: Declared,
    /// What surrounds it.
    pub around: &'a Around,
    /// Who sets the size of its replicas, where a platform tells.
    pub size_owner: Option<&'a Owner>,
    /// The floor held on it and when its lease ends.
    pub floor: Option<(u32, Timestamp)>,
}

impl Member<'_> {
    /// Replicas that run or are asked for; `None` if unknown or none.
    pub fn replicas(&self) -> Option<f64> {
        let n = self.workload.replicas.map(|r| f64::from(r.ready.max(r.desired)))?;
        (n > 0.0).then_some(n)
    }

    /// Requests a second now, if fresh and more than none.
    pub fn demand(&self) -> Option<f64> {
        self.signals.fresh(SignalKind::Demand).filter(|d| *d > 0.0)
    }

    /// `C(N)` now.
    pub fn capacity(&self) -> Option<f64> {
        Some(self.plan?.capacity.as_ref()?.at(self.replicas()? as u32))
    }

    /// What is wrong that more capacity would not cure; advice on capacity would contradict it.
    pub fn other_cause(&self) -> Option<&str> {
        match &self.plan?.verdict {
            Verdict::NotScaling { cause, .. } => Some(cause),
            _ => None,
        }
    }

    /// Highest 95 % quantile of demand that the fan knows, and when.
    pub fn peak(&self, now: Timestamp) -> Option<(Timestamp, f64)> {
        let fan = self.forecast.fan()?;
        fan.peak(0.95, now, fan.end())
    }
}

/// What the models cost and give.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Learning {
    /// Services with demand.
    pub services: usize,
    /// Of these, with a fan.
    pub with_model: usize,
    /// Of these, whose fan beats the seasonal naive one.
    pub skilled: usize,
    /// Of these, whose 90 % band holds 85 to 95 %.
    pub calibrated: usize,
    /// Age of the oldest fan.
    pub oldest: Option<Duration>,
    /// How often each fan is meant to be renewed.
    pub every: Duration,
    /// Share of one core that renewing them took lately; `None` before it was measured.
    pub busy: Option<f64>,
    /// Share of one core that it may take.
    pub budget: f64,
    /// Services whose fit is older than it should be, for want of CPU time.
    pub put_off: usize,
}

/// What was spent and may be.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Money {
    /// $ of the month so far, as far as history is held.
    pub spent: Option<f64>,
    /// 5 %, 50 % and 95 % quantile of the $ from now to the end of the month.
    pub rest: Option<[f64; 3]>,
    /// $ a month.
    pub budget: Option<f64>,
    /// The open freeze window ends then.
    pub frozen_until: Option<Timestamp>,
    /// $/h a change may add without a second person.
    pub second_person_above: Option<f64>,
}

/// The whole fleet as planners see it. Pure: the same survey gives the same reports.
#[derive(Clone, Debug)]
pub struct Survey<'a> {
    /// Now.
    pub now: Timestamp,
    /// Workloads, in order.
    pub members: Vec<Member<'a>>,
    /// Signals of the past.
    pub history: &'a History,
    /// Signals broken down.
    pub parts: &'a Parts,
    /// To say what is lacking.
    pub catalogue: &'a Catalogue,
    /// Regions with place and time zone.
    pub regions: &'a [Region],
    /// Models.
    pub learning: Learning,
    /// Money.
    pub money: Money,
}

impl Survey<'_> {
    /// `kind` of a member over the last `span`, by five minutes.
    pub fn window(&self, member: &Member<'_>, kind: SignalKind, span: Duration) -> Window {
        self.history.window(&member.workload.id, kind, self.now - span, self.now, FIVE)
    }

    /// A breakdown of a member, largest part first.
    pub fn parts(&self, member: &Member<'_>, kind: PartKind) -> &[(Arc<str>, f64)] {
        self.parts.of(&member.workload.id, kind, self.now, PARTS_AGE)
    }

    /// A breakdown of the fleet, largest part first.
    pub fn fleet_parts(&self, kind: PartKind) -> &[(Arc<str>, f64)] {
        self.parts.of_fleet(kind, self.now, PARTS_AGE)
    }
}

/// Linear quantile of `values`, which need not be sorted; `None` without values.
pub fn quantile(mut values: Vec<f64>, q: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let at = q * values.len().saturating_sub(1) as f64;
    let (low, high) = (values.get(at.floor() as usize)?, values.get(at.ceil() as usize)?);
    Some(low + (high - low) * at.fract())
}
