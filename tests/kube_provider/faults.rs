//! Whatever the server answers, a write goes out once, and what is not known is said to be unknown.

use std::time::Duration;

use weescale::execution::providers::KubernetesProvider;
use weescale::execution::{Provider, ProviderError};
use weescale::fleet::Field;

use super::rig::{named, order};
use crate::kube_api::{Fault, KubeApi, Trouble, deployment, hpa};

const DEPLOYMENTS: &str = "apps/v1/deployments";

async fn with_web() -> (KubeApi, KubernetesProvider) {
    let api = KubeApi::start().await;
    api.world().put(deployment("web", "u-web", 3));
    let mut settings = api.settings();
    settings.timeout = Duration::from_secs(2);
    (api, KubernetesProvider::new(settings).unwrap())
}

/// What becomes of a write from 3 to 5 that meets `trouble`, how often it was sent, and the count afterwards.
async fn write_with(trouble: Trouble) -> (ProviderError, usize, i64) {
    let (api, provider) = with_web().await;
    let web = named(&provider, "web").await;
    api.world().faults.push(Fault { method: "PATCH", path: "deployments", times: 9, trouble });
    let error = provider.write(&order(&web, Field::Replicas, 5)).await.unwrap_err();
    // A hidden repetition would come within seconds.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let world = api.world();
    (error, world.count("PATCH"), world.get(DEPLOYMENTS, "web")["spec"]["replicas"].as_i64().unwrap())
}

#[tokio::test]
async fn an_unknown_outcome_is_unknown_and_sent_once() {
    for (trouble, replicas) in [
        (Trouble::Plain(500, "internal error"), 3),
        (Trouble::Plain(503, "service unavailable"), 3),
        (Trouble::Plain(504, "gateway timeout"), 3),
        (Trouble::EffectThen(500), 5),
        (Trouble::Reset, 3),
        (Trouble::EffectThenReset, 5),
    ] {
        let told = format!("{trouble:?}");
        let (error, sent, now) = write_with(trouble).await;
        assert!(matches!(error, ProviderError::Unknown(_)), "{told}: {error:?}");
        assert_eq!((sent, now), (1, replicas), "{told}");
    }
}

#[tokio::test]
async fn a_stalled_write_has_a_deadline() {
    for trouble in [Trouble::Stall, Trouble::HalfBody] {
        let (error, sent, _) = write_with(trouble).await;
        assert!(
            matches!(&error, ProviderError::Unknown(why) if why.contains("no answer within 2 s")),
            "{error:?}"
        );
        assert_eq!(sent, 1);
    }
}

#[tokio::test]
async fn too_many_requests_is_a_refusal_with_a_pause() {
    let (error, sent, now) =
        write_with(Trouble::Plain(429, "Too many requests, please try again later.\n")).await;
    let ProviderError::Unavailable { why, retry_after } = error else { panic!("{error:?}") };
    assert!(why.contains("Too many requests"), "{why}");
    assert_eq!((retry_after, sent, now), (Some(Duration::from_secs(4)), 1, 3));
}

#[tokio::test]
async fn somebody_quicker_wins() {
    let (api, provider) = with_web().await;
    let web = named(&provider, "web").await;
    let key = (DEPLOYMENTS.to_owned(), "shop".to_owned(), "web".to_owned());
    api.world().quicker = Some((key, "replicas", 8));
    let error = provider.write(&order(&web, Field::Replicas, 5)).await.unwrap_err();
    let ProviderError::Precondition { why, current: Some(current) } = error else { panic!("{error:?}") };
    assert_eq!((why.as_str(), current.fields.replicas), ("replicas is 8, expected 3", Some(8)));
    assert_eq!(api.world().count("PATCH"), 1);
}

#[tokio::test]
async fn the_scale_alone_may_be_written() {
    let (api, provider) = with_web().await;
    api.world().denied.insert("patch deployments".into());
    let web = named(&provider, "web").await;
    let state = provider.write(&order(&web, Field::Replicas, 5)).await.unwrap();
    assert_eq!(state.fields.replicas, Some(5));
    {
        let world = api.world();
        let patch = world.seen.iter().find(|s| s.method == "PATCH").unwrap();
        assert!(patch.path.contains("/deployments/web/scale?fieldManager=weescale&fieldValidation=Strict"));
        assert!(
            patch.body.starts_with(r#"[{"op":"test","path":"/metadata/uid","value":"u-web"}"#),
            "{}",
            patch.body
        );
    }
    let notes = provider.list().await.unwrap().notes;
    assert!(notes.iter().any(|n| n.contains("leases are not noted on deployments")), "{notes:?}");
    // Nothing at all may be written: the rule that is missing is named.
    api.world().denied.insert("patch deployments/scale".into());
    let error = provider.write(&order(&state, Field::Replicas, 6)).await.unwrap_err();
    let ProviderError::Forbidden(why) = error else { panic!("{error:?}") };
    assert!(
        why.contains("- {apiGroups: [\"apps\"], resources: [deployments/scale], verbs: [patch]}"),
        "{why}"
    );
}

/// What `check` prints has to be enough to scale.
#[tokio::test]
async fn rights_that_counts_and_floors_lack_are_named_before_they_are_needed() {
    let api = KubeApi::start().await;
    {
        let mut world = api.world();
        for name in ["web", "worker"] {
            world.put(deployment(name, &format!("u-{name}"), 3));
        }
        world.put(hpa("web", "h-1", "web", 2, 9));
        let denied = ["deployments", "deployments/scale", "horizontalpodautoscalers"];
        world.denied = denied.map(|what| format!("patch {what}")).into();
    }
    let lacks = async |what: &str| {
        let list = KubernetesProvider::new(api.settings()).unwrap().list().await.unwrap();
        let rule = format!("resources: [{what}], verbs: [patch]}}");
        list.notes.iter().any(|n| n.contains("of shop may not be written") && n.ends_with(&rule))
    };
    assert!(lacks("deployments/scale").await && lacks("horizontalpodautoscalers").await);
    // One of two ways to write a count is enough, and what nobody scales by needs no right.
    api.world().denied.remove("patch deployments");
    api.world().denied.remove("patch horizontalpodautoscalers");
    assert!(!lacks("deployments/scale").await && !lacks("horizontalpodautoscalers").await);
    assert!(!lacks("statefulsets/scale").await);
}

#[tokio::test]
async fn a_server_that_does_not_say_what_may_be_done_is_asked_no_more_for_that_list() {
    let api = KubeApi::start().await;
    {
        let mut world = api.world();
        world.put(deployment("web", "u-web", 3));
        world.put(deployment("worker", "u-worker", 3));
        world.put(hpa("web", "h-1", "web", 2, 9));
        let path = "selfsubjectaccessreviews";
        world.faults.push(Fault { method: "POST", path, times: 99, trouble: Trouble::Stall });
    }
    let list = KubernetesProvider::new(api.settings()).unwrap().list().await.unwrap();
    assert_eq!(list.workloads.len(), 2, "what is seen is shown");
    assert!(api.world().count("POST") <= 2, "each question waits as long as a request may");
}

#[tokio::test]
async fn who_may_read_nothing_is_told_every_rule_at_once() {
    let api = KubeApi::start().await;
    let kinds =
        ["deployments", "statefulsets", "rollouts", "horizontalpodautoscalers", "pods", "nodes", "events"];
    api.world().denied = kinds.map(|kind| format!("list {kind}")).into();
    let error = KubernetesProvider::new(api.settings()).unwrap().list().await.unwrap_err();
    let ProviderError::Forbidden(why) = error else { panic!("{error:?}") };
    for kind in kinds {
        let rule = format!("resources: [{kind}], verbs: [get, list, watch]}}");
        assert!(why.contains(&rule), "{kind} in {why}");
    }
}

#[tokio::test]
async fn the_holder_made_anew_is_another() {
    let api = KubeApi::start().await;
    api.world().put(deployment("web", "u-web", 3));
    api.world().put(hpa("web", "h-1", "web", 2, 9));
    let provider = KubernetesProvider::new(api.settings()).unwrap();
    let web = named(&provider, "web").await;
    api.world().delete("autoscaling/v2/horizontalpodautoscalers", "web");
    api.world().put(hpa("web", "h-2", "web", 2, 9));
    let error = provider.write(&order(&web, Field::MinReplicas, 4)).await.unwrap_err();
    assert!(matches!(error, ProviderError::Conflict { .. }), "{error:?}");
    assert_eq!(api.world().count("PATCH"), 0);
}

#[tokio::test]
async fn lists_wait_as_asked_and_recover() {
    let api = KubeApi::start().await;
    {
        let mut world = api.world();
        world.put(deployment("web", "u-web", 3));
        let fault = |trouble| Fault { method: "GET", path: "/statefulsets?limit", times: 1, trouble };
        world.faults.push(fault(Trouble::Plain(503, "no backend")));
        world.faults.push(fault(Trouble::Reset));
    }
    let provider = KubernetesProvider::new(api.settings()).unwrap();
    for _ in 0..500 {
        if provider.list().await.is_ok_and(|l| l.notes.is_empty()) {
            let tries = api.world().seen.iter().filter(|s| s.path.contains("/statefulsets?limit")).count();
            assert_eq!(tries, 3, "each failure is followed by one more list");
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it did not recover");
}
