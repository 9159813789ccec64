//! Demand below what is usual: floors that are held for it in vain, and minimums that could be lower while it lasts.

use std::time::Duration;

use crate::series::Unit;

use super::Dimension;
use super::advice::{Advice, Urgency};
use super::survey::{Member, Survey};

/// A dip that is younger may be over in a moment.
const LASTING: Duration = Duration::from_secs(30 * 60);
/// What is left must hold the highest demand of this …
const AHEAD: Duration = Duration::from_secs(2 * 3600);
/// … with this room above it.
const RESERVE: f64 = 1.15;

/// What a dip of a member's demand allows, if one has lasted and its forecast sees no end of it within two hours.
/// Nothing is proposed from it: what made demand fall may bring all of it back at once.
pub(super) fn advice(survey: &Survey<'_>, member: &Member<'_>) -> Option<Advice> {
    let now = survey.now;
    let dip = member.around.dip.filter(|dip| now.since(dip.since) >= LASTING)?;
    let demand = member.demand()?;
    let replicas = member.workload.replicas?;
    let capacity = member.plan?.capacity.as_ref()?;
    let fan = member.forecast.fan().filter(|fan| fan.own_end() >= now + AHEAD)?;
    let peak = fan.peak(0.99, now, now + AHEAD).map_or(demand, |(_, p)| p.max(demand));
    let enough = capacity.need(peak * RESERVE)?.max(1);
    let usual = capacity.need(demand / dip.factor.max(0.01))?;
    let down = (1.0 - dip.factor) * 100.0;
    let (floor, what, how) = match member.floor {
        Some((floor, _)) if floor > enough => (
            floor,
            format!(
                "give the floor of {floor} back early: {enough} hold what comes while demand is {down:.0} % down"
            ),
            "weescale release OP, or `x` on the lease: your floor, your decision",
        ),
        Some(_) => return None,
        None => {
            let min = replicas.min.filter(|min| *min > enough)?;
            (
                min,
                format!("lower the minimum from {min} to {enough} while demand is {down:.0} % down"),
                "weescale raises floors and gives them back; a lower minimum is its owner's to set",
            )
        }
    };
    let mut advice = Advice::on(Dimension::Horizontal, &member.workload.id, what, now)
        .fact("of what is usual", dip.factor, Unit::Ratio)
        .fact("replicas that usual demand needs", f64::from(usual), Unit::Count)
        .fact("highest demand of the next 2 h at quantile 0.99", peak, Unit::RequestsPerSecond)
        .sure(0.5, "demand that fell because something before it fails comes back at once");
    advice.saving = member.workload.pod.dollars_per_hour.map(|p| p * f64::from(floor - enough));
    advice.urgency = Urgency::Eventually;
    advice.not_approvable = how.into();
    Some(advice)
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::super::binding::advise;
    use super::super::fixture::{Fleet, has, now};
    use super::*;
    use crate::forecast::burst::Dip;
    use crate::signals::SignalKind as K;

    /// 300 rps where 600 are usual, for so many minutes; a replica holds 100.
    fn fleet(minutes: u64) -> Fleet {
        let mut fleet = Fleet::default();
        let hold = Verdict::Hold { why: String::new() };
        let item = fleet.add("checkout", &[(K::Demand, 300.0)]);
        item.replicas(8, 8, 20).planned(100.0, hold).fan(300.0, (9, 10));
        item.workload.pod.dollars_per_hour = Some(0.1);
        item.around.dip = Some(Dip { since: now() - Duration::from_secs(60 * minutes), factor: 0.5 });
        fleet
    }

    #[test]
    fn a_lasting_dip_is_a_lower_minimum_or_a_floor_given_back() {
        // The 99 % quantile of the next two hours is 300 · 1.49 = 447; with 15 % of room 514 rps: six replicas.
        let report = fleet(45).report(advise);
        assert!(has(&report, "lower the minimum from 8 to 6 while demand is 50 % down"), "{report:?}");
        let advice = report.advice.iter().find(|a| a.what.contains("lower")).unwrap();
        assert!((advice.saving.unwrap() - 0.2).abs() < 1e-9);
        assert_eq!(advice.evidence[1].quantity.value, 6.0, "600 rps are usual");
        let mut held = fleet(45);
        held.items[0].floor = Some((8, now() + AHEAD));
        assert!(has(&held.report(advise), "give the floor of 8 back early: 6 hold what comes"));
        held.items[0].floor = Some((6, now() + AHEAD));
        assert!(held.report(advise).advice.is_empty(), "what is held is needed");
    }

    #[test]
    fn a_young_dip_or_one_that_ends_soon_is_left_alone() {
        assert!(fleet(20).report(advise).advice.is_empty());
        let mut ends = fleet(45);
        ends.items[0].fan(300.0, (1, 3));
        assert!(ends.report(advise).advice.iter().all(|a| !a.what.contains("lower")));
    }
}
