//! The wire: TLS, HTTP/1.1, watches as chunked streams, and the troubles.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto};
use tokio_rustls::server::TlsStream;

use super::answer::{self, Answer, Route};
use super::world::{Seen, Trouble, World, is_selected};

type Stream = TlsStream<TcpStream>;

/// A name of the server that only a proxy can reach.
pub const FAR: &str = "api.far.invalid";

fn tls(folder: &Path) -> TlsAcceptor {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let own = ca.self_signed(&ca_key).unwrap();
    std::fs::write(folder.join("ca.pem"), own.pem()).unwrap();
    let issuer = Issuer::new(ca, ca_key);
    client_certificate(folder, &issuer);
    let key = KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned(), FAR.to_owned()];
    let cert = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut roots = RootCertStore::empty();
    roots.add(own.der().clone()).unwrap();
    let provider = Arc::new(crypto::ring::default_provider());
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .allow_unauthenticated()
        .build()
        .unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients)
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// `client.pem` and `client-key.pem`: who shows that needs no token.
fn client_certificate(folder: &Path, issuer: &Issuer<'_, KeyPair>) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, "ann");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let cert = params.signed_by(&key, issuer).unwrap();
    std::fs::write(folder.join("client.pem"), cert.pem()).unwrap();
    std::fs::write(folder.join("client-key.pem"), key.serialize_pem()).unwrap();
}

/// Serves until the set is dropped; the address.
pub async fn serve(world: Arc<Mutex<World>>, folder: &Path) -> (String, JoinSet<()>) {
    let acceptor = tls(folder);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((socket, _)) = listener.accept().await {
            let (acceptor, world) = (acceptor.clone(), Arc::clone(&world));
            connections.spawn(async move {
                if let Ok(stream) = acceptor.accept(socket).await {
                    let _ = connection(stream, world).await;
                }
            });
        }
    });
    (address, tasks)
}

/// A request: method, path, authorization, body.
async fn request(stream: &mut Stream) -> std::io::Result<Option<[String; 4]>> {
    let mut bytes = Vec::new();
    let mut chunk = vec![0; 16 << 10];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let header = |name: &str| {
                let mut lines = head.lines().filter_map(|l| l.split_once(": "));
                lines.find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.to_owned())
            };
            let length: usize = header("content-length").map_or(0, |l| l.parse().unwrap());
            if body.len() >= length {
                let mut first = head.split(' ');
                let mut part = || first.next().unwrap_or_default().to_owned();
                let (method, path) = (part(), part());
                return Ok(Some([
                    method,
                    path,
                    header("authorization").unwrap_or_default(),
                    body.to_owned(),
                ]));
            }
        }
        let n = stream.read(&mut chunk).await?;
        if n == 0 {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk[..n]);
    }
}

async fn connection(mut stream: Stream, world: Arc<Mutex<World>>) -> std::io::Result<()> {
    let certified = stream.get_ref().1.peer_certificates().is_some_and(|c| !c.is_empty());
    while let Some([method, path, mut token, body]) = request(&mut stream).await? {
        if certified {
            token = format!("Bearer {}", world.lock().unwrap().token);
        }
        let is_watch = path.contains("watch=1");
        let trouble = {
            let mut world = world.lock().unwrap();
            world.seen.push(Seen { method: method.clone(), path: path.clone(), body: body.clone() });
            world.trouble(&method, &path)
        };
        let reply = || answer::answer(&mut world.lock().unwrap(), &method, &path, &token, &body);
        match trouble {
            None if is_watch => return watch(&mut stream, &world, &path).await,
            None => send(&mut stream, &reply()).await?,
            Some(Trouble::Plain(status, text)) => send(&mut stream, &Answer::plain(status, text)).await?,
            Some(Trouble::EffectThen(status)) => {
                reply();
                send(&mut stream, &Answer::plain(status, "broken")).await?;
            }
            Some(Trouble::Reset) => return reset(stream),
            Some(Trouble::EffectThenReset) => {
                reply();
                return reset(stream);
            }
            Some(Trouble::Stall) => std::future::pending::<()>().await,
            Some(Trouble::HalfBody) => {
                let whole = reply();
                let half = whole.body.get(..whole.body.len() / 2).unwrap();
                let head = head(&whole, whole.body.len());
                stream.write_all(format!("{head}{half}").as_bytes()).await?;
                stream.flush().await?;
                std::future::pending::<()>().await;
            }
        }
    }
    Ok(())
}

fn reset(stream: Stream) -> std::io::Result<()> {
    let (socket, _) = stream.into_inner();
    socket.set_zero_linger()?;
    drop(socket);
    Ok(())
}

fn head(answer: &Answer, length: usize) -> String {
    format!(
        "HTTP/1.1 {} X\r\ncontent-type: {}\r\n{}content-length: {length}\r\n\r\n",
        answer.status, answer.kind, answer.headers
    )
}

async fn send(stream: &mut Stream, answer: &Answer) -> std::io::Result<()> {
    stream.write_all(format!("{}{}", head(answer, answer.body.len()), answer.body).as_bytes()).await?;
    stream.flush().await
}

async fn line(stream: &mut Stream, line: &str) -> std::io::Result<()> {
    stream.write_all(format!("{:x}\r\n{line}\n\r\n", line.len() + 1).as_bytes()).await?;
    stream.flush().await
}

async fn watch(stream: &mut Stream, world: &Mutex<World>, path: &str) -> std::io::Result<()> {
    let route = Route::of(path).unwrap();
    let mut at: u64 = route.query["resourceVersion"].parse().unwrap();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    stream.flush().await?;
    for beat in 0u64.. {
        let (lines, gone) = {
            let world = world.lock().unwrap();
            let fits = |key: &super::world::Key| {
                key.0 == route.collection && (route.namespace.is_empty() || key.1 == route.namespace)
            };
            let news = world.history.iter().filter(|h| {
                let wanted = is_selected(&h.object, route.query.get("fieldSelector"));
                h.version > at && fits(&h.key) && !world.mute && wanted
            });
            let mut lines: Vec<String> =
                news.map(|h| json!({ "type": h.kind, "object": h.object }).to_string()).collect();
            let gone = at < world.compacted;
            if gone {
                let message = format!("too old resource version: {at} ({})", world.compacted);
                let object =
                    json!({ "kind": "Status", "message": message, "reason": "Expired", "code": 410 });
                lines = vec![json!({ "type": "ERROR", "object": object }).to_string()];
            } else if !world.mute {
                at = world.version;
                if beat % 20 == 19 {
                    let object = json!({ "metadata": { "resourceVersion": at.to_string() } });
                    lines.push(json!({ "type": "BOOKMARK", "object": object }).to_string());
                }
            }
            (lines, gone)
        };
        for text in lines {
            line(stream, &text).await?;
        }
        if gone {
            stream.write_all(b"0\r\n\r\n").await?;
            stream.flush().await?;
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}
