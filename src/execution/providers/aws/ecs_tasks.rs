//! Tasks of ECS services as the contract has pods: what they are doing, and when they were made, pulled and started.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::execution::providers::contract::{PodPhase, PodState};
use crate::series::text::clean;

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
pub(super) fn by_service(tasks: &[Task]) -> BTreeMap<String, Vec<PodState>> {
    let mut found: BTreeMap<String, Vec<PodState>> = BTreeMap::new();
    for task in tasks {
        let Some(service) = task.group.strip_prefix("service:") else { continue };
        let pods = found.entry(service.to_owned()).or_default();
        if pods.len() < MAX_TASKS {
            pods.extend(pod(task));
        }
    }
    found
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
        let web = &found["web"];
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
}
