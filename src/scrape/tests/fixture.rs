//! A TCP server that answers each request with scripted bytes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::scrape::{Delivery, Health, ScrapeBlock, SourceStatus};
use crate::series::is_stale_marker;

/// What is done with one connection after its request was read.
pub(super) enum Step {
    Send(Vec<u8>),
    Wait(Duration),
    Hang,
}

type Script = dyn Fn(usize, &str) -> Vec<Step> + Send + Sync;

/// Runs until dropped. One request a connection.
pub(super) struct Fixture {
    pub(super) addr: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Fixture {
    pub(super) async fn start(script: impl Fn(usize, &str) -> Vec<Step> + Send + Sync + 'static) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), script).await
    }

    pub(super) async fn start_at(
        addr: SocketAddr,
        script: impl Fn(usize, &str) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(addr).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&requests);
        let script: Arc<Script> = Arc::new(script);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, Arc::clone(&log), Arc::clone(&script)));
            }
        });
        Self { addr, requests, task }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The requests so far, head and body.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, log: Arc<Mutex<Vec<String>>>, script: Arc<Script>) {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    while !complete(&request) {
        match stream.read(&mut piece).await {
            Ok(n) if n > 0 => request.extend_from_slice(&piece[..n]),
            _ => return,
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let index = {
        let mut log = log.lock().unwrap();
        log.push(request.clone());
        log.len() - 1
    };
    for step in script(index, &request) {
        match step {
            Step::Send(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Step::Wait(time) => tokio::time::sleep(time).await,
            Step::Hang => std::future::pending().await,
        }
    }
}

fn complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|l| {
        l.to_ascii_lowercase().strip_prefix("content-length:").map(|v| v.trim().parse().unwrap())
    });
    body.len() >= length.unwrap_or(0)
}

/// A whole answer with status line, headers and length.
pub(super) fn answer(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<Step> {
    let mut head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    vec![Step::Send([(head + "\r\n").as_bytes(), body].concat())]
}

/// A good answer in the text format.
pub(super) fn metrics(body: &str) -> Vec<Step> {
    answer("200 OK", &[("content-type", "text/plain; version=0.0.4")], body.as_bytes())
}

/// The next delivery, or a panic after ten seconds.
pub(super) async fn next(from: &mut mpsc::Receiver<Delivery>) -> Delivery {
    tokio::time::timeout(Duration::from_secs(10), from.recv()).await.unwrap().unwrap()
}

/// The next scrape.
pub(super) async fn scrape(from: &mut mpsc::Receiver<Delivery>) -> ScrapeBlock {
    loop {
        if let Delivery::Scraped(scrape) = next(from).await {
            return scrape;
        }
    }
}

/// The next status that is not `Starting`.
pub(super) async fn status(from: &mut mpsc::Receiver<Delivery>) -> SourceStatus {
    loop {
        if let Delivery::Status(status) = next(from).await
            && status.health != Health::Starting
        {
            return status;
        }
    }
}

/// Metric names of slots, as blocks announced them.
#[derive(Default)]
pub(super) struct Names(BTreeMap<u32, String>);

impl Names {
    /// The value of the series called `name`; `None` if it is not there or has ended.
    pub(super) fn value(&mut self, block: &ScrapeBlock, name: &str) -> Option<f64> {
        self.0.retain(|slot, _| !block.freed.contains(slot));
        self.0.extend(block.born.announced().map(|(slot, l)| (slot, l.metric_name().unwrap().to_owned())));
        let slot = self.0.iter().find(|(_, known)| *known == name).map(|(slot, _)| *slot)?;
        Some(block.values[slot as usize]).filter(|value| !is_stale_marker(*value))
    }
}

/// The value of the series called `name` in a first block.
pub(super) fn value(block: &ScrapeBlock, name: &str) -> Option<f64> {
    Names::default().value(block, name)
}
