//! What the Kubernetes provider is told.

use std::path::PathBuf;
use std::time::Duration;

/// Settings of one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubernetesSettings {
    /// Name on cards and in the journal.
    pub name: String,
    /// Which kubeconfig; without it `KUBECONFIG`, then `~/.kube/config`, then the pod's own service account.
    pub kubeconfig: Option<PathBuf>,
    /// Folder with `token`, `ca.crt` and `namespace` of a service account, instead of a kubeconfig.
    pub service_account: Option<PathBuf>,
    /// Which context of it; without it the current one.
    pub context: Option<String>,
    /// Namespaces to look at; empty for all.
    pub namespaces: Vec<String>,
    /// Region its workloads are in; may be empty.
    pub region: String,
    /// PEM file with the only authorities trusted, instead of those of the kubeconfig.
    pub ca_file: Option<PathBuf>,
    /// Proxy, instead of the one of kubeconfig and environment.
    pub proxy: Option<String>,
    /// For the whole of one request.
    pub timeout: Duration,
}

impl KubernetesSettings {
    /// The current context of the kubeconfig that is found, all namespaces, 15 s a request.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            kubeconfig: None,
            service_account: None,
            context: None,
            namespaces: Vec::new(),
            region: String::new(),
            ca_file: None,
            proxy: None,
            timeout: Duration::from_secs(15),
        }
    }
}

/// Why a cluster cannot be used; found at the start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KubernetesSetupError {
    /// No kubeconfig, or it cannot be read.
    #[error("kubeconfig: {0}")]
    Kubeconfig(String),
    /// The context is not in it.
    #[error("kubeconfig has no usable context {name}: {why}; it has {known}")]
    Context {
        /// Which was asked for.
        name: String,
        /// What is wrong.
        why: String,
        /// Those it has.
        known: String,
    },
    /// A setting makes no sense.
    #[error("{0}")]
    Setting(String),
}
