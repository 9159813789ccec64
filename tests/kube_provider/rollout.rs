//! A whole rollout through the executor: staged, watched, kept as a lease and given back; and undone when new pods
//! crash or users are hurt.

use std::sync::atomic::Ordering;

use serde_json::json;
use weescale::approval::LeaseNote;
use weescale::execution::{Job, LeaseState, OperationId, OperationState, Receipt};
use weescale::fleet::Field;

use super::play::{HPAS, Rollout, begin, ended};
use crate::kube_api::hpa;

/// Approves a floor of 8 under a Deployment of 3.
async fn raise(crash: bool) -> Rollout {
    let prepare = |world: &mut crate::kube_api::World| world.put(hpa("web", "h-web", "web", 3, 12));
    begin((Field::MinReplicas, 8), 3, prepare, crash).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_floor_is_raised_in_stages_kept_and_given_back() {
    let mut r = raise(false).await;
    r.until(ended).await;
    assert_eq!(r.states.last(), Some(&OperationState::Kept), "{:?}", r.states);
    assert_eq!((r.floor(), r.written()), (json!(8), vec![6, 8]));
    let note = r.api.world().get(HPAS, "web")["metadata"]["annotations"].clone();
    assert_eq!(note[LeaseNote::PREVIOUS], "3");
    r.jobs.send(Job::Release(OperationId::new("op-1"), "bob".into())).await.unwrap();
    r.until(|receipt| matches!(receipt, Receipt::Lease(l) if matches!(l.state, LeaseState::Restored { .. })))
        .await;
    assert_eq!((r.floor(), r.written()), (json!(3), vec![6, 8, 3]));
    let world = r.api.world();
    assert!(world.get(HPAS, "web")["metadata"]["annotations"].get(LeaseNote::UNTIL).is_none());
    let sent = world.seen.iter().filter(|s| s.method == "PATCH" && !s.path.contains("dryRun"));
    assert_eq!(sent.count(), 3, "each write was sent once");
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_that_crash_take_the_floor_back() {
    let mut r = raise(true).await;
    r.until(ended).await;
    let last = r.states.last().unwrap();
    assert!(
        matches!(last, OperationState::RolledBack { why } if why.contains("CrashLoopBackOff")),
        "{last:?}"
    );
    assert_eq!((r.floor(), r.written()), (json!(3), vec![6, 3]));
}

#[tokio::test(flavor = "multi_thread")]
async fn users_that_are_hurt_take_the_floor_back() {
    let mut r = raise(false).await;
    // All is well until the change is there.
    r.until(|receipt| {
        matches!(receipt, Receipt::Operation(op)
            if op.current_stage().is_some_and(|s| s.kind == weescale::execution::StageKind::Validate))
    })
    .await;
    r.weather.slow.store(true, Ordering::SeqCst);
    r.until(ended).await;
    let last = r.states.last().unwrap();
    assert!(matches!(last, OperationState::RolledBack { why } if why.contains("p95")), "{last:?}");
    assert_eq!((r.floor(), r.written()), (json!(3), vec![6, 8, 3]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admission_rule_on_the_step_back_stops_it_after_the_first_write() {
    let rule = |world: &mut crate::kube_api::World| {
        world.put(hpa("web", "u-hpa", "web", 3, 20));
        world.barred = Some(("minReplicas", 6, 3));
    };
    let mut p = begin((Field::MinReplicas, 8), 3, rule, false).await;
    p.until(|r| matches!(r, Receipt::Operation(op) if matches!(op.state, OperationState::Paused { .. })))
        .await;
    let Some(OperationState::Paused { why }) = p.states.last() else { panic!("{:?}", p.states) };
    assert!(why.contains("min_replicas is 6 now") && why.contains("'slowly' denied"), "{why}");
    assert_eq!((p.floor(), p.written()), (serde_json::json!(6), vec![6]));
    // The rule goes, and what a person aborts is put back.
    p.api.world().barred = None;
    let id = OperationId::new("op-1");
    p.jobs.send(Job::Abort(id, "bob".into())).await.unwrap();
    p.until(ended).await;
    assert!(matches!(p.states.last(), Some(OperationState::RolledBack { .. })), "{:?}", p.states);
    assert_eq!((p.floor(), p.written()), (serde_json::json!(3), vec![6, 3]));
}
