//! Answers of EC2 Auto Scaling, as far as they are used. Query protocol, API version 2011-01-01.

use serde::Deserialize;

use super::owners::{Policy, Scheduled};

/// `<member>…</member>` any number of times.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Members<T> {
    #[serde(default = "Vec::new")]
    pub member: Vec<T>,
}

impl<T> Default for Members<T> {
    fn default() -> Self {
        Self { member: Vec::new() }
    }
}

/// An answer whose payload is in an element of its own.
#[derive(Debug, Deserialize)]
pub(super) struct Wrapped<T> {
    #[serde(
        alias = "DescribeAutoScalingGroupsResult",
        alias = "DescribePoliciesResult",
        alias = "DescribeScheduledActionsResult",
        alias = "DescribeScalingActivitiesResult"
    )]
    pub result: T,
}

/// A page of a list.
pub(super) trait Page {
    type Item;
    fn apart(self) -> (Vec<Self::Item>, Option<String>);
}

macro_rules! page {
    ($name:ident, $list:ident, $item:ty) => {
        #[derive(Debug, Default, Deserialize)]
        #[serde(rename_all = "PascalCase", default)]
        pub(super) struct $name {
            $list: Members<$item>,
            next_token: Option<String>,
        }

        impl Page for $name {
            type Item = $item;
            fn apart(self) -> (Vec<$item>, Option<String>) {
                (self.$list.member, self.next_token.filter(|t| !t.is_empty()))
            }
        }
    };
}

page!(Groups, auto_scaling_groups, Group);
page!(Policies, scaling_policies, Policy);
page!(Schedules, scheduled_update_group_actions, Scheduled);
page!(Activities, activities, Activity);

/// An Auto Scaling group.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Group {
    #[serde(rename = "AutoScalingGroupName")]
    pub name: String,
    #[serde(rename = "AutoScalingGroupARN")]
    pub arn: String,
    pub min_size: u32,
    pub max_size: u32,
    pub desired_capacity: u32,
    #[serde(default)]
    pub created_time: String,
    /// `Delete in progress` while it is deleted, nothing otherwise.
    #[serde(default)]
    pub status: Option<String>,
    #[serde(default)]
    pub instances: Members<Instance>,
    #[serde(default)]
    pub tags: Members<Tag>,
    #[serde(default)]
    pub suspended_processes: Members<Suspended>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Instance {
    #[serde(rename = "InstanceId")]
    pub id: String,
    pub lifecycle_state: String,
    pub health_status: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Tag {
    pub key: String,
    pub value: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Suspended {
    pub process_name: String,
}

/// One launch or end of an instance.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Activity {
    pub description: String,
    pub status_code: String,
    pub status_message: String,
    pub start_time: String,
    pub end_time: String,
}
