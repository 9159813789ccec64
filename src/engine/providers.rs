//! Making the providers of the settings, and asking each what it has.

use std::sync::Arc;

use crate::config::Settings;
use crate::execution::providers::{HttpProvider, HttpSettings, KubernetesProvider, TokenSource};
use crate::execution::{Provider, Providers};

use super::EngineError;

/// What a provider has: how many workloads, and what it could not read.
pub type Asked = Result<(usize, Vec<String>), String>;

/// Asks every provider for its workloads, one after the other.
pub async fn ask_providers(settings: &Settings) -> Result<Vec<(String, Asked)>, EngineError> {
    let mut answers = Vec::new();
    for (name, provider) in beside_aws(settings)? {
        let listed = provider.list().await;
        answers.push((name, listed.map(|l| (l.workloads.len(), l.notes)).map_err(|e| e.to_string())));
    }
    answers.extend(super::aws::ask(&settings.aws).await?);
    Ok(answers)
}

/// The providers, by name. Refused when one cannot be used as configured.
pub(super) fn make(settings: &Settings) -> Result<Providers, EngineError> {
    let mut providers = beside_aws(settings)?;
    super::aws::add(&mut providers, &settings.aws)?;
    Ok(providers)
}

fn beside_aws(settings: &Settings) -> Result<Providers, EngineError> {
    let mut providers = Providers::new();
    for p in &settings.providers {
        let token = TokenSource::from(p.token.clone());
        let http = HttpSettings { token, ca_file: p.ca_file.clone(), ..HttpSettings::new(&p.url) };
        let provider = HttpProvider::new(&http).map_err(|e| fail(&p.name, &e))?;
        providers.insert(p.name.clone(), Arc::new(provider) as Arc<dyn Provider>);
    }
    for cluster in &settings.kubernetes {
        let provider = KubernetesProvider::new(cluster.clone()).map_err(|e| fail(&cluster.name, &e))?;
        providers.insert(cluster.name.clone(), Arc::new(provider));
    }
    Ok(providers)
}

fn fail(name: &str, why: &dyn std::error::Error) -> EngineError {
    EngineError::Provider { name: name.to_owned(), why: why.to_string() }
}
