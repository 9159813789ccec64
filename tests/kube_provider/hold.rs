//! Scale-in is held and given back: by an HPA's behaviour, by KEDA's annotation; and left alone where somebody else has
//! taken KEDA's hands off.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use weescale::approval::{LeaseNote, Mandate, Way};
use weescale::execution::providers::KubernetesProvider;
use weescale::execution::providers::contract::WorkloadState;
use weescale::execution::{Job, LeaseState, OperationId, OperationState, Provider, ProviderError, Receipt};
use weescale::fleet::{Field, Owner, ScaleIn};

use super::cluster::Cluster;
use super::play::{DEPLOYMENTS, HPAS, Rollout, SCALED, begin, ended, made_by_keda};
use super::rig::{mandate, named, order};
use crate::kube_api::{KubeApi, World, deployment, hpa, scaled_object};

const HELD: u32 = ScaleIn::Held.value();

async fn replicas(r: &Rollout, wanted: u64) -> bool {
    for _ in 0..200 {
        if r.api.world().get(DEPLOYMENTS, "web")["spec"]["replicas"] == json!(wanted) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

/// Held for a lease while the load falls, and let go at its end.
async fn held_and_given_back(prepare: impl FnOnce(&mut World)) -> Rollout {
    let mut r = begin((Field::ScaleIn, HELD), 6, prepare, false).await;
    r.until(ended).await;
    assert_eq!(r.states.last(), Some(&OperationState::Kept), "{:?}", r.states);
    r.weather.wanted.store(3, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert!(replicas(&r, 6).await, "nothing is taken away");
    r.weather.wanted.store(8, Ordering::SeqCst);
    assert!(replicas(&r, 8).await, "and more is added");
    r.weather.wanted.store(3, Ordering::SeqCst);
    r.jobs.send(Job::Release(OperationId::new("op-1"), "bob".into())).await.unwrap();
    r.until(|receipt| matches!(receipt, Receipt::Lease(l) if matches!(l.state, LeaseState::Restored { .. })))
        .await;
    assert!(replicas(&r, 3).await, "it takes away again");
    assert_eq!(r.written(), vec![HELD, 0]);
    let world = r.api.world();
    let sent = world.seen.iter().filter(|s| s.method == "PATCH" && !s.path.contains("dryRun"));
    assert_eq!(sent.count(), 2, "each write was sent once");
    drop(world);
    r
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hpa_takes_nothing_away_for_as_long_as_the_lease_runs() {
    let r = held_and_given_back(|world| world.put(hpa("web", "h-web", "web", 3, 12))).await;
    let object = r.api.world().get(HPAS, "web");
    assert!(object["spec"].get("behavior").is_none(), "it had none before: {}", object["spec"]);
    assert_eq!(object["metadata"]["annotations"], json!({}), "no note stays");
    assert_eq!(object["spec"]["minReplicas"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn keda_takes_nothing_away_for_as_long_as_the_lease_runs() {
    let r = held_and_given_back(|world| {
        world.put(made_by_keda());
        let mut scaled = scaled_object("web", "s-web", "web");
        scaled["spec"]["minReplicaCount"] = json!(3);
        world.put(scaled);
    })
    .await;
    let object = r.api.world().get(SCALED, "web");
    assert_eq!(object["metadata"]["annotations"], json!({}), "no annotation stays");
    let sent = r.api.world().seen.iter().any(|s| s.method == "PATCH" && s.path.contains("keda-hpa"));
    assert!(!sent, "KEDA's own HPA is left to KEDA");
}

#[tokio::test(flavor = "multi_thread")]
async fn keda_is_pinned_for_as_long_as_the_lease_runs() {
    let prepare = |world: &mut World| {
        world.put(made_by_keda());
        let mut scaled = scaled_object("web", "s-web", "web");
        scaled["spec"]["minReplicaCount"] = json!(3);
        scaled["metadata"]["annotations"] = json!({ "team": "front" });
        world.put(scaled);
    };
    let mut r = begin((Field::ScaleIn, ScaleIn::pinned_at(6)), 6, prepare, false).await;
    r.until(ended).await;
    assert_eq!(r.states.last(), Some(&OperationState::Kept), "{:?}", r.states);
    let there = r.api.world().get(SCALED, "web")["metadata"]["annotations"].clone();
    assert_eq!(there["autoscaling.keda.sh/paused-replicas"], "6", "the count there was");
    assert_eq!(there[LeaseNote::keys(Field::ScaleIn)[1]], "allowed", "and what it was is noted");
    let provider = KubernetesProvider::new(r.api.settings()).unwrap();
    let web = named(&provider, "web").await;
    let owner = web.owner.label();
    assert!(owner.starts_with("keda/web, pinned at 6 replicas by ann through weescale until "), "{owner}");
    for wanted in [9, 3] {
        r.weather.wanted.store(wanted, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(replicas(&r, 6).await, "neither more nor less");
    }
    r.jobs.send(Job::Release(OperationId::new("op-1"), "bob".into())).await.unwrap();
    r.until(|receipt| matches!(receipt, Receipt::Lease(l) if matches!(l.state, LeaseState::Restored { .. })))
        .await;
    assert!(replicas(&r, 3).await, "KEDA scales again");
    assert_eq!(r.api.world().get(SCALED, "web")["metadata"]["annotations"], json!({ "team": "front" }));
    assert_eq!(r.written(), vec![ScaleIn::pinned_at(6), 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_at_another_count_than_was_approved_is_stale() {
    let prepare = |world: &mut World| {
        world.put(made_by_keda());
        world.put(scaled_object("web", "s-web", "web"));
    };
    let mut r = begin((Field::ScaleIn, ScaleIn::pinned_at(5)), 6, prepare, false).await;
    r.until(ended).await;
    let Some(OperationState::Cancelled { why }) = r.states.last() else { panic!("{:?}", r.states) };
    assert!(why.contains("there are 6 replicas now, approved was to pin 5"), "{why}");
    // The same beside the write, for a count that moves after the last look.
    let provider = KubernetesProvider::new(r.api.settings()).unwrap();
    let web = named(&provider, "web").await;
    let refused = provider.write(&order(&web, Field::ScaleIn, ScaleIn::pinned_at(5))).await;
    assert!(
        matches!(&refused, Err(ProviderError::Precondition { why, .. }) if why.contains("pin 5")),
        "{refused:?}"
    );
    assert_eq!((r.written(), r.api.world().count("PATCH")), (vec![], 0));
}

#[tokio::test]
async fn an_hpa_cannot_be_pinned() {
    let api = KubeApi::start().await;
    api.world().put(deployment("web", "u-web", 3));
    api.world().put(hpa("web", "h-web", "web", 2, 12));
    let provider = KubernetesProvider::new(api.settings()).unwrap();
    let web = named(&provider, "web").await;
    let refused = provider.write(&order(&web, Field::ScaleIn, ScaleIn::pinned_at(3))).await;
    assert!(matches!(refused, Err(ProviderError::Invalid(_))), "{refused:?}");
    assert_eq!(api.world().count("PATCH"), 0);
}

#[tokio::test]
async fn here() {
    whole(Cluster::Here(KubeApi::start().await)).await;
}

#[tokio::test]
async fn on_a_real_cluster() {
    if let Some(cluster) = Cluster::real("hold").await {
        whole(cluster).await;
    }
}

/// The writes of a hold against the server's defaults, on both kinds of cluster.
async fn whole(cluster: Cluster) {
    for name in ["plain", "careful"] {
        cluster.put(DEPLOYMENTS, deployment(name, &format!("u-{name}"), 3)).await;
        let mut object = hpa(name, &format!("h-{name}"), name, 2, 12);
        if name == "careful" {
            object["spec"]["behavior"] = json!({ "scaleDown": { "selectPolicy": "Min",
                "policies": [{ "type": "Pods", "value": 1, "periodSeconds": 60 }] } });
        }
        cluster.put(HPAS, object).await;
    }
    let provider = cluster.provider();
    for (name, policy, word) in
        [("plain", ScaleIn::Allowed, "allowed"), ("careful", ScaleIn::Smallest, "smallest")]
    {
        let before = cluster.get(HPAS, name).await["spec"]["behavior"].clone();
        let state = named(&provider, name).await;
        assert_eq!(state.fields.scale_in, Some(policy.value()));
        let rehearsed = provider.write(&mandate(&state, Field::ScaleIn, HELD).rehearsal(HELD)).await.unwrap();
        assert_eq!(rehearsed.fields.scale_in, Some(HELD), "the state as it would be");
        let back = provider.write(&mandate(&state, Field::ScaleIn, HELD).rehearsal_back()).await.unwrap();
        assert_eq!(back.fields.scale_in, Some(policy.value()), "and as it would be again");
        assert_eq!(cluster.get(HPAS, name).await["spec"]["behavior"], before);
        let mut authority = mandate(&state, Field::ScaleIn, HELD);
        let until = weescale::series::Timestamp::from_secs(9_000_000_000);
        let note = LeaseNote { until, previous: policy.value(), owner: "ann".into() };
        let forward = authority.order(Way::Forward, policy.value(), HELD).unwrap().with_note(Some(&note));
        let held = provider.write(&forward).await.unwrap();
        assert_eq!(held.fields.scale_in, Some(HELD));
        let object = cluster.get(HPAS, name).await;
        assert_eq!(object["spec"]["behavior"]["scaleDown"]["selectPolicy"], "Disabled");
        assert_eq!(object["metadata"]["annotations"]["weescale.io/hold-previous"], word);
        assert_eq!(provider.read(&held.uid).await.unwrap().fields.scale_in, Some(HELD), "read back");

        let back = authority.order(Way::Back, HELD, policy.value()).unwrap().with_note(None);
        let given = provider.write(&back).await.unwrap();
        assert_eq!(given.fields.scale_in, Some(policy.value()));
        let object = cluster.get(HPAS, name).await;
        assert_eq!(object["spec"].get("behavior").cloned().unwrap_or_default(), before, "as it was");
        assert!(!object["metadata"]["annotations"].to_string().contains("weescale.io"), "no note stays");
    }
    drop(provider);
    cluster.end().await;
}

/// A hold of `web`, written, and the authority to give it back.
async fn held(provider: &KubernetesProvider) -> (WorkloadState, Mandate) {
    let web = named(provider, "web").await;
    assert!(web.locked.is_empty());
    let mut authority = mandate(&web, Field::ScaleIn, HELD);
    let forward = authority.order(Way::Forward, 0, HELD).unwrap();
    (provider.write(&forward).await.unwrap(), authority)
}

#[tokio::test]
async fn what_git_begins_to_set_meanwhile_is_still_given_back() {
    let api = KubeApi::start().await;
    api.world().put(deployment("web", "u-web", 3));
    api.world().put(hpa("web", "h-web", "web", 2, 12));
    let provider = KubernetesProvider::new(api.settings()).unwrap();
    let (web, mut authority) = held(&provider).await;
    let sync = |fields: Value| {
        let mut object = api.world().get(HPAS, "web");
        object["spec"]["behavior"]["scaleUp"]["stabilizationWindowSeconds"] = json!(60);
        object["metadata"]["managedFields"] = json!([{ "manager": "argocd-controller", "operation": "Apply",
            "time": "2026-11-23T21:13:43Z", "fieldsV1": { "f:spec": { "f:behavior": fields } } }]);
        api.world().put(object);
    };
    sync(json!({ "f:scaleUp": { "f:stabilizationWindowSeconds": {} } }));
    let seen = provider.read(&web.uid).await.unwrap();
    assert_eq!((seen.fields.scale_in, seen.locked), (Some(HELD), vec![]), "what it adds is not what is held");
    sync(json!({ "f:scaleDown": { "f:selectPolicy": {} } }));
    let seen = provider.read(&web.uid).await.unwrap();
    assert_eq!((seen.fields.scale_in, seen.locked), (Some(HELD), vec![Field::ScaleIn]));
    let given = provider.write(&authority.order(Way::Back, HELD, 0).unwrap()).await.unwrap();
    assert_eq!(given.fields.scale_in, Some(0));
    let behavior = &api.world().get(HPAS, "web")["spec"]["behavior"];
    assert_eq!(behavior["scaleDown"]["selectPolicy"], "Max");
    assert_eq!(behavior["scaleUp"]["stabilizationWindowSeconds"], 60, "what Git set stays");
}

#[tokio::test]
async fn a_hold_that_keda_does_not_pass_on_is_pending() {
    let api = KubeApi::start().await;
    api.world().put(deployment("web", "u-web", 3));
    api.world().put(made_by_keda());
    api.world().put(scaled_object("web", "s-web", "web"));
    let provider = KubernetesProvider::new(api.settings()).unwrap();
    let (web, mut authority) = held(&provider).await;
    assert_eq!((web.fields.scale_in, web.pending), (Some(HELD), vec![Field::ScaleIn]));
    let mut passed_on = made_by_keda();
    passed_on["spec"]["behavior"] = json!({ "scaleDown": { "selectPolicy": "Disabled" } });
    api.world().put(passed_on);
    assert!(provider.read(&web.uid).await.unwrap().pending.is_empty());
    api.world().delete(HPAS, "keda-hpa-web");
    let unseen = provider.read(&web.uid).await.unwrap();
    assert_eq!((unseen.locked, unseen.pending), (vec![Field::ScaleIn], vec![Field::ScaleIn]));
    provider.write(&authority.order(Way::Back, HELD, 0).unwrap()).await.unwrap();
    let free = provider.read(&web.uid).await.unwrap();
    assert_eq!((free.fields.scale_in, free.pending.len()), (Some(0), 0));
    let refused = provider.write(&order(&free, Field::ScaleIn, HELD)).await;
    assert!(matches!(&refused, Err(ProviderError::Invalid(_))), "{refused:?}");
}

#[tokio::test]
async fn somebody_who_is_quicker_is_not_overwritten() {
    let api = KubeApi::start().await;
    api.world().put(deployment("web", "u-web", 3));
    api.world().put(hpa("web", "h-web", "web", 2, 12));
    let provider = KubernetesProvider::new(api.settings()).unwrap();
    let web = named(&provider, "web").await;
    let order = order(&web, Field::ScaleIn, HELD);
    let mut theirs = api.world().get(HPAS, "web");
    theirs["spec"]["behavior"] = json!({ "scaleDown": { "selectPolicy": "Disabled" } });
    api.world().put(theirs);
    let refused = provider.write(&order).await;
    assert!(matches!(&refused, Err(ProviderError::Precondition { .. })), "{refused:?}");
    assert_eq!(api.world().count("PATCH"), 0, "nothing was sent");
}

#[tokio::test]
async fn what_git_or_a_pause_holds_is_not_written() {
    let api = KubeApi::start().await;
    {
        let mut world = api.world();
        for name in ["git", "paused", "pinned"] {
            world.put(deployment(name, &format!("u-{name}"), 3));
        }
        let mut in_git = hpa("git", "h-git", "git", 2, 12);
        in_git["metadata"]["annotations"] = json!({ "argocd.argoproj.io/tracking-id": "shop:x" });
        in_git["metadata"]["managedFields"] = json!([{ "manager": "argocd-controller", "operation": "Apply",
            "time": "2026-11-23T21:13:43Z", "fieldsV1": { "f:spec": { "f:behavior": {} } } }]);
        world.put(in_git);
        for (name, paused) in [("paused", true), ("pinned", false)] {
            let mut scaled = scaled_object(name, &format!("s-{name}"), name);
            if paused {
                scaled["metadata"]["annotations"] = json!({ "autoscaling.keda.sh/paused": "true" });
            }
            world.put(scaled);
        }
    }
    let provider = KubernetesProvider::new(api.settings()).unwrap();
    let approved = order(&named(&provider, "pinned").await, Field::MinReplicas, 5);
    let mut pin = api.world().get(SCALED, "pinned");
    pin["metadata"]["annotations"] = json!({ "autoscaling.keda.sh/paused-replicas": "4" });
    api.world().put(pin);
    let git = named(&provider, "git").await;
    assert_eq!((git.fields.scale_in, git.fields.min_replicas), (Some(0), Some(2)));
    assert_eq!(git.locked, [Field::ScaleIn], "the floor alone is ours to write");
    let refused = provider.write(&order(&git, Field::ScaleIn, HELD)).await;
    assert!(matches!(&refused, Err(ProviderError::Invalid(why)) if why.contains("respect")), "{refused:?}");
    let paused = named(&provider, "paused").await;
    assert_eq!(paused.owner, Owner::Elsewhere { name: "keda/paused, paused".into() });
    let pinned = provider.read(&approved.target().uid).await.unwrap();
    assert_eq!(pinned.owner, Owner::Elsewhere { name: "keda/pinned, paused at 4 replicas".into() });
    assert!(pinned.notes.iter().any(|n| n.contains("remove the annotation")), "{:?}", pinned.notes);
    let refused = provider.write(&approved).await;
    assert!(matches!(&refused, Err(ProviderError::Invalid(why)) if why.contains("paused")), "{refused:?}");
    assert_eq!(api.world().count("PATCH"), 0);
}
