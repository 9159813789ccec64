//! Regions: whether the others could carry one that fails, what moving demand would cost, where and when peaks come.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::fleet::Region;
use crate::series::Unit;
use crate::signals::{PartKind, SignalKind};

use super::Dimension;
use super::advice::{Advice, Lack, Report, Urgency};
use super::survey::{Member, Survey};

/// A region is strained with less room than this, and has room to give with more than that.
const STRAINED: f64 = 0.1;
const ROOMY: f64 = 0.3;
/// Share of a strained region's demand that the what-if moves.
const MOVED: f64 = 0.1;
/// Light in fibre covers this many km in a second; cables are longer than great circles by about half.
const FIBRE: f64 = 200_000.0;
const DETOUR: f64 = 1.5;

/// One service's workloads by region.
type Service<'a, 'b> = Vec<&'b Member<'a>>;

/// Looks at every service that runs in more than one region.
pub fn advise(survey: &Survey<'_>) -> Report {
    let mut report = Report::new(Dimension::Geographical, "services in several regions");
    let mut services: BTreeMap<(&str, &str), Service<'_, '_>> = BTreeMap::new();
    for member in &survey.members {
        let id = &member.workload.id;
        if !id.region.is_empty() && member.workload.replicas.is_some() && member.demand().is_some() {
            services.entry((&id.namespace, &member.workload.service)).or_default().push(member);
        }
    }
    let regions = services.values().flatten().count();
    services.retain(|_, members| members.len() > 1);
    report.judged = services.len();
    if regions == 0 {
        let line = "[[scrape]] url = \"…\"  labels = { region = \"eu-west\" }";
        report.lack(Lack::setting("a region label on the metrics", line));
    }
    if survey.members.iter().all(|m| survey.parts(m, PartKind::OriginRoundTrip).is_empty()) {
        report.lack(Lack::part(survey.catalogue, PartKind::OriginRoundTrip));
    }
    if survey.fleet_parts(PartKind::EgressPrice).is_empty() {
        report.lack(Lack::part(survey.catalogue, PartKind::EgressPrice));
    }
    let mut peaks = Vec::new();
    let mut left_out = Vec::new();
    for members in services.values() {
        left_out.extend(other_cause(members).map(|(m, cause)| format!("{}: {cause}", m.workload.id)));
        report.advice.extend(survive(survey, members));
        report.advice.extend(moving(survey, members));
        peaks.extend(members.iter().filter_map(|m| local_peak(survey, m)));
    }
    report.fine =
        format!("any one region can fail{}", peaks.first().map_or_else(String::new, |p| format!("; {p}")));
    report.left_out(&left_out);
    report
}

/// The first of `members` with something wrong that capacity would not cure, in whichever region.
fn other_cause<'b>(members: &Service<'_, 'b>) -> Option<(&'b Member<'b>, &'b str)> {
    members.iter().find_map(|m| Some((*m, m.other_cause()?)))
}

/// `checkout@eu-west peaks at 19:40 local time`.
fn local_peak(survey: &Survey<'_>, member: &Member<'_>) -> Option<String> {
    let (at, _) = member.peak(survey.now)?;
    let zone = zone(survey, &member.workload.id.region)?;
    let local = zone.to_datetime(at.to_jiff());
    Some(format!("{} peaks at {:02}:{:02} local time", member.workload.id, local.hour(), local.minute()))
}

fn zone(survey: &Survey<'_>, region: &str) -> Option<TimeZone> {
    let placed = survey.regions.iter().find(|r| r.name == region)?;
    TimeZone::get(&placed.time_zone).ok()
}

/// Whether data of `member`'s service may be in `region`: a hard rule.
fn may_be_in(member: &Member<'_>, region: &str) -> bool {
    let allowed = &member.declared.residency;
    allowed.is_empty() || allowed.iter().any(|r| r == region)
}

/// If the largest region fails its demand arrives at the others in equal parts: do their maxima allow for that?
fn survive(survey: &Survey<'_>, members: &Service<'_, '_>) -> Option<Advice> {
    let at_peak = |m: &Member<'_>| m.demand().map(|d| m.peak(survey.now).map_or(d, |(_, p)| p.max(d)));
    let lost =
        members.iter().max_by(|a, b| at_peak(a).unwrap_or(0.0).total_cmp(&at_peak(b).unwrap_or(0.0)))?;
    let from = &*lost.workload.id.region;
    let allowed: Vec<&&Member<'_>> = members
        .iter()
        .filter(|m| m.workload.id != lost.workload.id && may_be_in(lost, &m.workload.id.region))
        .collect();
    let demand = at_peak(lost)?;
    if allowed.is_empty() {
        let what = format!(
            "nothing may take over if {from} fails: its data may not be in another region that serves it"
        );
        let mut advice = Advice::on(Dimension::Geographical, &lost.workload.id, what, survey.now)
            .fact("demand without a home then", demand, Unit::RequestsPerSecond)
            .sure(1.0, "the residency rule as declared");
        advice.not_approvable =
            "a residency rule is kept: capacity in another allowed region is a decision of its owner".into();
        advice.urgency = Urgency::Soon;
        return Some(advice);
    }
    // Its demand is not what users ask for, or a replica does not hold what it used to: neither says what is needed.
    if other_cause(members).is_some() {
        return None;
    }
    let part = demand / allowed.len() as f64;
    let short = allowed.iter().filter_map(|m| {
        let capacity = m.plan?.capacity.as_ref()?;
        let need = capacity.need(at_peak(m)? + part)?;
        let max = m.workload.replicas?.max?;
        (need > max).then_some((m, need, max))
    });
    let (member, need, max) = short.max_by_key(|(_, need, max)| need - max)?;
    let what = format!(
        "raise the autoscaler's maximum {max} → {need} in {}, or {from} cannot fail at its peak without loss",
        member.workload.id.region
    );
    let mut advice = Advice::on(Dimension::Geographical, &member.workload.id, what, survey.now)
        .fact(&format!("peak of {from}"), demand, Unit::RequestsPerSecond)
        .fact("of which would arrive here", part, Unit::RequestsPerSecond)
        .fact("own peak", at_peak(member).unwrap_or(0.0), Unit::RequestsPerSecond)
        .fact("replicas needed then", f64::from(need), Unit::Count)
        .fact("replicas allowed", f64::from(max), Unit::Count)
        .sure(0.7, "users of a lost region go to the others in equal parts");
    advice.urgency = Urgency::Soon;
    advice.not_approvable =
        "a maximum is the autoscaler owner's; it costs nothing until a region fails".into();
    Some(advice)
}

/// What moving a tenth of a strained region's demand to a roomy one would cost in time and money.
fn moving(survey: &Survey<'_>, members: &Service<'_, '_>) -> Option<Advice> {
    // What is wrong here would be sent there as well.
    if other_cause(members).is_some() {
        return None;
    }
    let room = |m: &Member<'_>| m.plan.and_then(|p| p.headroom);
    let strained = members.iter().filter(|m| room(m).is_some_and(|h| h < STRAINED));
    let from = strained.min_by(|a, b| room(a).unwrap_or(1.0).total_cmp(&room(b).unwrap_or(1.0)))?;
    let (here, moved) = (&*from.workload.id.region, from.demand()? * MOVED);
    let fits = |m: &&&Member<'_>| {
        let spare = m.capacity().zip(m.demand()).map(|(c, d)| c * (1.0 - STRAINED) - d);
        room(m).is_some_and(|h| h >= ROOMY) && spare.is_some_and(|s| s >= moved)
    };
    let others = || members.iter().filter(|m| m.workload.id != from.workload.id);
    let to = others()
        .filter(fits)
        .filter(|m| may_be_in(from, &m.workload.id.region))
        .min_by(|a, b| trip(survey, from, a).0.total_cmp(&trip(survey, from, b).0));
    let Some(to) = to else {
        let barred: Vec<&str> =
            others().filter(fits).map(|m| &*m.workload.id.region).filter(|r| !may_be_in(from, r)).collect();
        return (!barred.is_empty()).then(|| refusal(survey, from, &barred));
    };
    let there = &*to.workload.id.region;
    let (rtt, how) = trip(survey, from, to);
    let size = from.signals.fresh(SignalKind::ResponseSize);
    let price =
        survey.fleet_parts(PartKind::EgressPrice).iter().find(|(r, _)| &**r == there).map(|(_, p)| *p);
    let dollars = size.zip(price).map(|(s, p)| moved * s * 3600.0 / 1_073_741_824.0 * p);
    let what = format!("if it gets worse, send {:.0} % of {here}'s users to {there}", MOVED * 100.0);
    let mut advice = Advice::on(Dimension::Geographical, &from.workload.id, what, survey.now)
        .fact("demand moved", moved, Unit::RequestsPerSecond)
        .fact("slower for those moved by", rtt, Unit::Seconds)
        .fact_if("room here", room(from), Unit::Ratio)
        .fact_if("room there", room(to), Unit::Ratio)
        .fact_if("p95 here", from.signals.fresh(SignalKind::LatencyP95), Unit::Seconds)
        .fact_if("p95 there", to.signals.fresh(SignalKind::LatencyP95), Unit::Seconds)
        .fact_if("egress", dollars, Unit::DollarsPerHour)
        .sure(if how == MEASURED { 0.7 } else { 0.4 }, how);
    advice.saving = dollars.map(|d| -d);
    advice.urgency = Urgency::Soon;
    advice.not_approvable =
        "traffic weights are DNS's or the global load balancer's: no provider writes them".into();
    Some(advice)
}

fn refusal(survey: &Survey<'_>, from: &Member<'_>, barred: &[&str]) -> Advice {
    let what = format!("add capacity here: {} has room but may not hold this data", barred.join(", "));
    let mut advice = Advice::on(Dimension::Geographical, &from.workload.id, what, survey.now)
        .fact_if("room here", from.plan.and_then(|p| p.headroom), Unit::Ratio)
        .sure(1.0, "the residency rule as declared");
    advice.urgency = Urgency::Soon;
    advice.not_approvable = "a residency rule is never traded for latency".into();
    advice
}

const MEASURED: &str = "round trip measured by probes";
const ESTIMATED: &str = "round trip estimated from the distance: light in fibre, cables half as long again";
const GUESSED: &str = "round trip not known: neither probes nor places of both regions; 100 ms assumed";

/// Round trip from users in `from`'s region to `to`, seconds, and how that is known.
fn trip(survey: &Survey<'_>, from: &Member<'_>, to: &Member<'_>) -> (f64, &'static str) {
    let (here, there) = (&from.workload.id.region, &to.workload.id.region);
    let probes = survey.parts(to, PartKind::OriginRoundTrip);
    if let Some((_, seconds)) = probes.iter().find(|(r, _): &&(Arc<str>, f64)| r == here) {
        return (*seconds, MEASURED);
    }
    let place = |name: &str| survey.regions.iter().find(|r| r.name == name);
    match place(here).zip(place(there)) {
        Some((a, b)) => (2.0 * kilometres(a, b) * DETOUR / FIBRE, ESTIMATED),
        None => (0.1, GUESSED),
    }
}

/// Great-circle distance (haversine) on a sphere of 6 371 km.
fn kilometres(a: &Region, b: &Region) -> f64 {
    let (lat_a, lat_b) = (a.latitude.to_radians(), b.latitude.to_radians());
    let (dlat, dlon) = (lat_b - lat_a, (b.longitude - a.longitude).to_radians());
    let h = (dlat / 2.0).sin().powi(2) + lat_a.cos() * lat_b.cos() * (dlon / 2.0).sin().powi(2);
    2.0 * 6371.0 * h.sqrt().min(1.0).asin()
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::super::fixture::{Fleet, has, id, now};
    use super::*;
    use crate::signals::SignalKind as K;

    fn region(name: &str, zone: &str, latitude: f64, longitude: f64) -> Region {
        Region { name: name.into(), time_zone: zone.into(), latitude, longitude }
    }

    fn fleet(eu: f64, us: f64) -> Fleet {
        let mut fleet = Fleet::default();
        let hold = || Verdict::Hold { why: String::new() };
        fleet
            .add("checkout@eu", &[(K::Demand, eu), (K::ResponseSize, 20_000.0)])
            .replicas(10, 2, 12)
            .planned(100.0, hold());
        fleet.add("checkout@us", &[(K::Demand, us)]).replicas(10, 2, 12).planned(100.0, hold());
        for item in &mut fleet.items {
            item.workload.service = "checkout".into();
        }
        fleet.regions = vec![
            region("eu", "Europe/Dublin", 53.35, -6.26),
            region("us", "America/New_York", 38.95, -77.45),
        ];
        fleet
    }

    #[test]
    fn distance_and_round_trip_have_worked_numbers() {
        let fleet = fleet(1.0, 1.0);
        // Dublin to Ashburn: 5 460 km; 2 · 5 460 · 1.5 / 200 000 = 82 ms, about what is measured (75 to 85 ms).
        let km = kilometres(&fleet.regions[0], &fleet.regions[1]);
        assert!((5400.0..5520.0).contains(&km), "{km}");
    }

    #[test]
    fn the_other_region_must_be_able_to_take_over() {
        // 700 arrive beside 600 of its own: 13 replicas of 12 allowed.
        let report = fleet(700.0, 600.0).report(advise);
        assert!(has(&report, "raise the autoscaler's maximum 12 → 13 in us"), "{report:?}");
        let report = fleet(500.0, 600.0).report(advise);
        assert!(report.advice.is_empty() && report.fine.starts_with("any one region can fail"));
    }

    #[test]
    fn nothing_is_moved_or_raised_while_something_else_is_wrong() {
        for (eu, us) in [(700.0, 600.0), (950.0, 100.0)] {
            let mut storm = fleet(eu, us);
            assert!(!storm.report(advise).advice.is_empty());
            storm.items[0].plan.as_mut().unwrap().verdict = super::super::fixture::storm();
            let report = storm.report(advise);
            assert!(report.advice.is_empty(), "{report:?}");
            assert!(report.fine.ends_with("left out: shop/checkout@eu: retry storm"), "{}", report.fine);
        }
    }

    #[test]
    fn moving_demand_has_a_price_in_time_and_money() {
        let mut fleet = fleet(950.0, 100.0);
        fleet.parts = std::mem::take(&mut fleet.parts)
            .with(None, PartKind::EgressPrice, now(), &[("us", 0.02)])
            .with(Some(&id("checkout@us")), PartKind::OriginRoundTrip, now(), &[("eu", 0.078)]);
        let report = fleet.report(advise);
        assert!(has(&report, "send 10 % of eu's users to us"), "{report:?}");
        // 95 rps · 20 kB · 3600 s = 6.37 GiB/h at $0.02.
        assert!((report.advice[0].saving.unwrap() + 0.1274).abs() < 0.001);
        assert_eq!(report.advice[0].evidence[1].quantity.value, 0.078);
    }

    #[test]
    fn residency_is_never_traded() {
        let mut fleet = fleet(950.0, 100.0);
        fleet.items[0].declared.residency = vec!["eu".into()];
        let report = fleet.report(advise);
        assert!(!has(&report, "send 10 %"));
        assert!(has(&report, "add capacity here: us has room but may not hold this data"));
        assert!(has(&report, "nothing may take over if eu fails"));
    }
}
