//! A cluster to test against: the server in this process, or a real one in a namespace of its own.

use std::path::PathBuf;

use kube::client::Body;
use serde_json::{Value, json};
use weescale::execution::providers::{KubernetesProvider, KubernetesSettings};

use crate::kube_api::{FINALIZER, Fault, KubeApi, Trouble};

/// As a 1.36 server says it, cut to its message.
const WEBHOOK_DOWN: &str = r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"Internal error occurred: failed calling webhook \"down.example.org\": failed to call webhook: Post \"https://127.0.0.1:1/?timeout=1s\": dial tcp 127.0.0.1:1: connect: connection refused","reason":"InternalError","code":500}"#;

/// The same.
const ABOVE_LIMIT: &str = r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"Pod \"web\" is invalid: spec.containers[0].resources.requests: Invalid value: \"400m\": must be less than or equal to cpu limit of 300m","reason":"Invalid","details":{"name":"web","kind":"Pod","causes":[{"reason":"FieldValueInvalid","message":"Invalid value: \"400m\": must be less than or equal to cpu limit of 300m","field":"spec.containers[0].resources.requests"}]},"code":422}"#;

pub enum Cluster {
    Here(KubeApi),
    Real { client: kube::Client, config: PathBuf, namespace: String },
}

impl Cluster {
    /// A real one, if `WEESCALE_TEST_KUBECONFIG` names it.
    pub async fn real(test: &str) -> Option<Self> {
        let Some(config) = std::env::var_os("WEESCALE_TEST_KUBECONFIG").map(PathBuf::from) else {
            println!("SKIPPED: WEESCALE_TEST_KUBECONFIG is not set");
            return None;
        };
        let _ = rustls_provider();
        let file = kube::config::Kubeconfig::read_from(&config).unwrap();
        let made =
            kube::Config::from_custom_kubeconfig(file, &kube::config::KubeConfigOptions::default()).await;
        let client = kube::Client::try_from(made.unwrap()).unwrap();
        let namespace = format!("weescale-test-{test}-{}", std::process::id());
        let cluster = Self::Real { client, config, namespace: namespace.clone() };
        let object = json!({ "kind": "Namespace", "apiVersion": "v1", "metadata": { "name": namespace } });
        assert_eq!(
            cluster.call("POST", "/api/v1/namespaces", &object).await.0,
            201,
            "cannot make a namespace"
        );
        Some(cluster)
    }

    pub fn provider(&self) -> KubernetesProvider {
        let settings = match self {
            Self::Here(api) => api.settings(),
            Self::Real { config, namespace, .. } => {
                let mut settings = KubernetesSettings::new("kube");
                settings.kubeconfig = Some(config.clone());
                settings.namespaces = vec![namespace.clone()];
                settings
            }
        };
        KubernetesProvider::new(settings).unwrap()
    }

    fn path(&self, resource: &str, name: &str) -> String {
        let Self::Real { namespace, .. } = self else { unreachable!() };
        let root = if resource.matches('/').count() == 2 { "apis" } else { "api" };
        let (version, plural) = resource.rsplit_once('/').unwrap();
        let name = if name.is_empty() { String::new() } else { format!("/{name}") };
        format!("/{root}/{version}/namespaces/{namespace}/{plural}{name}")
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let Self::Real { client, .. } = self else { unreachable!() };
        let kind = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let request = http::Request::builder().method(method).uri(path).header("content-type", kind);
        let response = client.send(request.body(Body::from(body)).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect_bytes().await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// Makes an object.
    pub async fn put(&self, resource: &str, mut object: Value) {
        match self {
            Self::Here(api) => api.world().put(object),
            Self::Real { namespace, .. } => {
                object["metadata"]["namespace"] = json!(namespace);
                object["metadata"].as_object_mut().unwrap().remove("uid");
                object.as_object_mut().unwrap().remove("status");
                if object["kind"] == "Deployment" {
                    object["spec"]["template"]["spec"]["containers"][0]["image"] =
                        json!("example.invalid/web:1");
                }
                let (status, answer) = self.call("POST", &self.path(resource, ""), &object).await;
                assert_eq!(status, 201, "{answer}");
            }
        }
    }

    /// An object as it is.
    pub async fn get(&self, resource: &str, name: &str) -> Value {
        match self {
            Self::Here(api) => api.world().get(resource, name),
            Self::Real { .. } => self.call("GET", &self.path(resource, name), &Value::Null).await.1,
        }
    }

    /// Changes a field under `spec` as somebody else.
    pub async fn set(&self, resource: &str, name: &str, field: &str, value: i64) {
        match self {
            Self::Here(api) => api.world().set(resource, name, field, value, "kubectl-edit"),
            Self::Real { .. } => {
                let patch = json!({ "spec": { field: value } });
                assert_eq!(self.call("PATCH", &self.path(resource, name), &patch).await.0, 200);
            }
        }
    }

    /// Notes something on an object.
    pub async fn annotate(&self, resource: &str, name: &str, key: &str, value: &str) {
        match self {
            Self::Here(api) => {
                let mut object = api.world().get(resource, name);
                object["metadata"]["annotations"][key] = json!(value);
                api.world().put(object);
            }
            Self::Real { .. } => {
                let patch = json!({ "metadata": { "annotations": { key: value } } });
                assert_eq!(self.call("PATCH", &self.path(resource, name), &patch).await.0, 200);
            }
        }
    }

    /// Takes an object away and waits until it is gone.
    pub async fn delete(&self, resource: &str, name: &str) {
        match self {
            Self::Here(api) => api.world().delete(resource, name),
            Self::Real { .. } => {
                let path = self.path(resource, name);
                self.call("DELETE", &path, &Value::Null).await;
                while self.call("GET", &path, &Value::Null).await.0 != 404 {
                    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
                }
            }
        }
    }

    /// Begins to delete an object that a finalizer keeps, as what ends with its namespace may be kept.
    pub async fn begin_deletion(&self, resource: &str, name: &str) {
        match self {
            Self::Here(api) => api.world().begin_deletion(resource, name),
            Self::Real { .. } => {
                self.finalize(resource, name, &[FINALIZER]).await;
                self.call("DELETE", &self.path(resource, name), &Value::Null).await;
            }
        }
    }

    /// Lets what a finalizer keeps go.
    pub async fn let_go(&self, resource: &str, name: &str) {
        if let Self::Real { .. } = self {
            self.finalize(resource, name, &[]).await;
        }
    }

    async fn finalize(&self, resource: &str, name: &str, by: &[&str]) {
        let patch = json!({ "metadata": { "finalizers": by } });
        let (status, answer) = self.call("PATCH", &self.path(resource, name), &patch).await;
        assert_eq!(status, 200, "{answer}");
    }

    /// From now on a webhook stands before every change of a Deployment's count, and does not answer; or no more.
    pub async fn webhook_down(&self, down: bool) {
        match self {
            Self::Here(api) => {
                let mut world = api.world();
                world.faults.clear();
                if down {
                    let trouble = Trouble::Plain(500, WEBHOOK_DOWN);
                    world.faults.push(Fault { method: "PATCH", path: "deployments", times: 99, trouble });
                }
            }
            Self::Real { namespace, .. } => {
                let all = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
                if !down {
                    self.call("DELETE", &format!("{all}/{namespace}"), &Value::Null).await;
                    return;
                }
                let rule = json!({ "apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"],
                    "resources": ["deployments", "deployments/scale"] });
                // Nobody listens there.
                let hook = json!({ "name": "down.example.org", "clientConfig": { "url": "https://127.0.0.1:1/" },
                    "rules": [rule], "failurePolicy": "Fail", "timeoutSeconds": 1, "sideEffects": "None",
                    "admissionReviewVersions": ["v1"], "namespaceSelector": { "matchLabels":
                        { "kubernetes.io/metadata.name": namespace } } });
                let object = json!({ "apiVersion": "admissionregistration.k8s.io/v1",
                    "kind": "ValidatingWebhookConfiguration", "metadata": { "name": namespace },
                    "webhooks": [hook] });
                assert_eq!(self.call("POST", all, &object).await.0, 201);
            }
        }
        // The server takes a moment to know.
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    }

    /// From now on no container of the namespace may have more than 300m, which a limit that is added sees to; or no more.
    pub async fn limit_range(&self, there: bool) {
        match self {
            Self::Here(api) => {
                let mut world = api.world();
                world.faults.clear();
                if there {
                    let trouble = Trouble::Plain(422, ABOVE_LIMIT);
                    world.faults.push(Fault { method: "PATCH", path: "/resize", times: 99, trouble });
                }
            }
            Self::Real { .. } if there => {
                let limits = json!([{ "type": "Container", "max": { "cpu": "300m" } }]);
                let object = json!({ "apiVersion": "v1", "kind": "LimitRange", "metadata": { "name": "small" },
                    "spec": { "limits": limits } });
                self.put("v1/limitranges", object).await;
            }
            Self::Real { .. } => self.delete("v1/limitranges", "small").await,
        }
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    }

    /// Takes the namespace of a real cluster away.
    pub async fn end(self) {
        if let Self::Real { namespace, .. } = &self {
            self.call("DELETE", &format!("/api/v1/namespaces/{namespace}"), &Value::Null).await;
        }
    }
}

/// The one implementation of cryptography there is; a second installation changes nothing.
fn rustls_provider() -> Result<(), ()> {
    rustls::crypto::ring::default_provider().install_default().map_err(|_| ())
}
