//! What is paid, for what, and whether it stays within the budget.

use std::time::Duration;

use crate::fleet::Owner;
use crate::series::Unit;
use crate::signals::{PartKind, SignalKind};

use super::advice::{Advice, Lack, Report, Urgency};
use super::survey::{Member, Survey};
use super::vertical::CPU_SHARE;
use super::{Dimension, Verdict};

/// Month ends that are dearer than the budget with at least this probability are worth a word.
const LIKELY: f64 = 0.25;
/// Hours of a day in which a floor must be idle to be worth a schedule.
const IDLE_HOURS: f64 = 4.0;

/// Requests and use of a workload, priced (`OpenCost`'s allocation: the larger of request and use).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Allocation {
    /// $/h of what is allocated: `max(request, use)` of CPU and of memory.
    pub allocated: f64,
    /// $/h of what is used.
    pub used: f64,
}

/// What a workload is allocated and uses, $/h; `None` without price, replicas or either of request and use.
pub fn allocation(member: &Member<'_>) -> Option<Allocation> {
    let n = member.replicas()?;
    let pod = &member.workload.pod;
    let price = pod.dollars_per_hour?;
    let mut sum = Allocation::default();
    for (request, use_kind, share) in [
        (pod.cpu_cores, SignalKind::CpuUsed, CPU_SHARE),
        (pod.memory_bytes, SignalKind::MemoryUsed, 1.0 - CPU_SHARE),
    ] {
        let request = request.filter(|r| *r > 0.0)?;
        let used = member.signals.latest(use_kind)? / n;
        let dollars = price * n * share;
        sum.allocated += dollars * (used / request).max(1.0);
        sum.used += dollars * used / request;
    }
    Some(sum)
}

/// Probability that the month ends above the budget, from three quantiles of the rest, taken as two half normal
/// distributions (a band may lean to one side).
pub fn over_budget(spent: f64, rest: [f64; 3], budget: f64) -> f64 {
    let [low, middle, high] = rest.map(|r| r + spent);
    let side = if budget >= middle { high - middle } else { middle - low };
    if side <= 1e-9 {
        return if middle > budget { 1.0 } else { 0.0 };
    }
    // 1.645: the 95 % quantile of the normal distribution.
    1.0 - normal_cdf((budget - middle) / (side / 1.645))
}

/// Abramowitz and Stegun 7.1.26, error below 1.5e-7.
fn normal_cdf(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let poly = t
        * (0.254_829_592
            + t * (-0.284_496_736 + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    let erf = 1.0 - poly * (-x * x).exp();
    f64::midpoint(1.0, if z >= 0.0 { erf } else { -erf })
}

/// Looks at all that has a price.
pub fn advise(survey: &Survey<'_>) -> Report {
    let mut report = Report::new(Dimension::Cost, "workloads with a price");
    let priced: Vec<(&Member<'_>, Allocation)> =
        survey.members.iter().filter_map(|m| allocation(m).map(|a| (m, a))).collect();
    report.judged = priced.len();
    if priced.is_empty() {
        report.lack(Lack::signal(survey.catalogue, SignalKind::Cost));
        return report;
    }
    let allocated: f64 = priced.iter().map(|(_, a)| a.allocated).sum();
    let used: f64 = priced.iter().map(|(_, a)| a.used).sum();
    let nodes: f64 = survey.fleet_parts(PartKind::NodePrice).iter().map(|(_, p)| p).sum();
    report.fine =
        format!("${allocated:.2}/h allocated, {:.0} % of it used", used / allocated.max(1e-9) * 100.0);
    match survey.money.budget {
        Some(budget) => report.advice.extend(month(survey, &priced, budget)),
        None => report.lack(Lack::setting("a budget", "[budget] month = 5000")),
    }
    if nodes > 0.0 {
        report.advice.extend(idle(survey, allocated, nodes));
    } else {
        report.lack(Lack::part(survey.catalogue, PartKind::NodePrice));
    }
    for (member, a) in &priced {
        report.advice.extend(night(survey, member, *a));
        report.advice.extend(second_person(survey, member));
    }
    report
}

fn month(survey: &Survey<'_>, priced: &[(&Member<'_>, Allocation)], budget: f64) -> Option<Advice> {
    let (spent, rest) = (survey.money.spent?, survey.money.rest?);
    let p = over_budget(spent, rest, budget);
    if p < LIKELY {
        return None;
    }
    let dearest = priced.iter().max_by(|a, b| {
        let slack = |x: &Allocation| x.allocated - x.used;
        slack(&a.1).total_cmp(&slack(&b.1))
    })?;
    let over = spent + rest[1] - budget;
    let what = if over > 0.0 {
        format!(
            "save ${over:.0} before the month ends, or ask for that much more: begin with {}",
            dearest.0.workload.id
        )
    } else {
        format!("watch the budget: begin saving with {} if demand grows", dearest.0.workload.id)
    };
    let mut advice = Advice::about(Dimension::Cost, "month".into(), what, survey.now)
        .fact("month end, median", spent + rest[1], Unit::Dollars)
        .fact("month end, 5 %", spent + rest[0], Unit::Dollars)
        .fact("month end, 95 %", spent + rest[2], Unit::Dollars)
        .fact("budget", budget, Unit::Dollars)
        .fact("probability to overspend", p, Unit::Ratio)
        .fact("paid but not used there, $/h", dearest.1.allocated - dearest.1.used, Unit::DollarsPerHour)
        .sure(0.7, "spend so far and the forecast's quantiles of the rest");
    advice.urgency = if p > 0.75 { Urgency::Soon } else { Urgency::Eventually };
    advice.not_approvable = "a budget is a person's decision; the savings are advised one by one".into();
    Some(advice)
}

/// Machines are paid for whole: what nobody asks for on them is idle, and until it is gone more replicas cost nothing.
fn idle(survey: &Survey<'_>, allocated: f64, nodes: f64) -> Option<Advice> {
    let idle = nodes - allocated;
    if idle / nodes < 0.3 {
        return None;
    }
    let what = format!(
        "of ${nodes:.2}/h of machines {:.0} % are allocated to nothing: replicas that fit there cost nothing more now",
        idle / nodes * 100.0
    );
    let mut advice = Advice::about(Dimension::Cost, "machines".into(), what, survey.now)
        .fact("machines", nodes, Unit::DollarsPerHour)
        .fact("allocated", allocated, Unit::DollarsPerHour)
        .fact("idle", idle, Unit::DollarsPerHour)
        .sure(0.6, "prices of machines against the larger of request and use (OpenCost)");
    advice.not_approvable = "fewer or smaller machines: see consolidation".into();
    Some(advice)
}

/// Hours of the last day in which the floor alone kept replicas that demand did not need.
fn night(survey: &Survey<'_>, member: &Member<'_>, a: Allocation) -> Option<Advice> {
    let replicas = member.workload.replicas?;
    let min = replicas.min.filter(|m| *m >= 3)?;
    let capacity = member.plan?.capacity.as_ref()?;
    if !matches!(member.workload.owner, Owner::Autoscaler { .. }) {
        return None;
    }
    let window = survey.window(member, SignalKind::Demand, Duration::from_secs(86_400));
    if window.present() < 240 {
        return None;
    }
    // With a quarter to spare, as demand of five minutes is a mean.
    let needs: Vec<u32> = window.points().filter_map(|(_, d)| capacity.need(d * 1.25)).collect();
    let idle: Vec<f64> =
        needs.iter().filter(|n| **n * 2 <= min).map(|n| f64::from(min - n.max(&2))).collect();
    let hours = idle.len() as f64 / 12.0;
    let spare = idle.iter().sum::<f64>() / idle.len().max(1) as f64;
    if hours < IDLE_HOURS || spare < 1.0 {
        return None;
    }
    let low = (f64::from(min) - spare).round().max(2.0);
    let what = if hours >= 23.0 {
        format!("lower the floor {min} → {low:.0}: no hour of the last day needed more than half of it")
    } else {
        format!("lower the floor {min} → {low:.0} in quiet hours: {hours:.0} h a day need half of it or less")
    };
    let mut advice = Advice::on(Dimension::Cost, &member.workload.id, what, survey.now)
        .fact("idle hours of the last day", hours, Unit::Count)
        .fact("replicas to spare then, mean", spare, Unit::Count)
        .fact("paid for it now", a.allocated, Unit::DollarsPerHour)
        .sure(0.6, "one day of demand against what a replica holds");
    advice.saving = member.workload.pod.dollars_per_hour.map(|p| p * spare * hours / 24.0);
    advice.not_approvable = match survey.money.frozen_until {
        Some(until) => {
            format!("a freeze is open until {until}; then a scheduled floor of the autoscaler's owner")
        }
        None => {
            "a floor by the clock is the autoscaler owner's: a KEDA cron trigger, or two scheduled changes"
                .into()
        }
    };
    Some(advice)
}

/// A proposal dearer than one person may decide.
fn second_person(survey: &Survey<'_>, member: &Member<'_>) -> Option<Advice> {
    let limit = survey.money.second_person_above?;
    let plan = member.plan?;
    let delta = plan.cost.per_hour().filter(|d| *d > limit && matches!(plan.verdict, Verdict::Change(_)))?;
    let what = format!("ask a second person: +${delta:.2}/h is above the ${limit:.2}/h that one may decide");
    let mut advice = Advice::on(Dimension::Cost, &member.workload.id, what, survey.now)
        .fact("more", delta, Unit::DollarsPerHour)
        .fact("allowed", limit, Unit::DollarsPerHour)
        .sure(1.0, "the rule as declared");
    advice.urgency = Urgency::Now;
    advice.not_approvable = "a rule of cost governance".into();
    Some(advice)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fleet, has, now};
    use super::super::survey::Money;
    use super::*;
    use crate::signals::SignalKind as K;

    fn fleet() -> Fleet {
        let mut fleet = Fleet::default();
        let hold = Verdict::Hold { why: String::new() };
        let values = [(K::Demand, 100.0), (K::CpuUsed, 2.0), (K::MemoryUsed, 8e9)];
        let item = fleet.add("cart", &values).replicas(8, 8, 20).planned(100.0, hold);
        item.workload.pod.dollars_per_hour = Some(0.1);
        item.workload.pod.cpu_cores = Some(1.0);
        item.workload.pod.memory_bytes = Some(5e8);
        fleet
    }

    #[test]
    fn allocation_is_the_larger_of_request_and_use() {
        let report = fleet().report(advise);
        // $0.80/h: 0.6 for CPU, of which a quarter is used; 0.2 for memory, used twice over.
        assert_eq!(report.fine, "$1.00/h allocated, 55 % of it used");
        assert!(report.lacks.iter().any(|l| l.what == "a budget"));
    }

    #[test]
    fn the_month_end_has_a_probability() {
        assert!((over_budget(1000.0, [3500.0, 4000.0, 4500.0], 5000.0) - 0.5).abs() < 1e-6);
        // The band's upper end is its 95 % quantile.
        assert!((over_budget(1000.0, [3500.0, 4000.0, 4500.0], 5500.0) - 0.05).abs() < 1e-3);
        assert!((over_budget(1000.0, [3500.0, 4000.0, 9000.0], 4500.0) - 0.95).abs() < 1e-3);
        assert_eq!(over_budget(10.0, [1.0, 1.0, 1.0], 10.0), 1.0);
        let mut fleet = fleet();
        fleet.money = Money {
            spent: Some(1000.0),
            rest: Some([3900.0, 4200.0, 4600.0]),
            budget: Some(5000.0),
            ..Money::default()
        };
        assert!(has(&fleet.report(advise), "save $200 before the month ends"));
        fleet.money.budget = Some(9000.0);
        assert!(fleet.report(advise).advice.is_empty());
    }

    #[test]
    fn a_floor_that_nobody_needs_at_night() {
        let mut fleet = fleet();
        for ago in 1..=288 {
            // Six hours of 150 rps, which two replicas hold; then 700.
            fleet.past("cart", K::Demand, ago, if ago <= 72 { 150.0 } else { 700.0 });
        }
        let report = fleet.report(advise);
        assert!(has(&report, "lower the floor 8 → 2 in quiet hours: 6 h a day"), "{report:?}");
        assert!((report.advice[0].saving.unwrap() - 0.1 * 6.0 * 6.0 / 24.0).abs() < 0.01);
        fleet.money.frozen_until = Some(now());
        assert!(fleet.report(advise).advice[0].not_approvable.starts_with("a freeze is open"));
    }
}
