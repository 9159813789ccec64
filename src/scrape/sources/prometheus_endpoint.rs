//! An endpoint that exposes metrics in the Prometheus text format or as `OpenMetrics`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc::Sender;

use crate::clock::Clock;
use crate::scrape::exposition::{ACCEPT, Format, Reader, Reading};
use crate::scrape::handle::Handle;
use crate::scrape::http::{Http, Wires};
use crate::scrape::poller::aside;
use crate::scrape::source::{Polled, Source};
use crate::scrape::supervisor::Supervisor;
use crate::scrape::{Delivery, ScrapeError, SourceKind, Target};
use crate::series::Timestamp;

/// Scrapes `target` at its interval, the first time at once, and sends [`Delivery::Scraped`] and
/// [`Delivery::Status`]. As Prometheus does, each scrape carries `up`, `scrape_duration_seconds` and
/// `scrape_samples_scraped`, and series that vanished end with a stale marker. Must be called within a tokio
/// runtime.
///
/// # Errors
/// The target's TLS settings cannot be used.
pub fn spawn_exposition(target: Target, clock: Clock, out: Sender<Delivery>) -> Result<Handle, ScrapeError> {
    spawn_exposition_over(&Wires::default(), target, clock, out)
}

/// Like [`spawn_exposition`], over wires that many targets share.
///
/// # Errors
/// As [`spawn_exposition`].
pub fn spawn_exposition_over(
    wires: &Wires,
    target: Target,
    clock: Clock,
    out: Sender<Delivery>,
) -> Result<Handle, ScrapeError> {
    let kind = (target.id(), SourceKind::Exposition);
    let supervisor = Supervisor::new(kind, target.interval, clock, out, &target.limits);
    let http = Arc::new(Http::new(target, wires)?);
    let announce = Arc::new(AtomicBool::new(false));
    let wished = Arc::clone(&announce);
    Ok(supervisor.start(announce, move || PrometheusEndpoint::new(Arc::clone(&http), Arc::clone(&wished))))
}

#[derive(Debug)]
struct PrometheusEndpoint {
    http: Arc<Http>,
    reader: Reader,
    /// Whether the engine wishes all series to be announced again.
    announce: Arc<AtomicBool>,
    machine: Clock,
}

impl PrometheusEndpoint {
    fn new(http: Arc<Http>, announce: Arc<AtomicBool>) -> Self {
        let target = http.target();
        let reader = Reader::new(target.id().clone(), &target.target_labels(), target.limits);
        Self { http, reader, announce, machine: Clock::real() }
    }

    /// One scrape; also how many bytes it took.
    async fn scrape(&mut self, at: Timestamp) -> Result<(Reading, u64), ScrapeError> {
        let id = self.http.id();
        let fetched = self.http.get(self.http.target().url(), ACCEPT).await?.success(id)?;
        let refused = |why: String| ScrapeError::refused(id, why);
        let format = Format::from_content_type(&fetched.content_type).map_err(refused)?;
        let bytes = fetched.body.len() as u64;
        let reader = &mut self.reader;
        let reading = aside(fetched.body.len(), || reader.read(&fetched.body, format, at, fetched.framed));
        Ok((reading.map_err(|e| ScrapeError::refused(id, e.to_string()))?, bytes))
    }
}

impl Source for PrometheusEndpoint {
    async fn poll(&mut self, at: Timestamp) -> Polled {
        if self.announce.swap(false, Ordering::Relaxed) {
            self.reader.start_over();
        }
        let began = self.machine.monotonic();
        let result = self.scrape(at).await;
        let took = self.machine.monotonic().since(began);
        let mut polled = Polled { requests: 1, ..Polled::default() };
        let mut block = match result {
            Ok((reading, bytes)) => {
                polled.samples = reading.scraped as u64;
                polled.bytes = bytes;
                polled.dropped = reading.dropped;
                polled.limits_hit = reading.limits_hit;
                polled.warnings = reading.problems;
                let mut block = reading.block;
                block.said = reading.said;
                block
            }
            Err(error) => {
                polled.failure = Some(error);
                self.reader.failed(at)
            }
        };
        self.reader.about(&mut block, polled.failure.is_none(), took, polled.samples as usize);
        polled.deliveries.push(Delivery::Scraped(block));
        polled
    }

    fn lost(&mut self) {
        // Nobody was told what was new in it.
        self.reader.start_over();
    }
}
