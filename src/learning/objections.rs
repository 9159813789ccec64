//! Why people rejected proposals, each reason with who learns from it (`algorithms.md` §15), and what that does to the next
//! one. Nothing is hidden by it, and what runs short is never put off:
//!
//! - wrong forecast: where what came proved the objection right, what rests on the service's forecasts ranks lower;
//! - too costly: what asks at least as much for a minute short ranks lower;
//! - bad time: in those hours what is alike and can wait waits for their end;
//! - don't trust: autonomy of the class is earned anew ([`Objections::distrusted`]);
//! - other work: it is left alone for a while, and nobody voted on it.
//!
//! An approval of what could have waited at the same hour, or of what costs as much, overrules what stood against it.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use crate::fleet::WorkloadId;
use crate::proposal::{Proposal, ProposalId, RejectReason};
use crate::series::Timestamp;

use super::approvals::{Act, Class, Why, service_of};
use super::{quarter_of, weekday_of};

/// What is remembered.
const SPAN: Duration = Duration::from_secs(90 * 86_400);
/// Rejections held.
const MOST: usize = 2_000;
/// Rejections as a bad time that make an hour one.
const FEWEST: usize = 2;
/// Ranks are lowered by no more than this factor, whatever was said.
const LOWEST: f64 = 0.25;
/// Length of a quarter of a day.
const QUARTER: Duration = Duration::from_secs(6 * 3600);
/// Services whose objections are told one by one.
const TOLD: usize = 12;

/// One rejection.
#[derive(Clone, Debug)]
struct Objection {
    proposal: ProposalId,
    workload: WorkloadId,
    service: WorkloadId,
    reason: RejectReason,
    made: Timestamp,
    act: Act,
    /// Whether more was proposed.
    raises: bool,
    /// What a minute short that it avoids would have cost, $; `None` without a price, or where it avoids none.
    dollars_a_minute: Option<f64>,
    /// Somebody approved since what this stood against.
    overruled: bool,
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

/// Whether two instants are in the same hours of the same kind of day: a quarter of the day, at work or at the weekend, UTC.
fn same_hours(a: Timestamp, b: Timestamp) -> bool {
    let weekend = |at| weekday_of(at) >= 5;
    quarter_of(a) == quarter_of(b) && weekend(a) == weekend(b)
}

/// By how much a rank is lowered by forecasts that were disputed: `wrong` of `known` turned out not to be needed.
fn trust((wrong, known): (usize, usize)) -> f64 {
    ((1 + known.saturating_sub(wrong)) as f64 / (1 + known) as f64).max(LOWEST)
}

impl Objections {
    /// Notes a rejection.
    pub fn note(&mut self, p: &Proposal, reason: RejectReason) {
        while self.held.len() >= MOST {
            self.held.pop_front();
        }
        self.held.push_back(Objection {
            proposal: p.id.clone(),
            workload: p.workload.clone(),
            service: service_of(&p.workload),
            reason,
            made: p.created,
            act: Class::of(p).act,
            raises: p.change.is_more(),
            dollars_a_minute: dollars_a_minute(p),
            overruled: false,
        });
    }

    /// Notes an approval: the hour is no bad one any more for what is like it, unless demand of now left no choice, and what
    /// costs as much is not too much.
    pub fn approved(&mut self, p: &Proposal) {
        let (Class { service, act, why }, price) = (Class::of(p), dollars_a_minute(p));
        for objection in self.held.iter_mut().filter(|o| o.service == service) {
            objection.overruled |= match objection.reason {
                RejectReason::BadTime => {
                    objection.act == act && why != Why::Present && same_hours(objection.made, p.created)
                }
                RejectReason::TooCostly => {
                    objection.dollars_a_minute.zip(price).is_some_and(|(rejected, paid)| paid >= rejected)
                }
                _ => false,
            };
        }
    }

    /// What was said lately of a service.
    fn of<'a>(
        &'a self,
        service: &'a WorkloadId,
        at: Timestamp,
    ) -> impl DoubleEndedIterator<Item = &'a Objection> {
        self.held.iter().filter(move |o| o.service == *service && at.since(o.made) <= SPAN)
    }

    /// Of the forecasts of a service that were called wrong: how many were not needed, and how many are judged.
    fn disputed(
        &self,
        service: &WorkloadId,
        at: Timestamp,
        needed: &impl Fn(&ProposalId) -> Option<bool>,
    ) -> (usize, usize) {
        let disputed = self.of(service, at).filter(|o| o.reason == RejectReason::WrongForecast);
        let known: Vec<bool> = disputed.filter_map(|o| needed(&o.proposal)).collect();
        (known.iter().filter(|needed| !**needed).count(), known.len())
    }

    /// How many rejections as too costly stand against this price.
    fn dearer(&self, service: &WorkloadId, at: Timestamp, price: Option<f64>) -> usize {
        let costly = self.of(service, at).filter(|o| o.reason == RejectReason::TooCostly && !o.overruled);
        costly.filter(|o| o.dollars_a_minute.zip(price).is_some_and(|(no, this)| this >= no)).count()
    }

    /// What the rank of a proposal is multiplied by among equally urgent ones, `0.25..=1.0`. `needed` tells of an earlier
    /// proposal whether it turned out to be needed, as far as that is known.
    pub fn doubt(&self, p: &Proposal, needed: impl Fn(&ProposalId) -> Option<bool>) -> f64 {
        let service = service_of(&p.workload);
        // What demand needs now rests on no forecast, nor does what replicas use.
        let forecast = matches!(Class::of(p).why, Why::Peak | Why::Spare);
        let trusted = if forecast { trust(self.disputed(&service, p.created, &needed)) } else { 1.0 };
        let dear = 1.0 / (1 + self.dearer(&service, p.created, dollars_a_minute(p))) as f64;
        (trusted * dear).max(LOWEST)
    }

    /// When the hours end in which proposals to do the same with this service were rejected as a bad time, if they were more
    /// than once. Only replica counts wait: a size is no matter of hours, and a hold is for now.
    pub fn bad_hours(&self, p: &Proposal, now: Timestamp) -> Option<Timestamp> {
        let Class { service, act, .. } = Class::of(p);
        if !matches!(act, Act::Raise | Act::Lower) {
            return None;
        }
        let bad = self.of(&service, now).filter(|o| o.reason == RejectReason::BadTime && !o.overruled);
        let bad = bad.filter(|o| o.act == act && same_hours(o.made, now)).count();
        (bad >= FEWEST).then(|| now.floor_to(QUARTER) + QUARTER)
    }

    /// What was not trusted lately, whether it was to be more, and when: autonomy earned before it counts no more.
    pub fn distrusted(&self, now: Timestamp) -> impl Iterator<Item = (&WorkloadId, bool, Timestamp)> {
        let lately = self.held.iter().filter(move |o| now.since(o.made) <= SPAN);
        let distrusted = lately.filter(|o| o.reason == RejectReason::NotTrusted);
        distrusted.map(|o| (&o.workload, o.raises, o.made))
    }

    /// What earlier rejections of the same service say of a proposal, a sentence for each reason that was given, with what
    /// they do to it.
    pub fn sentences(&self, p: &Proposal, needed: impl Fn(&ProposalId) -> Option<bool>) -> Vec<String> {
        let Class { service, act, .. } = Class::of(p);
        let held: Vec<&Objection> = self.of(&service, p.created).collect();
        let of = |reason| held.iter().filter(move |o| o.reason == reason);
        let mut told = Vec::new();
        let disputed = of(RejectReason::WrongForecast).count();
        if disputed > 0 {
            let (wrong, known) = self.disputed(&service, p.created, &needed);
            let rests = matches!(Class::of(p).why, Why::Peak | Why::Spare);
            let ranked = ranked(if rests { trust((wrong, known)) } else { 1.0 });
            told.push(format!(
                "its forecast was called wrong {}, and was in {wrong} of {known} judged{ranked}",
                times(disputed)
            ));
        }
        if let Some(price) = median(of(RejectReason::TooCostly).filter_map(|o| o.dollars_a_minute).collect())
        {
            let this = dollars_a_minute(p);
            let ranked = ranked(1.0 / (1 + self.dearer(&service, p.created, this)) as f64);
            let this = this.map_or_else(String::new, |this| format!("; this one asks ${this:.2}{ranked}"));
            told.push(format!("too costly at ${price:.2} a minute short avoided (median){this}"));
        }
        let hours = |o: &&&Objection| o.act == act && same_hours(o.made, p.created);
        let at = of(RejectReason::BadTime).filter(hours).count();
        if at > 0 {
            let days = of(RejectReason::BadTime).filter(hours);
            let same = days.filter(|o| weekday_of(o.made) == weekday_of(p.created)).count();
            let waits = self
                .bad_hours(p, p.created)
                .map_or_else(String::new, |end| format!("; what can wait waits until {}", end.minute()));
            told.push(format!(
                "a bad time {} in these hours, {} on this weekday{waits}",
                times(at),
                times(same)
            ));
        }
        let others: Vec<bool> = of(RejectReason::OtherWork).filter_map(|o| needed(&o.proposal)).collect();
        let busy = of(RejectReason::OtherWork).count();
        if busy > 0 {
            told.push(format!(
                "other work was to solve it {}, and did in {} of {} judged; that is no vote against it",
                times(busy),
                others.iter().filter(|needed| !**needed).count(),
                others.len()
            ));
        }
        let alike = |o: &&&Objection| o.workload == p.workload && o.raises == p.change.is_more();
        let distrusted = of(RejectReason::NotTrusted).filter(alike).count();
        if distrusted > 0 {
            told.push(format!("not trusted {}: its autonomy is earned anew since", times(distrusted)));
        }
        told
    }

    /// What rejections changed, a line for each service and reason with an effect that lasts at `now`.
    pub fn taught(&self, now: Timestamp, needed: impl Fn(&ProposalId) -> Option<bool>) -> Vec<String> {
        let services: BTreeSet<&WorkloadId> = self.held.iter().map(|o| &o.service).collect();
        let mut told = Vec::new();
        for service in services {
            let (wrong, known) = self.disputed(service, now, &needed);
            if wrong > 0 {
                let ranked = trust((wrong, known));
                told.push(format!(
                    "{service}: its forecasts were rightly called wrong in {wrong} of {known}: ranked ×{ranked:.2}"
                ));
            }
            let costly =
                self.of(service, now).filter(|o| o.reason == RejectReason::TooCostly && !o.overruled);
            let least = costly.filter_map(|o| o.dollars_a_minute).min_by(f64::total_cmp);
            if let Some(least) = least {
                told.push(format!("{service}: too costly from ${least:.2} a minute short on: ranked lower"));
            }
            told.extend(self.bad_times(service, now));
            let distrusted = self.of(service, now).rfind(|o| o.reason == RejectReason::NotTrusted);
            if let Some(last) = distrusted {
                let what = if last.raises { "raises" } else { "lowerings" };
                told.push(format!(
                    "{}: autonomy of {what} is earned anew since {}",
                    last.workload,
                    last.made.minute()
                ));
            }
        }
        let more = told.len().saturating_sub(TOLD);
        told.truncate(TOLD);
        told.extend((more > 0).then(|| format!("and {more} more")));
        told
    }

    /// The hours in which some of what can wait waits, a line for each.
    fn bad_times(&self, service: &WorkloadId, now: Timestamp) -> Vec<String> {
        let bad: Vec<&Objection> =
            self.of(service, now).filter(|o| o.reason == RejectReason::BadTime && !o.overruled).collect();
        let mut told = Vec::new();
        for act in [Act::Raise, Act::Lower] {
            for quarter in 0..8_u8 {
                let here = |o: &&&Objection| {
                    o.act == act
                        && quarter_of(o.made) == quarter % 4
                        && (weekday_of(o.made) >= 5) == (quarter >= 4)
                };
                if bad.iter().filter(here).count() >= FEWEST {
                    let (from, days) = (quarter % 4 * 6, if quarter < 4 { "workdays" } else { "weekends" });
                    told.push(format!(
                        "{service}: {days} {from:02}:00 to {:02}:00 UTC are a bad time for {}: what can wait waits",
                        from + 6,
                        act.words()
                    ));
                }
            }
        }
        told
    }
}

/// `: ranked ×0.50 for it among equally urgent ones`, or nothing where it does nothing.
fn ranked(factor: f64) -> String {
    if factor < 1.0 {
        format!(": ranked ×{:.2} for it among equally urgent ones", factor.max(LOWEST))
    } else {
        String::new()
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
                "too costly at $0.50 a minute short avoided (median); this one asks $0.50: ranked ×0.50 for it among equally \
                 urgent ones",
                "a bad time 2 times in these hours, once on this weekday; what can wait waits until 1970-01-15 12:00 UTC",
                "other work was to solve it once, and did in 0 of 1 judged; that is no vote against it",
                "not trusted once: its autonomy is earned anew since",
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

    fn peak(id: &str, hours: i64) -> Proposal {
        let mut peak = proposal(id, hours);
        peak.facts.push(crate::plan::Fact {
            label: "peak expected".into(),
            quantity: crate::series::Quantity::new(9.0, crate::series::Unit::RequestsPerSecond),
            at: Some(peak.created + Duration::from_secs(1800)),
        });
        peak
    }

    #[test]
    fn a_forecast_that_was_rightly_called_wrong_ranks_what_rests_on_it_lower() {
        let mut objections = Objections::default();
        for i in 0..9 {
            objections.note(&peak(&format!("p-{i}"), i), RejectReason::WrongForecast);
        }
        let next = peak("p-next", 40);
        assert_eq!(objections.doubt(&next, |_| None), 1.0, "nothing is judged yet");
        assert_eq!(objections.doubt(&next, |_| Some(true)), 1.0, "they were needed: the objection was wrong");
        let one = |id: &ProposalId| (id.as_str() == "p-1").then_some(false);
        assert_eq!(objections.doubt(&next, one), 0.5);
        assert_eq!(objections.doubt(&next, |_| Some(false)), LOWEST, "and no lower");
        assert_eq!(objections.doubt(&proposal("p-next", 40), |_| Some(false)), 1.0, "demand of now");
        let said = objections.sentences(&next, one);
        assert!(
            said[0].ends_with("in 1 of 1 judged: ranked ×0.50 for it among equally urgent ones"),
            "{said:?}"
        );
        assert_eq!(
            objections.taught(next.created, one),
            ["shop/cart: its forecasts were rightly called wrong in 1 of 1: ranked ×0.50"]
        );
        let late = peak("p-late", 100 * 24);
        assert_eq!(objections.doubt(&late, |_| Some(false)), 1.0, "what is old is forgotten");
    }

    #[test]
    fn what_asks_as_much_as_was_too_costly_ranks_lower_until_somebody_pays_it() {
        let mut objections = Objections::default();
        objections.note(&proposal("p-1", 7), RejectReason::TooCostly);
        objections.note(&proposal("p-2", 8), RejectReason::TooCostly);
        let mut next = proposal("p-3", 30);
        assert!((objections.doubt(&next, |_| None) - 1.0 / 3.0).abs() < 1e-9);
        next.cost.lease_total = Some(5.9);
        assert_eq!(objections.doubt(&next, |_| None), 1.0, "cheaper than what was too much");
        objections.approved(&next);
        assert!(objections.doubt(&proposal("p-4", 31), |_| None) < 1.0, "that says nothing of dearer ones");
        objections.approved(&proposal("p-4", 31));
        assert_eq!(objections.doubt(&proposal("p-5", 32), |_| None), 1.0);
        assert!(objections.taught(Timestamp::from_secs(32 * 3600), |_| None).is_empty());
    }

    #[test]
    fn hours_are_bad_after_two_rejections_and_until_somebody_approves_in_them() {
        let mut objections = Objections::default();
        // For a peak that is ahead: it could have waited.
        let day = |day: i64, hour: i64| peak("p-1", day * 24 + hour);
        // The first day is a Thursday.
        objections.note(&day(0, 9), RejectReason::BadTime);
        assert_eq!(objections.bad_hours(&day(1, 8), day(1, 8).created), None, "once is once");
        objections.note(&day(1, 7), RejectReason::BadTime);
        let monday = day(4, 8);
        assert_eq!(
            objections.bad_hours(&monday, monday.created),
            Some(Timestamp::from_secs((4 * 24 + 12) * 3600))
        );
        assert_eq!(objections.bad_hours(&monday, day(4, 12).created), None, "they end");
        assert_eq!(objections.bad_hours(&monday, day(2, 8).created), None, "not on a Saturday");
        assert_eq!(
            objections.taught(monday.created, |_| None),
            ["shop/cart: workdays 06:00 to 12:00 UTC are a bad time for raises: what can wait waits"]
        );
        objections.approved(&day(4, 14));
        assert!(objections.bad_hours(&monday, monday.created).is_some(), "approved at another hour");
        objections.approved(&proposal("p-2", 4 * 24 + 11));
        assert!(objections.bad_hours(&monday, monday.created).is_some(), "demand of now left no choice");
        let mut fewer = monday.clone();
        fewer.change.to = fewer.change.from - 1;
        assert_eq!(objections.bad_hours(&fewer, fewer.created), None, "raises were refused, not lowerings");
        objections.approved(&fewer);
        assert!(
            objections.bad_hours(&monday, monday.created).is_some(),
            "and a lowering says nothing of them"
        );
        objections.approved(&day(4, 11));
        assert_eq!(objections.bad_hours(&monday, monday.created), None);
    }

    #[test]
    fn what_was_not_trusted_says_since_when_and_other_work_changes_nothing() {
        let mut objections = Objections::default();
        objections.note(&proposal("p-1", 7), RejectReason::OtherWork);
        let next = peak("p-2", 8);
        assert_eq!(
            (objections.doubt(&next, |_| Some(false)), objections.bad_hours(&next, next.created)),
            (1.0, None)
        );
        assert!(objections.taught(next.created, |_| Some(false)).is_empty());
        objections.note(&proposal("p-3", 9), RejectReason::NotTrusted);
        let since: Vec<_> = objections.distrusted(next.created).collect();
        assert_eq!(since, [(&next.workload, true, Timestamp::from_secs(9 * 3600))]);
        let late = Timestamp::from_secs(91 * 86_400 + 9 * 3600);
        assert_eq!(objections.distrusted(late).count(), 0, "as long as it is told, and no longer");
        let elsewhere = Proposal { workload: WorkloadId::new("shop", "cart", "us"), ..next.clone() };
        let said = |p: &Proposal| objections.sentences(p, |_| None).join(" ").contains("not trusted");
        assert!(said(&next) && !said(&elsewhere), "the class of another region lost nothing");
        assert_eq!(objections.taught(next.created, |_| None).len(), 1);
    }
}
