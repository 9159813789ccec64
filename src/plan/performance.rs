//! What a request costs: by version, by query, in waiting, on the network, and whether that grows.

use std::time::Duration;

use crate::series::Unit;
use crate::signals::{PartKind, SignalKind};

use super::Dimension;
use super::advice::{Advice, Lack, Report, Urgency};
use super::survey::{Member, Survey, quantile};

/// A version that costs this much more a request is a regression.
pub const DEARER: f64 = 1.15;
/// A query that takes this share of the database's time is worth looking at first.
const QUERY: f64 = 0.4;
/// If the database works on less than this many queries at a time there is nothing to gain.
const BUSY: f64 = 1.0;
/// Share of segments sent again above which a network loses noticeably.
const RETRANSMITS: f64 = 0.01;
/// CPU a request against a week ago.
const CREEP: f64 = 1.1;

/// Looks at every workload and at the machines' network.
pub fn advise(survey: &Survey<'_>) -> Report {
    let mut report = Report::new(Dimension::Performance, "workloads");
    let mut steady = 0;
    for member in &survey.members {
        let creep = creep(survey, member);
        let versions = member.versions.change(survey.now);
        if member.demand().zip(member.signals.fresh(SignalKind::CpuUsed)).is_none() {
            continue;
        }
        report.judged += 1;
        let found = version(survey, member).or_else(|| creeping(survey, member, creep));
        steady += usize::from(found.is_none() && (creep.is_some() || versions.is_some()));
        report.advice.extend(found);
        report.advice.extend(query(survey, member));
        report.advice.extend(waiting(survey, member));
    }
    report.advice.extend(network(survey));
    if survey.members.iter().all(|m| m.versions.is_empty()) {
        report.lack(Lack::part(survey.catalogue, PartKind::VersionCpu));
    }
    if survey.members.iter().all(|m| survey.parts(m, PartKind::QueryTime).is_empty()) {
        report.lack(Lack::part(survey.catalogue, PartKind::QueryTime));
    }
    if survey.fleet_parts(PartKind::NodeRetransmits).is_empty() {
        report.lack(Lack::part(survey.catalogue, PartKind::NodeRetransmits));
    }
    if report.judged == 0 {
        report.lack(Lack::signal(survey.catalogue, SignalKind::CpuUsed));
    }
    report.fine = format!("{steady} cost as much a request as a week ago or as the version before");
    report
}

/// A new version against the one before it, both under the same load: the better control than any day before.
fn version(survey: &Survey<'_>, member: &Member<'_>) -> Option<Advice> {
    let change = member.versions.change(survey.now).filter(|c| c.ratio() >= DEARER)?;
    let what = format!(
        "do not scale: {} costs +{:.0} % CPU a request against {}; roll it back or repair it",
        change.version,
        (change.ratio() - 1.0) * 100.0,
        change.before
    );
    let mut advice = Advice::on(Dimension::Performance, &member.workload.id, what, survey.now)
        .fact("CPU a request now", change.cost.0, Unit::Seconds)
        .fact("CPU a request before", change.cost.1, Unit::Seconds)
        .fact("requests compared", change.requests, Unit::Count)
        .sure(0.9, "both versions measured by their own CPU and requests");
    // Replicas needed are proportional to CPU a request (utilisation law).
    let extra = member.replicas().map(|n| n * (1.0 - 1.0 / change.ratio()));
    advice.saving = extra.zip(member.workload.pod.dollars_per_hour).map(|(n, price)| n * price);
    advice.effect =
        extra.map(|n| super::advice::fact("replicas it would take to make up for it", n, Unit::Count));
    advice.urgency = Urgency::Now;
    advice.not_approvable =
        "a roll-back is a deployment: kubectl rollout undo, or revert in the repository".into();
    Some(advice)
}

/// Median CPU seconds a request of the last day over that of the same day a week ago.
fn creep(survey: &Survey<'_>, member: &Member<'_>) -> Option<(f64, f64)> {
    let day = Duration::from_secs(86_400);
    let per_request = |ago: u32| {
        let (from, to) = (survey.now - day * (ago + 1), survey.now - day * ago);
        let window = |kind| survey.history.window(&member.workload.id, kind, from, to, super::survey::FIVE);
        let (cpu, demand) = (window(SignalKind::CpuUsed), window(SignalKind::Demand));
        let ratios: Vec<f64> = demand
            .points()
            .filter(|(_, d)| *d > 0.0)
            .filter_map(|(at, d)| cpu.value_at(at).map(|c| c / d))
            .collect();
        quantile(ratios, 0.5).filter(|_| demand.present() >= 72)
    };
    per_request(0).zip(per_request(7)).filter(|(_, before)| *before > 0.0)
}

fn creeping(survey: &Survey<'_>, member: &Member<'_>, creep: Option<(f64, f64)>) -> Option<Advice> {
    let (now, before) = creep.filter(|(now, before)| now / before >= CREEP)?;
    let what = format!("find what made a request {:.0} % dearer within a week", (now / before - 1.0) * 100.0);
    let mut advice = Advice::on(Dimension::Performance, &member.workload.id, what, survey.now)
        .fact("CPU a request, last day", now, Unit::Seconds)
        .fact("CPU a request, a week ago", before, Unit::Seconds)
        .sure(0.7, "medians of a day, a week apart");
    let share = 1.0 - before / now;
    advice.saving = member.replicas().zip(member.workload.pod.dollars_per_hour).map(|(n, p)| n * p * share);
    advice.urgency = Urgency::Soon;
    advice.not_approvable = "it is in the code: compare profiles of then and now".into();
    Some(advice)
}

/// The query that takes most of the database's time.
fn query(survey: &Survey<'_>, member: &Member<'_>) -> Option<Advice> {
    let times = survey.parts(member, PartKind::QueryTime);
    let total: f64 = times.iter().map(|(_, t)| t).sum();
    let (id, time) = times.first()?;
    if times.len() < 2 || total < BUSY || time / total < QUERY {
        return None;
    }
    let calls = survey.parts(member, PartKind::QueryCalls).iter().find(|(q, _)| q == id).map(|(_, c)| *c);
    let each = calls.filter(|c| *c > 0.0).map(|c| time / c);
    let what = format!("look at query {id} first: {:.0} % of the database's time", time / total * 100.0);
    let mut advice = Advice::on(Dimension::Performance, &member.workload.id, what, survey.now)
        .fact("of database time", time / total, Unit::Ratio)
        .fact_if("a call takes", each, Unit::Seconds)
        .fact_if("calls", calls, Unit::PerSecond)
        .fact("queries at a time, all", total, Unit::Count)
        .fact_if("of connections in use", share_used(member), Unit::Ratio)
        .sure(0.8, "from pg_stat_statements");
    advice.urgency = match share_used(member) {
        Some(share) if share >= 0.9 => Urgency::Now,
        Some(share) if share >= 0.7 => Urgency::Soon,
        _ => Urgency::Eventually,
    };
    advice.not_approvable = "an index or a rewrite: EXPLAIN (ANALYZE, BUFFERS) says which".into();
    Some(advice)
}

fn share_used(member: &Member<'_>) -> Option<f64> {
    let (used, max) =
        member.signals.fresh(SignalKind::PoolUsed).zip(member.signals.fresh(SignalKind::PoolMax))?;
    (max > 0.0).then(|| used / max)
}

/// Requests that wait for a connection while there is CPU to spare.
fn waiting(survey: &Survey<'_>, member: &Member<'_>) -> Option<Advice> {
    let waiting = member.signals.fresh(SignalKind::PoolWaiting).filter(|w| *w >= 1.0)?;
    let (used, asked) =
        member.signals.fresh(SignalKind::CpuUsed).zip(member.signals.fresh(SignalKind::CpuRequested))?;
    if used / asked.max(1e-9) > 0.6 {
        return None;
    }
    let demand = member.demand()?;
    let what = "do not scale out for it: requests wait for a database connection, not for CPU".to_owned();
    let mut advice = Advice::on(Dimension::Performance, &member.workload.id, what, survey.now)
        .fact("requests waiting for a connection", waiting, Unit::Count)
        // Little's law: those waiting over those arriving.
        .fact("a request waits", waiting / demand, Unit::Seconds)
        .fact("of requested CPU in use", used / asked.max(1e-9), Unit::Ratio)
        .fact_if("of connections in use", share_used(member), Unit::Ratio)
        .sure(0.85, "the pool's own gauge of waiting requests");
    advice.urgency = Urgency::Now;
    advice.not_approvable = "the pool's size is the service's own setting".into();
    Some(advice)
}

/// The machine whose network loses most.
fn network(survey: &Survey<'_>) -> Option<Advice> {
    let nodes = survey.fleet_parts(PartKind::NodeRetransmits);
    let (node, worst) = nodes.first().filter(|(_, r)| *r >= RETRANSMITS)?;
    let median = quantile(nodes.iter().map(|(_, r)| *r).collect(), 0.5)?;
    let what = format!(
        "look at the network of {node}, or move what runs there: {:.1} % is sent again",
        worst * 100.0
    );
    let mut advice = Advice::about(Dimension::Performance, node.to_string(), what, survey.now)
        .fact("of segments sent again", *worst, Unit::Ratio)
        .fact("median over machines", median, Unit::Ratio)
        .fact("machines measured", nodes.len() as f64, Unit::Count)
        .sure(0.7, "the machine's own counters");
    advice.urgency = Urgency::Soon;
    advice.not_approvable = "cordon and drain the node: kubectl drain".into();
    Some(advice)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::fixture::{Fleet, has, id, now};
    use super::*;
    use SignalKind as K;

    fn parts(values: &[(&str, f64)]) -> Vec<(Arc<str>, f64)> {
        values.iter().map(|(n, v)| (Arc::from(*n), *v)).collect()
    }

    #[test]
    fn a_dearer_version_is_named_with_what_it_costs() {
        let mut fleet = Fleet::default();
        let item = fleet.add("catalog", &[(K::Demand, 100.0), (K::CpuUsed, 6.0)]).replicas(12, 3, 20);
        item.workload.pod.dollars_per_hour = Some(0.05);
        let step = Duration::from_secs(60);
        for minute in (0..40).rev() {
            let at = now() - step * minute;
            let demand =
                if minute > 20 { vec![("v141", 100.0)] } else { vec![("v141", 50.0), ("v142", 50.0)] };
            let cost = |v: &str| if v == "v142" { 0.069 } else { 0.05 };
            let cpu: Vec<(&str, f64)> = demand.iter().map(|(v, d)| (*v, d * cost(v))).collect();
            item.versions.observe(at, &parts(&demand), &parts(&cpu));
        }
        let report = fleet.report(advise);
        assert!(has(&report, "do not scale: v142 costs +38 % CPU a request against v141"), "{report:?}");
        // 12 · (1 − 1/1.38) = 3.3 replicas of $0.05.
        assert!((report.advice[0].saving.unwrap() - 0.165).abs() < 0.001);
    }

    #[test]
    fn a_week_of_creeping_shows_and_a_steady_week_is_fine() {
        let week = |dearer: f64| {
            let mut fleet = Fleet::default();
            fleet.add("cart", &[(K::Demand, 100.0), (K::CpuUsed, 5.0)]);
            for ago in 0..288 {
                for (days, cost) in [(0, dearer), (7, 1.0)] {
                    fleet.past("cart", K::Demand, ago + 288 * days, 100.0);
                    fleet.past("cart", K::CpuUsed, ago + 288 * days, 5.0 * cost);
                }
            }
            fleet.report(advise)
        };
        assert!(has(&week(1.3), "30 % dearer within a week"));
        let steady = week(1.02);
        assert!(steady.advice.is_empty() && steady.fine.starts_with("1 cost as much"), "{steady:?}");
    }

    #[test]
    fn the_query_the_wait_and_the_network() {
        let mut fleet = Fleet::default();
        fleet.add(
            "identity",
            &[
                (K::Demand, 100.0),
                (K::CpuUsed, 1.0),
                (K::CpuRequested, 4.0),
                (K::PoolWaiting, 30.0),
                (K::PoolUsed, 24.0),
                (K::PoolMax, 24.0),
            ],
        );
        let who = id("identity");
        fleet.parts = std::mem::take(&mut fleet.parts)
            .with(Some(&who), PartKind::QueryTime, now(), &[("q-77", 18.0), ("q-1", 2.0)])
            .with(Some(&who), PartKind::QueryCalls, now(), &[("q-1", 300.0), ("q-77", 200.0)])
            .with(
                None,
                PartKind::NodeRetransmits,
                now(),
                &[("node-3", 0.04), ("node-1", 0.001), ("node-2", 0.001)],
            );
        let report = fleet.report(advise);
        assert!(has(&report, "query q-77 first: 90 %") && has(&report, "wait for a database connection"));
        assert!(has(&report, "network of node-3"));
        let each =
            report.advice.iter().flat_map(|a| &a.evidence).find(|f| f.label == "a call takes").unwrap();
        assert!((each.quantity.value - 0.09).abs() < 1e-9);
        let wait =
            report.advice.iter().flat_map(|a| &a.evidence).find(|f| f.label == "a request waits").unwrap();
        assert!((wait.quantity.value - 0.3).abs() < 1e-9);
    }
}
