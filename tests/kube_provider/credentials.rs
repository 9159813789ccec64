//! Credentials: renewed when refused, re-read when rotated, and never a freeze.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use weescale::clock::Clock;
use weescale::execution::providers::KubernetesProvider;
use weescale::execution::{Provider, ProviderError};
use weescale::fleet::Field;

use super::rig::{named, order};
use crate::kube_api::{FAR, KubeApi, deployment};

fn plugin(api: &KubeApi, script: &str) {
    std::fs::write(api.file("plugin"), script).unwrap();
}

#[tokio::test]
async fn a_rotated_token_is_read_again() {
    let api = KubeApi::start().await;
    api.world().put(deployment("web", "u-web", 3));
    let provider = KubernetesProvider::new(api.settings()).unwrap();
    let web = named(&provider, "web").await;
    api.world().token = "rotated".into();
    // Not there yet: an error that is told, not a freeze.
    let error = provider.read(&web.uid).await.unwrap_err();
    assert!(matches!(error, ProviderError::Unauthenticated(_)), "{error:?}");
    std::fs::write(api.file("token"), "rotated").unwrap();
    assert_eq!(provider.read(&web.uid).await.unwrap().fields.replicas, Some(3));
    let state = provider.write(&order(&web, Field::Replicas, 5)).await.unwrap();
    assert_eq!(state.fields.replicas, Some(5));
}

#[tokio::test]
async fn a_plugin_is_asked_again_when_its_token_is_refused() {
    let api = KubeApi::start().await;
    api.world().put(deployment("web", "u-web", 3));
    let answer = |token: &str| {
        format!(
            "echo called >>{}; echo '{{\"status\":{{\"token\":\"{token}\"}}}}'\n",
            api.file("calls").display()
        )
    };
    plugin(&api, &answer("good"));
    let mut settings = api.settings();
    settings.context = Some("exec".into());
    let provider = KubernetesProvider::new(settings).unwrap();
    let web = named(&provider, "web").await;
    let calls = || std::fs::read_to_string(api.file("calls")).unwrap().lines().count();
    assert_eq!(calls(), 1, "once for all watches together");
    plugin(&api, &answer("second"));
    api.world().token = "second".into();
    assert_eq!(provider.read(&web.uid).await.unwrap().fields.replicas, Some(3));
    assert!(calls() >= 2);
}

/// Plugins keep tokens and give them again until they end.
#[tokio::test]
async fn a_plugin_whose_token_ends_soon_is_not_run_for_every_request() {
    for left in ["+40 seconds", "-40 seconds"] {
        let api = KubeApi::start().await;
        api.world().put(deployment("web", "u-web", 3));
        let calls = api.file("calls");
        let script = format!(
            "echo called >>{}; printf '{{\"status\":{{\"token\":\"good\",\"expirationTimestamp\":\"%s\"}}}}' \
             $(date -u -d '{left}' +%Y-%m-%dT%H:%M:%SZ)\n",
            calls.display()
        );
        plugin(&api, &script);
        let mut settings = api.settings();
        settings.context = Some("exec".into());
        let provider = KubernetesProvider::new(settings).unwrap();
        let web = named(&provider, "web").await;
        for _ in 0..20 {
            provider.read(&web.uid).await.unwrap();
        }
        let times = std::fs::read_to_string(calls).unwrap().lines().count();
        assert!(times <= 2, "{times} times for a token that ends in {left}");
    }
}

#[tokio::test]
async fn a_plugin_that_hangs_is_an_error_within_its_time() {
    let api = KubeApi::start().await;
    plugin(&api, "sleep 600\n");
    let mut settings = api.settings();
    settings.context = Some("exec".into());
    let provider = KubernetesProvider::new(settings).unwrap();
    let clock = Clock::real();
    let began = clock.monotonic();
    let error = provider.list().await.unwrap_err();
    assert!(clock.monotonic().since(began) < Duration::from_secs(18), "killed after 10 s");
    let ProviderError::Unauthenticated(why) = error else { panic!("{error:?}") };
    assert!(why.contains("credential plugin sh did not answer within 10 s"), "{why}");
    // At once the second time: nobody waits ten seconds for every call.
    let began = clock.monotonic();
    provider.list().await.unwrap_err();
    assert!(clock.monotonic().since(began) < Duration::from_secs(3));
}

#[tokio::test]
async fn the_wrong_authority_is_not_trusted() {
    let (api, other) = (KubeApi::start().await, KubeApi::start().await);
    let mut settings = api.settings();
    settings.ca_file = Some(other.file("ca.pem"));
    let error = KubernetesProvider::new(settings).unwrap().list().await.unwrap_err();
    assert!(
        matches!(&error, ProviderError::Unavailable { why, .. } if why.to_lowercase().contains("certificate")),
        "{error:?}"
    );
    assert_eq!(api.world().seen.len(), 0, "no token was sent");
}

#[tokio::test]
async fn a_client_certificate_is_enough() {
    let api = KubeApi::start().await;
    api.world().put(deployment("web", "u-web", 3));
    api.world().token = "nobody knows it".into();
    let mut settings = api.settings();
    settings.context = Some("cert".into());
    let provider = KubernetesProvider::new(settings.clone()).unwrap();
    let web = named(&provider, "web").await;
    let state = provider.write(&order(&web, Field::Replicas, 5)).await.unwrap();
    assert_eq!(state.fields.replicas, Some(5));

    // One of another authority is refused, and so is a key that is not there.
    let stranger = KubeApi::start().await;
    for name in ["client.pem", "client-key.pem"] {
        std::fs::copy(stranger.file(name), api.file(name)).unwrap();
    }
    let provider = KubernetesProvider::new(settings.clone()).unwrap();
    assert!(provider.list().await.is_err(), "a certificate of another authority");
    std::fs::remove_file(api.file("client-key.pem")).unwrap();
    let error = KubernetesProvider::new(settings).unwrap().list().await.unwrap_err();
    assert!(matches!(error, ProviderError::Unauthenticated(_)), "{error:?}");
}

/// A proxy that knows where `FAR` is; what it was asked for.
async fn proxy(to: String) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let (to, log) = (to.clone(), Arc::clone(&log));
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(client.read_u8().await.unwrap());
                }
                let first = String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned();
                log.lock().unwrap().push(first);
                let mut server = TcpStream::connect(to).await.unwrap();
                client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (address, asked)
}

#[tokio::test]
async fn a_proxy_carries_everything_and_loopback_goes_without() {
    let api = KubeApi::start().await;
    api.world().put(deployment("web", "u-web", 3));
    let (address, asked) = proxy(api.address.clone()).await;
    let mut settings = api.settings();
    settings.context = Some("far".into());
    settings.proxy = Some(address);
    let provider = KubernetesProvider::new(settings.clone()).unwrap();
    let web = named(&provider, "web").await;
    let before = asked.lock().unwrap().len();
    let state = provider.write(&order(&web, Field::Replicas, 5)).await.unwrap();
    assert_eq!(state.fields.replicas, Some(5));
    let all = asked.lock().unwrap().clone();
    assert!(all.len() > before, "the write has a connection of its own");
    assert!(all.iter().all(|line| line.starts_with(&format!("CONNECT {FAR}:6443"))), "{all:?}");

    settings.context = Some("test".into());
    let direct = KubernetesProvider::new(settings).unwrap();
    assert_eq!(named(&direct, "web").await.fields.replicas, Some(5));
    let near = |line: &String| line.contains("127.0.0.1");
    assert!(!asked.lock().unwrap().iter().any(near), "loopback goes without");
}
