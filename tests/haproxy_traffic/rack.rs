//! A platform of small HTTP servers on loopback: what is taken away is cut off at once, with the requests on it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use weescale::approval::WriteOrder;
use weescale::execution::providers::contract::{Fields, PodPhase, PodState, WorkloadList, WorkloadState};
use weescale::execution::{Pending, Provider, ProviderError};
use weescale::fleet::Owner;

/// Time a request takes.
const WORK: Duration = Duration::from_millis(25);

/// One server: where it listens, and what runs there.
struct App {
    addr: SocketAddr,
    running: Option<tokio::task::JoinHandle<()>>,
    busy: Arc<AtomicI64>,
    served: Arc<AtomicU64>,
}

struct Inner {
    apps: Vec<App>,
    replicas: u32,
    generation: u64,
    annotations: std::collections::BTreeMap<String, String>,
    cut: u64,
}

/// The platform.
#[derive(Clone)]
pub struct Rack(Arc<Mutex<Inner>>);

impl Rack {
    /// `slots` places for servers, of which `replicas` run.
    pub fn new(slots: usize, replicas: u32) -> Self {
        let reserved: Vec<std::net::TcpListener> =
            (0..slots).map(|_| std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()).collect();
        let apps = reserved
            .iter()
            .map(|l| App {
                addr: l.local_addr().unwrap(),
                running: None,
                busy: Arc::default(),
                served: Arc::default(),
            })
            .collect();
        drop(reserved);
        let inner = Inner {
            apps,
            replicas: 0,
            generation: 1,
            annotations: std::collections::BTreeMap::default(),
            cut: 0,
        };
        let rack = Self(Arc::new(Mutex::new(inner)));
        rack.0.lock().unwrap().scale(replicas);
        rack
    }

    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.0.lock().unwrap().apps.iter().map(|a| a.addr).collect()
    }

    pub fn replicas(&self) -> u32 {
        self.0.lock().unwrap().replicas
    }

    /// Requests that were being worked on when their server was taken away.
    pub fn cut(&self) -> u64 {
        self.0.lock().unwrap().cut
    }

    /// Requests each server has answered.
    pub fn served(&self) -> Vec<u64> {
        self.0.lock().unwrap().apps.iter().map(|a| a.served.load(Ordering::Relaxed)).collect()
    }
}

impl Inner {
    fn scale(&mut self, replicas: u32) {
        for (i, app) in self.apps.iter_mut().enumerate() {
            let wanted = i < replicas as usize;
            match (&app.running, wanted) {
                (None, true) => app.start(),
                (Some(running), false) => {
                    running.abort();
                    self.cut += u64::try_from(app.busy.swap(0, Ordering::SeqCst)).unwrap_or(0);
                    app.running = None;
                }
                _ => {}
            }
        }
        self.replicas = replicas;
    }

    fn state(&self) -> WorkloadState {
        let pods = self.apps.iter().enumerate().filter(|(_, a)| a.running.is_some());
        let pods = pods.map(|(i, app)| PodState {
            name: format!("pod-{i}"),
            phase: PodPhase::Ready,
            created_ms: i64::try_from(i).unwrap(),
            warm: Some(true),
            traffic: Some(1.0),
            address: Some(app.addr.to_string()),
            ..PodState::default()
        });
        WorkloadState {
            uid: "u-1".into(),
            namespace: "shop".into(),
            name: "checkout".into(),
            generation: self.generation,
            fields: Fields { replicas: Some(self.replicas), ..Fields::default() },
            ready: self.replicas,
            owner: Owner::Nobody,
            annotations: self.annotations.clone(),
            pods: pods.collect(),
            ..WorkloadState::default()
        }
    }

    fn write(&mut self, order: &WriteOrder) -> Result<WorkloadState, ProviderError> {
        if Some(order.expect()) != Some(self.replicas) {
            return Err(ProviderError::Precondition { why: "another value".into(), current: None });
        }
        if order.is_dry_run() {
            return Ok(self.state());
        }
        for (key, value) in order.annotations() {
            match value {
                Some(value) => self.annotations.insert(key.clone(), value.clone()),
                None => self.annotations.remove(key),
            };
        }
        self.generation += 1;
        self.scale(order.set());
        Ok(self.state())
    }
}

impl App {
    fn start(&mut self) {
        let (addr, busy, served) = (self.addr, Arc::clone(&self.busy), Arc::clone(&self.served));
        self.running = Some(tokio::spawn(async move {
            let listener = TcpListener::bind(addr).await.unwrap();
            // Dropped with the task, and the connections with it.
            let mut connections = JoinSet::new();
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                connections.spawn(answer(stream, Arc::clone(&busy), Arc::clone(&served)));
                while connections.try_join_next().is_some() {}
            }
        }));
    }
}

/// Answers requests of one connection; `/hold` never.
async fn answer(mut stream: TcpStream, busy: Arc<AtomicI64>, served: Arc<AtomicU64>) {
    let mut buffer = Vec::new();
    loop {
        let mut piece = [0; 1024];
        match stream.read(&mut piece).await {
            Ok(n) if n > 0 => buffer.extend(piece.iter().take(n)),
            _ => return,
        }
        if !buffer.ends_with(b"\r\n\r\n") {
            continue;
        }
        busy.fetch_add(1, Ordering::SeqCst);
        if buffer.starts_with(b"GET /hold") {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(WORK).await;
        let sent = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
        busy.fetch_sub(1, Ordering::SeqCst);
        served.fetch_add(1, Ordering::Relaxed);
        buffer.clear();
        if sent.is_err() {
            return;
        }
    }
}

impl Provider for Rack {
    fn list(&self) -> Pending<'_, Result<WorkloadList, ProviderError>> {
        Box::pin(async {
            let workloads = vec![self.0.lock().unwrap().state()];
            Ok(WorkloadList { workloads, ..WorkloadList::default() })
        })
    }

    fn read<'a>(&'a self, _uid: &'a str) -> Pending<'a, Result<WorkloadState, ProviderError>> {
        Box::pin(async { Ok(self.0.lock().unwrap().state()) })
    }

    fn write<'a>(&'a self, order: &'a WriteOrder) -> Pending<'a, Result<WorkloadState, ProviderError>> {
        Box::pin(async { self.0.lock().unwrap().write(order) })
    }
}
