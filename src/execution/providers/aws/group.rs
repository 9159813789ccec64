//! EC2 Auto Scaling groups of one region.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::approval::{Way, WriteOrder};
use crate::execution::provider::{Pending, Provider, ProviderError};
use crate::execution::providers::contract::{Fields, WorkloadList, WorkloadState};
use crate::fleet::{Field, Replicas, ScaleIn};
use crate::scrape::aws::{AwsClient, Call, Effect};
use crate::series::text::clean;

use super::group_answers::{Activities, Activity, Group, Groups, Page, Policies, Schedules, Wrapped};
use super::instances::{pods, ready};
use super::owners::{Policy, Scheduled, owner};
use super::prices::InstancePrices;
use super::wrong::{senseless, wrong};
use super::{Gaps, note, order};

const VERSION: &str = "2011-01-01";
/// The process of a group that ends instances.
const TERMINATE: &str = "Terminate";
/// Most pages of one list, of 100 each.
const MAX_PAGES: usize = 100;
/// Activities looked at for one group.
const ACTIVITIES: &str = "100";
/// Longest name AWS gives, and longest ARN that holds one.
const MAX_NAME: usize = 255;
const MAX_UID: usize = 512;

type Params = Vec<(String, String)>;

/// The groups of one region, over the Query protocol.
#[derive(Debug)]
pub struct ScalingGroups {
    client: AwsClient,
    gaps: Arc<Gaps>,
    prices: Option<InstancePrices>,
}

impl ScalingGroups {
    /// Nothing is sent yet.
    pub fn new(client: AwsClient) -> Self {
        Self { client, gaps: Arc::default(), prices: None }
    }

    /// With prices of its instances.
    #[must_use]
    pub fn priced(self, prices: InstancePrices) -> Self {
        Self { prices: Some(prices), ..self }
    }

    /// What could not be read beside the groups themselves.
    pub fn gaps(&self) -> &Gaps {
        &self.gaps
    }

    /// Waits until prices that are looked up are there.
    pub async fn settled(&self) {
        if let Some(prices) = &self.prices {
            prices.settled().await;
        }
    }

    async fn pages<P: Page + DeserializeOwned>(
        &self,
        action: &'static str,
        params: &[(&str, &str)],
        most: usize,
    ) -> Result<Vec<P::Item>, ProviderError> {
        let (mut all, mut token) = (Vec::new(), None::<String>);
        for _ in 0..most {
            let mut sent: Params = params.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            sent.extend(token.take().map(|t| ("NextToken".to_owned(), t)));
            let call = Call::query(action, VERSION, &sent, Effect::Read);
            let body = self.client.call(&call).await.map_err(|e| wrong(&e, &call))?;
            let text = String::from_utf8(body).map_err(|_| senseless(&call, "it is not UTF-8"))?;
            let answer: Wrapped<P> =
                quick_xml::de::from_str(&text).map_err(|e| senseless(&call, &e.to_string()))?;
            let (items, next) = answer.result.apart();
            all.extend(items);
            token = next;
            if token.is_none() {
                return Ok(all);
            }
        }
        if most < MAX_PAGES {
            return Ok(all);
        }
        let why = format!("{action}: more than {MAX_PAGES} pages; split the account or name fewer regions");
        Err(ProviderError::Unavailable { why, retry_after: None })
    }

    /// Policies and schedules, of `group` or of all; `None` where they may not be read: then the owner is not known.
    async fn owners(&self, group: Option<&str>) -> (Option<Vec<Policy>>, Option<Vec<Scheduled>>) {
        let of: Vec<(&str, &str)> = group.map(|g| ("AutoScalingGroupName", g)).into_iter().collect();
        let (policies, schedules) = tokio::join!(
            self.pages::<Policies>("DescribePolicies", &of, MAX_PAGES),
            self.pages::<Schedules>("DescribeScheduledActions", &of, MAX_PAGES)
        );
        let known = |error: ProviderError| {
            self.gaps.note(format!("owners of groups in {} are unknown: {error}", self.client.region()));
        };
        (policies.map_err(known).ok(), schedules.map_err(known).ok())
    }

    async fn group(&self, uid: &str) -> Result<Group, ProviderError> {
        let name = name_of(uid)?;
        let params = [("AutoScalingGroupNames.member.1", name)];
        let found = self.pages::<Groups>("DescribeAutoScalingGroups", &params, MAX_PAGES).await?;
        let group =
            found.into_iter().find(|g| g.name == name && g.status.as_deref().is_none_or(str::is_empty));
        group.ok_or_else(|| {
            ProviderError::NotFound(format!("no Auto Scaling group {} any more", clean(name, MAX_NAME)))
        })
    }

    async fn state_of(&self, uid: &str) -> Result<WorkloadState, ProviderError> {
        let name = name_of(uid)?;
        let of = [("AutoScalingGroupName", name), ("MaxRecords", ACTIVITIES)];
        let (group, owners, activities) = tokio::join!(
            self.group(uid),
            self.owners(Some(name)),
            self.pages::<Activities>("DescribeScalingActivities", &of, 1)
        );
        let activities = activities.unwrap_or_else(|error| {
            self.gaps.note(format!("starts of instances in {} are unknown: {error}", self.client.region()));
            Vec::new()
        });
        let group = group?;
        // A new group of the same name is another object; the caller compares.
        self.state(&group, owners.0.as_deref(), owners.1.as_deref(), Some(&activities))
    }

    fn state(
        &self,
        group: &Group,
        policies: Option<&[Policy]>,
        schedules: Option<&[Scheduled]>,
        activities: Option<&[Activity]>,
    ) -> Result<WorkloadState, ProviderError> {
        let counts = [group.min_size, group.max_size, group.desired_capacity];
        if counts.iter().any(|n| *n > Replicas::LIMIT) {
            let why = format!("a count of {} is beyond {}", clean(&group.name, 80), Replicas::LIMIT);
            return Err(ProviderError::Unavailable { why, retry_after: None });
        }
        if group.arn.is_empty() || clean(&group.arn, MAX_UID) != group.arn {
            let why = format!("the ARN of {} cannot be an identity", clean(&group.name, 80));
            return Err(ProviderError::Unavailable { why, retry_after: None });
        }
        let tags: BTreeMap<String, String> =
            group.tags.member.iter().take(64).map(|t| (clean(&t.key, 128), clean(&t.value, 256))).collect();
        let tag = |name: &str| tags.get(name).cloned().unwrap_or_default();
        let ours = |name: &str| name == group.name;
        let owner = owner(
            "asg",
            policies.map(|p| p.iter().filter(|p| ours(&p.auto_scaling_group_name))),
            schedules.map(|s| s.iter().filter(|s| ours(&s.auto_scaling_group_name))),
            false,
        );
        Ok(WorkloadState {
            uid: group.arn.clone(),
            name: clean(&group.name, MAX_NAME),
            region: self.client.region().to_owned(),
            service: tag("service"),
            team: tag("team"),
            fields: Fields {
                replicas: Some(group.desired_capacity),
                min_replicas: Some(group.min_size),
                max_replicas: Some(group.max_size),
                scale_in: Some(held(group).value()),
                ..Fields::default()
            },
            ready: ready(group),
            owner,
            notes: if held(group) == ScaleIn::Held { vec![HELD.to_owned()] } else { Vec::new() },
            pods: activities.map(|a| pods(group, a)).unwrap_or_default(),
            dollars_per_hour: self.prices.as_ref().and_then(|p| p.mean(ids(group))),
            annotations: tags.into_iter().filter(|(k, _)| k.starts_with("weescale.io/")).collect(),
            ..WorkloadState::default()
        })
    }

    async fn send(&self, order: &WriteOrder) -> Result<WorkloadState, ProviderError> {
        let uid = &order.target().uid;
        let present = self.state_of(uid).await?;
        order::check(order, &present)?;
        let name = name_of(uid)?.to_owned();
        if order.is_dry_run() {
            return self.rehearse(order, present).await;
        }
        let call = call_of(order, &name);
        self.client.call(&call).await.map_err(|e| wrong(&e, &call))?;
        let mut state = order::read_back(order, || Box::pin(self.state_of(uid))).await?;
        self.tag(order, &name, &mut state).await;
        Ok(state)
    }

    /// What AWS would only tell afterwards.
    async fn rehearse(
        &self,
        order: &WriteOrder,
        present: WorkloadState,
    ) -> Result<WorkloadState, ProviderError> {
        let group = self.group(&order.target().uid).await?;
        // What is suspended now may be resumed until then: it does not bar the way there.
        if order.field() == Field::ScaleIn || order.way() == Way::Back {
            return Ok(present);
        }
        let suspended = |name: &str| is_suspended(&group, name);
        match (order.raises(), suspended("Launch"), suspended("Terminate")) {
            (true, true, _) => Err(ProviderError::Invalid(
                "the group's process Launch is suspended: nothing would be launched; resume it first".into(),
            )),
            (false, _, true) if order.field() == Field::Replicas => Err(ProviderError::Invalid(
                "the group's process Terminate is suspended: nothing would be ended; resume it first".into(),
            )),
            _ => Ok(present),
        }
    }

    /// Notes the lease on the group. The value is written already, so that failing here is told and no more.
    async fn tag(&self, order: &WriteOrder, name: &str, state: &mut WorkloadState) {
        let (set, remove) = note::tags(order);
        let tag = |i: usize, key: &str, value: Option<&str>| {
            let at = |part: &str| format!("Tags.member.{}.{part}", i + 1);
            let mut params = vec![
                (at("ResourceId"), name.to_owned()),
                (at("ResourceType"), "auto-scaling-group".to_owned()),
                (at("Key"), key.to_owned()),
            ];
            if let Some(value) = value {
                params.push((at("Value"), value.to_owned()));
                params.push((at("PropagateAtLaunch"), "false".to_owned()));
            }
            params
        };
        let setting: Params = set.iter().enumerate().flat_map(|(i, (k, v))| tag(i, k, Some(v))).collect();
        let removing: Params = remove.iter().enumerate().flat_map(|(i, k)| tag(i, k, None)).collect();
        for (action, params) in [("CreateOrUpdateTags", setting), ("DeleteTags", removing)] {
            if params.is_empty() {
                continue;
            }
            let call = Call::query(action, VERSION, &params, Effect::Write);
            match self.client.call(&call).await {
                Ok(_) if action == "CreateOrUpdateTags" => state.annotations.extend(set.iter().cloned()),
                Ok(_) => state.annotations.retain(|k, _| !remove.contains(k)),
                Err(error) => {
                    let why = wrong(&error, &call);
                    self.gaps.note(format!("the lease is not noted on {name}: {why}"));
                }
            }
        }
    }
}

impl Provider for ScalingGroups {
    fn list(&self) -> Pending<'_, Result<WorkloadList, ProviderError>> {
        Box::pin(async move {
            let groups = self
                .pages::<Groups>("DescribeAutoScalingGroups", &[("MaxRecords", "100")], MAX_PAGES)
                .await?;
            let (policies, schedules) =
                if groups.is_empty() { (None, None) } else { self.owners(None).await };
            if let Some(prices) = &self.prices {
                prices.look(groups.iter().flat_map(ids), &self.gaps);
            }
            let live = groups.iter().filter(|g| g.status.as_deref().is_none_or(str::is_empty));
            Ok(self.gaps.sound(live.map(|g| self.state(g, policies.as_deref(), schedules.as_deref(), None))))
        })
    }

    fn read<'a>(&'a self, uid: &'a str) -> Pending<'a, Result<WorkloadState, ProviderError>> {
        Box::pin(async move {
            let state = self.state_of(uid).await?;
            if state.uid == uid {
                return Ok(state);
            }
            // Deleted and made again under its old name.
            Err(ProviderError::NotFound("another group has this name now".into()))
        })
    }

    fn write<'a>(&'a self, order: &'a WriteOrder) -> Pending<'a, Result<WorkloadState, ProviderError>> {
        Box::pin(self.send(order))
    }
}

/// What is said of a group whose scale-in is held.
const HELD: &str =
    "its process Terminate is suspended: it takes no instance away, and does not replace unhealthy ones";

fn ids(group: &Group) -> impl Iterator<Item = &str> {
    group.instances.member.iter().map(|i| i.id.as_str())
}

fn is_suspended(group: &Group, process: &str) -> bool {
    group.suspended_processes.member.iter().any(|p| p.process_name == process)
}

/// What the group may take away. Of what AWS documents only suspending `Terminate` stops scale-in by every kind of policy
/// and schedule and lets scale-out go on, in one call on the group itself. `AlarmNotification` stops both ways;
/// `DisableScaleIn` is a part of each target tracking policy, and other kinds have none; protection from scale-in is a part
/// of each instance, and lets the desired size fall meanwhile. Unhealthy instances are not replaced while it lasts.
fn held(group: &Group) -> ScaleIn {
    if is_suspended(group, TERMINATE) { ScaleIn::Held } else { ScaleIn::Allowed }
}

/// The one call that does what `order` says.
fn call_of(order: &WriteOrder, name: &str) -> Call {
    let (action, field, value) = match order.field() {
        Field::ScaleIn => {
            let hold = order.set() == ScaleIn::Held.value();
            let action = if hold { "SuspendProcesses" } else { "ResumeProcesses" };
            (action, "ScalingProcesses.member.1", TERMINATE.to_owned())
        }
        Field::Replicas => ("UpdateAutoScalingGroup", "DesiredCapacity", order.set().to_string()),
        Field::MinReplicas => ("UpdateAutoScalingGroup", "MinSize", order.set().to_string()),
        // The order was checked to be about a count.
        _ => ("UpdateAutoScalingGroup", "MaxSize", order.set().to_string()),
    };
    let params = [("AutoScalingGroupName".to_owned(), name.to_owned()), (field.to_owned(), value)];
    Call::query(action, VERSION, &params, Effect::Write)
}

/// The name in an ARN such as `arn:aws:autoscaling:eu-west-1:1:autoScalingGroup:UUID:autoScalingGroupName/web`.
fn name_of(uid: &str) -> Result<&str, ProviderError> {
    let name = uid.split_once(":autoScalingGroupName/").map(|(_, name)| name).filter(|n| !n.is_empty());
    name.ok_or_else(|| ProviderError::Invalid(format!("{} is no ARN of a group", clean(uid, 80))))
}
