//! Answers of ECS and Application Auto Scaling, as far as they are used.

use serde::Deserialize;

use super::owners::{Policy, Scheduled};

/// A page of names.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Arns {
    #[serde(rename = "clusterArns")]
    pub clusters: Vec<String>,
    #[serde(rename = "serviceArns")]
    pub services: Vec<String>,
    pub next_token: Option<String>,
}

/// `DescribeServices`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Described {
    pub services: Vec<Service>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Service {
    #[serde(rename = "serviceArn")]
    pub arn: String,
    pub status: String,
    pub desired_count: u32,
    pub running_count: u32,
    /// Seconds since the Unix epoch.
    pub created_at: f64,
    pub scheduling_strategy: Option<String>,
    pub deployment_controller: Option<Controller>,
    pub tags: Vec<Tag>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Controller {
    #[serde(rename = "type", default)]
    pub kind: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Tag {
    pub key: String,
    pub value: String,
}

/// A scalable target: bounds of a desired count.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Target {
    pub resource_id: String,
    pub scalable_dimension: String,
    pub min_capacity: u32,
    pub max_capacity: u32,
    /// Absent or `null` where nothing ever was.
    pub suspended_state: Option<Suspended>,
}

/// What a scalable target is kept from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Suspended {
    /// Policies take nothing away.
    #[serde(rename = "DynamicScalingInSuspended")]
    pub scale_in: bool,
    /// Policies add nothing.
    #[serde(rename = "DynamicScalingOutSuspended")]
    pub scale_out: bool,
    /// Schedules do nothing.
    #[serde(rename = "ScheduledScalingSuspended")]
    pub schedules: bool,
}

/// A page of any list of Application Auto Scaling.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Scalables {
    pub scalable_targets: Vec<Target>,
    pub scaling_policies: Vec<Policy>,
    pub scheduled_actions: Vec<Scheduled>,
    pub next_token: Option<String>,
}
