//! Prices of the instances of Auto Scaling groups: of those on demand by type, operating system and tenancy, of Spot ones by
//! type, operating system and zone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::clock::{Clock, Monotonic};
use crate::execution::provider::ProviderError;
use crate::execution::providers::aws::Gaps;
use crate::execution::providers::aws::wrong::{senseless, wrong};
use crate::scrape::aws::{AwsClient, Call, Effect, Service};
use crate::series::Timestamp;
use crate::series::text::clean;

use super::ec2_answers::{Instance, Reservations, SpotPrice, SpotPrices};
use super::list::{agreed, products};
use super::look::Look;

const VERSION: &str = "2016-11-15";
/// Pages of a list; instances and kinds taken over.
const PAGES: usize = 40;
const MOST_INSTANCES: usize = 20_000;
const MOST_KINDS: usize = 200;
/// How long a list price is believed.
const LISTED: Duration = Duration::from_secs(86_400);
/// Types asked for by one question.
const TYPES: usize = 50;

/// Type, operation and tenancy, as the list has them.
type Kind = (String, String, &'static str);
/// Type, product and zone, as Spot prices have them.
type SpotKind = (String, String, String);

/// Prices of the instances of one region's groups.
#[derive(Debug)]
pub struct InstancePrices {
    shared: Arc<Shared>,
    look: Look,
}

#[derive(Debug)]
struct Shared {
    here: AwsClient,
    lists: AwsClient,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// $/h of the instances seen by the last look; `None` of those without a price.
    instances: BTreeMap<String, Option<f64>>,
    /// List prices, $/h, and when they were read.
    listed: BTreeMap<Kind, (Monotonic, Option<f64>)>,
}

impl InstancePrices {
    /// Nothing is sent yet. `here` is of the groups' region, `lists` of the region that has its price lists.
    pub fn new(here: AwsClient, lists: AwsClient) -> Self {
        let known = Mutex::default();
        Self { shared: Arc::new(Shared { here, lists, known }), look: Look::default() }
    }

    /// Looks prices up beside everything else, if it is time to.
    pub(in super::super) fn look<'a>(&self, ids: impl Iterator<Item = &'a str>, gaps: &Arc<Gaps>) {
        let (mut some, mut new) = (false, false);
        let known = self.shared.known();
        for id in ids {
            some = true;
            new |= !known.instances.contains_key(id);
        }
        drop(known);
        if some {
            let (shared, gaps) = (Arc::clone(&self.shared), Arc::clone(gaps));
            self.look.begin(new, || async move { shared.look(&gaps).await });
        }
    }

    /// Waits for the look under way.
    pub(in super::super) async fn settled(&self) {
        self.look.settled().await;
    }

    /// What one of these instances costs on average, $/h; nothing where one of them has no price, or none is known yet. New
    /// ones, not looked at yet, are taken to be like the others.
    pub(in super::super) fn mean<'a>(&self, ids: impl Iterator<Item = &'a str>) -> Option<f64> {
        let known = self.shared.known();
        let prices: Option<Vec<f64>> = ids.filter_map(|id| known.instances.get(id).copied()).collect();
        let prices = prices.filter(|p| !p.is_empty())?;
        Some(prices.iter().sum::<f64>() / prices.len() as f64)
    }
}

impl Shared {
    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn look(&self, gaps: &Gaps) {
        let region = self.here.region();
        let found = match self.instances().await {
            Ok(found) => found,
            Err(error) => return gaps.note(format!("prices in {region} are unknown: {error}")),
        };
        let (spot, on_demand): (Vec<&Instance>, Vec<&Instance>) =
            found.iter().partition(|i| i.lifecycle == "spot");
        let (spot, listed) = tokio::join!(self.spot(&spot), self.listed(&on_demand));
        for error in [spot.as_ref().err(), listed.as_ref().err()].into_iter().flatten() {
            gaps.note(format!("prices in {region} are unknown: {error}"));
        }
        let spot = spot.unwrap_or_default();
        let mut known = self.known();
        let price = |i: &Instance| match (i.lifecycle == "spot", kind(i)) {
            (true, _) => spot.get(&spot_kind(i)).copied(),
            (false, Some(kind)) => known.listed.get(&kind).and_then(|(_, price)| *price),
            (false, None) => None,
        };
        let priced: BTreeMap<String, Option<f64>> = found.iter().map(|i| (i.id.clone(), price(i))).collect();
        known.instances = priced;
        drop(known);
        self.tell(&found, gaps);
    }

    /// Says what has no price, once a kind.
    fn tell(&self, found: &[Instance], gaps: &Gaps) {
        let known = self.known();
        let without = found.iter().filter(|i| known.instances.get(&i.id) == Some(&None));
        let kinds: BTreeSet<(&str, &str)> =
            without.map(|i| (i.kind.as_str(), i.platform_details.as_str())).collect();
        for (kind, system) in kinds.into_iter().take(MOST_KINDS) {
            let (kind, system) = (clean(kind, 40), clean(system, 60));
            let region = self.here.region();
            gaps.note(format!("no one price of {kind} ({system}) in {region}: set `price` of its services"));
        }
    }

    async fn pages<T: DeserializeOwned>(
        &self,
        action: &'static str,
        params: &[(String, String)],
        mut take: impl FnMut(T) -> (bool, Option<String>),
    ) -> Result<(), ProviderError> {
        let mut token = None::<String>;
        for _ in 0..PAGES {
            let mut sent = params.to_vec();
            sent.extend(token.take().map(|t| ("NextToken".to_owned(), t)));
            let call = Call::query(action, VERSION, &sent, Effect::Read).to(Service::Ec2);
            let body = self.here.call(&call).await.map_err(|e| wrong(&e, &call))?;
            let text = String::from_utf8(body).map_err(|_| senseless(&call, "it is not UTF-8"))?;
            let page: T = quick_xml::de::from_str(&text).map_err(|e| senseless(&call, &e.to_string()))?;
            let (more, next) = take(page);
            token = next.filter(|t| more && !t.is_empty());
            if token.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Instances of groups that are there or on their way.
    async fn instances(&self) -> Result<Vec<Instance>, ProviderError> {
        let filters = [
            ("Filter.1.Name", "tag-key"),
            ("Filter.1.Value.1", "aws:autoscaling:groupName"),
            ("Filter.2.Name", "instance-state-name"),
            ("Filter.2.Value.1", "pending"),
            ("Filter.2.Value.2", "running"),
            ("MaxResults", "500"),
        ]
        .map(|(k, v)| (k.to_owned(), v.to_owned()));
        let mut found = Vec::new();
        self.pages("DescribeInstances", &filters, |page: Reservations| {
            found.extend(page.reservation_set.item.into_iter().flat_map(|r| r.instances_set.item));
            (found.len() < MOST_INSTANCES, page.next_token)
        })
        .await?;
        found.truncate(MOST_INSTANCES);
        Ok(found)
    }

    /// Reads the list prices of these that are not known, or known for a day.
    async fn listed(&self, instances: &[&Instance]) -> Result<(), ProviderError> {
        let now = Clock::real().monotonic();
        let kinds: BTreeSet<Kind> = instances.iter().filter_map(|i| kind(i)).take(MOST_INSTANCES).collect();
        let old = |kind: &Kind| self.known().listed.get(kind).is_none_or(|(at, _)| now.since(*at) >= LISTED);
        let asked: Vec<Kind> = kinds.into_iter().filter(|k| old(k)).take(MOST_KINDS).collect();
        for kind in asked {
            let (instance, operation, tenancy) = &kind;
            let wanted = [
                ("instanceType", instance.as_str()),
                ("regionCode", self.here.region()),
                ("operation", operation.as_str()),
                ("tenancy", tenancy),
                ("capacitystatus", "Used"),
                ("marketoption", "OnDemand"),
            ];
            let found = products(&self.lists, "AmazonEC2", &wanted).await?;
            self.known().listed.insert(kind, (now, agreed(found.iter())));
        }
        Ok(())
    }

    /// Spot prices of these now, $/h.
    async fn spot(&self, instances: &[&Instance]) -> Result<BTreeMap<SpotKind, f64>, ProviderError> {
        let kinds: BTreeSet<SpotKind> = instances.iter().map(|i| spot_kind(i)).collect();
        let types: Vec<&str> =
            kinds.iter().map(|k| k.0.as_str()).collect::<BTreeSet<_>>().into_iter().collect();
        let mut all: Vec<SpotPrice> = Vec::new();
        for some in types.chunks(TYPES) {
            // From now on: that gives the present ones and no history.
            let mut params = vec![
                ("StartTime".to_owned(), whole_second(Clock::real().now())),
                ("MaxResults".to_owned(), "1000".to_owned()),
            ];
            params.extend(
                some.iter().enumerate().map(|(i, t)| (format!("InstanceType.{}", i + 1), (*t).to_owned())),
            );
            self.pages("DescribeSpotPriceHistory", &params, |page: SpotPrices| {
                all.extend(page.spot_price_history_set.item);
                (all.len() < MOST_INSTANCES, page.next_token)
            })
            .await?;
        }
        Ok(latest(all).into_iter().filter(|(kind, _)| kinds.contains(kind)).collect())
    }
}

/// `2026-11-30T20:00:00Z`.
fn whole_second(at: Timestamp) -> String {
    at.floor_to(Duration::from_secs(1)).to_string()
}

/// The latest price of each kind, $/h.
fn latest(prices: Vec<SpotPrice>) -> BTreeMap<SpotKind, f64> {
    let mut found: BTreeMap<SpotKind, (String, f64)> = BTreeMap::new();
    for p in prices {
        let Some(price) = p.price.parse::<f64>().ok().filter(|p| *p > 0.0 && p.is_finite()) else {
            continue;
        };
        let slot = found
            .entry((p.instance_type, p.product_description, p.availability_zone))
            .or_insert_with(|| (String::new(), price));
        // Of one form, ISO 8601 times are in the order of their texts.
        if p.timestamp >= slot.0 {
            *slot = (p.timestamp, price);
        }
    }
    found.into_iter().map(|(kind, (_, price))| (kind, price)).collect()
}

/// What the list has an instance on demand as; `None` of one on a host that is paid for by itself, and where AWS does not
/// tell its operation.
fn kind(i: &Instance) -> Option<Kind> {
    let tenancy = match i.placement.tenancy.as_str() {
        "" | "default" => "Shared",
        "dedicated" => "Dedicated",
        _ => return None,
    };
    let plain = |text: &str| !text.is_empty() && text.len() <= 64 && clean(text, 64) == text;
    let (kind, operation) = (&i.kind, &i.usage_operation);
    (plain(kind) && plain(operation)).then(|| (kind.clone(), operation.clone(), tenancy))
}

fn spot_kind(i: &Instance) -> SpotKind {
    (i.kind.clone(), i.platform_details.clone(), i.placement.availability_zone.clone())
}

#[cfg(test)]
mod tests;
