//! The life of a proposal.

use std::time::Duration;

use crate::clock::Monotonic;
use crate::fleet::{Field, Objective, Owner, PodResources, Workload, WorkloadId};
use crate::plan::*;
use crate::series::{Quantity, Timestamp, Unit};

use super::*;

fn at(secs: u64) -> Moment {
    Moment {
        wall: Timestamp::from_secs(1_700_000_000 + secs as i64),
        mono: Monotonic::from_duration(Duration::from_secs(secs)),
    }
}

fn change(to: u32) -> Verdict {
    let until = Some(Timestamp::from_secs(1_700_010_000));
    Verdict::Change(PlannedChange {
        dimension: Dimension::Horizontal,
        field: Field::MinReplicas,
        from: 6,
        to,
        until,
        size: None,
    })
}

fn plan(verdict: Verdict) -> Plan {
    Plan {
        workload: WorkloadId::new("shop", "checkout", ""),
        at: at(0).wall,
        capacity: None,
        headroom: None,
        exhaustion: Exhaustion::Unknown,
        need_now: None,
        need_peak: None,
        quantile: 0.95,
        quantile_why: String::new(),
        lead: Duration::from_secs(180),
        verdict,
        facts: vec![
            Fact {
                label: "peak at quantile 0.95".into(),
                quantity: Quantity::new(1840.0, Unit::RequestsPerSecond),
                at: Some(at(3600).wall),
            },
            Fact {
                label: "you can hold".into(),
                quantity: Quantity::new(1310.0, Unit::RequestsPerSecond),
                at: None,
            },
        ],
        cost: CostDelta { now: Some(3.0), after: Some(5.31), lease_total: None },
        experience: ExperienceDelta {
            p95_without: Some(0.41),
            p95_with: Some(0.18),
            ..ExperienceDelta::default()
        },
        binding: None,
        guardrails: vec![],
    }
}

fn workload() -> Workload {
    Workload {
        id: WorkloadId::new("shop", "checkout", ""),
        service: "checkout".into(),
        team: "shop".into(),
        replicas: None,
        owner: Owner::Autoscaler { name: "hpa/checkout".into() },
        objective: Objective::assumed(),
        pod: PodResources::default(),
    }
}

fn target() -> Target {
    Target { provider: "platform".into(), uid: "u-1".into() }
}

fn queue() -> Queue {
    Queue::new(Lifetimes::default(), 0)
}

#[test]
fn the_card_reads_as_a_sentence() {
    let mut q = queue();
    let events = q.offer(&plan(change(11)), &workload(), Some(target()), at(0));
    let [QueueEvent::Proposed(p)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(
        p.sentence,
        "shop/checkout: raise HPA min 6→11 until 01:00. Peak 23:13, q95 1840 rps; you can hold 1310 rps. \
         +$2.31/h; p95 stays ≈180 ms instead of ≈410 ms."
    );
}

#[test]
fn one_live_proposal_a_workload_and_only_real_news_supersedes() {
    let mut q = queue();
    assert_eq!(q.offer(&plan(change(11)), &workload(), Some(target()), at(0)).len(), 1);
    assert!(q.offer(&plan(change(11)), &workload(), Some(target()), at(70)).is_empty());
    assert!(
        q.offer(&plan(change(10)), &workload(), Some(target()), at(70)).is_empty(),
        "one less is no news"
    );
    assert!(
        q.offer(&plan(change(13)), &workload(), Some(target()), at(30)).is_empty(),
        "not before it settled"
    );
    let events = q.offer(&plan(change(13)), &workload(), Some(target()), at(70));
    assert!(
        matches!(&events[0], QueueEvent::Closed(p) if p.state == ProposalState::Superseded { by: ProposalId::new("p-2") })
    );
    assert_eq!(q.live().count(), 1);
    let recreated = Some(Target { provider: "platform".into(), uid: "u-2".into() });
    assert_eq!(
        q.offer(&plan(change(13)), &workload(), recreated, at(71)).len(),
        2,
        "another object is news at once"
    );
}

#[test]
fn expires_on_the_monotonic_clock() {
    let mut q = queue();
    q.offer(&plan(change(11)), &workload(), Some(target()), at(0));
    let jumped = Moment { wall: at(100_000).wall, mono: at(299).mono };
    assert!(q.tick(jumped).is_empty(), "a wall clock that jumps expires nothing");
    assert!(
        matches!(&q.tick(at(300))[..], [QueueEvent::Closed(p)] if matches!(p.state, ProposalState::Expired { .. }))
    );
}

#[test]
fn a_rejection_keeps_quiet_unless_more_is_needed() {
    let mut q = queue();
    q.offer(&plan(change(11)), &workload(), Some(target()), at(0));
    assert!(q.reject(&ProposalId::new("p-1"), "ann", RejectReason::BadTime, at(10)).is_some());
    assert!(q.offer(&plan(change(12)), &workload(), Some(target()), at(20)).is_empty());
    assert_eq!(q.offer(&plan(change(13)), &workload(), Some(target()), at(20)).len(), 1);
    assert!(
        q.reject(&ProposalId::new("p-1"), "ann", RejectReason::BadTime, at(30)).is_none(),
        "closed is closed"
    );
}

#[test]
fn withdrawn_when_the_reason_is_gone() {
    let mut q = queue();
    q.offer(&plan(change(11)), &workload(), Some(target()), at(0));
    let hold = plan(Verdict::Hold { why: "enough".into() });
    assert!(q.offer(&hold, &workload(), Some(target()), at(10)).is_empty());
    assert_eq!(q.offer(&hold, &workload(), Some(target()), at(130)).len(), 1);
    q.offer(&plan(change(11)), &workload(), Some(target()), at(140));
    let blind = plan(Verdict::NoData { why: "demand is suspect".into() });
    assert!(q.offer(&blind, &workload(), Some(target()), at(141)).is_empty(), "a gap gets a moment to pass");
    assert_eq!(q.offer(&blind, &workload(), Some(target()), at(270)).len(), 1);
}

#[test]
fn the_hash_binds_object_field_and_values() {
    let mut q = queue();
    q.offer(&plan(change(11)), &workload(), Some(target()), at(0));
    let p = q.live().next().unwrap().clone();
    let mut others = [p.clone(), p.clone(), p.clone()];
    others[0].change.from = 7;
    others[1].target = Some(Target { provider: "platform".into(), uid: "u-2".into() });
    others[2].change.to = 12;
    assert!(others.iter().all(|o| o.hash() != p.hash()));
    assert_eq!(p.hash().len(), 64);
}

#[test]
fn snoozed_comes_back() {
    let mut q = queue();
    q.offer(&plan(change(11)), &workload(), Some(target()), at(0));
    q.snooze(&ProposalId::new("p-1"), Duration::from_secs(900), at(10)).unwrap();
    assert!(q.tick(at(500)).is_empty());
    q.tick(at(911));
    assert_eq!(q.live().next().unwrap().state, ProposalState::Open);
}

fn resize(to: u32) -> Verdict {
    Verdict::Change(PlannedChange {
        dimension: Dimension::Vertical,
        field: Field::CpuPods,
        from: 0,
        to: 6,
        until: None,
        size: Some(Resize { from: 500, to }),
    })
}

#[test]
fn a_size_stays_as_it_was_shown_and_is_not_said_again_for_a_day() {
    let mut q = queue();
    let free = Workload { owner: Owner::Nobody, ..workload() };
    q.offer(&plan(resize(700)), &free, Some(target()), at(0));
    let p = q.live().next().unwrap().clone();
    assert!(
        q.offer(&plan(resize(740)), &free, Some(target()), at(100)).is_empty(),
        "a little more is no news"
    );
    assert_eq!(q.offer(&plan(resize(900)), &free, Some(target()), at(200)).len(), 2, "much more is");
    let mut other = p.clone();
    other.change.size = Some(Resize { from: 500, to: 710 });
    assert_ne!(other.hash(), p.hash(), "the size is part of what is approved");
    assert!(q.tick(at(200 + 3500)).is_empty(), "it is open for an hour");
    assert_eq!(q.tick(at(200 + 3601)).len(), 1);
    let half_a_day = at(200 + 43_200);
    assert!(q.offer(&plan(resize(900)), &free, Some(target()), half_a_day).is_empty(), "nobody wanted it");
    assert_eq!(
        q.offer(&plan(change(11)), &workload(), Some(target()), half_a_day).len(),
        1,
        "counts are another matter"
    );
    q.withdraw(&WorkloadId::new("shop", "checkout", ""), "enough", half_a_day);
    assert_eq!(q.offer(&plan(resize(900)), &free, Some(target()), at(200 + 90_100)).len(), 1, "a day later");
}

#[test]
fn a_size_says_what_it_does_and_what_stays() {
    let mut q = queue();
    let free = Workload { owner: Owner::Nobody, ..workload() };
    q.offer(&plan(resize(700)), &free, Some(target()), at(0));
    let p = q.live().next().unwrap();
    assert!(
        p.sentence.contains("raise the CPU request of 6 running replicas in place, 500m→700m"),
        "{}",
        p.sentence
    );
    assert!(p.owner_note.contains("Replicas made later get 500m"), "{}", p.owner_note);
}

#[test]
fn a_card_says_when_it_is_only_part_of_what_is_needed_or_goes_where_nobody_was() {
    let sentence = |plan: &Plan, change: &PlannedChange| card::sentence(plan, change, &workload().owner);
    let Verdict::Change(raise) = change(11) else { unreachable!() };
    let fact = |label: &str, value, unit| Fact {
        label: label.into(),
        quantity: Quantity::new(value, unit),
        at: None,
    };
    let mut short = Plan { need_peak: Some(14), ..plan(change(11)) };
    short.facts.push(fact("cut by largest step to", 11.0, Unit::Count));
    let said = sentence(&short, &raise);
    assert!(said.contains("1310 rps. A first step: 14 needed, 11 allowed now. +$2.31/h"), "{said}");
    short.facts[2].label = "cut by maximum 11 to".into();
    let said = sentence(&short, &raise);
    assert!(said.contains("Not enough: 14 needed, 11 allowed by maximum 11."), "{said}");
    short.need_peak = Some(11);
    assert!(!sentence(&short, &raise).contains("needed"));

    let lower = PlannedChange { from: 10, to: 8, until: None, field: Field::Replicas, ..raise };
    let mut down = plan(Verdict::Change(lower.clone()));
    down.facts.push(fact("holds after it", 1897.0, Unit::RequestsPerSecond));
    assert!(sentence(&down, &lower).contains("you can hold 1310 rps, after: 1897 rps. "));
    down.facts.push(fact("capacity untested above, a replica", 144.0, Unit::RequestsPerSecond));
    let said = sentence(&down, &lower);
    assert!(said.contains("after: 1897 rps, untested above 144 rps a replica."), "{said}");
}
