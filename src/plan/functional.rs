//! Which routes to shed first when capacity cannot come in time, and which to run apart.

use std::sync::Arc;

use crate::series::Unit;
use crate::signals::PartKind;

use super::advice::{Advice, Lack, Report, Urgency, fact};
use super::survey::{Member, Survey};
use super::{Dimension, Exhaustion, Verdict};

/// A route is heavy if a request of it takes this many times as long as the rest's.
const HEAVY: f64 = 3.0;
/// And if it takes at least this share of the server's time.
const SHARE: f64 = 0.2;

/// What one route takes.
#[derive(Clone, Debug, PartialEq)]
struct Route {
    name: Arc<str>,
    /// Requests a second.
    demand: f64,
    /// Share of all server time.
    share: f64,
    /// Time of a request over the mean of the other routes.
    weight: f64,
}

/// Looks at every workload with requests by route.
pub fn advise(survey: &Survey<'_>) -> Report {
    let mut report = Report::new(Dimension::Functional, "workloads with routes");
    let mut heaviest = 1.0_f64;
    let mut undeclared = false;
    for member in &survey.members {
        let routes = routes(survey, member);
        if routes.is_empty() {
            continue;
        }
        report.judged += 1;
        heaviest = routes.iter().filter(|r| r.weight.is_finite()).map(|r| r.weight).fold(heaviest, f64::max);
        undeclared |= member.declared.optional_routes.is_empty();
        match pressed(member) {
            Some(why) => report.advice.push(shed(survey, member, &routes, &why)),
            None => report.advice.extend(apart(survey, member, &routes)),
        }
    }
    if report.judged == 0 {
        report.lack(Lack::part(survey.catalogue, PartKind::RouteTime));
    }
    if undeclared {
        let line = "[[service]] name = \"checkout\"  optional_routes = [\"/recommendations\"]";
        report.lack(Lack::setting("which routes may be shed", line));
    }
    report.fine =
        format!("capacity comes in time, and no route takes more than {heaviest:.1}× the time of others");
    report
}

/// Routes by what they take, most first.
fn routes(survey: &Survey<'_>, member: &Member<'_>) -> Vec<Route> {
    let times = survey.parts(member, PartKind::RouteTime);
    let demands = survey.parts(member, PartKind::RouteDemand);
    let total: f64 = times.iter().map(|(_, t)| t).sum();
    let requests: f64 = demands.iter().map(|(_, d)| d).sum();
    if total <= 0.0 {
        return Vec::new();
    }
    let route = |(name, time): &(Arc<str>, f64)| {
        let demand = demands.iter().find(|(n, _)| n == name).map(|(_, d)| *d).filter(|d| *d > 0.0)?;
        let others = (total - time) / (requests - demand);
        let weight = if others.is_finite() && others > 0.0 { time / demand / others } else { 1.0 };
        Some(Route { name: Arc::clone(name), demand, share: time / total, weight })
    };
    times.iter().filter_map(route).collect()
}

/// Whether capacity is short before more can be there, and why.
fn pressed(member: &Member<'_>) -> Option<String> {
    let plan = member.plan?;
    let soon = match plan.exhaustion {
        Exhaustion::Now => Some("demand is above capacity now".to_owned()),
        Exhaustion::In { earliest, .. } if earliest <= plan.lead => Some(format!(
            "capacity may run out in {} s, and more takes {} s",
            earliest.as_secs(),
            plan.lead.as_secs()
        )),
        _ => None,
    };
    let stuck = match &plan.verdict {
        Verdict::Blocked { change, by } if change.count() > Some(change.from) => {
            Some(format!("more replicas are barred: {by}"))
        }
        Verdict::NotScaling { cause, .. } => Some(format!("more replicas would not help: {cause}")),
        _ => None,
    };
    stuck.or(soon)
}

fn shed(survey: &Survey<'_>, member: &Member<'_>, routes: &[Route], why: &str) -> Advice {
    let optional = &member.declared.optional_routes;
    let named = |r: &&Route| optional.iter().any(|o| o.as_str() == &*r.name);
    let declared: Vec<&Route> = routes.iter().filter(named).collect();
    let dearest = routes.iter().max_by(|a, b| a.weight.total_cmp(&b.weight));
    let (list, sure, note) = if declared.is_empty() {
        let note = "nobody declared what is optional: this is the dearest a request, not the least wanted";
        (dearest.into_iter().collect::<Vec<_>>(), 0.3, note)
    } else {
        (declared, 0.8, "declared optional")
    };
    let names: Vec<&str> = list.iter().map(|r| &*r.name).collect();
    let freed: f64 = list.iter().map(|r| r.share).sum();
    let what = format!("shed {} first: frees {:.0} % of the server's time", names.join(", "), freed * 100.0);
    let mut advice = Advice::on(Dimension::Functional, &member.workload.id, what, survey.now)
        .fact("of server time freed", freed, Unit::Ratio)
        .fact("requests refused", list.iter().map(|r| r.demand).sum(), Unit::RequestsPerSecond)
        .sure(sure, format!("{note}; {why}"));
    // What is left of the time serves 1/(1 − freed) times as many of the other requests.
    advice.effect = member
        .capacity()
        .filter(|_| freed < 1.0)
        .map(|c| fact("more of the other requests", c / (1.0 - freed) - c, Unit::RequestsPerSecond));
    for route in routes.iter().take(3) {
        advice.evidence.push(fact(&format!("{} of server time", route.name), route.share, Unit::Ratio));
    }
    advice.urgency = Urgency::Now;
    advice.not_approvable =
        "a flag of the service or a rule of the gateway: no provider switches routes".into();
    advice
}

/// A heavy route makes every other wait and every replica large.
fn apart(survey: &Survey<'_>, member: &Member<'_>, routes: &[Route]) -> Option<Advice> {
    let heavy = routes.iter().filter(|r| routes.len() > 1 && r.weight >= HEAVY && r.share >= SHARE);
    let route = heavy.max_by(|a, b| a.share.total_cmp(&b.share))?;
    let what = format!("run {} as a workload of its own", route.name);
    let mut advice = Advice::on(Dimension::Functional, &member.workload.id, what, survey.now)
        .fact("of server time", route.share, Unit::Ratio)
        .fact("of its requests", route.demand, Unit::RequestsPerSecond)
        .fact("a request takes, against the others", route.weight, Unit::Factor)
        .sure(0.6, "from time and requests by route");
    advice.urgency = Urgency::Eventually;
    advice.not_approvable = "a deployment and a routing rule of its own".into();
    Some(advice)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fleet, has, id, now};
    use super::*;
    use crate::signals::SignalKind as K;

    fn fleet(weight: f64) -> Fleet {
        let mut fleet = Fleet::default();
        let hold = Verdict::Hold { why: String::new() };
        fleet.add("checkout", &[(K::Demand, 100.0)]).replicas(4, 2, 8).planned(30.0, hold);
        let who = id("checkout");
        fleet.parts = std::mem::take(&mut fleet.parts)
            .with(Some(&who), PartKind::RouteDemand, now(), &[("/pay", 80.0), ("/upsell", 20.0)])
            .with(Some(&who), PartKind::RouteTime, now(), &[("/pay", 8.0), ("/upsell", 2.0 * weight)]);
        fleet
    }

    #[test]
    fn sheds_what_was_declared_optional_only_when_pressed() {
        let mut fleet = fleet(1.0);
        fleet.items[0].declared.optional_routes = vec!["/upsell".into()];
        assert!(fleet.report(advise).advice.is_empty(), "capacity comes in time");
        fleet.items[0].plan.as_mut().unwrap().exhaustion = Exhaustion::Now;
        let report = fleet.report(advise);
        assert!(has(&report, "shed /upsell first: frees 20 %") && report.lacks.is_empty());
        // 120 rps at C(N); without 20 % of the work 150 of the others.
        assert!((report.advice[0].effect.as_ref().unwrap().quantity.value - 30.0).abs() < 1e-9);
    }

    #[test]
    fn without_a_declaration_it_says_how_unsure_it_is() {
        let mut fleet = fleet(2.0);
        fleet.items[0].plan.as_mut().unwrap().exhaustion = Exhaustion::Now;
        let report = fleet.report(advise);
        assert!(has(&report, "/upsell") && report.advice[0].confidence < 0.5);
        assert!(report.lacks[0].provide.contains("optional_routes"));
    }

    #[test]
    fn a_heavy_route_is_run_apart() {
        assert!(has(&fleet(5.0).report(advise), "run /upsell as a workload of its own"));
        assert!(fleet(1.2).report(advise).advice.is_empty());
    }
}
