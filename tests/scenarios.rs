//! Every scenario of the simulated fleet through the whole path: scraped over HTTP, planned, proposed, approved,
//! executed over HTTP and measured, against what the scenario says should be concluded.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail loudly")]

mod fleet;
#[path = "fleet/ports.rs"]
mod ports;
#[path = "scenarios/rig.rs"]
mod rig;
#[path = "scenarios/watch.rs"]
mod watch;

use std::time::Duration;

use rig::Rig;
use watch::Watch;
use weescale::approval::LeaseNote;
use weescale::execution::providers::{HttpProvider, HttpSettings, TokenSource};
use weescale::execution::{GateState, LeaseState, OperationState, Provider, StageKind};
use weescale::proposal::{ProposalState, RejectReason};
use weescale::sandbox::Scenario;
use weescale::scrape::Secret;
use weescale::view::{Command, View};

/// Times faster than the machine.
const SPEED: f64 = 25.0;
const CHECKOUT: &str = "shop/checkout@eu-west";
const CATALOG: &str = "find/catalog@eu-west";

/// Runs a scenario without a decision for as long as its expectations reach, but rollbacks, which need one.
async fn conclude(name: &str) {
    let expected = Scenario::named(name).unwrap().expected;
    let mut rig = Rig::start(name, SPEED, None).await;
    let mut watch = Watch::default();
    let end = expected.iter().filter(|e| watch::is_watched(e)).map(|e| e.by).max().unwrap();
    loop {
        let view = rig.next().await;
        let second = rig.second(&view);
        watch.look(&view, second);
        if second > end || (second > 120 && watch.has_all(&expected)) {
            break;
        }
    }
    rig.engine.stop().await;
    watch.judge(name, &expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn calm() {
    conclude("calm").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn flash_crowd() {
    conclude("flash-crowd").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_storm() {
    conclude("retry-storm").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn db_bound() {
    conclude("db-bound").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn region_loss() {
    conclude("region-loss").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_outage() {
    conclude("metrics-outage").await;
}

/// Every planner finds enough in the fleet to judge, and says so; most have something to advise.
#[tokio::test(flavor = "multi_thread")]
async fn every_dimension_is_at_work() {
    let mut rig = Rig::start("morning-ramp", SPEED, None).await;
    let mut watch = Watch::default();
    let judged = |view: &View| view.reports.len() == 10 && view.reports.iter().all(|r| r.judged > 0);
    let view = watch.until(&mut rig, 900, |view| judged(view)).await;
    rig.engine.stop().await;
    for report in &view.reports {
        println!("{}: {}", report.dimension.name(), report.sentence());
        assert!(report.advice.iter().all(|a| !a.evidence.is_empty() && !a.not_approvable.is_empty()));
    }
    for advice in &view.advice {
        println!(
            "{:?} {} {}: {} ({:?})",
            advice.urgency,
            advice.dimension.name(),
            advice.subject,
            advice.what,
            advice.saving
        );
        assert!((0.0..=1.0).contains(&advice.confidence) && !advice.confidence_why.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_deploy() {
    conclude("bad-deploy").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wear() {
    conclude("wear").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn month_end() {
    conclude("month-end").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cold_cache() {
    conclude("cold-cache").await;
}

fn platform(rig: &Rig) -> HttpProvider {
    let mut settings = HttpSettings::new(&rig.fleet.provider_url);
    settings.token = TokenSource::Given(Secret::new(rig.fleet.token.clone()));
    HttpProvider::new(&settings).unwrap()
}

/// An approved floor is provisioned, warmed up, shifted, validated and kept, with its lease on the platform, and
/// its outcome and score follow.
#[tokio::test(flavor = "multi_thread")]
async fn morning_ramp_approved() {
    let mut rig = Rig::start("morning-ramp", SPEED, None).await;
    let mut watch = Watch::default();
    let proposal = watch.proposal(&mut rig, CHECKOUT, 900).await;
    let p = &proposal.proposal;
    assert!(p.facts.iter().any(|f| f.label.starts_with("peak")), "{:?}", p.facts);
    assert!(p.facts.iter().any(|f| f.label == "you can hold"), "{:?}", p.facts);
    assert!(p.cost.per_hour().is_some_and(|d| d > 0.0), "{:?}", p.cost);
    assert!(p.experience.minutes_short_without > p.experience.minutes_short_with, "{:?}", p.experience);
    assert_eq!(p.owner.label(), "hpa/checkout");
    assert!(p.expires > p.created && p.change.until.is_some());
    watch.approve(&rig, &proposal).await;

    let kept = watch.ended(&mut rig, CHECKOUT, 1800).await;
    assert_eq!(kept.state, OperationState::Kept, "{kept:#?}");
    let stages: Vec<StageKind> = kept.stages.iter().map(|s| s.kind).collect();
    assert_eq!(stages, StageKind::ALL);
    assert!(kept.stages.iter().all(|s| s.state == GateState::Passed), "{kept:#?}");
    let judged = kept.stages.iter().flat_map(|s| &s.gates).find(|g| g.name == "new vs old pods");
    let judged = judged.expect("a verdict on the new pods");
    assert!(judged.state == GateState::Passed && judged.value.is_some(), "measured one by one: {judged:?}");
    let ends: Vec<_> = kept.stages.iter().map(|s| s.ended).collect();
    assert!(ends.is_sorted() && ends.iter().all(Option::is_some), "{ends:?}");

    let view = watch.until(&mut rig, 300, |v| v.leases.iter().any(|l| l.state == LeaseState::Held)).await;
    let lease = view.leases.iter().find(|l| l.operation == kept.id).expect("a lease");
    assert_eq!((lease.floor, lease.restore), (p.change.to, p.change.from));
    let live = platform(&rig).read(&kept.target.uid).await.unwrap();
    assert_eq!(live.fields.min_replicas, Some(p.change.to));
    assert_eq!(live.annotations.get(LeaseNote::PREVIOUS), Some(&p.change.from.to_string()));

    let view = watch.until(&mut rig, 1500, |v| v.outcomes.iter().any(|o| o.settled)).await;
    let outcome = view.outcomes.iter().find(|o| o.operation == kept.id).expect("an outcome");
    assert!(outcome.comparisons.iter().any(|c| c.observed.is_some()), "{outcome:#?}");
    let row = view.learning.data.scoreboard.rows.iter().find(|r| r.proposal == p.id).expect("a score");
    assert!(row.decision.starts_with("approved"), "{row:?}");
    rig.engine.stop().await;
}

/// A rejection is recorded with its reason and scored all the same.
#[tokio::test(flavor = "multi_thread")]
async fn morning_ramp_rejected() {
    let mut rig = Rig::start("morning-ramp", SPEED, None).await;
    let mut watch = Watch::default();
    let proposal = watch.proposal(&mut rig, CHECKOUT, 900).await.proposal;
    let reason = RejectReason::WrongForecast;
    rig.engine.commands.send(Command::Reject { proposal: proposal.id.clone(), reason }).await.unwrap();
    let rejected = |s: &ProposalState| matches!(s, ProposalState::Rejected { reason: r, .. } if *r == reason);
    let view = watch
        .until(&mut rig, 300, |v| {
            let row = v.learning.data.scoreboard.rows.iter().find(|r| r.proposal == proposal.id);
            row.is_some_and(|r| r.decision.starts_with("rejected") && r.minutes_short_without.is_some())
        })
        .await;
    assert!(view.proposals.data.iter().any(|p| p.proposal.id == proposal.id && rejected(&p.proposal.state)));
    assert!(view.journal.iter().any(|l| l.kind == "reject" && l.text.contains(reason.phrase())));
    let again = |p: &&weescale::view::ProposalView| {
        p.proposal.workload == proposal.workload && p.proposal.state.is_live()
    };
    assert_eq!(view.proposals.data.iter().filter(again).count(), 0, "left alone for a while");
    assert!(view.operations.data.is_empty());
    rig.engine.stop().await;
}

/// The other controller wins: undone, with what was found named, and the platform as before.
#[tokio::test(flavor = "multi_thread")]
async fn controller_fight() {
    let mut rig = Rig::start("controller-fight", SPEED, None).await;
    let mut watch = Watch::default();
    let proposal = watch.proposal(&mut rig, CHECKOUT, 900).await;
    watch.approve(&rig, &proposal).await;
    let ended = watch.ended(&mut rig, CHECKOUT, 3000).await;
    let why = match &ended.state {
        OperationState::RolledBack { why } | OperationState::Halted { why } => why,
        other => panic!("{other:?}"),
    };
    let change = &proposal.proposal.change;
    assert!(why.contains(&change.from.to_string()), "the foreign value is named: {why}");
    let live = platform(&rig).read(&ended.target.uid).await.unwrap();
    assert_eq!(live.fields.min_replicas, Some(change.from));
    rig.engine.stop().await;
}

/// Pods that never get warm are taken back. The cold cache is no reason to scale, so a person asks for it.
#[tokio::test(flavor = "multi_thread")]
async fn cold_pods_are_taken_back() {
    let mut rig = Rig::start("cold-cache", SPEED, None).await;
    let mut watch = Watch::default();
    let proposal = watch.proposal(&mut rig, CATALOG, 2700).await.proposal;
    let from = proposal.change.from;
    let to = from + 2;
    rig.engine.commands.send(Command::Edit { proposal: proposal.id.clone(), to }).await.unwrap();
    let edited = watch.live(&mut rig, CATALOG, 60, |p| p.proposal.change.to == to).await;
    watch.approve(&rig, &edited).await;
    let ended = watch.ended(&mut rig, CATALOG, 3000).await;
    assert!(matches!(ended.state, OperationState::RolledBack { .. }), "{ended:#?}");
    let live = platform(&rig).read(&ended.target.uid).await.unwrap();
    assert_eq!(live.fields.replicas, Some(from));
    tokio::time::sleep(Duration::from_millis(10)).await;
    rig.engine.stop().await;
}
