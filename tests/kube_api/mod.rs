//! An API server in this process that behaves as the recorded answers of a real one (Kubernetes 1.36): real TLS,
//! bearer tokens, rights, pages, watches with bookmarks, conditional patches, dry runs, and faults on demand.

mod answer;
mod defaults;
mod json_patch;
mod objects;
mod sizes;
mod wire;
mod world;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use tempfile::TempDir;
use weescale::execution::providers::KubernetesSettings;

pub use objects::{
    deployment, hpa, metrics, node, pdb, pod, quota, rollout, scaled_object, sized_pod, vpa, warning,
};
pub use wire::FAR;
pub use world::{Fault, Trouble, World};

/// What keeps an object that is being deleted.
pub const FINALIZER: &str = "example.org/hold";

/// A running server.
pub struct KubeApi {
    world: Arc<Mutex<World>>,
    folder: TempDir,
    /// Where it listens.
    pub address: String,
    _task: tokio::task::JoinSet<()>,
}

impl KubeApi {
    /// Starts one with namespaces `shop` and `infra` and no objects.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = Arc::new(Mutex::new(World::new()));
        let (address, tasks) = wire::serve(Arc::clone(&world), folder.path()).await;
        let api = Self { world, folder, address, _task: tasks };
        api.write_kubeconfig();
        api
    }

    fn write_kubeconfig(&self) {
        let file = |name: &str| self.file(name).display().to_string();
        let (address, ca) = (&self.address, file("ca.pem"));
        let text = serde_json::json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [
                { "name": "c", "cluster": { "server": format!("https://{address}"), "certificate-authority": ca } },
                { "name": "far", "cluster": { "server": format!("https://{FAR}:6443"), "certificate-authority": ca } },
            ],
            "contexts": [
                { "name": "test", "context": { "cluster": "c", "user": "u", "namespace": "shop" } },
                { "name": "exec", "context": { "cluster": "c", "user": "e", "namespace": "shop" } },
                { "name": "cert", "context": { "cluster": "c", "user": "k", "namespace": "shop" } },
                { "name": "far", "context": { "cluster": "far", "user": "u", "namespace": "shop" } },
            ],
            "users": [
                { "name": "u", "user": { "tokenFile": file("token") } },
                { "name": "k", "user": { "client-certificate": file("client.pem"), "client-key": file("client-key.pem") } },
                { "name": "e", "user": { "exec": { "apiVersion": "client.authentication.k8s.io/v1", "command": "sh",
                    "args": [file("plugin")], "interactiveMode": "IfAvailable" } } },
            ],
        });
        std::fs::write(self.file("config"), text.to_string()).unwrap();
        std::fs::write(self.file("token"), "good").unwrap();
    }

    /// A file of the server's folder: `config`, `token`, `ca.pem`, `plugin`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What the server holds.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// Settings of a provider that talks to it.
    pub fn settings(&self) -> KubernetesSettings {
        let mut settings = KubernetesSettings::new("kube");
        settings.kubeconfig = Some(self.file("config"));
        settings.timeout = std::time::Duration::from_secs(5);
        settings
    }
}
