//! TLS over real handshakes: an authority of one's own, a certificate of our own, and refusals that say why.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail loudly")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto};
use weescale::clock::Clock;
use weescale::scrape::{Delivery, Health, SourceStatus, Target, Tls, spawn_exposition, spawn_promql};

/// Files of an authority, of a client that it vouches for, and the server's configuration.
struct Pki {
    folder: TempDir,
    server: ServerConfig,
}

impl Pki {
    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// An authority that vouches for 127.0.0.1 and for one client; with `mutual`, a server that asks for the latter.
fn pki(mutual: bool) -> Pki {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_cert = ca.self_signed(&ca_key).unwrap();
    write("ca.pem", ca_cert.pem());
    let issuer = Issuer::new(ca, ca_key);
    let made = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let cert = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        (cert, key)
    };
    let (client, client_key) = made("client");
    write("client.pem", client.pem());
    write("client.key", client_key.serialize_pem());
    let (cert, key) = made("127.0.0.1");
    let provider = Arc::new(crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(ca_cert.der().clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
    let builder =
        if mutual { builder.with_client_cert_verifier(verifier) } else { builder.with_no_client_auth() };
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let server = builder.with_single_cert(vec![cert.der().clone()], key).unwrap();
    Pki { folder, server }
}

/// Answers every request with `body`; the address without a path.
async fn serve(server: ServerConfig, kind: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let acceptor = TlsAcceptor::from(Arc::new(server));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that does not trust us goes away.
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut request = [0; 8192];
                let _ = stream.read(&mut request).await;
                let head =
                    format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n", body.len());
                let _ = stream.write_all(format!("{head}Connection: close\r\n\r\n{body}").as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    url
}

/// The first status after a poll.
async fn status(rx: &mut mpsc::Receiver<Delivery>) -> SourceStatus {
    loop {
        let delivery = tokio::time::timeout(Duration::from_secs(10), rx.recv()).await.unwrap().unwrap();
        if let Delivery::Status(status) = delivery
            && status.health != Health::Starting
        {
            return status;
        }
    }
}

async fn scraped(url: &str, tls: Tls) -> Health {
    let mut target = Target::exposition(url).unwrap();
    target.tls = tls;
    let (tx, mut rx) = mpsc::channel(16);
    let _handle = spawn_exposition(target, Clock::real(), tx).unwrap();
    status(&mut rx).await.health
}

fn why(health: Health) -> String {
    let Health::Failing { error, .. } = health else { panic!("{health:?}") };
    error
}

const TEXT: &str = "text/plain; version=0.0.4";

#[tokio::test]
async fn an_own_authority_is_trusted_and_no_other() {
    let pki = pki(false);
    let url = serve(pki.server.clone(), TEXT, "up_here 1\n").await;
    let own = Tls { ca_file: Some(pki.file("ca.pem")), ..Tls::default() };
    assert_eq!(scraped(&url, own.clone()).await, Health::Healthy);
    let stranger = self::pki(false);
    let wrong = Tls { ca_file: Some(stranger.file("ca.pem")), ..Tls::default() };
    assert!(why(scraped(&url, wrong).await).contains("certificate"));
    // The certificate is for 127.0.0.1 alone.
    let name = url.replace("127.0.0.1", "localhost");
    assert!(why(scraped(&name, own).await).contains("certificate"));
}

#[tokio::test]
async fn a_server_that_asks_who_we_are_is_told() {
    let pki = pki(true);
    let answer = r#"{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}"#;
    let url = serve(pki.server.clone(), "application/json", answer).await;
    let own = Tls { ca_file: Some(pki.file("ca.pem")), ..Tls::default() };
    let with = Tls {
        cert_file: Some(pki.file("client.pem")),
        key_file: Some(pki.file("client.key")),
        ..own.clone()
    };
    for (tls, known) in [(own.clone(), false), (with, true)] {
        let mut target = Target::new(&url).unwrap();
        target.tls = tls;
        let (tx, mut rx) = mpsc::channel(16);
        let _handle = spawn_promql(target, Clock::real(), tx).unwrap();
        let health = status(&mut rx).await.health;
        assert_eq!(health == Health::Healthy, known, "{health:?}");
    }
    let swapped = Tls {
        cert_file: Some(pki.file("client.key")),
        key_file: Some(pki.file("client.pem")),
        ..own.clone()
    };
    let half = Tls { cert_file: Some(pki.file("client.pem")), ..own.clone() };
    let none = Tls { cert_file: Some(pki.file("ca.pem")), key_file: Some(pki.file("ca.pem")), ..own };
    let text = std::fs::read_to_string(pki.file("client.key")).unwrap();
    for tls in [half, none] {
        let mut target = Target::new(&url).unwrap();
        target.tls = tls;
        let error = spawn_promql(target, Clock::real(), mpsc::channel(1).0).unwrap_err().to_string();
        assert!(error.contains("field cert_file"), "{error}");
        assert!(!error.contains(text.lines().nth(1).unwrap()), "a key is never shown");
    }
    // Which file holds which does not matter to PEM.
    let mut target = Target::new(&url).unwrap();
    target.tls = swapped;
    assert!(spawn_promql(target, Clock::real(), mpsc::channel(1).0).is_ok());
}
