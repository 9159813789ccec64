//! What a person must do now that is no approval: it stands above everything on every panel.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::fleet::WorkloadId;
use crate::plan::guardrails::REFUSED;
use crate::plan::{Advice, Exhaustion, Urgency, Verdict};

use super::{RegionView, ServiceRow};

/// The worst of them, and how many there are besides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// Which service it is and what to do, as one sentence; empty if there is nothing.
    pub text: String,
    /// Others.
    pub others: usize,
}

/// What must be done now, of the service table and the advice. First regions that are dark, each with all its services:
/// nothing else is as bad, and one sentence says it. Then what is no scaling problem, by how fast the error
/// budget burns: more replicas would not help there, and a proposal for another service must not draw attention from it.
/// Then what is short and cannot get more by the platform's own rules.
/// Then services that are not seen because a source is `failing`, with what it says. Then advice that matters within the hour about services that no proposal is `open` for and no operation at work on.
pub fn alarm(
    rows: &[ServiceRow],
    regions: &[RegionView],
    advice: &[Advice],
    open: &BTreeSet<&WorkloadId>,
    failing: &[String],
) -> Alarm {
    let dark: Vec<(&str, String)> =
        regions.iter().filter_map(|r| Some((r.region.name.as_str(), without(r, rows)?))).collect();
    let is_dark = |row: &ServiceRow| dark.iter().any(|(name, _)| **name == *row.workload.region);
    let burn = |row: &ServiceRow| row.burn.m5.unwrap_or(0.0);
    let mut sick: Vec<(&ServiceRow, String)> = rows
        .iter()
        .filter(|row| !is_dark(row))
        .filter_map(|row| match &row.verdict {
            Verdict::NotScaling { cause, advice, .. } => {
                let cause = capital(cause);
                Some((row, format!("{} is not a scaling problem. {cause}: {advice}", row.workload)))
            }
            _ => None,
        })
        .collect();
    sick.sort_by(|(a, _), (b, _)| burn(b).total_cmp(&burn(a)));
    let refused = rows.iter().filter(|row| !is_dark(row) && row.exhaustion == Exhaustion::Now);
    let refused = refused.filter_map(|row| match &row.verdict {
        Verdict::Blocked { by, .. } if by.starts_with(REFUSED) => {
            Some((row, format!("{} is short of capacity; {by}", row.workload)))
        }
        _ => None,
    });
    sick.extend(refused);
    let darkened = rows.iter().filter(|row| is_dark(row)).map(|row| &row.workload);
    let told: BTreeSet<&WorkloadId> =
        sick.iter().map(|(row, _)| &row.workload).chain(open.iter().copied()).chain(darkened).collect();
    let pressing = advice.iter().filter(|a| a.urgency == Urgency::Now);
    let pressing = pressing.filter(|a| a.workload.as_ref().is_none_or(|id| !told.contains(id)));
    let mut seen = BTreeSet::new();
    let pressing = pressing.filter(|a| seen.insert(&a.subject)).map(|a| format!("{}: {}", a.subject, a.what));
    let regions = dark.iter().map(|(_, text)| text.clone());
    let unseen = failing.first().and_then(|error| {
        let n = rows.iter().filter(|row| row.is_blind() && !is_dark(row)).count();
        let services = if n == 1 { "1 service is" } else { &format!("{n} services are") };
        (n > 0).then(|| format!("{services} not seen now: {error}"))
    });
    let mut all = regions.chain(sick.into_iter().map(|(_, text)| text)).chain(unseen).chain(pressing);
    all.next().map_or_else(Alarm::default, |text| Alarm { text, others: all.count() })
}

/// `region eu-west is dark since 06:36 UTC: 0 of 10 replicas are ready (no node there)`; nothing of a region that is not.
fn without(region: &RegionView, rows: &[ServiceRow]) -> Option<String> {
    let dark = region.dark.as_ref()?;
    let since = dark.since.map(|at| format!(" since {} UTC", at.to_jiff().strftime("%H:%M")));
    let here = rows.iter().filter(|row| *row.workload.region == *region.region.name);
    let mut why = here.filter_map(|row| match &row.verdict {
        Verdict::NotScaling { cause, .. } => cause.split_once('(').map(|(_, why)| format!(" ({why}")),
        _ => None,
    });
    Some(format!(
        "region {} is dark{}: 0 of {} replicas are ready{}",
        region.region.name,
        since.unwrap_or_default(),
        dark.desired,
        why.next_back().unwrap_or_default()
    ))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().collect::<String>());
    first.unwrap_or_default() + letters.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::Region;
    use crate::plan::Dimension;
    use crate::screen::fixture;
    use crate::series::Timestamp;

    fn sick(row: &ServiceRow, burn: f64, cause: &str) -> ServiceRow {
        let mut row = row.clone();
        row.burn.m5 = Some(burn);
        row.verdict =
            Verdict::NotScaling { cause: cause.into(), evidence: Vec::new(), advice: "roll it back".into() };
        row
    }

    #[test]
    fn a_dark_region_is_said_once_for_all_that_was_there() {
        let view = fixture::view();
        let place =
            Region { name: "ap-southeast".into(), time_zone: "UTC".into(), latitude: 0.0, longitude: 0.0 };
        let since = Timestamp::from_secs(23_760);
        let region = RegionView {
            region: place,
            placed: false,
            local_time: String::new(),
            demand: None,
            p95: None,
            apdex: None,
            headroom: None,
            locale: None,
            cost: None,
            workloads: 2,
            unseen: 2,
            stale: true,
            dark: Some(crate::view::Dark { since: Some(since), desired: 10 }),
        };
        let name = region.region.name.clone();
        let mut rows = [sick(&view.services.data[0], 1.0, "replicas do not become ready (no node there)"); 1];
        rows[0].workload.region = name.as_str().into();
        let failing = ["http://a: cannot connect".to_owned()];
        let given = alarm(&rows, &[region], &[], &BTreeSet::new(), &failing);
        let text =
            format!("region {name} is dark since 06:36 UTC: 0 of 10 replicas are ready (no node there)");
        assert_eq!(given, Alarm { text, others: 0 });
    }

    #[test]
    fn who_is_not_seen_is_counted_with_the_reason() {
        let view = fixture::view();
        let mut rows = view.services.data.clone();
        let failing = ["http://a: cannot connect".to_owned()];
        let given =
            |rows: &[ServiceRow], failing: &[String]| alarm(rows, &[], &[], &BTreeSet::new(), failing).text;
        assert_eq!(given(&rows, &failing), "", "all are seen");
        rows[0].demand.freshness = crate::view::Freshness::Stale;
        rows[0].demand.age = crate::view::OLD * 2;
        assert_eq!(given(&rows, &failing), "1 service is not seen now: http://a: cannot connect");
        assert_eq!(given(&rows, &[]), "", "nothing fails that could be mended");
    }

    #[test]
    fn the_worst_that_no_approval_helps_comes_first() {
        let view = fixture::view();
        let [a, b, c] = [0, 1, 2].map(|i| &view.services.data[i]);
        let now = |row: &ServiceRow, what: &str| Advice {
            urgency: Urgency::Now,
            ..Advice::on(Dimension::Performance, &row.workload, what.into(), Timestamp::from_secs(0))
        };
        let nothing = alarm(&view.services.data, &view.regions.data, &[], &BTreeSet::new(), &[]);
        assert_eq!(nothing, Alarm::default());
        let advice = [now(c, "raise the pool"), now(c, "and more"), now(b, "do something")];
        let open = BTreeSet::from([&b.workload]);
        let given = alarm(&[a.clone(), b.clone()], &[], &advice, &open, &[]);
        assert_eq!(given, Alarm { text: format!("{}: raise the pool", c.workload), others: 0 });
        let rows = [sick(a, 2.0, "retry storm"), sick(b, 70.0, "v2 costs more")];
        let given = alarm(&rows, &[], &advice, &open, &[]);
        let text = format!("{} is not a scaling problem. V2 costs more: roll it back", b.workload);
        assert_eq!(given, Alarm { text, others: 2 });
    }
}
