//! Scrapes of targets, made from a seed: more than half of the series never move, most are whole numbers.

use std::sync::Arc;

use weescale::scrape::{ScrapeBlock, SourceId};
use weescale::series::{Labels, Timestamp};

/// Series of a target.
pub const SERIES: usize = 1000;

/// Milliseconds between two scrapes of a target.
pub const INTERVAL: i64 = 15_000;

/// When scrape `number` of a target is made.
pub fn at(number: usize) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + number as i64 * INTERVAL)
}

/// Name of a metric of which every target has ten series.
pub fn metric(family: usize) -> String {
    format!("a_family_of_metrics_{family}_total")
}

/// Scrapes of one target, one after the other.
pub struct Target {
    number: usize,
    scrapes: usize,
    values: Vec<f64>,
    random: fastrand::Rng,
}

impl Target {
    /// Target `number`, not scraped yet.
    pub fn new(number: usize) -> Self {
        let mut random = fastrand::Rng::with_seed(number as u64);
        let values = (0..SERIES).map(|_| f64::from(random.u32(..1_000_000))).collect();
        Self { number, scrapes: 0, values, random }
    }

    /// The next scrape; the first announces the series.
    pub fn scrape(&mut self) -> ScrapeBlock {
        for (series, value) in self.values.iter_mut().enumerate() {
            match series % 16 {
                0..=8 => {}
                9..=11 => *value += f64::from(self.random.u32(..50)),
                12 | 13 => *value += f64::from(self.random.u32(..4000)),
                14 => *value = f64::from(self.random.u32(900_000..1_000_000)),
                _ => *value = f64::from(self.random.u32(..1_000_000)) / 1000.0,
            }
        }
        let born =
            Arc::new((0..SERIES).filter(|_| self.scrapes == 0).map(|series| self.born(series)).collect());
        let at = at(self.scrapes);
        self.scrapes += 1;
        ScrapeBlock {
            source: SourceId::new(&format!("http://host-{}:9100/metrics", self.number)),
            table: 1,
            at,
            born,
            freed: Vec::new(),
            values: self.values.clone(),
            said: Vec::new(),
            timed: Vec::new(),
        }
    }

    fn born(&self, series: usize) -> (u32, Labels) {
        let (name, instance) = (metric(series / 10), format!("host-{}:9100", self.number));
        let (mode, path) = (format!("m{}", series % 10), format!("/api/v1/thing{}", series / 50));
        let pod = format!("checkout-7d9f8c6b5-{:05}", self.number);
        let labels = Labels::from_pairs([
            ("__name__", name.as_str()),
            ("instance", instance.as_str()),
            ("job", "bench"),
            ("mode", mode.as_str()),
            ("path", path.as_str()),
            ("pod", pod.as_str()),
        ]);
        (series as u32, labels)
    }
}
