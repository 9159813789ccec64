//! ECS services of one region, with Application Auto Scaling.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::approval::WriteOrder;
use crate::execution::provider::{Pending, Provider, ProviderError};
use crate::execution::providers::contract::{Fields, WorkloadList, WorkloadState};
use crate::fleet::{Field, Owner, Replicas, ScaleIn};
use crate::scrape::aws::{AwsClient, Call, Effect, Service as Part};
use crate::series::text::clean;

use super::ecs_answers::{Arns, Described, Service, Suspended};
use super::ecs_tasks::{self, Running, Task, TaskArns, Tasks};
use super::owners::owner;
use super::prices::FargatePrices;
use super::scalable::{self, DIMENSION, Scaling};
use super::wrong::{senseless, wrong};
use super::{Gaps, note, order};

/// Most pages of one list.
const MAX_PAGES: usize = 100;
/// Services described by one call, as AWS allows.
const AT_ONCE: usize = 10;
/// Tasks named and described by one call, as AWS allows, and pages of them at most.
const TASKS: usize = 100;
const TASK_PAGES: usize = 50;
/// Most services taken over.
const MAX_SERVICES: usize = 10_000;
/// Longest identity.
const MAX_UID: usize = 768;

/// The services of one region, over JSON.
#[derive(Debug)]
pub struct EcsServices {
    client: AwsClient,
    gaps: Arc<Gaps>,
    prices: Option<FargatePrices>,
}

/// An identity taken apart: `arn:aws:ecs:REGION:ACCOUNT:service/CLUSTER/NAME#CREATED`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Uid<'a> {
    arn: &'a str,
    cluster: &'a str,
    name: &'a str,
}

impl<'a> Uid<'a> {
    fn new(uid: &'a str) -> Result<Self, ProviderError> {
        let bad = || ProviderError::Invalid(format!("{} is no identity of an ECS service", clean(uid, 80)));
        let (arn, _) = uid.rsplit_once('#').ok_or_else(bad)?;
        let (_, rest) = arn.split_once(":service/").ok_or_else(bad)?;
        let (cluster, name) = rest.split_once('/').ok_or_else(bad)?;
        Ok(Self { arn, cluster, name })
    }

    fn resource(self) -> String {
        format!("service/{}/{}", self.cluster, self.name)
    }
}

impl EcsServices {
    /// Nothing is sent yet.
    pub fn new(client: AwsClient) -> Self {
        Self { client, gaps: Arc::default(), prices: None }
    }

    /// With prices of tasks on Fargate.
    #[must_use]
    pub fn priced(self, prices: FargatePrices) -> Self {
        Self { prices: Some(prices), ..self }
    }

    /// What could not be read beside the services themselves.
    pub fn gaps(&self) -> &Gaps {
        &self.gaps
    }

    /// Waits until prices that are looked up are there.
    pub async fn settled(&self) {
        if let Some(prices) = &self.prices {
            prices.settled().await;
        }
    }

    async fn ask<T: DeserializeOwned>(&self, action: &'static str, body: &Value) -> Result<T, ProviderError> {
        let call = Call::json(Part::Ecs, action, body, Effect::Read);
        let answer = self.client.call(&call).await.map_err(|e| wrong(&e, &call))?;
        serde_json::from_slice(&answer).map_err(|e| senseless(&call, &e.to_string()))
    }

    async fn arns(
        &self,
        action: &'static str,
        body: Value,
        part: fn(Arns) -> Vec<String>,
    ) -> Result<Vec<String>, ProviderError> {
        let (mut all, mut body) = (Vec::new(), body);
        for _ in 0..MAX_PAGES {
            let mut page: Arns = self.ask(action, &body).await?;
            let token = page.next_token.take().filter(|t| !t.is_empty());
            all.extend(part(page));
            match (token, body.as_object_mut()) {
                (Some(token), Some(object)) if all.len() <= MAX_SERVICES => {
                    object.insert("nextToken".into(), token.into());
                }
                _ => return Ok(all),
            }
        }
        Err(ProviderError::Unavailable {
            why: format!("{action}: more than {MAX_PAGES} pages"),
            retry_after: None,
        })
    }

    async fn describe(&self, cluster: &str, services: &[String]) -> Result<Vec<Service>, ProviderError> {
        let body = json!({ "cluster": cluster, "services": services, "include": ["TAGS"] });
        Ok(self.ask::<Described>("DescribeServices", &body).await?.services)
    }

    async fn all(&self) -> Result<Vec<Service>, ProviderError> {
        let mut services = Vec::new();
        for cluster in self.arns("ListClusters", json!({ "maxResults": 100 }), |p| p.clusters).await? {
            let body = json!({ "cluster": cluster, "maxResults": 100 });
            let arns = self.arns("ListServices", body, |p| p.services).await?;
            for some in arns.chunks(AT_ONCE) {
                services.extend(self.describe(&cluster, some).await?);
            }
            if services.len() > MAX_SERVICES {
                let why = format!("more than {MAX_SERVICES} services");
                return Err(ProviderError::Unavailable { why, retry_after: None });
            }
        }
        Ok(services)
    }

    /// Tasks of a cluster, or of one of its services, by service; nothing of those that may not be read, which is told.
    /// Of one service, whose tasks are compared with those seen before, an answer that failed to come is no empty one.
    async fn tasks(
        &self,
        cluster: &str,
        service: Option<&str>,
    ) -> Result<BTreeMap<String, Running>, ProviderError> {
        match self.read_tasks(cluster, service).await {
            Ok(tasks) => Ok(ecs_tasks::by_service(&tasks)),
            Err(error) if service.is_some() && !matches!(error, ProviderError::Forbidden(_)) => Err(error),
            Err(error) => {
                self.gaps.note(format!("tasks in {} are unknown: {error}", self.client.region()));
                Ok(BTreeMap::new())
            }
        }
    }

    async fn read_tasks(&self, cluster: &str, service: Option<&str>) -> Result<Vec<Task>, ProviderError> {
        let mut body = json!({ "cluster": cluster, "maxResults": TASKS });
        if let (Some(service), Some(object)) = (service, body.as_object_mut()) {
            object.insert("serviceName".into(), service.into());
        }
        let mut all = Vec::new();
        for _ in 0..TASK_PAGES {
            let page: TaskArns = self.ask("ListTasks", &body).await?;
            for some in page.task_arns.chunks(TASKS) {
                let asked = json!({ "cluster": cluster, "tasks": some });
                all.extend(self.ask::<Tasks>("DescribeTasks", &asked).await?.tasks);
            }
            match (page.next_token.filter(|t| !t.is_empty()), body.as_object_mut()) {
                (Some(token), Some(object)) => _ = object.insert("nextToken".into(), token.into()),
                _ => return Ok(all),
            }
        }
        // A part of the tasks would look like a loss of the others.
        let why = format!("more than {} tasks in {}", TASKS * TASK_PAGES, clean(cluster, 200));
        Err(ProviderError::Unavailable { why, retry_after: None })
    }

    async fn state_of(&self, uid: &str) -> Result<WorkloadState, ProviderError> {
        let id = Uid::new(uid)?;
        let (resource, names) = (id.resource(), [id.name.to_owned()]);
        let (described, scaling, tasks) = tokio::join!(
            self.describe(id.cluster, &names),
            scalable::read(&self.client, &self.gaps, Some(&resource)),
            self.tasks(id.cluster, Some(id.name))
        );
        let found = described?.into_iter().find(|s| s.arn == id.arn && s.status != "INACTIVE");
        let service =
            found.ok_or_else(|| ProviderError::NotFound(format!("no ECS service {resource} any more")))?;
        self.state(&service, &scaling, tasks?.remove(id.name).unwrap_or_default())
    }

    fn state(
        &self,
        service: &Service,
        scaling: &Scaling,
        running: Running,
    ) -> Result<WorkloadState, ProviderError> {
        let broken = |what: &str| ProviderError::Unavailable {
            why: format!("ECS service {}: {what}", clean(&service.arn, 200)),
            retry_after: None,
        };
        let millis = (service.created_at * 1000.0).round();
        let uid = format!("{}#{}", service.arn, if millis.is_finite() { millis } else { 0.0 });
        if clean(&uid, MAX_UID) != uid {
            return Err(broken("its ARN cannot be an identity"));
        }
        let id = Uid::new(&uid).map_err(|_| broken("its ARN is of the old format, without the cluster"))?;
        let resource = id.resource();
        let targets = scaling.targets.as_ref();
        let target = targets
            .and_then(|t| t.iter().find(|t| t.resource_id == resource && t.scalable_dimension == DIMENSION));
        let counts = [
            Some(service.desired_count),
            Some(service.running_count),
            target.map(|t| t.min_capacity),
            target.map(|t| t.max_capacity),
        ];
        if counts.into_iter().flatten().any(|n| n > Replicas::LIMIT) {
            return Err(broken(&format!("a count is beyond {}", Replicas::LIMIT)));
        }
        let tags: BTreeMap<String, String> =
            service.tags.iter().take(64).map(|t| (clean(&t.key, 128), clean(&t.value, 256))).collect();
        let tag = |name: &str| tags.get(name).cloned().unwrap_or_default();
        Ok(WorkloadState {
            namespace: clean(id.cluster, 255),
            name: clean(id.name, 255),
            region: self.client.region().to_owned(),
            service: tag("service"),
            team: tag("team"),
            fields: Fields {
                replicas: Some(service.desired_count),
                min_replicas: target.map(|t| t.min_capacity),
                max_replicas: target.map(|t| t.max_capacity),
                scale_in: target.map(|t| scale_in(t.suspended_state.unwrap_or_default()).value()),
                ..Fields::default()
            },
            ready: service.running_count,
            dollars_per_hour: self.prices.as_ref().and_then(|p| p.mean(&running.shapes)),
            pods: running.pods,
            owner: owner_of(service, scaling, &resource, target.is_some()),
            annotations: tags.into_iter().filter(|(k, _)| k.starts_with("weescale.io/")).collect(),
            uid,
            ..WorkloadState::default()
        })
    }

    async fn send(&self, order: &WriteOrder) -> Result<WorkloadState, ProviderError> {
        let uid = &order.target().uid;
        let present = self.state_of(uid).await?;
        order::check(order, &present)?;
        if order.is_dry_run() {
            return Ok(present);
        }
        let id = Uid::new(uid)?;
        let call = match order.field() {
            Field::MinReplicas => scalable::register(&id.resource(), "MinCapacity", order.set()),
            Field::Replicas => {
                let body = json!({ "cluster": id.cluster, "service": id.name, "desiredCount": order.set() });
                Call::json(Part::Ecs, "UpdateService", &body, Effect::Write)
            }
            Field::ScaleIn => {
                let resource = id.resource();
                let scaling = scalable::read(&self.client, &self.gaps, Some(&resource)).await;
                let unseen = || ProviderError::Unavailable {
                    why: format!("what is suspended on {resource} cannot be read"),
                    retry_after: None,
                };
                let targets = scaling.targets.ok_or_else(unseen)?;
                let mut own =
                    targets.iter().filter(|t| t.resource_id == resource && t.scalable_dimension == DIMENSION);
                let present = own.next().ok_or_else(unseen)?.suspended_state.unwrap_or_default();
                scalable::suspend(&resource, present, order.set() == ScaleIn::Held.value())
            }
            // The order was checked to be about a count.
            _ => scalable::register(&id.resource(), "MaxCapacity", order.set()),
        };
        self.client.call(&call).await.map_err(|e| wrong(&e, &call))?;
        let mut state = order::read_back(order, || Box::pin(self.state_of(uid))).await?;
        self.tag(order, id.arn, &mut state).await;
        Ok(state)
    }

    /// Notes the lease on the service. The value is written already, so that failing here is told and no more.
    async fn tag(&self, order: &WriteOrder, arn: &str, state: &mut WorkloadState) {
        let (set, remove) = note::tags(order);
        let tags: Vec<Value> = set.iter().map(|(k, v)| json!({ "key": k, "value": v })).collect();
        let calls = [
            ("TagResource", json!({ "resourceArn": arn, "tags": tags }), set.is_empty()),
            ("UntagResource", json!({ "resourceArn": arn, "tagKeys": remove }), remove.is_empty()),
        ];
        for (action, body, nothing) in calls {
            if nothing {
                continue;
            }
            let call = Call::json(Part::Ecs, action, &body, Effect::Write);
            match self.client.call(&call).await {
                Ok(_) if action == "TagResource" => state.annotations.extend(set.iter().cloned()),
                Ok(_) => state.annotations.retain(|k, _| !remove.contains(k)),
                Err(error) => {
                    let why = wrong(&error, &call);
                    self.gaps.note(format!("the lease is not noted on {}: {why}", state.name));
                }
            }
        }
    }
}

/// The cluster in the ARN of a service.
fn cluster_of(arn: &str) -> Option<&str> {
    Some(arn.split_once(":service/")?.1.split_once('/')?.0)
}

/// What policies may take away.
const fn scale_in(suspended: Suspended) -> ScaleIn {
    if suspended.scale_in { ScaleIn::Held } else { ScaleIn::Allowed }
}

fn owner_of(service: &Service, scaling: &Scaling, resource: &str, bounded: bool) -> Owner {
    // One task a node: its count is nobody's to set. An external controller sets it by itself.
    let daemon = service.scheduling_strategy.as_deref() == Some("DAEMON");
    let external = service.deployment_controller.as_ref().is_some_and(|c| c.kind == "EXTERNAL");
    if daemon || external || scaling.targets.is_none() || service.status == "DRAINING" {
        return Owner::Unknown;
    }
    owner(
        "ecs",
        scaling.policies.as_ref().map(|p| p.iter().filter(|p| p.resource_id == resource)),
        scaling.schedules.as_ref().map(|s| s.iter().filter(|s| s.resource_id == resource)),
        bounded,
    )
}

impl Provider for EcsServices {
    fn list(&self) -> Pending<'_, Result<WorkloadList, ProviderError>> {
        Box::pin(async move {
            let services = self.all().await?;
            if services.is_empty() {
                return Ok(WorkloadList::default());
            }
            let scaling = scalable::read(&self.client, &self.gaps, None).await;
            let mut tasks: BTreeMap<&str, BTreeMap<String, Running>> = BTreeMap::new();
            for cluster in services.iter().filter_map(|s| cluster_of(&s.arn)) {
                if !tasks.contains_key(cluster) {
                    tasks.insert(cluster, self.tasks(cluster, None).await?);
                }
            }
            let mut running = tasks.values().flat_map(BTreeMap::values);
            if let Some(prices) = &self.prices
                && running.any(|r| r.shapes.iter().any(Option::is_some))
            {
                prices.look(&self.gaps);
            }
            let live = services.iter().filter(|s| s.status != "INACTIVE");
            Ok(self.gaps.sound(live.map(|s| {
                let name = s.arn.rsplit('/').next().unwrap_or_default();
                let of_it = cluster_of(&s.arn).and_then(|c| tasks.get(c)).and_then(|t| t.get(name));
                self.state(s, &scaling, of_it.cloned().unwrap_or_default())
            })))
        })
    }

    fn read<'a>(&'a self, uid: &'a str) -> Pending<'a, Result<WorkloadState, ProviderError>> {
        Box::pin(async move {
            let state = self.state_of(uid).await?;
            if state.uid == uid {
                return Ok(state);
            }
            // Deleted and made again under its old name.
            Err(ProviderError::NotFound("another service has this name now".into()))
        })
    }

    fn write<'a>(&'a self, order: &'a WriteOrder) -> Pending<'a, Result<WorkloadState, ProviderError>> {
        Box::pin(self.send(order))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_hold_cluster_name_and_birth() {
        let uid = "arn:aws:ecs:eu-west-1:123456789012:service/prod/checkout#1700000000123";
        let id = Uid::new(uid).unwrap();
        assert_eq!(
            (id.cluster, id.name, id.resource().as_str()),
            ("prod", "checkout", "service/prod/checkout")
        );
        assert!(
            Uid::new("arn:aws:ecs:eu-west-1:1:service/checkout#1").is_err(),
            "the old format has no cluster"
        );
        assert!(Uid::new("x").is_err());
    }
}
