//! The limit that binds first: what stands between the replicas there are and those the peak needs.

use crate::series::Unit;

use super::Dimension;
use super::advice::{Advice, Lack, Report, Urgency};
use super::ceiling::{Ceiling, MAXIMUM, of_data};
use super::consolidation::room_for;
use super::dips;
use super::survey::{Member, Survey};

/// Names the binding limit of every workload that has a forecast and a capacity.
pub fn advise(survey: &Survey<'_>) -> Report {
    let mut report = Report::new(Dimension::Horizontal, "workloads");
    let mut closest: Option<(f64, String)> = None;
    let mut nodes_unknown = false;
    let mut left_out = Vec::new();
    for member in &survey.members {
        if let Some(cause) = member.other_cause() {
            left_out.push(format!("{}: {cause}", member.workload.id));
            report.judged += 1;
            continue;
        }
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
    let members = survey.members.iter().filter(|member| member.other_cause().is_none());
    report.advice.extend(members.filter_map(|member| dips::advice(survey, member)));
    report.fine = closest.map_or_else(String::new, |(_, text)| text);
    report.left_out(&left_out);
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

fn bounds(survey: &Survey<'_>, member: &Member<'_>, running: u32) -> Vec<Ceiling> {
    let mut bounds: Vec<Ceiling> = member.around.highest.iter().cloned().collect();
    let hard = |name: &str, allows: u32, why: &str| Ceiling {
        name: name.to_owned(),
        allows,
        why: why.to_owned(),
        hard: true,
    };
    if let Some(max) = member.workload.replicas.and_then(|r| r.max) {
        bounds.push(hard(MAXIMUM, max, "its owner raises spec.maxReplicas"));
    }
    bounds.extend(of_data(|kind| member.signals.fresh(kind), running));
    if let Some(room) = room_for(survey, member) {
        let all = running.saturating_add(u32::try_from(room).unwrap_or(u32::MAX));
        bounds.push(hard(NODES, all, "the node pool grows, if its autoscaler may: else a larger pool"));
    }
    bounds
}

fn short(
    survey: &Survey<'_>,
    member: &Member<'_>,
    (needed, running): (u32, u32),
    bounds: &[Ceiling],
    first: &Ceiling,
) -> Advice {
    let what = format!("{} binds: {} replicas of {needed} that the peak needs", first.name, first.allows);
    let mut advice = Advice::on(Dimension::Horizontal, &member.workload.id, what, survey.now)
        .fact("replicas needed at the peak", f64::from(needed), Unit::Count)
        .fact("replicas", f64::from(running), Unit::Count);
    for bound in bounds {
        advice = advice.fact(&format!("{} allows", bound.name), f64::from(bound.allows), Unit::Count);
    }
    if let Some((at, demand)) = member.peak(survey.now) {
        let mut peak = super::advice::fact("peak, q95", demand, Unit::RequestsPerSecond);
        peak.at = Some(at);
        advice.evidence.insert(0, peak);
    }
    let soon = member.peak(survey.now).is_some_and(|(at, _)| at.since(survey.now).as_secs() < 3600);
    advice.urgency = if soon { Urgency::Now } else { Urgency::Soon };
    advice.not_approvable = format!("weescale raises floors, not limits: {}", first.why);
    advice.sure(0.7, "the forecast's 95 % quantile against what a replica holds")
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::super::fixture::{Fleet, has};
    use super::*;
    use crate::signals::SignalKind as K;

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
        let mut quota = fleet(&[], 12);
        quota.items[0].around.highest = Some(Ceiling {
            name: "quota team-a requests.cpu".into(),
            allows: 7,
            why: "ResourceQuota team-a leaves room for 3 more pods".into(),
            hard: true,
        });
        let quota = quota.report(advise);
        assert!(has(&quota, "quota team-a requests.cpu binds: 7 replicas of 9"), "{quota:?}");
        assert!(quota.advice[0].not_approvable.ends_with("leaves room for 3 more pods"));
        // Four replicas use 20 of 25 connections: five would use them all.
        let pool = fleet(&[(K::PoolUsed, 20.0), (K::PoolMax, 25.0)], 20).report(advise);
        assert!(has(&pool, "database connections binds: 5 replicas of 9"));
    }

    #[test]
    fn no_limit_is_to_be_raised_while_something_else_is_wrong() {
        let mut storm = fleet(&[], 8);
        storm.items[0].plan.as_mut().unwrap().verdict = super::super::fixture::storm();
        let report = storm.report(advise);
        assert!(report.advice.is_empty(), "{report:?}");
        assert_eq!(report.sentence(), "nothing to do for 1 workloads: left out: shop/checkout: retry storm");
    }

    #[test]
    fn with_room_it_names_what_comes_closest() {
        let report = fleet(&[], 12).report(advise);
        assert!(report.advice.is_empty());
        assert_eq!(report.fine, "shop/checkout comes closest: 9 of 12 by the autoscaler's maximum");
    }
}
