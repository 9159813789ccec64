//! What a person must do now that is no approval: it stands above everything on every panel.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::fleet::WorkloadId;
use crate::plan::{Advice, Urgency, Verdict};

use super::ServiceRow;

/// The worst of them, and how many there are besides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// Which service it is and what to do, as one sentence; empty if there is nothing.
    pub text: String,
    /// Others.
    pub others: usize,
}

/// What must be done now, of the service table and the advice. First what is no scaling problem, by how fast the error
/// budget burns: more replicas would not help there, and a proposal for another service must not draw attention from it.
/// Then advice that matters within the hour about services that no proposal is `open` for and no operation at work on.
pub fn alarm(rows: &[ServiceRow], advice: &[Advice], open: &BTreeSet<&WorkloadId>) -> Alarm {
    let burn = |row: &ServiceRow| row.burn.m5.unwrap_or(0.0);
    let mut sick: Vec<(&ServiceRow, String)> = rows
        .iter()
        .filter_map(|row| match &row.verdict {
            Verdict::NotScaling { cause, advice, .. } => {
                Some((row, format!("{} is not a scaling problem. {cause}: {advice}", row.workload)))
            }
            _ => None,
        })
        .collect();
    sick.sort_by(|(a, _), (b, _)| burn(b).total_cmp(&burn(a)));
    let told: BTreeSet<&WorkloadId> =
        sick.iter().map(|(row, _)| &row.workload).chain(open.iter().copied()).collect();
    let pressing = advice.iter().filter(|a| a.urgency == Urgency::Now);
    let pressing = pressing.filter(|a| a.workload.as_ref().is_none_or(|id| !told.contains(id)));
    let mut seen = BTreeSet::new();
    let pressing = pressing.filter(|a| seen.insert(&a.subject)).map(|a| format!("{}: {}", a.subject, a.what));
    let mut all = sick.into_iter().map(|(_, text)| text).chain(pressing);
    all.next().map_or_else(Alarm::default, |text| Alarm { text, others: all.count() })
}

#[cfg(test)]
mod tests {
    use super::*;
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
    fn the_worst_that_no_approval_helps_comes_first() {
        let view = fixture::view();
        let [a, b, c] = [0, 1, 2].map(|i| &view.services.data[i]);
        let now = |row: &ServiceRow, what: &str| Advice {
            urgency: Urgency::Now,
            ..Advice::on(Dimension::Performance, &row.workload, what.into(), Timestamp::from_secs(0))
        };
        let nothing = alarm(&view.services.data, &[], &BTreeSet::new());
        assert_eq!(nothing, Alarm::default());
        let advice = [now(c, "raise the pool"), now(c, "and more"), now(b, "do something")];
        let open = BTreeSet::from([&b.workload]);
        let given = alarm(&[a.clone(), b.clone()], &advice, &open);
        assert_eq!(given, Alarm { text: format!("{}: raise the pool", c.workload), others: 0 });
        let rows = [sick(a, 2.0, "retry storm"), sick(b, 70.0, "v2 costs more")];
        let given = alarm(&rows, &advice, &open);
        let text = format!("{} is not a scaling problem. v2 costs more: roll it back", b.workload);
        assert_eq!(given, Alarm { text, others: 2 });
    }
}
