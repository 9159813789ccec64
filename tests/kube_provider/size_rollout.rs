//! Resizing as an operation: pod by pod with a look after each batch, undone where it cannot be or users are hurt; and
//! as a new template that rolls over the replicas.

use std::sync::atomic::Ordering;

use serde_json::json;
use weescale::execution::{OperationState, Receipt, StageKind};
use weescale::fleet::Field;

use super::play::{DEPLOYMENTS, ended};
use super::size_play::{Play, asks, begin};
use crate::kube_api::{Fault, Trouble, sized_pod};

fn last(play: &Play) -> &OperationState {
    play.states.last().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_are_resized_one_first_then_a_quarter_then_all() {
    let mut p = begin(Field::CpuPods, 400, 8, |_| {}).await;
    p.until(ended).await;
    assert_eq!(last(&p), &OperationState::Kept, "{:?}", p.states);
    assert_eq!(p.written(), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!((p.sizes(), p.sent()), (vec!["400m".to_owned(); 8], 8), "each was sent once");
    let batches = p.said("replicas are resized and well");
    assert_eq!(batches.len(), 2, "a look after one and after a quarter: {batches:?}");
    let template = p.api.world().get(DEPLOYMENTS, "web");
    assert_eq!(
        template["spec"]["template"]["spec"]["containers"][0]["resources"],
        asks("250m"),
        "the template stays"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resize_that_can_never_be_is_taken_back() {
    let mut p = begin(Field::CpuPods, 400, 4, |_| {}).await;
    *p.weather.refuse.lock().unwrap() =
        Some(("web-64c9-01".into(), "Infeasible", "node does not have enough capacity"));
    p.until(ended).await;
    let OperationState::RolledBack { why } = last(&p) else { panic!("{:?}", p.states) };
    assert!(why.contains("web-64c9-01") && why.contains("not have enough capacity"), "{why}");
    assert_eq!((p.written(), p.sizes()), (vec![1, 2, 1, 0], vec!["250m".to_owned(); 4]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resize_that_waits_for_too_long_is_taken_back() {
    let mut p = begin(Field::CpuPods, 400, 2, |_| {}).await;
    *p.weather.refuse.lock().unwrap() =
        Some(("web-64c9-00".into(), "Deferred", "node has too little left now"));
    p.until(ended).await;
    let OperationState::RolledBack { why } = last(&p) else { panic!("{:?}", p.states) };
    assert!(why.contains("Deferred node has too little left now after 600 s"), "{why}");
    assert_eq!(p.sizes(), ["250m", "250m"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_that_are_hurt_end_it_before_all_pods_are_resized() {
    let mut p = begin(Field::CpuPods, 170, 8, |_| {}).await;
    p.until(|r| matches!(r, Receipt::Operation(op) if op.checkpoint.is_some())).await;
    p.weather.slow.store(true, Ordering::SeqCst);
    p.until(ended).await;
    let OperationState::RolledBack { why } = last(&p) else { panic!("{:?}", p.states) };
    assert!(why.contains("p95"), "{why}");
    assert!(p.written().iter().max() < Some(&8), "{:?}", p.written());
    assert_eq!(p.sizes(), vec!["250m".to_owned(); 8]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_without_an_answer_is_read_back_and_not_sent_again() {
    let reset = Fault {
        method: "PATCH",
        path: "fieldValidation=Strict",
        times: 0,
        trouble: Trouble::EffectThenReset,
    };
    let mut p = begin(Field::CpuPods, 400, 2, |world| world.faults.push(reset)).await;
    // The first write after the rehearsal.
    p.until(|r| matches!(r, Receipt::Operation(op) if op.state == OperationState::InFlight)).await;
    p.api.world().faults[0].times = 1;
    p.until(ended).await;
    assert_eq!(last(&p), &OperationState::Kept, "{:?}", p.states);
    assert!(p.states.iter().any(|s| matches!(s, OperationState::Unknown { .. })), "{:?}", p.states);
    assert_eq!((p.written(), p.sent()), (vec![1, 2], 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_template_than_was_shown_cancels_it() {
    let other = |world: &mut crate::kube_api::World| {
        let mut web = world.get(DEPLOYMENTS, "web");
        web["spec"]["template"]["spec"]["containers"][0]["resources"] = asks("300m");
        world.put(web);
    };
    for field in [Field::CpuPods, Field::CpuRequest] {
        let mut p = begin(field, 400, 2, other).await;
        p.until(ended).await;
        assert!(matches!(last(&p), OperationState::Cancelled { .. }), "{:?}", p.states);
        assert_eq!((p.sent(), p.sizes()), (0, vec!["250m".to_owned(); 2]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_one_step_is_refused_next_to_the_write() {
    let mut p = begin(Field::CpuPods, 510, 2, |_| {}).await;
    p.until(ended).await;
    let OperationState::Cancelled { why } = last(&p) else { panic!("{:?}", p.states) };
    assert!(why.contains("250m→510m is more than one step, 167m..=500m"), "{why}");
    assert_eq!((p.sent(), p.sizes()), (0, vec!["250m".to_owned(); 2]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_is_replaced_meanwhile_takes_it_back() {
    let mut p = begin(Field::CpuPods, 400, 4, |_| {}).await;
    p.until(|r| matches!(r, Receipt::Operation(op) if op.checkpoint.is_some())).await;
    let taken = p.sizes().iter().position(|s| s == "400m").unwrap();
    p.api.world().put(sized_pod(&format!("web-64c9-{taken:02}"), "web", &asks("250m")));
    p.until(ended).await;
    let OperationState::RolledBack { why } = last(&p) else { panic!("{:?}", p.states) };
    assert!(why.contains("a replica was replaced"), "{why}");
    assert_eq!(p.sizes(), vec!["250m".to_owned(); 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_rolls_over_the_replicas_and_is_kept() {
    let mut p = begin(Field::CpuRequest, 400, 4, |_| {}).await;
    p.until(|r| matches!(r, Receipt::Operation(op) if op.current_stage().is_some_and(|s| s.kind == StageKind::WarmUp))).await;
    assert_eq!(p.sizes(), vec!["400m".to_owned(); 4], "all are new before the next stage begins");
    p.until(ended).await;
    assert_eq!(last(&p), &OperationState::Kept, "{:?}", p.states);
    assert_eq!((p.written(), p.sent()), (vec![400], 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_whose_pods_crash_is_put_back_to_the_letter() {
    let mut p = begin(Field::CpuRequest, 400, 4, |_| {}).await;
    p.weather.crash.store(true, Ordering::SeqCst);
    p.until(ended).await;
    let OperationState::RolledBack { why } = last(&p) else { panic!("{:?}", p.states) };
    assert!(why.contains("CrashLoopBackOff"), "{why}");
    let web = p.api.world().get(DEPLOYMENTS, "web");
    assert_eq!(web["spec"]["template"]["spec"]["containers"][0]["resources"], asks("250m"));
    assert_eq!(
        (p.written(), web["metadata"]["annotations"].get("weescale.io/size-was")),
        (vec![400, 250], None)
    );
    assert_eq!(web["metadata"]["annotations"]["deployment.kubernetes.io/revision"], json!("1"));
}
