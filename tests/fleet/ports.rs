//! Where a fleet of the same process listens.

use weescale::sandbox::Sandbox;

use super::fleet::Ports;

/// How to reach a fleet of this process.
pub fn ports(fleet: &Sandbox) -> Ports {
    Ports {
        scrape: fleet.scrape_urls.iter().map(|u| (u.job.clone(), u.url.clone())).collect(),
        history: Some(fleet.history_url.clone()),
        provider: fleet.provider_url.clone(),
        token: fleet.token.clone(),
        objectives: fleet.objectives.clone(),
        regions: fleet.regions.clone(),
    }
}
