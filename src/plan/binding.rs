//! The limit that binds first: what stands between the replicas there are and those the peak needs.

use crate::series::Unit;
use crate::signals::SignalKind;

use super::Dimension;
use super::advice::{Advice, Lack, Report, Urgency};
use super::consolidation::room_for;
use super::survey::{Member, Survey};

/// A limit on the number of replicas that work.
#[derive(Clone, Debug, PartialEq)]
struct Bound {
    /// Its name: `the autoscaler's maximum`.
    name: &'static str,
    /// Replicas it allows.
    allows: u32,
    /// Who can move it, and how.
    remedy: &'static str,
}

/// Names the binding limit of every workload that has a forecast and a capacity.
pub fn advise(survey: &Survey<'_>) -> Report {
    let mut report = Report::new(Dimension::Horizontal, "workloads");
    let mut closest: Option<(f64, String)> = None;
    let mut nodes_unknown = false;
    for member in &survey.members {
        let Some((needed, running)) = needed(survey, member) else { continue };
        let bounds = bounds(survey, member, running);
        nodes_unknown |= bounds.iter().all(|b| b.name != NODES);
        let Some(first) = bounds.iter().min_by_key(|b| b.allows) else { continue };
        report.judged += 1;
        let share = f64::from(needed) / f64::from(first.allows.max(1));
        if closest.as_ref().is_none_or(|(s, _)| share > *s) {
            let text = format!(
                "{} comes closest: {needed} of {} by {}",
                member.workload.id, first.allows, first.name
            );
            closest = Some((share, text));
        }
        if needed > first.allows {
            report.advice.push(short(survey, member, (needed, running), &bounds, first));
        }
    }
    if nodes_unknown {
        report.lack(Lack::part(survey.catalogue, crate::signals::PartKind::NodeCpu));
    }
    report.fine = closest.map_or_else(String::new, |(_, text)| text);
    report
}

/// Replicas needed at the forecast peak, and those running.
fn needed(survey: &Survey<'_>, member: &Member<'_>) -> Option<(u32, u32)> {
    let capacity = member.plan?.capacity.as_ref()?;
    let demand = member.peak(survey.now).map_or(member.demand(), |(_, p)| Some(p))?;
    Some((capacity.need(demand)?, member.replicas()? as u32))
}

/// The machines' limit, by name.
const NODES: &str = "room on the machines";

fn bounds(survey: &Survey<'_>, member: &Member<'_>, running: u32) -> Vec<Bound> {
    let mut bounds = Vec::new();
    let mut add = |name, allows: f64, remedy| {
        if allows.is_finite() && allows >= 0.0 {
            bounds.push(Bound { name, allows: allows.min(1e9).floor() as u32, remedy });
        }
    };
    if let Some(max) = member.workload.replicas.and_then(|r| r.max) {
        add("the autoscaler's maximum", f64::from(max), "its owner raises spec.maxReplicas");
    }
    if let Some(partitions) = member.signals.fresh(SignalKind::Partitions) {
        add("partitions", partitions, "the topic's owner adds some");
    }
    if let Some(room) = room_for(survey, member) {
        let all = f64::from(running) + room as f64;
        add(NODES, all, "the node pool grows, if its autoscaler may: else a larger pool");
    }
    // Every replica holds its part of the connections in use; more replicas of the same work hold more.
    let pool = member.signals.fresh(SignalKind::PoolUsed).zip(member.signals.fresh(SignalKind::PoolMax));
    if let Some((used, max)) = pool.filter(|(u, m)| *u > 0.0 && *m > 0.0) {
        add(
            "database connections",
            f64::from(running) * max / used,
            "a pooler, or a higher limit of the database",
        );
    }
    bounds
}

fn short(
    survey: &Survey<'_>,
    member: &Member<'_>,
    (needed, running): (u32, u32),
    bounds: &[Bound],
    first: &Bound,
) -> Advice {
    let what = format!("{} binds: {} replicas of {needed} that the peak needs", first.name, first.allows);
    let mut advice = Advice::on(Dimension::Horizontal, &member.workload.id, what, survey.now)
        .fact("replicas needed at the peak", f64::from(needed), Unit::Count)
        .fact("replicas", f64::from(running), Unit::Count);
    for bound in bounds {
        advice = advice.fact(&format!("{} allows", bound.name), f64::from(bound.allows), Unit::Count);
    }
    if let Some((at, demand)) = member.peak(survey.now) {
        let mut peak = super::advice::fact("peak at quantile 0.95", demand, Unit::RequestsPerSecond);
        peak.at = Some(at);
        advice.evidence.insert(0, peak);
    }
    let soon = member.peak(survey.now).is_some_and(|(at, _)| at.since(survey.now).as_secs() < 3600);
    advice.urgency = if soon { Urgency::Now } else { Urgency::Soon };
    advice.not_approvable = format!("weescale raises floors, not limits: {}", first.remedy);
    advice.sure(0.7, "the forecast's 95 % quantile against what a replica holds")
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::super::fixture::{Fleet, has};
    use super::*;
    use SignalKind as K;

    fn fleet(values: &[(K, f64)], max: u32) -> Fleet {
        let mut fleet = Fleet::default();
        let all = [&[(K::Demand, 300.0)], values].concat();
        let hold = Verdict::Hold { why: String::new() };
        fleet.add("checkout", &all).replicas(4, 2, max).planned(100.0, hold).fan(300.0, (3, 5));
        fleet
    }

    #[test]
    fn the_lowest_limit_is_the_one_that_binds() {
        // The 95 % quantile at the peak is 2 · 300 · 1.45 = 870 rps: 9 replicas.
        let maximum = fleet(&[], 8).report(advise);
        assert!(has(&maximum, "the autoscaler's maximum binds: 8 replicas of 9"), "{maximum:?}");
        let partitions = fleet(&[(K::Partitions, 6.0)], 8).report(advise);
        assert!(has(&partitions, "partitions binds: 6 replicas of 9"));
        // Four replicas use 20 of 25 connections: five would use them all.
        let pool = fleet(&[(K::PoolUsed, 20.0), (K::PoolMax, 25.0)], 20).report(advise);
        assert!(has(&pool, "database connections binds: 5 replicas of 9"));
    }

    #[test]
    fn with_room_it_names_what_comes_closest() {
        let report = fleet(&[], 12).report(advise);
        assert!(report.advice.is_empty());
        assert_eq!(report.fine, "shop/checkout comes closest: 9 of 12 by the autoscaler's maximum");
    }
}
