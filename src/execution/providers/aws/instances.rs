//! Instances of a group as pods; its activities tell when they were started, and what could not be.

use crate::execution::providers::contract::{PodPhase, PodState};
use crate::series::text::clean;

use super::group_answers::{Activity, Group, Instance};

/// Most instances taken over.
const MAX_PODS: usize = 10_000;
/// Longest text taken over, characters.
const MAX_TEXT: usize = 300;

/// Milliseconds since the Unix epoch of an ISO 8601 time.
pub(super) fn millis(text: &str) -> Option<i64> {
    text.trim().parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

/// Instances in service and healthy.
pub(super) fn ready(group: &Group) -> u32 {
    let ready = group.instances.member.iter().filter(|i| phase(i) == PodPhase::Ready).count();
    u32::try_from(ready).unwrap_or(u32::MAX)
}

/// The instances. One older than what activities tell of (six weeks) counts from the group's creation.
pub(super) fn pods(group: &Group, activities: &[Activity]) -> Vec<PodState> {
    let created = millis(&group.created_time).unwrap_or_default();
    let mut pods: Vec<PodState> = group
        .instances
        .member
        .iter()
        .take(MAX_PODS)
        .map(|instance| {
            let launch = activities.iter().find(|a| {
                a.description.starts_with("Launching a new EC2 instance")
                    && a.description.ends_with(&instance.id)
            });
            let phase = phase(instance);
            PodState {
                name: clean(&instance.id, 253),
                phase,
                created_ms: launch.and_then(|a| millis(&a.start_time)).unwrap_or(created),
                ready_ms: launch.and_then(|a| millis(&a.end_time)),
                reason: if phase == PodPhase::Ready { String::new() } else { state(instance) },
                ..PodState::default()
            }
        })
        .collect();
    pods.extend(missing(group, activities, pods.len()));
    pods
}

/// The instances that should be there and could not be launched, each of them, with AWS's reason.
fn missing(group: &Group, activities: &[Activity], there: usize) -> Vec<PodState> {
    let wanted = usize::try_from(group.desired_capacity).unwrap_or(usize::MAX);
    let missing = wanted.saturating_sub(group.instances.member.len());
    // Newest first.
    let newest = activities.first().filter(|a| a.status_code == "Failed");
    let Some((newest, created_ms)) = newest.and_then(|a| Some((a, millis(&a.start_time)?))) else {
        return Vec::new();
    };
    let reason = if newest.status_message.is_empty() { &newest.description } else { &newest.status_message };
    (1..=missing.min(MAX_PODS.saturating_sub(there)))
        .map(|n| PodState {
            name: format!("(not launched {n} of {missing})"),
            phase: PodPhase::Pending,
            created_ms,
            reason: clean(reason, MAX_TEXT),
            ..PodState::default()
        })
        .collect()
}

fn state(instance: &Instance) -> String {
    clean(&format!("{}, {}", instance.lifecycle_state, instance.health_status), MAX_TEXT)
}

fn phase(instance: &Instance) -> PodPhase {
    match instance.lifecycle_state.as_str() {
        "InService" if instance.health_status.eq_ignore_ascii_case("healthy") => PodPhase::Ready,
        "InService" => PodPhase::Failed,
        state if state.starts_with("Terminat") || state.starts_with("Detach") => PodPhase::Terminating,
        "Pending" => PodPhase::Pending,
        // Pending:Wait and Pending:Proceed run hooks; Standby takes no part.
        _ => PodPhase::Starting,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execution::providers::aws::group_answers::{Groups, Page, Wrapped};

    const ANSWER: &str = r#"<DescribeAutoScalingGroupsResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/">
      <DescribeAutoScalingGroupsResult><AutoScalingGroups><member>
        <AutoScalingGroupName>web</AutoScalingGroupName><AutoScalingGroupARN>arn:a</AutoScalingGroupARN>
        <MinSize>1</MinSize><MaxSize>9</MaxSize><DesiredCapacity>4</DesiredCapacity>
        <CreatedTime>2026-01-02T03:04:05.000Z</CreatedTime>
        <Instances>
          <member><InstanceId>i-1</InstanceId><LifecycleState>InService</LifecycleState><HealthStatus>Healthy</HealthStatus></member>
          <member><InstanceId>i-2</InstanceId><LifecycleState>InService</LifecycleState><HealthStatus>Unhealthy</HealthStatus></member>
          <member><InstanceId>i-3</InstanceId><LifecycleState>Pending:Wait</LifecycleState><HealthStatus>Healthy</HealthStatus></member>
        </Instances><Tags/><Unknown><a b="c"/></Unknown>
      </member></AutoScalingGroups><NextToken>next</NextToken></DescribeAutoScalingGroupsResult>
      <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></DescribeAutoScalingGroupsResponse>"#;

    #[test]
    fn instances_have_a_phase_a_start_and_a_reason() {
        let answer: Wrapped<Groups> = quick_xml::de::from_str(ANSWER).unwrap();
        let (groups, next) = answer.result.apart();
        assert_eq!(next.as_deref(), Some("next"));
        let group = &groups[0];
        assert_eq!((group.min_size, group.max_size, group.desired_capacity), (1, 9, 4));
        let activities = [
            Activity {
                status_code: "Failed".into(),
                status_message: "We currently do not have sufficient capacity".into(),
                start_time: "2026-02-01T00:00:00Z".into(),
                ..Activity::default()
            },
            Activity {
                description: "Launching a new EC2 instance: i-1".into(),
                status_code: "Successful".into(),
                start_time: "2026-01-03T00:00:00Z".into(),
                end_time: "2026-01-03T00:01:00Z".into(),
                ..Activity::default()
            },
        ];
        let pods = pods(group, &activities);
        let phases: Vec<PodPhase> = pods.iter().map(|p| p.phase).collect();
        assert_eq!(phases, [PodPhase::Ready, PodPhase::Failed, PodPhase::Starting, PodPhase::Pending]);
        assert_eq!(pods[0].ready_ms.unwrap() - pods[0].created_ms, 60_000);
        assert_eq!(pods[1].created_ms, millis("2026-01-02T03:04:05Z").unwrap());
        assert!(pods[3].reason.contains("sufficient capacity"));
        assert_eq!(ready(group), 1);
    }
}
