//! From kubeconfig or service account to a client, and to a new one when the credential ends.

use std::path::Path;
use std::time::Duration;

use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::scrape::{PEM_BYTES, open_plain, read_plain, read_plain_text};
use crate::series::text::clean;

use super::exec;
use super::settings::{KubernetesSettings, KubernetesSetupError};

/// Where a pod finds its service account.
const MOUNTED: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Largest token or namespace read from there, bytes.
const MOUNTED_BYTES: u64 = 64 << 10;
/// Largest kubeconfig read, bytes: hundreds of clusters with their certificates.
const KUBECONFIG_BYTES: u64 = 16 << 20;

const CONNECT: Duration = Duration::from_secs(10);

/// A client and how long its credential holds.
pub(super) struct Session {
    pub(super) client: Client,
    config: Config,
    /// When the credential ends, if told.
    pub(super) until: Option<jiff::Timestamp>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("until", &self.until).finish_non_exhaustive()
    }
}

impl Session {
    /// The namespace of the context.
    pub(super) fn namespace(&self) -> &str {
        &self.config.default_namespace
    }

    /// A client that has no connection yet: what is written goes out on a connection of its own.
    pub(super) fn fresh(&self) -> Result<Client, String> {
        client(&self.config)
    }
}

/// Checks at the start that there is a configuration: a mistyped context is an error, not an empty fleet.
pub(super) fn check(settings: &KubernetesSettings) -> Result<(), KubernetesSetupError> {
    let Some(file) = kubeconfig(settings)? else {
        return service_account(settings).map(drop).map_err(|why| {
            if settings.service_account.is_some() {
                return KubernetesSetupError::Setting(format!("service_account: {why}"));
            }
            let what = "none found: set KUBECONFIG, give kubeconfig = \"FILE\", or run inside a cluster";
            KubernetesSetupError::Kubeconfig(what.into())
        });
    };
    let known: Vec<&str> = file.contexts.iter().map(|c| c.name.as_str()).collect();
    let wanted = settings.context.as_deref().or(file.current_context.as_deref()).unwrap_or_default();
    if known.contains(&wanted) {
        return Ok(());
    }
    let why =
        if wanted.is_empty() { "none is current; choose one with --context" } else { "it is not there" };
    Err(KubernetesSetupError::Context {
        name: clean(wanted, 120),
        why: why.into(),
        known: clean(&known.join(", "), 300),
    })
}

/// Reads everything anew (files may have been rotated), runs the plugin if there is one, and makes a client.
pub(super) async fn connect(settings: &KubernetesSettings) -> Result<Session, String> {
    let owned = settings.clone();
    let file = tokio::task::spawn_blocking(move || kubeconfig(&owned));
    let file = file.await.map_err(|e| e.to_string())?.map_err(|e| e.to_string())?;
    let mut config = match file {
        Some(file) => {
            let options = KubeConfigOptions { context: settings.context.clone(), ..Default::default() };
            Config::from_custom_kubeconfig(file, &options).await.map_err(|e| words(&e))?
        }
        None => service_account(settings)?,
    };
    config.connect_timeout = Some(CONNECT);
    // Watches have deadlines of their own; hidden retries could land an approved write minutes late.
    config.read_timeout = None;
    config.default_retry = false;
    if let Some(path) = &settings.ca_file {
        config.root_cert = Some(authorities(path)?);
        // The pod's own authority would be trusted instead.
        config.root_cert_file = None;
    }
    if let Some(proxy) = &settings.proxy {
        config.proxy_url = Some(proxy.parse().map_err(|_| "the proxy is not an address".to_owned())?);
    }
    // A credential for this machine is nothing for a proxy.
    if config.cluster_url.host().is_some_and(is_loopback) {
        config.proxy_url = None;
    }
    let mut until = None;
    if let Some(plugin) = config.auth_info.exec.take() {
        let given = exec::run(&plugin, exec::LIMIT).await?;
        until = given.until;
        adopt(&mut config.auth_info, &given)?;
    }
    let client = client(&config)?;
    Ok(Session { client, config, until })
}

/// Takes the plugin's credential over, through the kubeconfig's own form of it.
fn adopt(auth: &mut AuthInfo, given: &exec::Credential) -> Result<(), String> {
    let form = serde_json::json!({
        "token": given.token.as_ref().map(crate::scrape::Secret::expose),
        "client-key-data": given.key.as_ref().map(|k| base64(k.expose().as_bytes())),
    });
    let form: AuthInfo = serde_json::from_value(form).map_err(|_| "unusable credential".to_owned())?;
    if form.token.is_some() {
        auth.token = form.token;
    }
    if let Some(certificate) = &given.certificate {
        auth.client_certificate_data = base64(certificate.as_bytes()).as_str().map(str::to_owned);
        auth.client_key_data = form.client_key_data;
    }
    Ok(())
}

fn client(config: &Config) -> Result<Client, String> {
    // Ours is the only provider compiled in; a second installation is refused and changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::try_from(config.clone()).map_err(|e| words(&e))
}

fn kubeconfig(settings: &KubernetesSettings) -> Result<Option<Kubeconfig>, KubernetesSetupError> {
    let failed = |e: kube::config::KubeconfigError| KubernetesSetupError::Kubeconfig(words(&e));
    if settings.service_account.is_some() {
        return Ok(None);
    }
    if let Some(path) = &settings.kubeconfig {
        can_be_read(path)?;
        return Kubeconfig::read_from(path).map(Some).map_err(failed);
    }
    if let Some(paths) = std::env::var_os("KUBECONFIG") {
        std::env::split_paths(&paths).filter(|p| p.exists()).try_for_each(|p| can_be_read(&p))?;
    }
    if let Some(file) = Kubeconfig::from_env().map_err(failed)? {
        return Ok(Some(file));
    }
    let home = std::env::home_dir().map(|h| h.join(".kube/config")).filter(|p| p.exists());
    if let Some(path) = home {
        can_be_read(&path)?;
        return Kubeconfig::read_from(path).map(Some).map_err(failed);
    }
    if settings.context.is_some() {
        let what = "a context was asked for, but neither KUBECONFIG nor ~/.kube/config is there";
        return Err(KubernetesSetupError::Kubeconfig(what.into()));
    }
    Ok(None)
}

/// Looked at before the crate does, which would wait for a pipe and read a file of any length.
fn can_be_read(path: &Path) -> Result<(), KubernetesSetupError> {
    let failed = |why: &dyn std::fmt::Display| {
        KubernetesSetupError::Kubeconfig(clean(&format!("cannot read {}: {why}", path.display()), 300))
    };
    let (_, meta) = open_plain(path).map_err(|e| failed(&e))?;
    if meta.len() > KUBECONFIG_BYTES {
        return Err(failed(&format!("larger than {KUBECONFIG_BYTES} bytes")));
    }
    Ok(())
}

/// As a pod has it: the server from the environment, token, authority and namespace from the mounted folder. The crate knows
/// one folder only.
fn service_account(settings: &KubernetesSettings) -> Result<Config, String> {
    let folder = settings.service_account.as_deref().unwrap_or(Path::new(MOUNTED));
    let told =
        |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set: run inside a cluster"));
    let (host, port) = (told("KUBERNETES_SERVICE_HOST")?, told("KUBERNETES_SERVICE_PORT")?);
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let address = format!("https://{host}:{port}/");
    let server = address.parse().map_err(|_| format!("{} is not an address", clean(&address, 200)))?;
    let (token, ca) = (folder.join("token"), folder.join("ca.crt"));
    let read = |path: &Path| {
        read_plain_text(path, MOUNTED_BYTES).map_err(|e| format!("cannot read {}: {e}", path.display()))
    };
    if read(&token)?.trim().is_empty() {
        return Err(format!("{} is empty", token.display()));
    }
    let mut config = Config::new(server);
    read(&folder.join("namespace"))?.trim().clone_into(&mut config.default_namespace);
    config.root_cert = Some(authorities(&ca)?);
    // Both are read again by the client as they are rotated.
    config.root_cert_file = Some(ca);
    config.auth_info.token_file = token.to_str().map(str::to_owned);
    if config.auth_info.token_file.is_none() {
        return Err(format!("{} is no text", token.display()));
    }
    Ok(config)
}

fn authorities(path: &Path) -> Result<Vec<Vec<u8>>, String> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    let bad = |why: String| format!("CA file {}: {why}", path.display());
    let pem = read_plain(path, PEM_BYTES).map_err(|e| bad(e.to_string()))?;
    let all = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    let all = all.map_err(|e| bad(format!("{e:?}")))?;
    if all.is_empty() {
        return Err(bad("it holds no certificate".into()));
    }
    Ok(all.into_iter().map(|c| c.as_ref().to_vec()).collect())
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// An error with its causes, clean and bounded. Of each the first line: the parser of kubeconfigs shows those around a
/// mistake below it, and secrets may stand there.
pub(super) fn words(error: &(dyn std::error::Error + 'static)) -> String {
    let first =
        |error: &dyn std::error::Error| error.to_string().lines().next().unwrap_or_default().to_owned();
    let mut text = first(error);
    if let Some(words) = crate::scrape::certificate::in_words(error) {
        return clean(&format!("{text}: {words}"), 300);
    }
    let mut cause = error.source();
    while let Some(inner) = cause {
        let next = first(inner);
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = inner.source();
    }
    clean(&text, 300)
}

/// In the form a kubeconfig has it: the API's own type of bytes writes itself so.
fn base64(bytes: &[u8]) -> serde_json::Value {
    serde_json::to_value(k8s_openapi::ByteString(bytes.to_vec())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_context_is_named_with_those_there_are() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config");
        let text = "apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\n\
                    contexts: [{name: prod-eu, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {token: t}}]\n";
        std::fs::write(&path, text).unwrap();
        let mut settings = KubernetesSettings::new("k");
        settings.kubeconfig = Some(path);
        let error = check(&settings).unwrap_err().to_string();
        assert!(error.contains("none is current") && error.contains("prod-eu"), "{error}");
        settings.context = Some("prod-us".into());
        assert!(check(&settings).unwrap_err().to_string().contains("no usable context prod-us"));
        settings.context = Some("prod-eu".into());
        check(&settings).unwrap();
    }
}
