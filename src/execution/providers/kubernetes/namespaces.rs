//! Where to look: the namespaces of the configuration, all of them, or the context's own. A namespace that does not
//! exist lists as empty: it is asked for by name.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::execution::provider::ProviderError;
use crate::series::text::clean;

use super::api::Api;
use super::kind::Kind;

/// Namespaces to watch; `None` for all.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    pub(super) scopes: Vec<Option<String>>,
    /// Said of how they were chosen.
    pub(super) notes: Vec<String>,
    /// API groups the cluster has; `None` if it does not say.
    pub(super) groups: Option<BTreeSet<String>>,
}

#[derive(Deserialize)]
struct Groups {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    name: String,
}

#[derive(Deserialize)]
struct Nothing {}

impl Places {
    /// Whether the cluster has the API of `kind`, as far as it says.
    pub(super) fn has(&self, kind: Kind) -> bool {
        self.groups.as_ref().is_none_or(|g| kind.group().is_empty() || g.contains(kind.group()))
    }
}

/// Finds out where to look.
pub(super) async fn find(api: &Api) -> Result<Places, ProviderError> {
    let groups = match api.get::<Groups>("/apis").await {
        Ok(all) => Some(all.groups.into_iter().map(|g| g.name).collect()),
        Err(ProviderError::Forbidden(_) | ProviderError::NotFound(_)) => None,
        Err(error) => return Err(error),
    };
    let mut places = Places { groups, ..Places::default() };
    let given = &api.settings().namespaces;
    if !given.is_empty() {
        places.scopes = given.iter().cloned().map(Some).collect();
        return Ok(places);
    }
    let path = format!("{}?limit=1", Kind::Deployment.path(None));
    match api.get::<Nothing>(&path).await {
        Err(ProviderError::Forbidden(_)) => {
            let session = api.session().await.map_err(ProviderError::Unauthenticated)?;
            let own = session.namespace().to_owned();
            places.notes.push(format!(
                "only namespace {} is shown: seeing all of them needs a ClusterRole with {}",
                clean(&own, 120),
                Kind::Deployment.rule(&["get", "list", "watch"], "")
            ));
            places.scopes = vec![Some(own)];
        }
        Err(error) => return Err(error),
        Ok(_) => places.scopes = vec![None],
    }
    Ok(places)
}

/// Whether a namespace is there; `None` if that may not be seen.
pub(super) async fn exists(api: &Api, name: &str) -> Result<Option<bool>, ProviderError> {
    match api.get::<Nothing>(&format!("/api/v1/namespaces/{name}")).await {
        Ok(_) => Ok(Some(true)),
        Err(ProviderError::NotFound(_)) => Ok(Some(false)),
        Err(ProviderError::Forbidden(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
