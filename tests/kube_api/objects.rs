//! Objects as a real server has them.

use serde_json::{Value, json};

/// A Deployment with ready pods.
pub fn deployment(name: &str, uid: &str, replicas: u32) -> Value {
    json!({
        "kind": "Deployment", "apiVersion": "apps/v1",
        "metadata": { "name": name, "namespace": "shop", "uid": uid, "generation": 1,
            "creationTimestamp": "2026-11-23T21:13:43Z", "labels": { "app": name, "team": "front" },
            "annotations": { "deployment.kubernetes.io/revision": "1" } },
        "spec": { "replicas": replicas, "selector": { "matchLabels": { "app": name } },
            "template": { "metadata": { "labels": { "app": name } }, "spec": { "containers": [
                { "name": name, "resources": { "requests": { "cpu": "250m", "memory": "256Mi" } } }] } } },
        "status": { "replicas": replicas, "readyReplicas": replicas },
    })
}

/// An Argo Rollout as its controller leaves it: the generation it has seen is text.
pub fn rollout(name: &str, uid: &str, replicas: u32) -> Value {
    let mut object = deployment(name, uid, replicas);
    object["kind"] = json!("Rollout");
    object["apiVersion"] = json!("argoproj.io/v1alpha1");
    object["spec"]["strategy"] = json!({ "canary": { "steps": [{ "setWeight": 20 }, { "pause": {} }] } });
    object["status"] = json!({ "HPAReplicas": replicas, "replicas": replicas, "readyReplicas": replicas,
        "availableReplicas": replicas, "updatedReplicas": replicas, "observedGeneration": "1", "phase": "Healthy",
        "currentPodHash": "64c9", "stableRS": "64c9", "currentStepHash": "7c59", "currentStepIndex": 2,
        "selector": format!("app={name}"), "canary": {}, "blueGreen": {} });
    object
}

/// An HPA of a Deployment.
pub fn hpa(name: &str, uid: &str, target: &str, min: u32, max: u32) -> Value {
    json!({
        "kind": "HorizontalPodAutoscaler", "apiVersion": "autoscaling/v2",
        "metadata": { "name": name, "namespace": "shop", "uid": uid },
        "spec": { "scaleTargetRef": { "kind": "Deployment", "name": target, "apiVersion": "apps/v1" },
            "minReplicas": min, "maxReplicas": max },
        "status": { "currentReplicas": min, "desiredReplicas": min },
    })
}

/// A `ScaledObject` without a minimum of its own.
pub fn scaled_object(name: &str, uid: &str, target: &str) -> Value {
    json!({
        "kind": "ScaledObject", "apiVersion": "keda.sh/v1alpha1",
        "metadata": { "name": name, "namespace": "shop", "uid": uid },
        "spec": { "scaleTargetRef": { "name": target } },
    })
}

/// A budget of the pods of a Deployment.
pub fn pdb(name: &str, app: &str, min: u32, allowed: u32) -> Value {
    json!({
        "kind": "PodDisruptionBudget", "apiVersion": "policy/v1",
        "metadata": { "name": name, "namespace": "shop", "uid": format!("pdb-{name}") },
        "spec": { "minAvailable": min, "selector": { "matchLabels": { "app": app } } },
        "status": { "disruptionsAllowed": allowed, "observedGeneration": 1 },
    })
}

/// A quota on pods.
pub fn quota(hard: u32, used: u32) -> Value {
    json!({
        "kind": "ResourceQuota", "apiVersion": "v1",
        "metadata": { "name": "team", "namespace": "shop", "uid": "quota" }, "spec": {},
        "status": { "hard": { "pods": hard.to_string() }, "used": { "pods": used.to_string() } },
    })
}

/// A ready pod of a Deployment.
pub fn pod(name: &str, of: &str) -> Value {
    json!({
        "kind": "Pod", "apiVersion": "v1",
        "metadata": { "name": name, "namespace": "shop", "uid": format!("pod-{name}"),
            "creationTimestamp": "2026-11-23T21:13:43Z", "labels": { "app": of, "pod-template-hash": "64c9" },
            "ownerReferences": [{ "kind": "ReplicaSet", "name": format!("{of}-64c9"), "controller": true }] },
        "spec": { "nodeName": "node-a", "containers": [] },
        "status": { "phase": "Running", "conditions": [
            { "type": "PodScheduled", "status": "True" },
            { "type": "Ready", "status": "True", "lastTransitionTime": "2026-11-23T21:14:43Z" }] },
    })
}

/// A ready node.
pub fn node(name: &str, cpu: &str) -> Value {
    json!({
        "kind": "Node", "apiVersion": "v1", "metadata": { "name": name, "uid": format!("node-{name}") }, "spec": {},
        "status": { "allocatable": { "cpu": cpu, "memory": "64Gi", "pods": "500" },
            "conditions": [{ "type": "Ready", "status": "True" }] },
    })
}

/// A warning about an object, as the old event API has it.
pub fn warning(about: (&str, &str), reason: &str, message: &str, at: &str) -> Value {
    let (kind, name) = about;
    json!({
        "kind": "Event", "apiVersion": "v1", "type": "Warning", "reason": reason, "message": message, "count": 3,
        "metadata": { "name": format!("{name}.{reason}"), "namespace": "shop", "uid": format!("e-{name}") },
        "involvedObject": { "kind": kind, "namespace": "shop", "name": name },
        "firstTimestamp": at, "lastTimestamp": at, "eventTime": null,
    })
}

/// What a pod uses.
pub fn metrics(name: &str, cpu: &str, memory: &str) -> Value {
    json!({
        "kind": "PodMetrics", "apiVersion": "metrics.k8s.io/v1beta1", "window": "15s", "timestamp": "2026-11-23T21:22:36Z",
        "metadata": { "name": name, "namespace": "shop" },
        "containers": [{ "name": "web", "usage": { "cpu": cpu, "memory": memory } }],
    })
}

/// A running pod of a Deployment with the size of its template, given by its kubelet.
pub fn sized_pod(name: &str, of: &str, resources: &Value) -> Value {
    let mut pod = pod(name, of);
    pod["spec"]["containers"] = json!([{ "name": of, "resources": resources }]);
    pod["status"]["containerStatuses"] = json!([{ "name": of, "restartCount": 0, "resources": resources,
        "state": { "running": { "startedAt": "2026-11-23T21:14:00Z" } } }]);
    pod
}

/// A vertical autoscaler of a Deployment.
pub fn vpa(name: &str, target: &str, mode: &str) -> Value {
    json!({
        "kind": "VerticalPodAutoscaler", "apiVersion": "autoscaling.k8s.io/v1",
        "metadata": { "name": name, "namespace": "shop", "uid": format!("vpa-{name}") },
        "spec": { "targetRef": { "kind": "Deployment", "name": target }, "updatePolicy": { "updateMode": mode } },
    })
}
