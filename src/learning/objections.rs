//! Why people rejected proposals, each reason with who learns from it (`algorithms.md` §15): what is said of the next one.

use std::collections::VecDeque;
use std::time::Duration;

use crate::fleet::WorkloadId;
use crate::proposal::{Proposal, ProposalId, RejectReason};
use crate::series::Timestamp;

use super::approvals::service_of;
use super::{quarter_of, weekday_of};

/// What is remembered.
const SPAN: Duration = Duration::from_secs(90 * 86_400);
/// Rejections held.
const MOST: usize = 2_000;

/// One rejection.
#[derive(Clone, Debug)]
struct Objection {
    proposal: ProposalId,
    service: WorkloadId,
    reason: RejectReason,
    made: Timestamp,
    /// What a minute short that it avoids would have cost, $; `None` without a price, or where it avoids none.
    dollars_a_minute: Option<f64>,
}

/// Rejections by reason.
#[derive(Clone, Debug, Default)]
pub struct Objections {
    held: VecDeque<Objection>,
}

/// $ that a proposal asks for each minute short it is expected to avoid; `None` without a price, or where it avoids none.
pub fn dollars_a_minute(p: &Proposal) -> Option<f64> {
    let avoided = p.experience.minutes_short_without? - p.experience.minutes_short_with?;
    let cost = p.cost.lease_total.or_else(|| p.cost.per_hour())?;
    (avoided > 0.0 && cost > 0.0).then(|| cost / avoided).filter(|price| price.is_finite())
}

impl Objections {
    /// Notes a rejection.
    pub fn note(&mut self, p: &Proposal, reason: RejectReason) {
        while self.held.len() >= MOST {
            self.held.pop_front();
        }
        self.held.push_back(Objection {
            proposal: p.id.clone(),
            service: service_of(&p.workload),
            reason,
            made: p.created,
            dollars_a_minute: dollars_a_minute(p),
        });
    }

    /// What earlier rejections of the same service say of a proposal, a sentence for each reason that was given. `needed`
    /// tells of an earlier proposal whether it turned out to be needed, as far as that is known.
    pub fn sentences(&self, p: &Proposal, needed: impl Fn(&ProposalId) -> Option<bool>) -> Vec<String> {
        let service = service_of(&p.workload);
        let lately = |o: &&Objection| o.service == service && p.created.since(o.made) <= SPAN;
        let held: Vec<&Objection> = self.held.iter().filter(lately).collect();
        let of = |reason| held.iter().filter(move |o| o.reason == reason);
        let judged = |reason| {
            let known: Vec<bool> = of(reason).filter_map(|o| needed(&o.proposal)).collect();
            (known.iter().filter(|needed| !**needed).count(), known.len())
        };
        let mut told = Vec::new();
        let disputed = of(RejectReason::WrongForecast).count();
        if disputed > 0 {
            let (right, known) = judged(RejectReason::WrongForecast);
            told.push(format!(
                "its forecast was called wrong {}, and was in {right} of {known} judged",
                times(disputed)
            ));
        }
        if let Some(price) = median(of(RejectReason::TooCostly).filter_map(|o| o.dollars_a_minute).collect())
        {
            let this =
                dollars_a_minute(p).map_or_else(String::new, |this| format!("; this one asks ${this:.2}"));
            told.push(format!("too costly at ${price:.2} a minute short avoided (median){this}"));
        }
        let hours = |o: &&&Objection| quarter_of(o.made) == quarter_of(p.created);
        let at = of(RejectReason::BadTime).filter(hours).count();
        if at > 0 {
            let days = of(RejectReason::BadTime).filter(hours);
            let same = days.filter(|o| weekday_of(o.made) == weekday_of(p.created)).count();
            told.push(format!(
                "a bad time {} in these hours of the day, {} on this weekday",
                times(at),
                times(same)
            ));
        }
        let others = of(RejectReason::OtherWork).count();
        if others > 0 {
            let (solved, known) = judged(RejectReason::OtherWork);
            told.push(format!(
                "other work was to solve it {}, and did in {solved} of {known} judged",
                times(others)
            ));
        }
        let distrusted = of(RejectReason::NotTrusted).count();
        if distrusted > 0 {
            told.push(format!("not trusted {}: that counts against its earned autonomy", times(distrusted)));
        }
        told
    }
}

fn times(n: usize) -> String {
    match n {
        1 => "once".to_owned(),
        n => format!("{n} times"),
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use crate::plan::{CostDelta, ExperienceDelta};

    use super::*;

    fn proposal(id: &str, hours: i64) -> Proposal {
        let cart = WorkloadId::new("shop", "cart", "");
        Proposal {
            id: ProposalId::new(id),
            cost: CostDelta { now: Some(1.0), after: Some(3.0), lease_total: Some(6.0) },
            experience: ExperienceDelta {
                minutes_short_without: Some(14.0),
                minutes_short_with: Some(2.0),
                ..ExperienceDelta::default()
            },
            ..Proposal::example(&cart, 4, Timestamp::from_secs(hours * 3600))
        }
    }

    #[test]
    fn each_reason_goes_to_who_learns_from_it() {
        let mut objections = Objections::default();
        objections.note(&proposal("p-1", 7), RejectReason::WrongForecast);
        objections.note(&proposal("p-2", 8), RejectReason::WrongForecast);
        objections.note(&proposal("p-3", 9), RejectReason::TooCostly);
        // The same hours of the next day, and of the same weekday; the third is in the evening.
        objections.note(&proposal("p-4", 24 + 7), RejectReason::BadTime);
        objections.note(&proposal("p-5", 7 * 24 + 8), RejectReason::BadTime);
        objections.note(&proposal("p-6", 20), RejectReason::BadTime);
        objections.note(&proposal("p-7", 7), RejectReason::OtherWork);
        objections.note(&proposal("p-8", 7), RejectReason::NotTrusted);
        let needed = |id: &ProposalId| match id.as_str() {
            "p-1" => Some(false),
            "p-2" | "p-7" => Some(true),
            _ => None,
        };
        let next = proposal("p-9", 14 * 24 + 9);
        assert_eq!(
            objections.sentences(&next, needed),
            [
                "its forecast was called wrong 2 times, and was in 1 of 2 judged",
                "too costly at $0.50 a minute short avoided (median); this one asks $0.50",
                "a bad time 2 times in these hours of the day, once on this weekday",
                "other work was to solve it once, and did in 0 of 1 judged",
                "not trusted once: that counts against its earned autonomy",
            ]
        );
        let elsewhere = Proposal { workload: WorkloadId::new("shop", "pay", ""), ..next.clone() };
        assert!(objections.sentences(&elsewhere, needed).is_empty());
        let late = proposal("p-10", 100 * 24);
        assert!(objections.sentences(&late, needed).is_empty(), "what is old is forgotten");
    }

    #[test]
    fn what_has_no_price_or_avoids_nothing_says_nothing_of_cost() {
        let mut free = proposal("p-1", 7);
        free.experience.minutes_short_without = None;
        assert_eq!(dollars_a_minute(&free), None);
        let mut objections = Objections::default();
        objections.note(&free, RejectReason::TooCostly);
        assert!(objections.sentences(&proposal("p-2", 8), |_| None).is_empty());
        for i in 0..MOST + 10 {
            objections.note(&proposal(&format!("p-{i}"), 7), RejectReason::BadTime);
        }
        assert_eq!(objections.held.len(), MOST);
    }
}
