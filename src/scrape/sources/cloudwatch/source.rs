//! Polls `CloudWatch`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::json;
use tokio::sync::mpsc::Sender;

use crate::clock::Clock;
use crate::scrape::aws::{AwsClient, AwsError, Call, Credentials, Effect, Service};
use crate::scrape::handle::Handle;
use crate::scrape::source::{Polled, Source};
use crate::scrape::supervisor::Supervisor;
use crate::scrape::{Delivery, Limits, Refresh, ScrapeBlock, ScrapeError, SourceId, SourceKind};
use crate::series::{Labels, METRIC_NAME, Sample, Timestamp, stale_marker};

use super::answer;
use super::metric::{BATCH, CloudWatch, MAX_METRICS, span};

/// Pages of one batch read at most.
const MAX_PAGES: usize = 20;

/// What the source says about itself, before its metrics: whether it was reached, metrics requested since start (AWS
/// bills them by the thousand), requests since start, and age of the oldest newest period.
const ABOUT: [&str; 4] = [
    "up",
    "weescale_cloudwatch_metrics_requested_total",
    "weescale_cloudwatch_requests_total",
    "weescale_cloudwatch_age_seconds",
];

/// Tables of slots; each source has one of its own, unlike those of expositions, which count from the other end.
static TABLES: AtomicU64 = AtomicU64::new(u64::MAX);

/// Asks `CloudWatch` at the interval, the first time at once, and sends [`Delivery::Scraped`] with values at the ends
/// of their periods, and [`Delivery::Status`]. Must be called within a tokio runtime.
///
/// # Errors
/// Region, endpoint or CA file cannot be used, or there are too many metrics.
pub fn spawn_cloudwatch(
    settings: CloudWatch,
    clock: Clock,
    out: Sender<Delivery>,
) -> Result<Handle, ScrapeError> {
    let id = settings.id();
    let interval = settings.interval;
    let config = |field, why: String| ScrapeError::Config { url: id.clone(), field, why };
    if settings.metrics.len() > MAX_METRICS {
        return Err(config("metric", format!("there are more than {MAX_METRICS}; split them over sources")));
    }
    let credentials = Arc::new(Credentials::new(settings.access.clone()));
    let client =
        AwsClient::new(&settings.setup, credentials).map_err(|e| config("cloudwatch", e.to_string()))?;
    let made = settings.metrics.iter().enumerate().flat_map(|(metric, m)| {
        let series = m.series(client.region()).into_iter();
        series.map(move |(labels, divisor)| Made { metric, labels, divisor })
    });
    let series = made.collect();
    let shared = Arc::new(Shared { settings, client, id: id.clone(), series, asked: AtomicU64::new(0) });
    let supervisor = Supervisor::new((&id, SourceKind::CloudWatch), interval, clock, out, &Limits::default());
    let announce = Arc::new(AtomicBool::new(false));
    let wished = Arc::clone(&announce);
    Ok(supervisor.start(announce, move || Poller::new(Arc::clone(&shared), Arc::clone(&wished))))
}

impl CloudWatch {
    /// As shown.
    pub fn id(&self) -> SourceId {
        SourceId::new(&crate::series::text::clean(
            &format!("cloudwatch:{}/{}", self.name, self.setup.region),
            200,
        ))
    }
}

#[derive(Debug)]
struct Shared {
    settings: CloudWatch,
    client: AwsClient,
    id: SourceId,
    /// What the metrics become, in the order of their slots.
    series: Vec<Made>,
    /// Metrics requested since start.
    asked: AtomicU64,
}

/// A series made of a metric.
#[derive(Debug)]
struct Made {
    metric: usize,
    labels: Labels,
    divisor: f64,
}

#[derive(Debug)]
struct Poller {
    shared: Arc<Shared>,
    announce: Arc<AtomicBool>,
    table: u64,
    introduced: bool,
    /// By metric: start of the newest period delivered, seconds since the epoch.
    newest: Vec<Option<i64>>,
    machine: Clock,
}

/// What one poll found, by metric.
#[derive(Debug, Default)]
struct Found {
    points: BTreeMap<usize, BTreeMap<i64, f64>>,
    failure: Option<ScrapeError>,
}

impl Poller {
    fn new(shared: Arc<Shared>, announce: Arc<AtomicBool>) -> Self {
        let newest = vec![None; shared.settings.metrics.len()];
        let table = TABLES.fetch_sub(1, Ordering::Relaxed);
        Self { shared, announce, table, introduced: false, newest, machine: Clock::real() }
    }

    /// Asks for what is new, metrics of one period and span together.
    async fn ask(&self, at: Timestamp, polled: &mut Polled) -> Found {
        let settings = &self.shared.settings;
        let mut spans: BTreeMap<(i64, i64), Vec<usize>> = BTreeMap::new();
        for (i, (metric, newest)) in settings.metrics.iter().zip(&self.newest).enumerate() {
            let known = newest.map(|at| at + metric.seconds());
            if let Some(span) = span(at, settings.delay, metric.seconds(), known) {
                spans.entry(span).or_default().push(i);
            }
        }
        let mut found = Found::default();
        for (span, metrics) in &spans {
            for batch in metrics.chunks(BATCH) {
                if let Err(error) = self.batch(*span, batch, &mut found, polled).await {
                    found.failure = Some(error);
                    return found;
                }
            }
        }
        found
    }

    async fn batch(
        &self,
        (start, end): (i64, i64),
        batch: &[usize],
        found: &mut Found,
        polled: &mut Polled,
    ) -> Result<(), ScrapeError> {
        let metrics = &self.shared.settings.metrics;
        let queries: Vec<_> =
            batch.iter().filter_map(|i| metrics.get(*i).map(|m| m.query(&format!("m{i}")))).collect();
        let mut body = json!({
            "MetricDataQueries": queries, "StartTime": start, "EndTime": end, "ScanBy": "TimestampDescending",
        });
        self.shared.asked.fetch_add(batch.len() as u64, Ordering::Relaxed);
        // Newest points come first: what lacks its later pages would never be asked for again.
        let mut got: BTreeMap<usize, BTreeMap<i64, f64>> = BTreeMap::new();
        for _ in 0..MAX_PAGES {
            let call = Call::json(Service::CloudWatch, "GetMetricData", &body, Effect::Read);
            let before = self.shared.client.sent();
            let answered = self.shared.client.call(&call).await;
            polled.requests += self.shared.client.sent() - before;
            let answer = answered.map_err(|e| self.failed(&e, &call))?;
            polled.bytes += answer.len() as u64;
            let page = answer::read(&answer)
                .map_err(|why| ScrapeError::Refused { url: self.shared.id.clone(), why })?;
            polled.dropped.malformed += page.malformed;
            polled.warnings.extend(page.warnings);
            for (id, at, value) in page.points {
                // What was not asked for, or of a period that is not complete, is not taken.
                let known = id.strip_prefix('m').and_then(|i| i.parse::<usize>().ok());
                match known.filter(|i| batch.contains(i) && (start..end).contains(&at)) {
                    Some(i) => {
                        got.entry(i).or_default().insert(at, value);
                    }
                    None => polled.dropped.samples += 1,
                }
            }
            let (Some(token), Some(object)) = (page.next, body.as_object_mut()) else {
                found.points.extend(got);
                return Ok(());
            };
            object.insert("NextToken".into(), token.into());
        }
        polled.limits_hit.insert("pages");
        Ok(())
    }

    fn failed(&self, error: &AwsError, call: &Call) -> ScrapeError {
        let url = self.shared.id.clone();
        let hint = if error.is_denied() {
            format!("; allow {} in the policy of this identity (assets/aws-iam-policy.json)", call.right())
        } else {
            String::new()
        };
        match error {
            AwsError::NoAnswer(why) | AwsError::NotSent(why) => {
                ScrapeError::Connection { url, why: why.clone() }
            }
            AwsError::Refused { .. } if error.is_throttling() => {
                ScrapeError::Status { url, status: 429, retry_after: error.retry_after() }
            }
            other => ScrapeError::Refused { url, why: format!("{other}{hint}") },
        }
    }

    /// Everything found as a block; marks it as delivered.
    fn block(&mut self, at: Timestamp, found: &Found) -> ScrapeBlock {
        let shared = Arc::clone(&self.shared);
        let (metrics, series) = (&shared.settings.metrics, &shared.series);
        let mut block = ScrapeBlock {
            source: shared.id.clone(),
            table: self.table,
            at,
            born: Arc::default(),
            freed: Vec::new(),
            values: vec![stale_marker(); ABOUT.len() + series.len()],
            said: Vec::new(),
            timed: Vec::new(),
        };
        if !std::mem::replace(&mut self.introduced, true) {
            let own = ABOUT.iter().map(|name| {
                Labels::from_pairs([
                    (METRIC_NAME, *name),
                    ("job", "cloudwatch"),
                    ("instance", shared.settings.name.as_str()),
                    ("region", shared.client.region()),
                ])
            });
            let all = own.chain(series.iter().map(|s| s.labels.clone()));
            block.born = Arc::new(all.enumerate().map(|(slot, labels)| (slot as u32, labels)).collect());
        }
        for (slot, made) in series.iter().enumerate() {
            let Some((metric, points)) = metrics.get(made.metric).zip(found.points.get(&made.metric)) else {
                continue;
            };
            for (start, value) in points {
                let end = Timestamp::from_millis(start.saturating_add(metric.seconds()).saturating_mul(1000));
                block.timed.push(((ABOUT.len() + slot) as u32, Sample::new(end, *value / made.divisor)));
            }
        }
        for (i, points) in &found.points {
            if let (Some(known), Some((newest, _))) = (self.newest.get_mut(*i), points.last_key_value()) {
                *known = Some(*newest);
            }
        }
        let ends = metrics.iter().zip(&self.newest).filter_map(|(m, n)| n.map(|n| n + m.seconds()));
        let age = ends.min().map(|end| at.as_millis() as f64 / 1000.0 - end as f64);
        let about = [
            Some(f64::from(u8::from(found.failure.is_none()))),
            Some(shared.asked.load(Ordering::Relaxed) as f64),
            Some(shared.client.sent() as f64),
            age,
        ];
        for (place, value) in block.values.iter_mut().zip(about) {
            *place = value.unwrap_or_else(stale_marker);
        }
        block
    }
}

impl Source for Poller {
    async fn poll(&mut self, at: Timestamp) -> Polled {
        if self.announce.swap(false, Ordering::Relaxed) {
            self.introduced = false;
        }
        let began = self.machine.monotonic();
        let asked = self.shared.asked.load(Ordering::Relaxed);
        let mut polled = Polled::default();
        let mut found = self.ask(at, &mut polled).await;
        polled.samples = found.points.values().map(|p| p.len() as u64).sum();
        let asked = self.shared.asked.load(Ordering::Relaxed) - asked;
        if asked > 0 {
            let bounded = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
            polled.refresh = Some(Refresh { queries: bounded(asked), requests: bounded(polled.requests) });
        }
        let block = self.block(at, &found);
        polled.failure = found.failure.take();
        let silent = self.newest.iter().filter(|n| n.is_none()).count();
        if silent > 0 && polled.failure.is_none() {
            let all = self.newest.len();
            polled
                .warnings
                .insert(0, format!("{silent} of {all} metrics have no value in the last 180 periods"));
        }
        polled.deliveries.push(Delivery::Scraped(block));
        polled.busy = self.machine.monotonic().since(began);
        polled
    }

    fn lost(&mut self) {
        // Nobody was told: everything is announced and asked for again.
        self.introduced = false;
        self.newest.iter_mut().for_each(|n| *n = None);
    }
}
