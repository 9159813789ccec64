//! The size of replicas: what is read of it, who sets it, and the writes of a template and of running pods.

use std::time::Duration;

use serde_json::{Value, json};
use weescale::approval::Way;
use weescale::execution::providers::KubernetesProvider;
use weescale::execution::providers::contract::{PodPhase, WorkloadState};
use weescale::execution::{Provider, ProviderError};
use weescale::fleet::{Field, Owner};

use super::cluster::Cluster;
use super::play::DEPLOYMENTS;
use super::rig::{named, size_mandate};
use crate::kube_api::{KubeApi, deployment, hpa, quota, sized_pod, vpa};

const PODS: &str = "v1/pods";

fn asks(cpu: &str, memory: &str) -> Value {
    json!({ "requests": { "cpu": cpu, "memory": memory } })
}

/// A Deployment whose pods ask for this much.
fn sized(name: &str, uid: &str, replicas: u32, resources: &Value) -> Value {
    let mut object = deployment(name, uid, replicas);
    object["spec"]["template"]["spec"]["containers"][0]["resources"] = resources.clone();
    object
}

fn resources(object: &Value) -> &Value {
    &object["spec"]["template"]["spec"]["containers"][0]["resources"]
}

#[tokio::test]
async fn here() {
    let api = KubeApi::start().await;
    let of = asks("250m", "256Mi");
    for i in 0..3 {
        api.world().put(sized_pod(&format!("inplace-64c9-{i}"), "inplace", &of));
    }
    whole(Cluster::Here(api)).await;
}

#[tokio::test]
async fn on_a_real_cluster() {
    if let Some(cluster) = Cluster::real("size").await {
        whole(cluster).await;
    }
}

/// The writes of sizes, on both kinds of cluster.
async fn whole(cluster: Cluster) {
    let odd = json!({ "requests": { "cpu": "250m", "memory": "256M" }, "limits": { "cpu": "500m", "memory": "256M" } });
    cluster.put(DEPLOYMENTS, sized("template", "u-template", 3, &odd)).await;
    cluster.put(DEPLOYMENTS, sized("inplace", "u-inplace", 3, &asks("250m", "256Mi"))).await;
    let provider = cluster.provider();
    template(&cluster, &provider).await;
    in_place(&cluster, &provider).await;
    drop(provider);
    cluster.end().await;
}

async fn template(cluster: &Cluster, provider: &KubernetesProvider) {
    let before = cluster.get(DEPLOYMENTS, "template").await;
    let state = named(provider, "template").await;
    let sizes = state.fields.sizes;
    assert_eq!((sizes.cpu_request, sizes.memory_request), (Some(250), Some(245)), "256M are 244.14 MiB");
    let sizing = state.sizing.clone().unwrap();
    assert_eq!((sizing.owner, sizing.template, sizing.container.as_str()), (Owner::Nobody, true, "template"));

    let mut authority = size_mandate(&state, Field::MemoryRequest, 400);
    let rehearsed = provider.write(&authority.rehearsal(400)).await.unwrap();
    assert_eq!(rehearsed.fields.sizes.memory_request, Some(400));
    let back = provider.write(&authority.rehearsal_back()).await.unwrap();
    assert_eq!(back.fields.sizes.memory_request, Some(245), "and as it would be again");
    assert_eq!(
        cluster.get(DEPLOYMENTS, "template").await["spec"],
        before["spec"],
        "a rehearsal changes nothing"
    );

    let state = provider.write(&authority.order(Way::Forward, 245, 400).unwrap()).await.unwrap();
    assert_eq!(state.fields.sizes.memory_request, Some(400));
    let object = cluster.get(DEPLOYMENTS, "template").await;
    assert_eq!(resources(&object)["requests"], json!({ "cpu": "250m", "memory": "400Mi" }));
    assert_eq!(
        resources(&object)["limits"],
        json!({ "cpu": "500m", "memory": "400Mi" }),
        "the tied limit goes along"
    );
    let was = object["metadata"]["annotations"]["weescale.io/size-was"].as_str().unwrap();
    assert!(was.contains("256M"), "{was}");

    // What was approved for another value is refused, and what was there comes back to the letter.
    let stale = provider
        .write(&size_mandate(&named(provider, "inplace").await, Field::CpuRequest, 300).rehearsal(300))
        .await;
    assert!(stale.is_ok(), "{stale:?}");
    let back = authority.order(Way::Back, 400, 245).unwrap();
    let state = provider.write(&back).await.unwrap();
    assert_eq!(state.fields.sizes.memory_request, Some(245));
    let object = cluster.get(DEPLOYMENTS, "template").await;
    assert_eq!(resources(&object), resources(&before));
    assert!(object["metadata"]["annotations"].get("weescale.io/size-was").is_none(), "the note goes with it");
    let again = provider.write(&back).await;
    assert!(matches!(again, Err(ProviderError::Precondition { .. })), "{again:?}");
}

/// The workload once all of its pods can be resized; none where no node takes them.
async fn whole_again(provider: &KubernetesProvider, name: &str) -> Option<WorkloadState> {
    for _ in 0..150 {
        let state = named(provider, name).await;
        if state.sizing.as_ref().is_some_and(|s| s.in_place == Some(3)) {
            return Some(state);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let state = named(provider, name).await;
    assert!(state.pods.iter().all(|p| p.phase == PodPhase::Pending), "{state:?}");
    None
}

async fn in_place(cluster: &Cluster, provider: &KubernetesProvider) {
    let Some(state) = whole_again(provider, "inplace").await else {
        println!("SKIPPED: no node of the cluster takes the pods that would be resized in place");
        return;
    };
    assert_eq!((state.fields.sizes.cpu_pods, state.cpu_cores), (Some(0), Some(0.25)));
    let template = cluster.get(DEPLOYMENTS, "inplace").await;
    let mut authority = size_mandate(&state, Field::CpuPods, 400);
    let rehearsed = provider.write(&authority.rehearsal(1)).await.unwrap();
    assert_eq!(rehearsed.fields.sizes.cpu_pods, Some(1), "as it would be");
    let back = provider.write(&authority.rehearsal_back()).await.unwrap();
    assert_eq!(back.fields.sizes.cpu_pods, Some(0), "and as it would be again");
    assert_eq!(provider.read(&state.uid).await.unwrap().fields.sizes.cpu_pods, Some(0), "and is not");

    let first = authority.order(Way::Forward, 0, 1).unwrap();
    assert_eq!(provider.write(&first).await.unwrap().fields.sizes.cpu_pods, Some(1));
    let stale = provider.write(&first).await;
    assert!(
        matches!(stale, Err(ProviderError::Precondition { .. })),
        "one replica was resized already: {stale:?}"
    );
    let second = authority.order(Way::Forward, 1, 2).unwrap();
    assert_eq!(provider.write(&second).await.unwrap().fields.sizes.cpu_pods, Some(2));
    assert_eq!(cluster.get(DEPLOYMENTS, "inplace").await["spec"], template["spec"], "the template stays");

    for (at, set) in [(2, 1), (1, 0)] {
        let back = authority.order(Way::Back, at, set).unwrap();
        assert_eq!(provider.write(&back).await.unwrap().fields.sizes.cpu_pods, Some(set));
    }
    let read = provider.read(&state.uid).await.unwrap();
    assert_eq!((read.fields.sizes.cpu_pods, read.cpu_cores), (Some(0), Some(0.25)));

    // What alters a size is named: the pod has no limit that it could be above.
    cluster.limit_range(true).await;
    let refused = provider.write(&size_mandate(&read, Field::CpuPods, 400).rehearsal(1)).await;
    cluster.limit_range(false).await;
    let Err(ProviderError::Invalid(why)) = refused else { panic!("{refused:?}") };
    assert!(why.contains("cpu limit of 300m; it sets no limit itself: a LimitRange of namespace"), "{why}");
}

#[tokio::test]
async fn a_resize_tests_the_pod_and_its_size_and_is_sent_once() {
    let api = KubeApi::start().await;
    let of =
        json!({ "requests": { "cpu": "500m", "memory": "1Gi" }, "limits": { "cpu": "1", "memory": "1Gi" } });
    api.world().put(sized("web", "u-web", 1, &of));
    api.world().put(sized_pod("web-64c9-a", "web", &of));
    let provider = KubernetesProvider::new(api.settings()).unwrap();
    let state = named(&provider, "web").await;
    let mut authority = size_mandate(&state, Field::MemoryPods, 1536);
    let state = provider.write(&authority.order(Way::Forward, 0, 1).unwrap()).await.unwrap();
    assert!(state.pending.contains(&Field::MemoryPods), "its kubelet has not acted yet");
    let sent: Vec<_> = api.world().seen.iter().filter(|s| s.method == "PATCH").cloned().collect();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].path.starts_with("/api/v1/namespaces/shop/pods/web-64c9-a/resize?"), "{}", sent[0].path);
    assert!(
        sent[0].path.contains("fieldValidation=Strict") && sent[0].path.contains("fieldManager=weescale")
    );
    let ops: Vec<Value> = serde_json::from_str(&sent[0].body).unwrap();
    assert_eq!(ops[0], json!({ "op": "test", "path": "/metadata/uid", "value": "pod-web-64c9-a" }));
    let request = "/spec/containers/0/resources/requests/memory";
    assert!(ops.contains(&json!({ "op": "test", "path": request, "value": "1Gi" })), "{ops:?}");
    let pod = api.world().get(PODS, "web-64c9-a");
    assert_eq!(
        pod["spec"]["containers"][0]["resources"]["limits"],
        json!({ "cpu": "1", "memory": "1536Mi" })
    );
}

#[tokio::test]
async fn somebody_elses_size_is_left_alone() {
    let api = KubeApi::start().await;
    let of = asks("250m", "256Mi");
    api.world().put(sized("web", "u-web", 2, &of));
    for name in ["web-64c9-a", "web-64c9-b"] {
        api.world().put(sized_pod(name, "web", &of));
    }
    let provider = KubernetesProvider::new(api.settings()).unwrap();
    let state = named(&provider, "web").await;
    let mut authority = size_mandate(&state, Field::CpuPods, 400);
    provider.write(&authority.order(Way::Forward, 0, 1).unwrap()).await.unwrap();
    provider.write(&authority.order(Way::Forward, 1, 2).unwrap()).await.unwrap();
    // Somebody gives the first one yet another size.
    api.world().put(sized_pod("web-64c9-a", "web", &asks("700m", "256Mi")));
    provider.write(&authority.order(Way::Back, 2, 1).unwrap()).await.unwrap();
    let left = provider.write(&authority.order(Way::Back, 1, 0).unwrap()).await;
    assert!(matches!(left, Err(ProviderError::Precondition { .. })), "{left:?}");
    let size = |name: &str| {
        api.world().get(PODS, name)["spec"]["containers"][0]["resources"]["requests"]["cpu"].clone()
    };
    assert_eq!((size("web-64c9-a"), size("web-64c9-b")), (json!("700m"), json!("250m")));
}

#[tokio::test]
async fn who_sets_the_size_is_named_and_nothing_is_written() {
    let api = KubeApi::start().await;
    let of = asks("250m", "256Mi");
    {
        let mut world = api.world();
        for (name, mode) in [("auto", "Auto"), ("place", "InPlaceOrRecreate"), ("off", "Off")] {
            world.put(sized(name, &format!("u-{name}"), 2, &of));
            world.put(vpa(name, name, mode));
        }
        let mut git = sized("git", "u-git", 2, &of);
        git["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"] =
            json!("shop:apps/Deployment:shop/git");
        git["metadata"]["managedFields"] = json!([{ "manager": "argocd-controller", "operation": "Apply",
            "time": "2026-11-23T21:13:43Z", "fieldsV1": { "f:spec": { "f:template": { "f:spec": { "f:containers": {
                "k:{\"name\":\"git\"}": { ".": {}, "f:resources": { "f:requests": { "f:cpu": {} } } } } } } } } }]);
        world.put(git);
        let mut two = sized("two", "u-two", 2, &of);
        let side = json!({ "name": "side", "resources": { "requests": { "cpu": "100m" } } });
        two["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap().push(side);
        world.put(two.clone());
        two["metadata"] = json!({ "name": "named", "namespace": "shop", "uid": "u-named" });
        two["spec"]["template"]["metadata"]["annotations"] =
            json!({ "kubectl.kubernetes.io/default-container": "side" });
        world.put(two);
    }
    let provider = KubernetesProvider::new(api.settings()).unwrap();
    let owner = |state: &WorkloadState| state.owner_of(Field::CpuRequest).label();
    let auto = named(&provider, "auto").await;
    assert_eq!((owner(&auto), auto.owner.clone()), ("vpa/auto, mode Auto".into(), Owner::Nobody));
    assert!(auto.sizing.as_ref().unwrap().notes[0].contains("minAllowed"), "{:?}", auto.sizing);
    assert_eq!(owner(&named(&provider, "place").await), "vpa/place, mode InPlaceOrRecreate");
    assert_eq!(named(&provider, "off").await.owner_of(Field::CpuRequest), &Owner::Nobody);
    let git = named(&provider, "git").await;
    assert_eq!(
        (owner(&git).as_str(), git.owner.clone()),
        ("git argocd shop", Owner::Nobody),
        "its count is free"
    );
    let patch = git.sizing.as_ref().unwrap().patch("shop", Field::CpuRequest, 400);
    assert!(patch.contains("- name: git\n") && patch.contains("cpu: 400m\n"), "{patch}");
    let two = named(&provider, "two").await;
    assert!(
        two.fields.sizes.cpu_request.is_none() && two.sizing.unwrap().notes[0].contains("default-container")
    );
    let meant = named(&provider, "named").await;
    assert_eq!(meant.fields.sizes.cpu_request, Some(100));
    assert!((meant.sizing.unwrap().cpu.others - 250.0).abs() < 1e-6);

    // The owner came between approval and write.
    let mut order = size_mandate(&named(&provider, "off").await, Field::CpuRequest, 300);
    api.world().put(vpa("off", "off", "Recreate"));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let refused = provider.write(&order.order(Way::Forward, 250, 300).unwrap()).await;
    assert!(matches!(&refused, Err(ProviderError::Invalid(why)) if why.contains("vpa/off")), "{refused:?}");
    assert_eq!(api.world().count("PATCH"), 0, "no permit, no call");
}

#[tokio::test]
async fn what_could_not_be_taken_back_or_moves_a_count_is_left_alone() {
    let api = KubeApi::start().await;
    let limited =
        json!({ "requests": { "cpu": "250m", "memory": "256Mi" }, "limits": { "memory": "512Mi" } });
    api.world().put(sized("web", "u-web", 1, &limited));
    api.world().put(sized_pod("web-64c9-a", "web", &limited));
    api.world().put(hpa("web", "h-web", "web", 1, 9));
    let provider = KubernetesProvider::new(api.settings()).unwrap();
    let web = named(&provider, "web").await;
    let sizing = web.sizing.clone().unwrap();
    let limit = sizing.forbid(Field::MemoryPods, 256, 300).unwrap();
    assert!(limit.contains("its limit could not be taken back"), "{limit}");
    let moved = sizing.forbid(Field::CpuPods, 250, 300).unwrap();
    assert!(moved.contains("hpa/web may aim at a share of the CPU request"), "{moved}");

    // The template is changed while a pod has our size: what would be put back is not what was.
    let mut authority = size_mandate(&web, Field::MemoryPods, 400);
    provider.write(&authority.order(Way::Forward, 0, 1).unwrap()).await.unwrap();
    api.world().put(sized("web", "u-web", 1, &asks("250m", "300Mi")));
    let back = provider.write(&authority.order(Way::Back, 1, 0).unwrap()).await;
    assert!(matches!(back, Err(ProviderError::Precondition { .. })), "{back:?}");
    let pod = api.world().get(PODS, "web-64c9-a");
    assert_eq!(pod["spec"]["containers"][0]["resources"]["requests"]["memory"], "400Mi");
}

#[tokio::test]
async fn missing_rights_are_named_with_their_rule() {
    let api = KubeApi::start().await;
    let of = asks("250m", "256Mi");
    {
        let mut world = api.world();
        world.denied = ["patch pods/resize", "patch deployments"].map(str::to_owned).into();
        world.put(sized("web", "u-web", 1, &of));
        world.put(sized_pod("web-64c9-a", "web", &of));
    }
    let provider = KubernetesProvider::new(api.settings()).unwrap();
    let list = provider.list().await.unwrap();
    let said = |what: &str| list.notes.iter().any(|n| n.contains(what));
    assert!(said("resources: [pods/resize], verbs: [patch]"), "{:?}", list.notes);
    assert!(said("apiGroups: [\"apps\"], resources: [deployments], verbs: [patch]"), "{:?}", list.notes);
    let sizing = list.workloads[0].sizing.clone().unwrap();
    assert_eq!((sizing.in_place, sizing.template), (None, false));

    // An old cluster cannot, and nobody is told to add a right for it.
    let old = KubeApi::start().await;
    old.world().resizable = false;
    old.world().put(sized("web", "u-web", 1, &of));
    old.world().put(sized_pod("web-64c9-a", "web", &of));
    let provider = KubernetesProvider::new(old.settings()).unwrap();
    let list = provider.list().await.unwrap();
    assert!(!list.notes.iter().any(|n| n.contains("resize")), "{:?}", list.notes);
    let web = list.workloads[0].clone();
    assert_eq!((web.fields.sizes.cpu_pods, web.sizing.as_ref().unwrap().in_place), (None, None));
    assert!(web.sizing.unwrap().template);
}

#[tokio::test]
async fn quota_and_restarts_are_told_before_anything_is_written() {
    let api = KubeApi::start().await;
    let of = asks("250m", "256Mi");
    {
        let mut world = api.world();
        let mut web = sized("web", "u-web", 2, &of);
        web["spec"]["template"]["spec"]["containers"][0]["resizePolicy"] =
            json!([{ "resourceName": "memory", "restartPolicy": "RestartContainer" }]);
        world.put(web);
        for name in ["web-64c9-a", "web-64c9-b"] {
            world.put(sized_pod(name, "web", &of));
        }
        let mut team = quota(9, 2);
        team["status"] = json!({ "hard": { "requests.cpu": "700m" }, "used": { "requests.cpu": "500m" } });
        world.put(team);
        let mut still = sized("still", "u-still", 2, &of);
        still["spec"]["strategy"] = json!({ "type": "Recreate" });
        world.put(still);
    }
    let provider = KubernetesProvider::new(api.settings()).unwrap();
    let sizing = named(&provider, "web").await.sizing.unwrap();
    assert_eq!((sizing.cpu.restarts, sizing.memory.restarts), (false, true));
    assert!(sizing.notes.iter().any(|n| n.contains("restarts container web")), "{:?}", sizing.notes);
    assert_eq!(sizing.cpu.highest.as_ref().map(|b| b.value), Some(350), "200m are left for two");
    let refused = sizing.forbid(Field::CpuPods, 250, 400).unwrap();
    assert!(refused.contains("ResourceQuota team"), "{refused}");
    let restarts = sizing.forbid(Field::MemoryPods, 256, 300).unwrap();
    assert!(restarts.contains("restarts the container"), "{restarts}");
    assert_eq!(sizing.forbid(Field::MemoryRequest, 256, 300), None, "the template may");
    let still = named(&provider, "still").await.sizing.unwrap();
    assert!(!still.template && still.notes.iter().any(|n| n.contains("Recreate")), "{:?}", still.notes);
}
