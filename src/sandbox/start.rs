//! Starts the fleet and its HTTP server; dropping the handle stops both.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::fleet::{Objective, Region, WorkloadId};
use crate::series::Timestamp;

use super::catalog;
use super::noise;
use super::scenario::Scenario;
use super::server::{Shared, Tokens, routes};
use super::world::World;

/// What to simulate.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Seed of everything random.
    pub seed: u64,
    /// Course of events.
    pub scenario: Scenario,
    /// The clock the fleet follows; make it start at the scenario's `start`.
    pub clock: Clock,
    /// Where to listen; port 0 lets the system choose.
    pub bind: SocketAddr,
}

impl Settings {
    /// The default scenario on loopback, following `clock`.
    pub fn new(seed: u64, scenario: Scenario, clock: Clock) -> Self {
        Self { seed, scenario, clock, bind: SocketAddr::from(([127, 0, 0, 1], 0)) }
    }
}

/// Why the sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port could not be opened.
    #[error("sandbox cannot listen on {bind}: {source}; free the port or bind to 127.0.0.1:0")]
    Bind {
        /// The address asked for.
        bind: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

/// An endpoint to scrape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScrapeUrl {
    /// Name of the job, as it should be called in the list of sources.
    pub job: String,
    /// Where.
    pub url: String,
}

/// A running fleet.
#[derive(Debug)]
pub struct Sandbox {
    /// `http://127.0.0.1:PORT`.
    pub base_url: String,
    /// Exposition endpoints.
    pub scrape_urls: Vec<ScrapeUrl>,
    /// Base of the Prometheus API that holds the fortnight before the start: append `/api/v1/query_range`.
    pub history_url: String,
    /// Base of the provider contract: append `/v1/workloads`.
    pub provider_url: String,
    /// Bearer token that may read and write.
    pub token: String,
    /// Bearer token that may only read.
    pub read_token: String,
    /// Regions with local time and place.
    pub regions: Vec<Region>,
    /// The promise of every workload to its users.
    pub objectives: Vec<(WorkloadId, Objective)>,
    /// Where simulated time begins.
    pub start: Timestamp,
    shared: Shared,
    // Dropping the sender ends server and stepping.
    _stop: watch::Sender<()>,
}

impl Sandbox {
    /// Opens the port and starts stepping the fleet with the clock. Needs a tokio runtime.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let Settings { seed, scenario, clock, bind } = settings;
        let failed = |source| StartError::Bind { bind, source };
        let listener = TcpListener::bind(bind).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let start = scenario.start;
        let token = |purpose| format!("{:016x}", noise::mix(seed, noise::stream(purpose), 0));
        let tokens = Tokens { write: token("write"), read: token("read") };
        let (write_token, read_token) = (tokens.write.clone(), tokens.read.clone());
        let shared = Shared::new(World::new(seed, scenario), clock.clone(), tokens);
        let (stop, stopped) = watch::channel(());
        serve(listener, shared.clone(), clock, stopped);
        let base_url = format!("http://{address}");
        Ok(Self {
            scrape_urls: scrape_urls(&base_url),
            history_url: base_url.clone(),
            provider_url: base_url.clone(),
            base_url,
            token: write_token,
            read_token,
            regions: catalog::regions(),
            objectives: objectives(),
            start,
            shared,
            _stop: stop,
        })
    }

    /// Looks at the fleet as it is at the clock's time: for tests and reports, not for the production path.
    pub async fn inspect<T: Send + 'static>(
        &self,
        look: impl FnOnce(&World) -> T + Send + 'static,
    ) -> Option<T> {
        self.shared.with(move |world, _| look(world)).await
    }
}

fn scrape_urls(base: &str) -> Vec<ScrapeUrl> {
    let apps = catalog::REGIONS.map(|r| (format!("app-{r}"), format!("app/{r}")));
    let exporters = [
        ("kube-state-metrics", "ksm"),
        ("cadvisor", "cadvisor"),
        ("opencost", "opencost"),
        ("haproxy", "haproxy"),
        ("redis", "redis"),
        ("postgres", "postgres"),
        ("kubelet", "kubelet"),
        ("kafka", "kafka"),
        ("blackbox", "probes"),
        ("node-exporter", "node"),
    ]
    .map(|(job, path)| (job.to_owned(), path.to_owned()));
    let all = apps.into_iter().chain(exporters);
    all.map(|(job, path)| ScrapeUrl { job, url: format!("{base}/metrics/{path}") }).collect()
}

fn objectives() -> Vec<(WorkloadId, Objective)> {
    let all = catalog::workloads();
    let of = |s: &catalog::Spec| Some((WorkloadId::new(s.namespace, s.name, s.region), s.objective()?));
    all.iter().filter_map(of).collect()
}

/// Serves requests and keeps the fleet up with the clock until the sender of `stopped` is dropped.
fn serve(listener: TcpListener, shared: Shared, clock: Clock, stopped: watch::Receiver<()>) {
    let app = routes(shared.clone());
    let mut closing = stopped.clone();
    tokio::spawn(async move {
        // Nothing is ever sent, so this waits for the sender to be dropped. The server only fails when accept()
        // does; its users then see refused connections.
        let closed = async move { while closing.changed().await.is_ok() {} };
        let _ = axum::serve(listener, app).with_graceful_shutdown(closed).await;
    });
    // Five steps a second of real time are enough; requests bring the fleet up to date themselves.
    let pause = Duration::from_millis((200.0 * clock.factor().max(5.0)) as u64);
    let past = shared.clone();
    tokio::spawn(async move {
        let _ = past.with_history(|_, _| ()).await;
    });
    let mut stopping = stopped;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = clock.sleep(pause) => { let _ = shared.with(|_, _| ()).await; }
                _ = stopping.changed() => break,
            }
        }
    });
}
