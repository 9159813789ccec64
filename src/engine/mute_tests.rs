//! What a mute does to a proposal, in what steps a raise is proposed, and how people's decisions come back after a restart.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::approval::Mode;
use crate::clock::Monotonic;
use crate::config::{ServiceRule, Settings};
use crate::fleet::{Field, WorkloadId};
use crate::journal::{Entry, Journal, Kind};
use crate::learning::{Mute, Muted, Stagings};
use crate::plan::{Dimension, Exhaustion, Plan, PlannedChange, Verdict};
use crate::proposal::{Chosen, Moment, Proposal, ProposalState, QueueEvent, RejectReason, Staging};
use crate::series::Timestamp;
use crate::view::{Handover, View};

use super::people::People;
use super::tests::{NOW, listed, state, told};
use super::{State, fleet, mutes, planning, publish, record, staging, teams};

const HOUR: Duration = Duration::from_secs(3600);
pub(super) const LATER: Exhaustion = Exhaustion::Beyond { horizon: Duration::from_secs(86_400) };

pub(super) fn id() -> WorkloadId {
    WorkloadId::new("shop", "checkout", "")
}

/// One workload with a live proposal to raise it from 6 to `to`.
pub(super) fn proposed(rules: Vec<ServiceRule>, to: u32, exhaustion: Exhaustion) -> (State, Vec<QueueEvent>) {
    let mut state = state(rules);
    fleet::list(&mut state, "p", vec![listed("u-1", "checkout")], NOW);
    fleet::merge(&mut state, vec![told(&id(), 900.0)], NOW);
    let change = PlannedChange {
        dimension: Dimension::Horizontal,
        field: Field::Replicas,
        from: 6,
        to,
        until: None,
        size: None,
    };
    let facts = state.fleet.get(&id()).unwrap();
    let plan =
        Plan { exhaustion, verdict: Verdict::Change(change), ..planning::plan_one(&state, facts, NOW) };
    let workload = facts.workload.clone();
    let now = Moment { wall: NOW, mono: Monotonic::default() };
    let mut events = state.queue.offer(&plan, &workload, None, now);
    state.fleet.get_mut(&id()).unwrap().plan = Some(plan);
    staging::choose(&mut state, &mut events);
    (state, events)
}

pub(super) fn live(state: &State) -> Proposal {
    state.queue.live().next().unwrap().clone()
}

fn muted(state: &mut State, until: Timestamp) -> Muted {
    let muted = Muted::of(&live(state));
    let mute = Mute { muted: muted.clone(), until, reason: "deploy".into(), by: "ann".into(), at: NOW };
    assert!(state.learned.people.mutes.set(mute, NOW));
    muted
}

fn approving(state: &mut State) {
    let settings = Settings { mode: Mode::Ask, ..(*state.settings).clone() };
    state.settings = Arc::new(settings);
}

fn view(state: &State, at: Timestamp) -> View {
    publish::view(state, at)
}

#[test]
fn a_muted_proposal_calls_nobody_and_is_counted_listed_and_handed_over() {
    let (mut state, _) = proposed(vec![], 9, LATER);
    assert_eq!((view(&state, NOW).header.waiting, view(&state, NOW).header.muted), (1, 0));
    let what = muted(&mut state, NOW + HOUR);
    let shown = view(&state, NOW);
    assert_eq!((shown.header.waiting, shown.header.muted), (0, 1));
    let card = &shown.proposals.data[0];
    let why = card.not_approvable.clone().unwrap();
    assert!(why.starts_with("muted by ann until ") && why.contains("deploy"), "{why}");
    assert_eq!(card.routed.muted.as_ref().map(|m| m.muted.clone()), Some(what.clone()));
    let handed = Handover::of(&shown);
    assert_eq!(handed.muted_proposals, [shown.mutes[0].words()]);
    assert!(handed.proposals[0].contains("is muted"), "{:?}", handed.proposals);
    assert!(handed.markdown().contains("## Muted proposals"));
    // It ends by itself, and when somebody ends it.
    let over = view(&state, NOW + HOUR);
    assert_eq!(
        (over.header.muted, over.mutes.len(), over.proposals.data[0].routed.is_muted()),
        (0, 0, false)
    );
    assert!(state.learned.people.mutes.end(&what, NOW).is_some());
    assert_eq!(view(&state, NOW).header.muted, 0);
}

/// The rule holds up the approval, not the proposal: the card says so with the time that is left.
#[test]
fn the_cool_down_of_a_raise_stands_on_its_card_unless_the_last_one_was_put_back() {
    use crate::execution::{Checkpoint, Operation, OperationState};
    let (mut state, _) = proposed(vec![], 9, LATER);
    approving(&mut state);
    let last = |state| Operation {
        workload: id(),
        checkpoint: Some(Checkpoint { field: Field::Replicas, old: 5, ours: 6 }),
        started: NOW - Duration::from_secs(90),
        state,
        ..super::tests::at_work("op-1")
    };
    let target = crate::proposal::Target { provider: "p".into(), uid: "u-1".into() };
    let cool = |state: &State| {
        let card = view(state, NOW).proposals.data[0].clone();
        let rule = card.proposal.guardrails.iter().find(|g| g.name == "cool-down").unwrap().clone();
        let manned =
            Proposal { owner: crate::fleet::Owner::Nobody, target: Some(target.clone()), ..live(state) };
        (rule.passed, rule.detail, publish::barred(state, &manned, NOW).unwrap_or_default())
    };
    state.operations.insert(last(OperationState::Kept).id, last(OperationState::Kept));
    let (passed, detail, barred) = cool(&state);
    assert!(!passed && detail.ends_with("10 needed: 9 min left"), "{detail}");
    assert!(barred.contains(&detail), "{barred}");
    let back = OperationState::RolledBack { why: "never ready".into() };
    state.operations.insert(last(back.clone()).id, last(back));
    assert!(cool(&state).0);
    let facts = state.fleet.get(&id()).unwrap();
    let ups = planning::with_input(&state, facts, NOW, |input| input.recent.ups_last_hour);
    assert_eq!(ups, 0, "nor among the moves of the hour");
}

#[test]
fn a_lowering_that_was_put_back_is_not_proposed_again_at_once_and_counts_as_a_move() {
    use crate::execution::{Checkpoint, OperationState};
    let (mut state, _) = proposed(vec![], 9, LATER);
    let ended = NOW - Duration::from_secs(90);
    for (name, from, to) in [("op-1", 8, 6), ("op-2", 6, 8)] {
        let mut put_back = super::tests::at_work(name);
        (put_back.workload, put_back.ended) = (id(), Some(ended));
        (put_back.change.from, put_back.change.to) = (from, to);
        put_back.checkpoint = Some(Checkpoint { field: Field::Replicas, old: from, ours: to });
        put_back.started = ended - HOUR;
        put_back.state = OperationState::RolledBack { why: "it hurt".into() };
        state.operations.insert(put_back.id.clone(), put_back);
    }
    let facts = state.fleet.get(&id()).unwrap();
    let rules = |to: u32| {
        planning::with_input(&state, facts, NOW, |input| {
            let change = PlannedChange { to, ..live(&state).change };
            (input.recent, crate::plan::guardrails::at_approval(input, &change, 6))
        })
    };
    let (recent, lower) = rules(5);
    let since = Some(Duration::from_secs(90));
    assert_eq!((recent.since_put_back, recent.since_up), (since, None));
    assert_eq!((recent.downs_last_hour, recent.ups_last_hour), (1, 0), "from when it was put back");
    let rule = lower.iter().find(|g| g.name == "cool-down").unwrap();
    assert!(!rule.passed && rule.detail.contains("since a scale-down was put back, 10 needed"), "{rule:?}");
    assert!(rules(8).1.iter().any(|g| g.name == "cool-down" && g.passed), "more never waits for it");
}

#[test]
fn a_lease_of_another_weescale_stands_on_the_card_before_the_key_is_pressed() {
    use crate::approval::LeaseNote;
    let (mut state, _) = proposed(vec![], 9, LATER);
    approving(&mut state);
    let note = |state: &mut State, owner: &str, until: Timestamp| {
        let platform = state.fleet.get_mut(&id()).unwrap().platform.as_mut().unwrap();
        let notes = [(LeaseNote::OWNER, owner.to_owned()), (LeaseNote::UNTIL, until.to_string())];
        platform.state.annotations = notes.map(|(key, value)| (key.to_owned(), value)).into();
    };
    let told = |state: &State| {
        let card = view(state, NOW).proposals.data[0].clone();
        let rule = card.proposal.guardrails.iter().find(|g| g.name == "leases of others").cloned();
        rule.map(|g| (g.passed, g.detail))
    };
    assert_eq!(told(&state), None);
    note(&mut state, "eve op-7 op-7.00112233", NOW + HOUR);
    let (passed, detail) = told(&state).unwrap();
    assert!(!passed && detail.contains("eve op-7 op-7.00112233 holds a lease on this object"), "{detail}");
    let target = Some(crate::proposal::Target { provider: "p".into(), uid: "u-1".into() });
    let owned = Proposal { owner: crate::fleet::Owner::Nobody, target, ..live(&state) };
    let barred = publish::barred(&state, &owned, NOW).unwrap();
    assert!(barred.contains(&detail), "{barred}");
    // What is over, and what is ours, binds nobody.
    note(&mut state, "eve op-7 op-7.00112233", NOW);
    assert_eq!(told(&state), None);
    note(&mut state, "eve op-7 op-7.00112233", NOW + HOUR);
    state.keys.add("op-7.00112233");
    assert_eq!(told(&state), None);
}

#[test]
fn what_stopped_half_way_is_handed_over_until_somebody_has_seen_to_it() {
    use crate::execution::OperationState;
    let (mut state, _) = proposed(vec![], 9, LATER);
    let mut halted = super::tests::at_work("op-1");
    halted.state = OperationState::Halted { why: "the object is gone".into() };
    state.operations.insert(halted.id.clone(), halted.clone());
    let handed = Handover::of(&view(&state, NOW));
    assert_eq!((handed.in_flight.len(), handed.halted.len()), (0, 1));
    assert!(handed.halted[0].contains("needs a person: the object is gone; approved by ann"), "{handed:?}");
    assert!(handed.summary().contains("0 in flight, 1 halted, "), "{}", handed.summary());
    assert!(handed.markdown().contains("## Halted, a person must look\n\n- op-1 "), "{}", handed.markdown());
    let kept = |workload, after: i64| {
        let mut kept = super::tests::at_work("op-2");
        (kept.workload, kept.state) = (workload, OperationState::Kept);
        kept.started = Timestamp::from_millis(NOW.as_millis() + after);
        kept
    };
    for (later, told) in
        [(kept(id(), 1000), 1), (kept(halted.workload.clone(), -1000), 1), (kept(halted.workload, 1000), 0)]
    {
        state.operations.insert(later.id.clone(), later);
        assert_eq!(Handover::of(&view(&state, NOW)).halted.len(), told);
    }
}

#[test]
fn a_platform_that_fails_is_named_where_nothing_can_be_written() {
    let (mut state, _) = proposed(vec![], 9, LATER);
    let mut p = live(&state);
    p.target = None;
    approving(&mut state);
    let why = |state: &State| publish::barred(state, &p, NOW).unwrap();
    assert!(why(&state).contains("add a [[provider]]"), "{}", why(&state));
    state.platform_errors.insert("platform".into(), "401: token expired".into());
    assert!(why(&state).contains("provider platform: 401: token expired"), "{}", why(&state));
    assert!(!why(&state).contains("add a"), "{}", why(&state));
}

#[test]
fn what_users_are_short_of_now_breaks_through() {
    let (mut state, _) = proposed(vec![], 9, Exhaustion::Now);
    muted(&mut state, NOW + HOUR);
    let shown = view(&state, NOW);
    assert_eq!((shown.header.waiting, shown.header.muted), (1, 0));
    let by = shown.proposals.data[0].routed.muted.clone().unwrap();
    assert!(by.aside && by.sentence().contains("set aside, capacity is short now"), "{}", by.sentence());
    assert!(teams::routed(&state, &live(&state), NOW).calls());
    // Taking away helps nobody who waits.
    let (mut state, _) = proposed(vec![], 4, Exhaustion::Now);
    muted(&mut state, NOW + HOUR);
    assert!(!teams::routed(&state, &live(&state), NOW).calls());
}

#[test]
fn configured_steps_are_shown_bound_and_never_drawn() {
    let configured = Staging::configured(&[50, 100], Duration::from_secs(30));
    let rule = ServiceRule { name: "checkout".into(), staging: configured.clone(), ..ServiceRule::default() };
    let (mut staged, events) = proposed(vec![rule], 12, LATER);
    assert_eq!(live(&staged).staging, configured);
    assert!(matches!(&events[0], QueueEvent::Proposed(p) if p.staging == configured), "as it is recorded");
    let (plain, _) = proposed(vec![], 12, LATER);
    assert_eq!(live(&plain).staging, None, "nothing is known yet: at once");
    assert_ne!(live(&plain).hash(), live(&staged).hash(), "the steps are part of what is approved");
    staged.learned.stagings = learnt();
    let mut again = [QueueEvent::Proposed(live(&staged))];
    staging::choose(&mut staged, &mut again);
    assert_eq!(live(&staged).staging, configured);
}

#[test]
fn fewer_steps_are_shown_before_they_are_approved_and_only_for_want_of_time() {
    let drawn =
        Staging { chosen: Chosen::Best, ..Staging::configured(&[50, 100], Duration::from_secs(30)).unwrap() };
    let (mut state, _) = proposed(vec![], 12, LATER);
    let id_of = live(&state).id;
    state.queue.stage(&id_of, &drawn);
    let mut shown = |exhaustion| {
        state.fleet.get_mut(&id()).unwrap().plan.as_mut().unwrap().exhaustion = exhaustion;
        view(&state, NOW).proposals.data[0].hastened.clone()
    };
    assert_eq!(shown(LATER), None);
    assert_eq!(shown(Exhaustion::Unknown), None, "what is not known is no want of time");
    let fewer = shown(Exhaustion::Now).unwrap();
    assert!(fewer.starts_with("at once instead of in steps 50/100"), "{fewer}");
}

#[test]
fn what_was_muted_and_becomes_urgent_calls_once() {
    let (mut state, _) = proposed(vec![], 9, LATER);
    assert!(mutes::urgent(&mut state, NOW).is_empty());
    muted(&mut state, NOW + HOUR);
    assert!(mutes::urgent(&mut state, NOW).is_empty(), "silent");
    let minute = Duration::from_secs(60);
    let mut at = |exhaustion, now| {
        state.fleet.get_mut(&id()).unwrap().plan.as_mut().unwrap().exhaustion = exhaustion;
        mutes::urgent(&mut state, now)
    };
    let said = at(Exhaustion::Now, NOW);
    assert_eq!(said.len(), 1);
    assert!(said[0].starts_with("urgent now, p-1 shop/checkout: "), "{said:?}");
    assert!(said[0].contains("muted by ann") && said[0].contains("capacity is short now"), "{said:?}");
    // Demand about capacity: now short, now not.
    for i in 1..40_u32 {
        let exhaustion = if i % 2 == 0 { Exhaustion::Now } else { LATER };
        assert!(at(exhaustion, NOW + minute * i / 2).is_empty(), "once");
    }
    // Calm for a while, and short again: that is news again.
    assert!(at(LATER, NOW + minute * 20).is_empty());
    assert_eq!(at(Exhaustion::Now, NOW + minute * 30).len(), 1);
    // One whose mute is over calls by being there, not as urgent.
    assert!(at(LATER, NOW + minute * 31).is_empty());
    assert!(mutes::urgent(&mut state, NOW + HOUR).is_empty());
}

/// Twenty raises at once that lost nine minutes each, twenty in three steps that lost none.
fn learnt() -> Stagings {
    let raise = |i: u32| {
        let mut figures = crate::learning::kpi::sample::operation(i);
        let seconds = if i < 20 { 540.0 } else { 0.0 };
        figures.workload = id();
        figures.response = Some(crate::outcome::Response { seconds, still_short: false });
        figures.staging = Staging::configured(&[25, 50, 100], Duration::ZERO).filter(|_| i >= 20);
        figures
    };
    Stagings::of((0..40).map(raise).collect::<Vec<_>>().iter())
}

#[test]
fn learned_steps_are_drawn_by_the_hash_and_only_where_there_is_time() {
    let draw = |exhaustion, to| {
        let (mut state, _) = proposed(vec![], to, exhaustion);
        state.learned.stagings = learnt();
        let mut events = [QueueEvent::Proposed(live(&state))];
        staging::choose(&mut state, &mut events);
        live(&state).staging
    };
    let drawn = draw(LATER, 12).unwrap();
    assert!(drawn.shares != [100] && drawn.chosen != Chosen::Configured && drawn.seed != 0, "{drawn:?}");
    assert_eq!(draw(LATER, 12).as_ref(), Some(&drawn), "the same proposal has the same steps");
    assert_eq!(draw(Exhaustion::Now, 12), None, "users wait now: at once");
    assert_eq!(draw(Exhaustion::Unknown, 12), None);
    assert_eq!(draw(LATER, 2), None, "nothing is tried on the way down");
}

#[test]
fn steps_that_no_longer_fit_are_fewer_when_it_is_approved() {
    let (mut state, _) = proposed(vec![], 12, LATER);
    let lead = planning::lead(&state, &id());
    let shown =
        Staging { chosen: Chosen::Best, ..Staging::configured(&[25, 50, 100], Duration::ZERO).unwrap() };
    let p = Proposal { staging: Some(shown.clone()), ..live(&state) };
    let mut left = |exhaustion| {
        state.fleet.get_mut(&id()).unwrap().plan.as_mut().unwrap().exhaustion = exhaustion;
        staging::hastened(&state, &p)
    };
    assert_eq!(left(LATER), None, "there is time");
    let room =
        |leads: u32| Exhaustion::In { earliest: (lead * leads).saturating_sub(lead / 2), median: None };
    assert_eq!(left(room(4)), None);
    let (two, why) = left(room(3)).unwrap();
    assert_eq!((two.shares.as_slice(), two.chosen), (&[50, 100][..], Chosen::Hastened));
    assert_eq!(why, "in steps 50/100 instead of in steps 25/50/100: there is no time for more of them");
    assert_eq!(left(Exhaustion::Unknown), None, "what is not known is no want of time");
    for short in [room(2), Exhaustion::Now] {
        let (once, why) = left(short).unwrap();
        assert_eq!((once.shares.as_slice(), &why[..8]), (&[100][..], "at once "), "{short:?}");
    }
    let at_once = Proposal { staging: None, ..p.clone() };
    assert_eq!(staging::hastened(&state, &at_once), None);
}

#[test]
fn decisions_and_mutes_come_back_after_a_restart() {
    let (state, _) = proposed(vec![], 9, LATER);
    let made = live(&state);
    let closed = |state: ProposalState| QueueEvent::Closed(Proposal { state, ..made.clone() });
    let approved = || closed(ProposalState::Approved { by: "ann".into(), at: NOW });
    let reason = RejectReason::BadTime;
    let rejected = closed(ProposalState::Rejected { by: "ann".into(), at: NOW, reason });
    let expired = closed(ProposalState::Expired { at: NOW });
    let mut by_day = record::of_queue(&approved());
    by_day.body["caller"] = json!({ "uid": 1, "name": "ann", "tty": "day approved 2026-01-01T00:00:00Z" });
    let mute = |reason: &str, service: &str| Mute {
        muted: Muted { service: WorkloadId::new("shop", service, ""), ..Muted::of(&made) },
        until: NOW + HOUR,
        reason: reason.into(),
        by: "ann".into(),
        at: NOW,
    };
    let (cart, pay) = (mute("deploy", "cart"), mute("sale", "pay"));
    let entries = [
        record::of_queue(&approved()),
        record::of_queue(&approved()),
        record::of_queue(&rejected),
        record::of_queue(&expired),
        by_day,
        Entry::new(Kind::Mute, "", json!({ "mute": cart })),
        Entry::new(Kind::Mute, "", json!({ "mute": pay })),
        Entry::new(Kind::Mute, "", json!({ "unmute": cart.muted })),
        Entry::new(Kind::Mute, "", json!({ "mute": "rubbish" })),
    ];
    let mut journal = Journal::in_memory().unwrap();
    journal.append(NOW, &entries).unwrap();
    let people = People::read(&journal).unwrap();
    let expected = people.approvals.levels(|_| String::new()).expected(&made, "").unwrap();
    assert_eq!(
        (expected.here.yes, expected.here.no),
        (2, 1),
        "who let it expire, or approved a day, did not decide"
    );
    assert_eq!(people.objections.sentences(&made, |_| None).len(), 1);
    assert_eq!(people.mutes.standing(NOW).map(|m| m.reason.as_str()).collect::<Vec<_>>(), ["sale"]);
}
