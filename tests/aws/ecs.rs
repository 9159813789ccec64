//! ECS services with Application Auto Scaling against moto, and the whole way of an approval there and on the strict fake.

use std::sync::Arc;

use weescale::approval::{LeaseNote, Way};
use weescale::execution::providers::aws::EcsServices;
use weescale::execution::providers::contract::{PodPhase, WorkloadState};
use weescale::execution::{Provider, ProviderError};
use weescale::fleet::{Field, Owner, ScaleIn};
use weescale::scrape::aws::{Call, Effect, Service};

use super::fake_ecs::FakeEcs;
use super::lease::there_and_back;
use super::moto::{Moto, SHIPPED, allow};
use super::orders::{mandate, note};

const ECS: &str = "AmazonEC2ContainerServiceV20141113";
const SCALING: &str = "AnyScaleFrontendService";

/// Services `checkout`, with a scalable target and a policy, and `batch`, without.
fn account(moto: &Moto) {
    account_with(moto, r#""MinCapacity":2,"MaxCapacity":8"#);
}

fn account_with(moto: &Moto, bounds: &str) {
    let ecs = |action: &str, body: &str| moto.json("ecs", &format!("{ECS}.{action}"), body);
    ecs("CreateCluster", r#"{"clusterName":"prod"}"#);
    ecs(
        "RegisterTaskDefinition",
        r#"{"family":"task","containerDefinitions":[{"name":"c","image":"i","cpu":1,"memory":4}]}"#,
    );
    for name in ["checkout", "batch"] {
        let tags = r#"[{"key":"team","value":"shop"}]"#;
        ecs(
            "CreateService",
            &format!(
                r#"{{"cluster":"prod","serviceName":"{name}","taskDefinition":"task","desiredCount":2,"tags":{tags}}}"#
            ),
        );
    }
    let target = r#""ServiceNamespace":"ecs","ResourceId":"service/prod/checkout","ScalableDimension":"ecs:service:DesiredCount""#;
    let scaling = |action: &str, rest: &str| {
        moto.json("application-autoscaling", &format!("{SCALING}.{action}"), &format!("{{{target},{rest}}}"));
    };
    scaling("RegisterScalableTarget", bounds);
    scaling(
        "PutScalingPolicy",
        r#""PolicyName":"cpu","PolicyType":"TargetTrackingScaling","TargetTrackingScalingPolicyConfiguration":{"TargetValue":50.0,"PredefinedMetricSpecification":{"PredefinedMetricType":"ECSServiceAverageCPUUtilization"}}"#,
    );
    moto.user("ops", SHIPPED);
    moto.user("reader", &allow(&["ecs:List*", "ecs:Describe*", "application-autoscaling:Describe*"]));
    moto.lock();
}

async fn find(provider: &EcsServices, name: &str) -> WorkloadState {
    let listed = provider.list().await.unwrap();
    listed.workloads.into_iter().find(|w| w.name == name).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn capacity_is_raised_where_its_owner_respects_it() {
    let Some(moto) = Moto::start() else { return };
    account(&moto);
    let wrong = EcsServices::new(moto.client("ops-wrong")).list().await.unwrap_err();
    assert!(matches!(wrong, ProviderError::Unauthenticated(_)), "{wrong}");

    let ops = EcsServices::new(moto.client("ops"));
    let checkout = find(&ops, "checkout").await;
    assert_eq!(checkout.owner.label(), "ecs: target tracking cpu");
    let fields = checkout.fields;
    assert_eq!((fields.replicas, fields.min_replicas, fields.max_replicas), (Some(2), Some(2), Some(8)));
    assert_eq!(
        (checkout.namespace.as_str(), checkout.region.as_str(), checkout.team.as_str()),
        ("prod", "us-east-1", "shop")
    );
    assert_eq!(ops.gaps().take(), Vec::<String>::new());
    assert_eq!(ops.read(&checkout.uid).await.unwrap(), checkout);

    let reader = EcsServices::new(moto.client("reader"));
    let order = mandate(&checkout, Field::MinReplicas, 4).order(Way::Forward, 2, 4).unwrap();
    let denied = reader.write(&order).await.unwrap_err();
    assert!(
        matches!(&denied, ProviderError::Forbidden(why)
            if why.contains("allow application-autoscaling:RegisterScalableTarget")),
        "{denied}"
    );

    let mut leave = mandate(&checkout, Field::MinReplicas, 4);
    ops.write(&leave.rehearsal(4)).await.unwrap();
    assert_eq!(find(&ops, "checkout").await, checkout, "a rehearsal changes nothing");
    let order = leave.order(Way::Forward, 2, 4).unwrap().with_note(Some(&note()));
    ops.write(&order).await.unwrap();
    let after = find(&ops, "checkout").await;
    assert_eq!(
        (after.fields.min_replicas, after.fields.max_replicas),
        (Some(4), Some(8)),
        "the maximum stays"
    );
    assert_eq!(after.annotations[LeaseNote::PREVIOUS], "1");
    ops.write(&leave.order(Way::Back, 4, 2).unwrap().with_note(None)).await.unwrap();
    let after = find(&ops, "checkout").await;
    assert_eq!((after.fields.min_replicas, after.annotations.len()), (Some(2), 0));

    // Nobody owns the other one's count: it is written itself. The first one's is not.
    let batch = find(&ops, "batch").await;
    assert_eq!((batch.owner.clone(), batch.fields.min_replicas), (Owner::Nobody, None));
    ops.write(&mandate(&batch, Field::Replicas, 3).order(Way::Forward, 2, 3).unwrap()).await.unwrap();
    assert_eq!(find(&ops, "batch").await.fields.replicas, Some(3));
    let taken = WorkloadState { owner: Owner::Nobody, ..checkout.clone() };
    let order = mandate(&taken, Field::Replicas, 3).order(Way::Forward, 2, 3).unwrap();
    let refused = ops.write(&order).await.unwrap_err();
    assert!(matches!(&refused, ProviderError::Invalid(why) if why.contains("belongs to ecs")), "{refused}");

    let (arn, _) = batch.uid.split_once('#').unwrap();
    let reborn = WorkloadState { uid: format!("{arn}#1"), ..find(&ops, "batch").await };
    let order = mandate(&reborn, Field::Replicas, 4).order(Way::Forward, 3, 4).unwrap();
    assert!(matches!(ops.write(&order).await, Err(ProviderError::Conflict { .. })));
    assert!(matches!(ops.read(&reborn.uid).await, Err(ProviderError::NotFound(_))));
}

/// Whether scale-in and schedules of `checkout` are suspended.
async fn suspended(moto: &Moto) -> [bool; 2] {
    let body = serde_json::json!({ "ServiceNamespace": "ecs" });
    let call = Call::json(Service::ApplicationAutoScaling, "DescribeScalableTargets", &body, Effect::Read);
    let answer = moto.client("ops").call(&call).await.unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
    let state = &answer["ScalableTargets"][0]["SuspendedState"];
    ["DynamicScalingInSuspended", "ScheduledScalingSuspended"].map(|k| state[k] == true)
}

#[tokio::test(flavor = "multi_thread")]
async fn scale_in_is_held_and_given_back_and_what_else_is_suspended_stays_so() {
    let Some(moto) = Moto::start() else { return };
    account_with(
        &moto,
        r#""MinCapacity":2,"MaxCapacity":8,"SuspendedState":{"ScheduledScalingSuspended":true}"#,
    );
    let ops = EcsServices::new(moto.client("ops"));
    let (allowed, held) = (ScaleIn::Allowed.value(), ScaleIn::Held.value());
    let checkout = find(&ops, "checkout").await;
    assert_eq!(checkout.fields.scale_in, Some(allowed));
    assert_eq!(find(&ops, "batch").await.fields.scale_in, None, "nothing acts on it");

    let mut authority = mandate(&checkout, Field::ScaleIn, held);
    let rehearsed = ops.write(&authority.rehearsal(held)).await.unwrap();
    assert_eq!(rehearsed.uid, checkout.uid);
    assert_eq!(find(&ops, "checkout").await.fields.scale_in, Some(allowed), "a rehearsal changes nothing");
    let order = authority.order(Way::Forward, allowed, held).unwrap().with_note(Some(&note()));
    let state = ops.write(&order).await.unwrap();
    assert_eq!(state.fields.scale_in, Some(held));
    assert!(state.annotations.contains_key(LeaseNote::keys(Field::ScaleIn)[0]), "{:?}", state.annotations);
    assert_eq!(suspended(&moto).await, [true, true], "schedules stay suspended");
    let stale = ops.write(&order).await;
    assert!(matches!(stale, Err(ProviderError::Precondition { .. })), "{stale:?}");

    let back = authority.order(Way::Back, held, allowed).unwrap().with_note(None);
    assert_eq!(ops.write(&back).await.unwrap().fields.scale_in, Some(allowed));
    assert_eq!(suspended(&moto).await, [false, true]);
}

/// On moto a service has the tasks that were asked for with the last update, counted and not listed.
#[tokio::test(flavor = "multi_thread")]
async fn the_count_of_a_service_is_raised_held_and_given_back() {
    let Some(moto) = Moto::start() else { return };
    account(&moto);
    let ops = Arc::new(EcsServices::new(moto.client("ops")));
    let trip = there_and_back(Arc::clone(&ops) as Arc<dyn Provider>, "batch", Field::Replicas, 3).await;
    let [before, held, after] = &trip.states;
    assert_eq!((before.fields.replicas, before.ready, before.pods.len()), (Some(2), 0, 0));
    assert_eq!((held.fields.replicas, held.ready), (Some(3), 3), "{:?}", trip.gates);
    assert_eq!(held.annotations[LeaseNote::PREVIOUS], "2");
    assert_eq!((after.fields.replicas, after.ready, after.annotations.len()), (Some(2), 2, 0));
    assert_eq!(trip.set, [3, 2], "each value once a way");
    assert_eq!(ops.gaps().take(), Vec::<String>::new());
    // The other service is left alone.
    let checkout = find(&ops, "checkout").await;
    assert_eq!((checkout.fields.replicas, checkout.fields.min_replicas), (Some(2), Some(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_come_up_under_a_raised_minimum_and_stay_when_it_is_given_back() {
    let fake = FakeEcs::start();
    let ops = Arc::new(fake.provider());
    let trip = there_and_back(Arc::clone(&ops) as Arc<dyn Provider>, "checkout", Field::MinReplicas, 3).await;
    let [before, held, after] = &trip.states;
    let ready = |w: &WorkloadState| w.pods.iter().filter(|p| p.phase == PodPhase::Ready).count();
    assert_eq!((before.ready, ready(before), before.pods.len()), (2, 2, 2));
    assert_eq!(
        (held.fields.min_replicas, held.fields.replicas, held.ready, ready(held)),
        (Some(3), Some(3), 3, 3)
    );
    let times = |w: &WorkloadState| {
        w.pods.iter().all(|p| {
            Some(p.created_ms) < p.scheduled_ms && p.scheduled_ms < p.started_ms && p.address.is_some()
        })
    };
    assert!(times(before) && times(held), "{:?}", held.pods);
    assert!(trip.gates.iter().any(|g| g.starts_with("0 of 1 new ready, 2 of 3 in all")), "{:?}", trip.gates);
    assert!(trip.gates.iter().any(|g| g.starts_with("1 of 1 new ready, 3 of 3 in all")), "{:?}", trip.gates);
    assert_eq!(held.annotations[LeaseNote::PREVIOUS], "2");
    // A lower minimum takes nothing away: that is the policy's to do.
    assert_eq!((after.fields.min_replicas, after.fields.replicas, ready(after)), (Some(2), Some(3), 3));
    assert!(after.annotations.is_empty(), "{:?}", after.annotations);
    assert_eq!((trip.set, ops.gaps().take()), (vec![3, 2], Vec::<String>::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_of_a_count_that_nobody_owns_come_and_go_with_it() {
    let fake = FakeEcs::start();
    let ops = Arc::new(fake.provider());
    let trip = there_and_back(Arc::clone(&ops) as Arc<dyn Provider>, "batch", Field::Replicas, 3).await;
    let [before, held, after] = &trip.states;
    let names = |w: &WorkloadState| w.pods.iter().map(|p| p.name.clone()).collect::<Vec<_>>();
    assert_eq!((before.ready, held.ready, after.fields.replicas), (2, 3, Some(2)));
    assert_eq!((&names(held)[..2], names(held).len()), (&names(before)[..], 3), "one is new");
    assert_eq!(names(after), names(before), "the new one went");
    assert_eq!(trip.set, [3, 2]);
}
