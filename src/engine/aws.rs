//! AWS as platforms: one provider for each account, region and service.

use std::sync::Arc;

use crate::config::{AwsService, AwsSettings};
use crate::execution::providers::aws::{
    EcsServices, FargatePrices, InstancePrices, ScalingGroups, region_of_lists,
};
use crate::execution::{Provider, Providers};
use crate::scrape::aws::{Access, AwsClient, AwsSetup, Credentials};

use super::EngineError;
use super::providers::Asked;

/// Adds the providers of `settings`, named `ACCOUNT/REGION/SERVICE`.
pub fn add(providers: &mut Providers, settings: &[AwsSettings]) -> Result<(), EngineError> {
    for made in make(settings)? {
        let provider: Arc<dyn Provider> = match made.kind {
            Kind::Groups(groups) => Arc::new(groups),
            Kind::Ecs(services) => Arc::new(services),
        };
        providers.insert(made.name, provider);
    }
    Ok(())
}

/// Lists every one: how many workloads there are, and what could not be read beside them; or why there is no answer.
pub async fn ask(settings: &[AwsSettings]) -> Result<Vec<(String, Asked)>, EngineError> {
    let mut answers = Vec::new();
    for Made { name, kind } in make(settings)? {
        let listed = match &kind {
            Kind::Groups(groups) => groups.list().await,
            Kind::Ecs(services) => services.list().await,
        };
        let gaps = match &kind {
            Kind::Groups(groups) => {
                groups.settled().await;
                groups.gaps()
            }
            Kind::Ecs(services) => {
                services.settled().await;
                services.gaps()
            }
        };
        let gaps = gaps.take().into_iter().collect();
        answers.push((name, listed.map(|l| (l.workloads.len(), gaps)).map_err(|e| e.to_string())));
    }
    Ok(answers)
}

struct Made {
    name: String,
    kind: Kind,
}

enum Kind {
    Groups(ScalingGroups),
    Ecs(EcsServices),
}

fn make(settings: &[AwsSettings]) -> Result<Vec<Made>, EngineError> {
    let mut made = Vec::new();
    // Regions of one account share their keys, so that a command that prints them runs once.
    let mut shared: Vec<(&Access, Arc<Credentials>)> = Vec::new();
    for account in settings {
        let known = shared.iter().find(|(access, _)| *access == &account.access).map(|(_, c)| Arc::clone(c));
        let credentials = known.unwrap_or_else(|| {
            let credentials = Arc::new(Credentials::new(account.access.clone()));
            shared.push((&account.access, Arc::clone(&credentials)));
            credentials
        });
        for service in &account.services {
            let name = format!("{}/{}/{}", account.name, account.setup.region, service.name());
            let client = |setup: &AwsSetup| {
                AwsClient::new(setup, Arc::clone(&credentials))
                    .map_err(|e| EngineError::Provider { name: name.clone(), why: e.to_string() })
            };
            let here = &account.setup;
            let lists = region_of_lists(&here.region).filter(|_| account.prices);
            let lists = lists
                .map(|region| client(&AwsSetup { region: region.into(), ..here.clone() }))
                .transpose()?;
            let kind = match (service, lists) {
                (AwsService::Autoscaling, None) => Kind::Groups(ScalingGroups::new(client(here)?)),
                (AwsService::Autoscaling, Some(lists)) => {
                    let prices = InstancePrices::new(client(here)?, lists);
                    Kind::Groups(ScalingGroups::new(client(here)?).priced(prices))
                }
                (AwsService::Ecs, None) => Kind::Ecs(EcsServices::new(client(here)?)),
                (AwsService::Ecs, Some(lists)) => {
                    let prices = FargatePrices::new(&here.region, lists);
                    Kind::Ecs(EcsServices::new(client(here)?).priced(prices))
                }
            };
            made.push(Made { name, kind });
        }
    }
    Ok(made)
}
