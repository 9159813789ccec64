//! Scalable targets of Application Auto Scaling: bounds, policies, schedules of desired counts.

use serde_json::{Value, json};

use crate::execution::provider::ProviderError;
use crate::scrape::aws::{AwsClient, Call, Effect, Service};

use super::Gaps;
use super::ecs_answers::{Scalables, Suspended, Target};
use super::owners::{Policy, Scheduled};
use super::wrong::{senseless, wrong};

/// The only dimension of an ECS service.
pub(super) const DIMENSION: &str = "ecs:service:DesiredCount";
/// Most pages of one list.
const MAX_PAGES: usize = 100;

/// What acts on desired counts. `None` where it may not be read.
#[derive(Debug, Default)]
pub(super) struct Scaling {
    pub targets: Option<Vec<Target>>,
    pub policies: Option<Vec<Policy>>,
    pub schedules: Option<Vec<Scheduled>>,
}

/// Reads what acts on `resource` (`service/CLUSTER/SERVICE`), or on all services.
pub(super) async fn read(client: &AwsClient, gaps: &Gaps, resource: Option<&str>) -> Scaling {
    let one = resource
        .map(|r| json!({ "ServiceNamespace": "ecs", "ResourceId": r, "ScalableDimension": DIMENSION }));
    let named = resource
        .map(|r| json!({ "ServiceNamespace": "ecs", "ResourceIds": [r], "ScalableDimension": DIMENSION }));
    let all = json!({ "ServiceNamespace": "ecs" });
    let one = one.unwrap_or_else(|| all.clone());
    let (targets, policies, schedules) = tokio::join!(
        pages(client, "DescribeScalableTargets", named.unwrap_or(all), |p| p.scalable_targets),
        pages(client, "DescribeScalingPolicies", one.clone(), |p| p.scaling_policies),
        pages(client, "DescribeScheduledActions", one, |p| p.scheduled_actions)
    );
    let region = client.region();
    let note =
        |error: ProviderError| gaps.note(format!("owners of ECS services in {region} are unknown: {error}"));
    Scaling {
        targets: targets.map_err(note).ok(),
        policies: policies.map_err(note).ok(),
        schedules: schedules.map_err(note).ok(),
    }
}

async fn pages<T>(
    client: &AwsClient,
    action: &'static str,
    body: Value,
    part: impl Fn(Scalables) -> Vec<T>,
) -> Result<Vec<T>, ProviderError> {
    let (mut all, mut token) = (Vec::new(), None::<String>);
    for _ in 0..MAX_PAGES {
        let mut body = body.clone();
        if let (Some(token), Some(object)) = (token.take(), body.as_object_mut()) {
            object.insert("NextToken".into(), token.into());
        }
        let call = Call::json(Service::ApplicationAutoScaling, action, &body, Effect::Read);
        let answer = client.call(&call).await.map_err(|e| wrong(&e, &call))?;
        let mut page: Scalables =
            serde_json::from_slice(&answer).map_err(|e| senseless(&call, &e.to_string()))?;
        token = page.next_token.take().filter(|t| !t.is_empty());
        all.extend(part(page));
        if token.is_none() {
            return Ok(all);
        }
    }
    Err(ProviderError::Unavailable {
        why: format!("{action}: more than {MAX_PAGES} pages"),
        retry_after: None,
    })
}

/// The call that keeps policies from taking away, or lets them again; what else is suspended stays so.
pub(super) fn suspend(resource: &str, present: Suspended, held: bool) -> Call {
    let state = json!({
        "DynamicScalingInSuspended": held,
        "DynamicScalingOutSuspended": present.scale_out,
        "ScheduledScalingSuspended": present.schedules,
    });
    let body = json!({ "ServiceNamespace": "ecs", "ResourceId": resource, "ScalableDimension": DIMENSION,
        "SuspendedState": state });
    Call::json(Service::ApplicationAutoScaling, "RegisterScalableTarget", &body, Effect::Write)
}

/// The call that sets one bound of `resource`; the other keeps its value.
pub(super) fn register(resource: &str, bound: &'static str, value: u32) -> Call {
    let mut body =
        json!({ "ServiceNamespace": "ecs", "ResourceId": resource, "ScalableDimension": DIMENSION });
    if let Some(object) = body.as_object_mut() {
        object.insert(bound.into(), value.into());
    }
    Call::json(Service::ApplicationAutoScaling, "RegisterScalableTarget", &body, Effect::Write)
}
