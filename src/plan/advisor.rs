//! Every planner that looks at the whole fleet, one after the other.

use super::advice::{Advice, Report, Urgency};
use super::survey::Survey;
use super::{
    binding, caching, consolidation, data, functional, geographical, intelligence, performance, spending,
    vertical,
};

/// Advices shown at most; the least urgent and least worth go first.
const MOST: usize = 60;

/// The planners, in the order of the specification. A new one is one file and one line here.
const PLANNERS: [fn(&Survey<'_>) -> Report; 10] = [
    binding::advise,
    vertical::advise,
    geographical::advise,
    functional::advise,
    data::advise,
    intelligence::advise,
    caching::advise,
    performance::advise,
    spending::advise,
    consolidation::advise,
];

/// What all planners say.
pub fn advise(survey: &Survey<'_>) -> Vec<Report> {
    PLANNERS.iter().map(|planner| planner(survey)).collect()
}

/// All advice of `reports`: most urgent first, then what saves most, then what is surest. Advice that was given before
/// keeps its `since`.
pub fn ranked(reports: &[Report], before: &[Advice]) -> Vec<Advice> {
    let mut all: Vec<Advice> = reports.iter().flat_map(|r| &r.advice).cloned().collect();
    for advice in &mut all {
        let key = advice.key();
        if let Some(known) = before.iter().find(|b| b.key() == key) {
            advice.since = known.since;
        }
    }
    let worth = |a: &Advice| a.saving.unwrap_or(0.0);
    all.sort_by(|a, b| {
        let urgent: std::cmp::Ordering = Urgency::cmp(&a.urgency, &b.urgency);
        urgent
            .then_with(|| worth(b).total_cmp(&worth(a)))
            .then_with(|| b.confidence.total_cmp(&a.confidence))
            .then_with(|| a.subject.cmp(&b.subject))
    });
    all.truncate(MOST);
    all
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::Dimension;
    use super::super::fixture::{Fleet, id, now};
    use super::*;

    #[test]
    fn an_empty_fleet_gets_a_report_of_every_dimension_and_no_advice() {
        let catalogue = crate::signals::Catalogue::embedded().unwrap();
        let fleet = Fleet::default();
        let survey = Survey {
            now: now(),
            members: Vec::new(),
            history: &fleet.history,
            parts: &fleet.parts,
            catalogue: &catalogue,
            regions: &[],
            learning: fleet.learning,
            money: fleet.money,
        };
        let reports = advise(&survey);
        let mut dimensions: Vec<Dimension> = reports.iter().map(|r| r.dimension).collect();
        dimensions.dedup();
        assert_eq!(dimensions.len(), PLANNERS.len());
        assert!(reports.iter().all(|r| r.advice.is_empty() && !r.sentence().is_empty()));
    }

    #[test]
    fn urgent_first_then_worth_and_since_is_kept() {
        let advice = |name: &str, urgency, saving| Advice {
            saving,
            urgency,
            ..Advice::on(Dimension::Cost, &id(name), format!("do {name}"), now())
        };
        let mut report = Report::new(Dimension::Cost, "x");
        report.advice = vec![
            advice("a", Urgency::Eventually, Some(9.0)),
            advice("b", Urgency::Now, None),
            advice("c", Urgency::Now, Some(1.0)),
        ];
        let earlier = Advice { since: now() - Duration::from_secs(60), ..report.advice[0].clone() };
        let ranked = ranked(&[report], &[earlier]);
        let order: Vec<&str> = ranked.iter().map(|a| a.subject.as_str()).collect();
        assert_eq!(order, ["shop/c", "shop/b", "shop/a"]);
        assert_eq!(ranked[2].since, now() - Duration::from_secs(60));
    }
}
