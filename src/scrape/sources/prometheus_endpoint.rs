//! An endpoint that exposes metrics in the Prometheus text format or as `OpenMetrics`.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::mpsc::Sender;

use crate::clock::Clock;
use crate::scrape::exposition::{ACCEPT, Format, Reader, Reading};
use crate::scrape::handle::Handle;
use crate::scrape::http::Http;
use crate::scrape::reporter::Reporter;
use crate::scrape::source::{Polled, Source};
use crate::scrape::supervisor::Supervisor;
use crate::scrape::{Delivery, Scrape, ScrapeError, SourceKind, SourceStatus, Target};
use crate::series::{Labels, Sample, Timestamp};

/// Scrapes `target` at its interval, the first time at once, and sends [`Delivery::Scraped`] and
/// [`Delivery::Status`]. As Prometheus does, each scrape carries `up`, `scrape_duration_seconds` and
/// `scrape_samples_scraped`, and series that vanished end with a stale marker. Must be called within a tokio
/// runtime.
///
/// # Errors
/// The target's TLS settings cannot be used.
pub fn spawn_exposition(target: Target, clock: Clock, out: Sender<Delivery>) -> Result<Handle, ScrapeError> {
    let (id, interval, limits) = (target.id().clone(), target.interval, target.limits);
    let http = Arc::new(Http::new(target)?);
    let status = SourceStatus::starting(id.clone(), SourceKind::Exposition, interval);
    let poll_now = Arc::new(Notify::new());
    let supervisor = Supervisor {
        id: id.clone(),
        interval,
        clock,
        reporter: Arc::new(Reporter::new(status, out, limits.delivery_wait)),
        poll_now: Arc::clone(&poll_now),
        warnings: limits.warnings,
    };
    let task = tokio::spawn(supervisor.run(move || PrometheusEndpoint::new(Arc::clone(&http))));
    Ok(Handle { id, kind: SourceKind::Exposition, poll_now, tasks: vec![task.abort_handle()], server: None })
}

#[derive(Debug)]
struct PrometheusEndpoint {
    http: Arc<Http>,
    reader: Reader,
    machine: Clock,
}

impl PrometheusEndpoint {
    fn new(http: Arc<Http>) -> Self {
        let target = http.target();
        let reader = Reader::new(&target.target_labels(), target.limits);
        Self { http, reader, machine: Clock::real() }
    }

    /// One scrape; also how many bytes it took.
    async fn scrape(&mut self, at: Timestamp) -> Result<(Reading, u64), ScrapeError> {
        let id = self.http.id();
        let fetched = self.http.get(self.http.target().url().clone(), ACCEPT).await?.success(id)?;
        let refused = |why: String| ScrapeError::refused(id, why);
        let format = Format::from_content_type(&fetched.content_type).map_err(refused)?;
        let bytes = fetched.body.len() as u64;
        let reading = self.reader.read(&fetched.body, format, at, fetched.framed);
        Ok((reading.map_err(|e| ScrapeError::refused(id, e.to_string()))?, bytes))
    }

    /// The series Prometheus adds to each scrape.
    fn about(&self, at: Timestamp, up: bool, took: Duration, scraped: usize) -> [(Labels, Sample); 3] {
        let series = |name, value| (self.reader.synthetic(name), Sample::new(at, value));
        [
            series("up", f64::from(u8::from(up))),
            series("scrape_duration_seconds", took.as_secs_f64()),
            series("scrape_samples_scraped", scraped as f64),
        ]
    }
}

impl Source for PrometheusEndpoint {
    async fn poll(&mut self, at: Timestamp) -> Polled {
        let began = self.machine.monotonic();
        let result = self.scrape(at).await;
        let took = self.machine.monotonic().since(began);
        let mut polled = Polled { requests: 1, ..Polled::default() };
        let mut samples = match result {
            Ok((reading, bytes)) => {
                polled.samples = reading.scraped as u64;
                polled.bytes = bytes;
                polled.dropped = reading.dropped;
                polled.limits_hit = reading.limits_hit;
                polled.warnings = reading.problems;
                reading.samples
            }
            Err(error) => {
                polled.failure = Some(error);
                self.reader.gone(at)
            }
        };
        samples.extend(self.about(at, polled.failure.is_none(), took, polled.samples as usize));
        let source = self.http.id().clone();
        polled.deliveries.push(Delivery::Scraped(Scrape { source, at, samples }));
        polled
    }
}
