//! Tasks of ECS services as the contract has pods: what they are doing, and when they were made, pulled and started.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::execution::providers::contract::{PodPhase, PodState};
use crate::series::text::clean;

use super::prices::Shape;

/// Tasks of one service at most.
const MAX_TASKS: usize = 10_000;

/// `ListTasks`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct TaskArns {
    pub task_arns: Vec<String>,
    pub next_token: Option<String>,
}

/// `DescribeTasks`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Tasks {
    pub tasks: Vec<Task>,
}

/// One task. Times are seconds since the Unix epoch.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Task {
    #[serde(rename = "taskArn")]
    arn: String,
    /// `service:NAME` of those that a service runs.
    group: String,
    /// `PROVISIONING`, `PENDING`, `ACTIVATING`, `RUNNING`, `DEACTIVATING`, `STOPPING`, `DEPROVISIONING`, `STOPPED`.
    last_status: String,
    desired_status: String,
    /// `HEALTHY`, `UNHEALTHY`; `UNKNOWN` also where nobody checks.
    health_status: String,
    created_at: Option<f64>,
    pull_started_at: Option<f64>,
    started_at: Option<f64>,
    stopped_reason: String,
    containers: Vec<Container>,
    /// `FARGATE`, `EC2`, `EXTERNAL`.
    launch_type: String,
    /// `FARGATE`, `FARGATE_SPOT`, or somebody's own.
    capacity_provider_name: String,
    /// `Linux`, `Windows-Server-2022-Core`, …
    platform_family: String,
    /// 1 024 are a processor; text.
    cpu: String,
    /// MiB; text.
    memory: String,
    attributes: Vec<Attribute>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Attribute {
    name: String,
    value: String,
}

/// What runs of a service.
#[derive(Clone, Debug, Default)]
pub(super) struct Running {
    pub pods: Vec<PodState>,
    /// What each has on Fargate; `None` of those that run elsewhere, or on another system than Linux.
    pub shapes: Vec<Option<Shape>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Container {
    reason: String,
    network_interfaces: Vec<Interface>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Interface {
    #[serde(rename = "privateIpv4Address")]
    address: String,
}

/// Tasks by the name of the service that runs them; others are left out.
pub(super) fn by_service(tasks: &[Task]) -> BTreeMap<String, Running> {
    let mut found: BTreeMap<String, Running> = BTreeMap::new();
    for task in tasks {
        let Some(service) = task.group.strip_prefix("service:") else { continue };
        let running = found.entry(service.to_owned()).or_default();
        if running.pods.len() >= MAX_TASKS {
            continue;
        }
        if let Some(pod) = pod(task) {
            running.pods.push(pod);
            running.shapes.push(shape(task));
        }
    }
    found
}

fn shape(task: &Task) -> Option<Shape> {
    let spot = task.capacity_provider_name == "FARGATE_SPOT";
    let linux = task.platform_family.is_empty() || task.platform_family.eq_ignore_ascii_case("linux");
    if !linux || !(spot || task.launch_type == "FARGATE" || task.capacity_provider_name == "FARGATE") {
        return None;
    }
    let arm = task.attributes.iter().any(|a| a.name == "ecs.cpu-architecture" && a.value == "arm64");
    let of =
        |text: &str| text.trim().parse::<f64>().ok().filter(|n| *n > 0.0 && *n <= 1e7).map(|n| n / 1024.0);
    Some(Shape { vcpu: of(&task.cpu)?, gib: of(&task.memory)?, arm, spot })
}

/// One task. Those that have stopped are left out, as are those whose beginning is not known.
fn pod(task: &Task) -> Option<PodState> {
    let millis =
        |at: Option<f64>| at.filter(|s| s.is_finite() && *s > 0.0).map(|s| (s * 1000.0).round() as i64);
    let phase = match (task.last_status.as_str(), task.desired_status.as_str()) {
        ("STOPPED", _) => return None,
        ("DEACTIVATING" | "STOPPING" | "DEPROVISIONING", _) | (_, "STOPPED") => PodPhase::Terminating,
        ("RUNNING", _) if task.health_status == "UNHEALTHY" => PodPhase::Failed,
        ("RUNNING", _) => PodPhase::Ready,
        ("ACTIVATING", _) => PodPhase::Starting,
        // A task is placed once it is pending; before that its network and its machine are made.
        ("PENDING", _) if task.pull_started_at.is_some() => PodPhase::Pulling,
        _ => PodPhase::Pending,
    };
    let why = task.containers.iter().map(|c| c.reason.as_str()).find(|r| !r.is_empty());
    let why = why.unwrap_or(&task.stopped_reason);
    let health = if phase == PodPhase::Failed { "its health check fails" } else { "" };
    let reason = if phase == PodPhase::Ready {
        ""
    } else {
        [why, health].into_iter().find(|r| !r.is_empty()).unwrap_or("")
    };
    // AWS tells when it started, and not since when its health check holds: that is not made up.
    let unchecked = !matches!(task.health_status.as_str(), "HEALTHY" | "UNHEALTHY");
    let mut address = task.containers.iter().flat_map(|c| &c.network_interfaces);
    let address = address.find_map(|i| i.address.parse::<std::net::IpAddr>().ok());
    let started_ms = millis(task.started_at);
    Some(PodState {
        name: clean(task.arn.rsplit('/').next().unwrap_or_default(), 253),
        phase,
        created_ms: millis(task.created_at)?,
        scheduled_ms: millis(task.pull_started_at),
        started_ms,
        ready_ms: started_ms.filter(|_| phase == PodPhase::Ready && unchecked),
        address: address.map(|ip| ip.to_string()),
        reason: clean(reason, 300),
        ..PodState::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use PodPhase::{Failed, Pending, Pulling, Ready, Terminating};
    use serde_json::json;

    #[test]
    fn tasks_have_a_phase_and_the_times_that_aws_tells() {
        let task = |status: &str, more: serde_json::Value| {
            let mut task = json!({ "taskArn": "arn:aws:ecs:eu-west-1:1:task/prod/abc", "group": "service:web",
                "lastStatus": status, "desiredStatus": "RUNNING", "createdAt": 1_700_000_000.5 });
            task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            task
        };
        let all: Tasks = serde_json::from_value(json!({ "tasks": [
            task("RUNNING", json!({ "pullStartedAt": 1_700_000_010.0, "startedAt": 1_700_000_030.25,
                "healthStatus": "UNKNOWN", "containers": [{ "networkInterfaces": [{ "privateIpv4Address": "10.0.0.7" }] }] })),
            task("RUNNING", json!({ "startedAt": 1_700_000_030.0, "healthStatus": "HEALTHY" })),
            task("RUNNING", json!({ "healthStatus": "UNHEALTHY" })),
            task("PENDING", json!({ "pullStartedAt": 1_700_000_010.0 })),
            task("PROVISIONING", json!({ "containers": [{ "reason": "CannotPullContainerError: \u{1b}[2J" }] })),
            task("STOPPED", json!({})),
            task("RUNNING", json!({ "desiredStatus": "STOPPED" })),
            task("RUNNING", json!({ "group": "family:job" })),
            task("RUNNING", json!({ "createdAt": null })),
        ] }))
        .unwrap();
        let found = by_service(&all.tasks);
        assert_eq!(found.keys().collect::<Vec<_>>(), ["web"]);
        let web = &found["web"].pods;
        let phases: Vec<PodPhase> = web.iter().map(|p| p.phase).collect();
        assert_eq!(phases, [Ready, Ready, Failed, Pulling, Pending, Terminating]);
        let first = &web[0];
        assert_eq!((first.name.as_str(), first.address.as_deref()), ("abc", Some("10.0.0.7")));
        assert_eq!((first.created_ms, first.scheduled_ms), (1_700_000_000_500, Some(1_700_000_010_000)));
        assert_eq!((first.started_ms, first.ready_ms), (Some(1_700_000_030_250), Some(1_700_000_030_250)));
        assert_eq!(web[1].ready_ms, None, "since when it is healthy is not told");
        assert_eq!(web[2].reason, "its health check fails");
        assert!(web[4].reason.starts_with("CannotPull") && !web[4].reason.contains('\u{1b}'));
    }

    #[test]
    fn only_what_runs_on_fargate_has_a_shape_that_is_paid_for() {
        let of = |more: serde_json::Value| {
            let mut task = json!({ "group": "service:web", "lastStatus": "RUNNING", "createdAt": 1.0, "cpu": "512",
                "memory": "2048", "launchType": "FARGATE", "platformFamily": "Linux" });
            task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            by_service(&[serde_json::from_value(task).unwrap()])["web"].shapes[0]
        };
        let plain = Shape { vcpu: 0.5, gib: 2.0, arm: false, spot: false };
        assert_eq!(of(json!({})), Some(plain));
        let arm = json!({ "attributes": [{ "name": "ecs.cpu-architecture", "value": "arm64" }] });
        assert_eq!(of(arm), Some(Shape { arm: true, ..plain }));
        assert_eq!(
            of(json!({ "capacityProviderName": "FARGATE_SPOT" })),
            Some(Shape { spot: true, ..plain })
        );
        for elsewhere in [
            json!({ "launchType": "EC2" }),
            json!({ "launchType": "EXTERNAL", "capacityProviderName": "mine" }),
            json!({ "platformFamily": "Windows-Server-2022-Core" }),
            json!({ "cpu": "" }),
            json!({ "memory": "-1" }),
        ] {
            assert_eq!(of(elsewhere.clone()), None, "{elsewhere}");
        }
    }
}
