//! A workload and its autoscalers, read from the server at this moment: what is about to be written, or in flight.

use crate::execution::provider::ProviderError;
use crate::execution::providers::contract::WorkloadState;

use super::api::Api;
use super::assemble::{View, room};
use super::cache::{Cache, Key};
use super::kind::Kind;
use super::object::{Hpa, List, Pod, Scalable, ScaledObject};
use super::reflect::PAGE;

/// Objects as just read.
#[derive(Clone, Debug)]
pub(super) struct Fresh {
    pub(super) kind: Kind,
    pub(super) workload: Scalable,
    pub(super) hpas: Option<Vec<Hpa>>,
    pub(super) scaled: Option<Vec<ScaledObject>>,
    /// Its pods, where they are being resized.
    pub(super) pods: Option<Vec<Pod>>,
}

impl Fresh {
    /// Reads them. `keda` says whether the cluster has `ScaledObjects` at all.
    pub(super) async fn read(api: &Api, kind: Kind, key: &Key, keda: bool) -> Result<Self, ProviderError> {
        let workload: Scalable = api.get(&kind.object(&key.0, &key.1)).await?;
        let hpas = seen(all(api, Kind::Hpa, &key.0).await)?;
        let scaled = if keda { seen(all(api, Kind::ScaledObject, &key.0).await)? } else { Some(Vec::new()) };
        Ok(Self { kind, workload, hpas, scaled, pods: None })
    }

    pub(super) fn view(&self) -> View<'_> {
        View {
            kind: self.kind,
            workload: &self.workload,
            hpas: self.hpas.as_ref().map(|all| all.iter().collect()),
            scaled: self.scaled.as_ref().map(|all| all.iter().collect()),
            pods: self.pods.as_ref().map(|all| all.iter().collect()),
        }
    }

    pub(super) fn state(&self, cache: &Cache, api: &Api) -> Result<WorkloadState, ProviderError> {
        let now = api.clock().monotonic();
        self.view()
            .state(cache, &api.settings().region, room(cache, now).as_ref(), (now, api.clock().now()))
            .map_err(|why| ProviderError::Invalid(format!("{why}: taken for damage")))
    }
}

/// What may not be read is not known; what is not there is empty.
fn seen<T>(read: Result<Vec<T>, ProviderError>) -> Result<Option<Vec<T>>, ProviderError> {
    match read {
        Ok(all) => Ok(Some(all)),
        Err(ProviderError::Forbidden(_)) => Ok(None),
        Err(ProviderError::NotFound(_)) => Ok(Some(Vec::new())),
        Err(error) => Err(error),
    }
}

async fn all<T: serde::de::DeserializeOwned>(
    api: &Api,
    kind: Kind,
    namespace: &str,
) -> Result<Vec<T>, ProviderError> {
    let page: List<T> = api.get(&format!("{}?limit={PAGE}", kind.path(Some(namespace)))).await?;
    if page.metadata.more.is_empty() {
        return Ok(page.items);
    }
    let why = format!("more than {PAGE} {} in {namespace}", kind.plural());
    Err(ProviderError::Unavailable { why, retry_after: None })
}
