//! What a rejection changes in the learner that its reason goes to, live and after a restart.

use std::time::Duration;

use crate::journal::Journal;
use crate::learning::kpi::sample;
use crate::outcome::Figures;
use crate::plan::Exhaustion;
use crate::proposal::{Proposal, ProposalState, QueueEvent, RejectReason};
use crate::series::Timestamp;

use super::mute_tests::{LATER, id, live};
use super::people::People;
use super::tests::NOW;
use super::{State, lessons, mutes, publish, record, teams};

/// One workload with a live proposal to raise it.
fn proposed(exhaustion: Exhaustion) -> State {
    super::mute_tests::proposed(vec![], 9, exhaustion).0
}

fn rejected(p: &Proposal, reason: RejectReason, at: Timestamp) -> Proposal {
    Proposal { created: at, state: ProposalState::Rejected { by: "ann".into(), at, reason }, ..p.clone() }
}

/// What a journal with these closed proposals gives after a restart.
fn after_restart(closed: &[Proposal]) -> People {
    let mut journal = Journal::in_memory().unwrap();
    let entries: Vec<_> = closed.iter().map(|p| record::of_queue(&QueueEvent::Closed(p.clone()))).collect();
    journal.append(NOW, &entries).unwrap();
    People::read(&journal).unwrap()
}

#[test]
fn at_a_bad_time_what_can_wait_waits_and_what_users_need_does_not() {
    let mut state = proposed(LATER);
    let made = live(&state);
    assert!(teams::routed(&state, &made, NOW).calls());
    let day = Duration::from_secs(86_400);
    // Two days of the same kind, whatever day it is now.
    let same = [NOW - day * 7, NOW - day * 14];
    let closed = same.map(|at| rejected(&made, RejectReason::BadTime, at));
    state.learned.people = after_restart(&closed);
    let routed = teams::routed(&state, &made, NOW);
    let until = routed.bad_until.unwrap();
    assert!(!routed.calls() && until > NOW && until.since(NOW) <= Duration::from_secs(6 * 3600), "{until}");
    assert_eq!(teams::routed(&state, &made, until).bad_until, None, "the hours are over");
    let shown = publish::view(&state, NOW);
    assert_eq!((shown.header.waiting, shown.proposals.data.len()), (0, 1), "listed all the same");
    for urgent in [Exhaustion::Now, Exhaustion::Unknown, Exhaustion::In { earliest: day / 144, median: None }]
    {
        let mut state = proposed(urgent);
        state.learned.people = after_restart(&closed);
        assert!(teams::routed(&state, &live(&state), NOW).calls(), "{urgent:?}");
    }
}

#[test]
fn what_was_put_off_and_can_wait_no_longer_calls_once() {
    let mut state = proposed(LATER);
    let made = live(&state);
    let week = Duration::from_secs(7 * 86_400);
    let closed = [1, 2].map(|weeks| rejected(&made, RejectReason::BadTime, NOW - week * weeks));
    state.learned.people = after_restart(&closed);
    assert!(mutes::urgent(&mut state, NOW).is_empty(), "it waits");
    let soon = Exhaustion::In { earliest: Duration::from_secs(600), median: None };
    state.fleet.get_mut(&id()).unwrap().plan.as_mut().unwrap().exhaustion = soon;
    let said = mutes::urgent(&mut state, NOW);
    assert!(said.len() == 1 && said[0].starts_with("can wait no longer, p-1 shop/checkout: "), "{said:?}");
    assert!(mutes::urgent(&mut state, NOW).is_empty(), "once");
}

/// A class that has earned its autonomy.
fn seasoned() -> State {
    let mut state = proposed(LATER);
    for i in 0..60 {
        let figures = Figures { workload: id(), ..sample::operation(i) };
        state.learned.kpis.figures.insert(figures.operation.clone(), figures);
    }
    state
}

#[test]
fn what_is_not_trusted_loses_its_autonomy_and_other_work_costs_nothing() {
    let mut state = seasoned();
    assert_eq!(lessons::autonomy(&state, NOW).0, ["raising shop/checkout"]);
    let made = live(&state);
    let at = NOW - Duration::from_secs(30 * 60);
    let of = |reason| after_restart(&[rejected(&made, reason, at)]);
    state.learned.people = of(RejectReason::OtherWork);
    assert_eq!(lessons::autonomy(&state, NOW).0.len(), 1);
    assert!(state.learned.people.approvals.kinds().is_empty(), "no vote");
    state.learned.people = of(RejectReason::NotTrusted);
    assert!(lessons::autonomy(&state, NOW).0.is_empty(), "thirty since then are too few");
    let taught = publish::view(&state, NOW).learning.data.taught;
    assert_eq!(taught.len(), 1);
    assert!(taught[0].starts_with("shop/checkout: autonomy of raises is earned anew since "), "{taught:?}");
    assert_eq!(state.learned.people.approvals.kinds().len(), 1);
}

#[test]
fn doubt_is_on_the_card_with_its_reason() {
    let mut state = proposed(LATER);
    let mut made = live(&state);
    made.cost.lease_total = Some(6.0);
    made.experience.minutes_short_without = Some(14.0);
    made.experience.minutes_short_with = Some(2.0);
    state.learned.people = after_restart(&[rejected(&made, RejectReason::TooCostly, NOW)]);
    let people = &state.learned.people;
    assert_eq!(people.objections.doubt(&made, |_| None), 0.5);
    let said = people.objections.sentences(&made, |_| None);
    assert!(said[0].contains("this one asks $0.50: ranked ×0.50"), "{said:?}");
    let taught = publish::view(&state, NOW).learning.data.taught;
    assert_eq!(taught, ["shop/checkout: too costly from $0.50 a minute short on: ranked lower"]);
    assert_eq!(publish::view(&state, NOW).proposals.data[0].doubt, 1.0, "the live one has no price");
}
