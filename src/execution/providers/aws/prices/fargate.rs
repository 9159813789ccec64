//! Prices of Fargate tasks: processors and memory by the hour. Storage beyond what is included is left out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::execution::providers::aws::Gaps;
use crate::scrape::aws::AwsClient;

use super::list::{Product, agreed, products};
use super::look::Look;

/// What a Fargate task has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// Processors.
    pub vcpu: f64,
    /// Memory, GiB.
    pub gib: f64,
    /// Whether they are ARM's.
    pub arm: bool,
    /// Whether it runs on spare capacity.
    pub spot: bool,
}

/// $/h of a processor and of a GiB, by (spot, arm).
type Rates = BTreeMap<(bool, bool), (f64, f64)>;

/// Prices of Fargate in one region.
#[derive(Debug)]
pub struct FargatePrices {
    lists: Arc<AwsClient>,
    region: String,
    rates: Arc<Mutex<Rates>>,
    look: Look,
}

impl FargatePrices {
    /// Nothing is sent yet. `lists` is of the region that has the price lists of `region`.
    pub fn new(region: &str, lists: AwsClient) -> Self {
        Self { lists: Arc::new(lists), region: region.into(), rates: Arc::default(), look: Look::default() }
    }

    /// Looks prices up beside everything else, if it is time to.
    pub(in super::super) fn look(&self, gaps: &Arc<Gaps>) {
        let new = self.rates.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
        let (lists, gaps) = (Arc::clone(&self.lists), Arc::clone(gaps));
        let (region, rates) = (self.region.clone(), Arc::clone(&self.rates));
        self.look.begin(new, || async move {
            match products(&lists, "AmazonECS", &[("regionCode", &region)]).await {
                Ok(found) => {
                    let found = rates_of(&found);
                    if found.is_empty() {
                        gaps.note(format!("no price of Fargate in {region}: set `price` of its services"));
                    }
                    *rates.lock().unwrap_or_else(PoisonError::into_inner) = found;
                }
                Err(error) => gaps.note(format!("prices of Fargate in {region} are unknown: {error}")),
            }
        });
    }

    /// Waits for the look under way.
    pub(in super::super) async fn settled(&self) {
        self.look.settled().await;
    }

    /// What one of these tasks costs on average, $/h; nothing where one has no price.
    pub(in super::super) fn mean(&self, shapes: &[Option<Shape>]) -> Option<f64> {
        let rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        let price = |shape: &Option<Shape>| {
            let s = (*shape)?;
            let (processor, memory) = rates.get(&(s.spot, s.arm))?;
            Some(s.vcpu * processor + s.gib * memory)
        };
        let prices: Option<Vec<f64>> = shapes.iter().map(price).collect();
        let prices = prices.filter(|p| !p.is_empty())?;
        Some(prices.iter().sum::<f64>() / prices.len() as f64)
    }
}

/// Both rates of each kind whose two are known. Usage types are `EUW1-Fargate-vCPU-Hours:perCPU` and `EUW1-Fargate-GB-Hours`,
/// with `SpotUsage-` before and `ARM-` after `Fargate`; in us-east-1 the region may be left out.
fn rates_of(products: &[Product]) -> Rates {
    let mut rates = Rates::new();
    for (spot, arm) in [(false, false), (false, true), (true, false), (true, true)] {
        let of = |what: &str| {
            let name = format!(
                "{}Fargate-{}{what}",
                if spot { "SpotUsage-" } else { "" },
                if arm { "ARM-" } else { "" }
            );
            let is = |p: &&Product| {
                let usage = p.attribute("usagetype");
                let region = usage.strip_suffix(&name).map(|r| r.trim_end_matches('-'));
                region.is_some_and(|r| r.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()))
            };
            agreed(products.iter().filter(is))
        };
        if let (Some(processor), Some(memory)) = (of("vCPU-Hours:perCPU"), of("GB-Hours")) {
            rates.insert((spot, arm), (processor, memory));
        }
    }
    rates
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execution::providers::aws::prices::list::tests::of_usage;

    #[test]
    fn a_task_costs_its_processors_and_its_memory() {
        let list = [
            of_usage("EUW1-Fargate-vCPU-Hours:perCPU", "hours", "0.04"),
            of_usage("EUW1-Fargate-GB-Hours", "hours", "0.004"),
            of_usage("EUW1-Fargate-ARM-vCPU-Hours:perCPU", "hours", "0.03"),
            of_usage("EUW1-SpotUsage-Fargate-vCPU-Hours:perCPU", "hours", "0.01"),
            of_usage("EUW1-SpotUsage-Fargate-GB-Hours", "hours", "0.001"),
            of_usage("EUW1-Fargate-EphemeralStorage-GB-Hours", "hours", "9"),
            of_usage("EUW1-Fargate-Windows-vCPU-Hours:perCPU", "hours", "8"),
        ];
        let rates = rates_of(&list);
        assert_eq!(
            rates.keys().collect::<Vec<_>>(),
            [&(false, false), &(true, false)],
            "of ARM, memory is not listed"
        );
        let client = crate::execution::providers::aws::prices::tests::client();
        let prices = FargatePrices::new("eu-west-1", client);
        let task = Shape { vcpu: 0.5, gib: 2.0, arm: false, spot: false };
        assert_eq!(prices.mean(&[Some(task)]), None, "nothing is known yet");
        *prices.rates.lock().unwrap() = rates;
        assert!((prices.mean(&[Some(task)]).unwrap() - 0.028).abs() < 1e-12);
        let both = prices.mean(&[Some(task), Some(Shape { spot: true, ..task })]).unwrap();
        assert!((both - 0.0175).abs() < 1e-12);
        assert_eq!(prices.mean(&[Some(task), Some(Shape { arm: true, ..task })]), None);
        assert_eq!(prices.mean(&[Some(task), None]), None, "one runs elsewhere");
        assert_eq!(prices.mean(&[]), None);
    }
}
