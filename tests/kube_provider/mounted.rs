//! A service account as a pod has it: a folder with token, authority and namespace, and the server in the environment.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use weescale::clock::Clock;
use weescale::execution::providers::{KubernetesProvider, KubernetesSettings};
use weescale::execution::{Provider, ProviderError};
use weescale::fleet::Field;

use super::rig::{named, order};
use crate::kube_api::{KubeApi, deployment};

const CHILD: &str = "WEESCALE_MOUNTED_CHILD";

/// The folder as the kubelet mounts it: files behind a link to a folder that is changed as a whole.
fn mount(api: &KubeApi, token: &str, namespace: &str) -> PathBuf {
    let folder = api.file("account");
    let data = api.file(&format!("data-{token}"));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("token"), token).unwrap();
    std::fs::write(data.join("namespace"), namespace).unwrap();
    std::fs::copy(api.file("ca.pem"), data.join("ca.crt")).unwrap();
    let (link, new) = (folder.join("..data"), folder.join("..data_tmp"));
    std::os::unix::fs::symlink(&data, &new).unwrap();
    std::fs::rename(&new, &link).unwrap();
    for name in ["token", "namespace", "ca.crt"] {
        let _ = std::os::unix::fs::symlink(Path::new("..data").join(name), folder.join(name));
    }
    folder
}

/// A command with the environment of a pod.
fn in_pod(api: &KubeApi, program: &Path) -> Command {
    let (host, port) = api.address.rsplit_once(':').unwrap();
    let mut command = Command::new(program);
    command.env_remove("KUBECONFIG").env("HOME", api.file("."));
    command.env("KUBERNETES_SERVICE_HOST", host).env("KUBERNETES_SERVICE_PORT", port);
    command
}

fn seen(file: &Path) {
    let clock = Clock::real();
    let began = clock.monotonic();
    while !file.exists() {
        assert!(clock.monotonic().since(began) < Duration::from_secs(30), "{} never came", file.display());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The child: reads, is refused once the token is another, and reads and writes once it was rotated. Does nothing when run
/// as a test.
#[tokio::test]
async fn child() {
    let Ok(brief) = std::env::var(CHILD) else { return };
    let brief: Value = serde_json::from_str(&brief).unwrap();
    let at = |name: &str| PathBuf::from(brief[name].as_str().unwrap());
    let mut settings = KubernetesSettings::new("kube");
    settings.service_account = Some(at("folder"));
    let provider = KubernetesProvider::new(settings).unwrap();
    let web = named(&provider, "web").await;
    std::fs::write(at("read"), "").unwrap();
    seen(&at("refused"));
    let error = provider.read(&web.uid).await.unwrap_err();
    assert!(matches!(error, ProviderError::Unauthenticated(_)), "{error:?}");
    std::fs::write(at("told"), "").unwrap();
    seen(&at("rotated"));
    assert_eq!(provider.read(&web.uid).await.unwrap().fields.replicas, Some(3));
    let state = provider.write(&order(&web, Field::Replicas, 5)).await.unwrap();
    assert_eq!(state.fields.replicas, Some(5));
    println!("written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mounted_service_account_is_used_and_its_rotation_followed() {
    let api = KubeApi::start().await;
    api.world().put(deployment("web", "u-web", 3));
    // All namespaces may not be read: the one of the account is.
    api.world().cluster_wide = false;
    let folder = mount(&api, "good", "shop\n");
    let brief = serde_json::json!({ "folder": folder, "read": api.file("1"), "refused": api.file("2"),
        "told": api.file("3"), "rotated": api.file("4") });
    let mut child = in_pod(&api, &std::env::current_exe().unwrap());
    child.args(["kube_provider::mounted::child", "--exact", "--nocapture"]).env(CHILD, brief.to_string());
    let child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let steps = (api.file("1"), api.file("2"), api.file("3"), api.file("4"));
    tokio::task::spawn_blocking(move || seen(&steps.0)).await.unwrap();
    api.world().token = "rotated".into();
    std::fs::write(steps.1, "").unwrap();
    tokio::task::spawn_blocking(move || seen(&steps.2)).await.unwrap();
    mount(&api, "rotated", "shop\n");
    std::fs::write(steps.3, "").unwrap();
    let output = tokio::task::spawn_blocking(|| child.wait_with_output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("written"), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(api.world().get("apps/v1/deployments", "web")["spec"]["replicas"], serde_json::json!(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_in_a_pod_sees_its_cluster_and_says_what_is_missing() {
    let api = KubeApi::start().await;
    api.world().put(deployment("web", "u-web", 3));
    let folder = mount(&api, "good", "shop");
    let config = api.file("weescale.toml");
    let text = format!(
        "journal = \"{}\"\n[[kubernetes]]\nname = \"here\"\nservice_account = \"{}\"\n",
        api.file("journal.db").display(),
        folder.display()
    );
    std::fs::write(&config, text).unwrap();
    std::fs::set_permissions(&config, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let check = |pod: bool| {
        let program = Path::new(env!("CARGO_BIN_EXE_weescale"));
        let mut command = if pod { in_pod(&api, program) } else { Command::new(program) };
        command.arg("check").arg("--config").arg(&config);
        tokio::task::block_in_place(|| command.output())
            .map(|o| String::from_utf8_lossy(&o.stdout).into_owned() + &String::from_utf8_lossy(&o.stderr))
    };
    let said = check(true).unwrap();
    assert!(said.contains("here") && said.contains("1 workload"), "{said}");
    let outside = check(false).unwrap();
    assert!(outside.contains("KUBERNETES_SERVICE_HOST is not set"), "{outside}");
    std::fs::remove_file(folder.join("token")).unwrap();
    let without = check(true).unwrap();
    assert!(without.contains("cannot read") && without.contains("token"), "{without}");
}
