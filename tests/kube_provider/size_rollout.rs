//! Resizing as an operation: pod by pod with a look after each batch, undone where it cannot be or users are hurt; and
//! as a new template that rolls over the replicas.

use std::sync::atomic::Ordering;

use serde_json::json;
use weescale::execution::{OperationState, Receipt, StageKind};
use weescale::fleet::Field;

use super::play::{DEPLOYMENTS, ended};
use super::size_play::{Play, asks, begin, begin_at};
use crate::kube_api::{Fault, Trouble, quota, sized_pod};

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
    let rehearsed: Vec<String> =
        p.api.world().seen.iter().filter(|s| s.path.contains("dryRun")).map(|s| s.body.clone()).collect();
    assert_eq!(
        rehearsed.len(),
        3,
        "the way there, the way back, and back over the first that was resized: {rehearsed:?}"
    );
    assert!(rehearsed[2].contains("400m") && rehearsed[2].contains("250m"));
    assert!(rehearsed[0].contains("400m") && !rehearsed[1].contains("400m") && rehearsed[1].contains("250m"));
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
    // A minute of the machine's time for the crash to be seen before the replicas have taken too long.
    let mut p = begin_at(10.0, Field::CpuRequest, 400, 4, |_| {}).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_size_halts_it_at_once_and_is_named() {
    let mut p = begin(Field::CpuPods, 400, 8, |_| {}).await;
    p.until(|r| matches!(r, Receipt::Operation(op) if op.checkpoint.is_some())).await;
    let theirs = p.sizes().iter().rposition(|s| s == "250m").unwrap();
    let mut pod = sized_pod(&format!("web-64c9-{theirs:02}"), "web", &asks("700m"));
    pod["metadata"]["managedFields"] = json!([
        { "manager": "kube-controller-manager", "operation": "Update", "time": "2026-11-23T21:13:43Z",
          "fieldsV1": { "f:spec": { "f:containers": { "k:{\"name\":\"web\"}": { "f:image": {} } } } } },
        { "manager": "kubectl-edit", "operation": "Update", "time": "2026-11-23T22:13:43Z", "subresource": "resize",
          "fieldsV1": { "f:spec": { "f:containers": { "k:{\"name\":\"web\"}": {
              "f:resources": { "f:requests": { "f:cpu": {} } } } } } } }
    ]);
    p.api.world().put(pod);
    p.until(ended).await;
    let OperationState::Halted { why } = last(&p) else { panic!("{:?}", p.states) };
    assert!(why.contains("700m") && why.contains("last written by kubectl-edit"), "{why}");
    assert_eq!(p.sizes()[theirs], "700m", "it is theirs");
    assert!(p.written().len() < 8, "{:?}", p.written());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_surge_that_has_no_room_in_the_quota_is_refused_with_its_figure() {
    let full = |world: &mut crate::kube_api::World| {
        let mut web = world.get(DEPLOYMENTS, "web");
        web["spec"]["strategy"] = json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 1 } });
        world.put(web);
        let mut team = quota(9, 4);
        team["status"] = json!({ "hard": { "requests.cpu": "1100m" }, "used": { "requests.cpu": "1" } });
        world.put(team);
    };
    // Less in the end, but for a while one more.
    for to in [200, 300] {
        let mut p = begin(Field::CpuRequest, to, 4, full).await;
        p.until(ended).await;
        let OperationState::Cancelled { why } = last(&p) else { panic!("{:?}", p.states) };
        assert!(why.contains("1 more replicas") && why.contains("leaves 100m of requests.cpu"), "{why}");
        assert_eq!((p.sent(), p.sizes()), (0, vec!["250m".to_owned(); 4]));
    }
}

/// One resize that dies at its n-th write, whether or not that takes effect, and is resumed. `replaced` makes a resized
/// replica anew meanwhile.
async fn dies_at(n: u32, effect: bool, replaced: bool) {
    let trouble = if effect { Trouble::EffectThenReset } else { Trouble::Stall };
    let fault = Fault { method: "PATCH", path: "fieldValidation=Strict", times: 0, trouble };
    let mut p = begin(Field::CpuPods, 400, 4, |world| world.faults.push(fault)).await;
    p.until(|r| {
        let Receipt::Operation(op) = r else { return false };
        let done = op.checkpoint.map_or(0, |c| c.ours);
        op.state == OperationState::InFlight && done + 1 == n
    })
    .await;
    p.api.world().faults[0].times = 1;
    while p.sent() < n as usize {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    let about = format!("at {n}, effect {effect}, replaced {replaced}");
    let mut p = p
        .restart(|world| {
            let pods = world.objects.iter().filter(|((r, ..), _)| r == super::size_play::PODS);
            let ours = pods
                .filter(|(_, o)| o["spec"]["containers"][0]["resources"]["requests"]["cpu"] == "400m")
                .map(|((.., name), _)| name.clone())
                .next();
            if let Some(name) = ours.filter(|_| replaced) {
                world.put(sized_pod(&name, "web", &asks("250m")));
            }
        })
        .await;
    let resized = p.sizes().iter().filter(|s| *s == "400m").count();
    p.until(|r| matches!(r, Receipt::Operation(op) if matches!(op.state, OperationState::Paused { .. })))
        .await;
    let OperationState::Paused { why } = last(&p) else { panic!("{about}: {:?}", p.states) };
    assert_eq!(why.contains("replaced"), replaced && n > 1, "{about}: {why}");
    let before = p.sent();
    let id = weescale::execution::OperationId::new("op-1");
    p.jobs.send(weescale::execution::Job::Resume(id, "bob".into())).await.unwrap();
    p.until(ended).await;
    assert_eq!(last(&p), &OperationState::Kept, "{about}: {:?}", p.states);
    assert_eq!(p.sizes(), vec!["400m".to_owned(); 4], "{about}");
    assert_eq!(p.sent() - before, 4 - resized, "{about}: each that was missing was sent once");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_each_write_it_asks_and_goes_on_without_writing_twice() {
    tokio::join!(
        dies_at(1, false, false),
        dies_at(1, true, false),
        dies_at(2, false, false),
        dies_at(2, true, false),
        dies_at(3, true, false),
        dies_at(4, false, false),
        dies_at(4, true, false),
        dies_at(2, false, true),
        dies_at(4, false, true),
    );
}
