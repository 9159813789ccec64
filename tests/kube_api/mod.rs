//! An API server in this process that behaves as the recorded answers of a real one (Kubernetes 1.36): real TLS,
//! bearer tokens, rights, pages, watches with bookmarks, conditional patches, dry runs, and faults on demand.

mod answer;
mod defaults;
mod json_patch;
mod objects;
mod wire;
mod world;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use tempfile::TempDir;
use weescale::execution::providers::KubernetesSettings;

pub use objects::{deployment, hpa, metrics, node, pdb, pod, quota, scaled_object, warning};
pub use world::{Fault, Trouble, World};

/// A running server.
pub struct KubeApi {
    world: Arc<Mutex<World>>,
    folder: TempDir,
    _task: tokio::task::JoinSet<()>,
}

impl KubeApi {
    /// Starts one with namespaces `shop` and `infra` and no objects.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = Arc::new(Mutex::new(World::new()));
        let (address, tasks) = wire::serve(Arc::clone(&world), folder.path()).await;
        let api = Self { world, folder, _task: tasks };
        api.write_kubeconfig(&address);
        api
    }

    fn write_kubeconfig(&self, address: &str) {
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\nclusters:\n- name: c\n  cluster:\n    server: https://{address}\n    \
             certificate-authority: {}\ncontexts:\n- name: test\n  context: {{cluster: c, user: u, namespace: shop}}\n- name: exec\n  \
             context: {{cluster: c, user: e, namespace: shop}}\nusers:\n- name: u\n  user:\n    tokenFile: {}\n- name: e\n  user:\n    \
             exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh, args: ['{}'], interactiveMode: IfAvailable}}\n",
            self.file("ca.pem").display(),
            self.file("token").display(),
            self.file("plugin").display(),
        );
        std::fs::write(self.file("config"), text).unwrap();
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
