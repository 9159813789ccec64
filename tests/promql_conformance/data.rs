//! The loaded series: floats in a real store, native histograms only remembered.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use weescale::series::{Labels, Sample, Timestamp};
use weescale::store::query::{Budget, Matcher, QueryError, Series, Storage};
use weescale::store::{Limits, Store};

use super::script::{Point, duration, series};

/// A store that notices when a query touches a series with native histograms.
pub struct Data {
    store: Store,
    histograms: Vec<(Labels, Vec<Timestamp>)>,
    touched: Cell<bool>,
}

impl Data {
    /// Without series.
    pub fn empty() -> Self {
        let limits = Limits { retention: Duration::from_secs(u64::from(u32::MAX)), ..Limits::default() };
        Self { store: Store::new(limits), histograms: Vec::new(), touched: Cell::new(false) }
    }

    /// Executes a `load` command.
    pub fn load(&mut self, head: &str, block: &[&str]) -> Result<(), String> {
        let (command, interval) = head.split_once(char::is_whitespace).ok_or("load without interval")?;
        let interval = duration(interval)?;
        // Of several lines for one series the last counts.
        let mut definitions: BTreeMap<Labels, Vec<Point>> = BTreeMap::new();
        for line in block {
            let (labels, points) = series(line)?;
            definitions.insert(labels, points);
        }
        for (labels, points) in definitions {
            let at = |i: usize| Timestamp::from_millis(i as i64 * interval);
            let mut histograms = Vec::new();
            for (i, point) in points.iter().enumerate() {
                match point {
                    Point::Gap => {}
                    Point::Float(value) => {
                        self.store.append(&labels, Sample::new(at(i), *value));
                    }
                    Point::Histogram => histograms.push(at(i)),
                }
            }
            if command == "load_with_nhcb"
                && let Some(base) = labels.metric_name().and_then(|n| n.strip_suffix("_bucket"))
            {
                let native = labels.with("__name__", base).with("le", "");
                self.histograms.push((native, (0..points.len()).map(at).collect()));
            }
            if !histograms.is_empty() {
                self.histograms.push((labels, histograms));
            }
        }
        Ok(())
    }

    /// Whether a query since the last call touched native histograms.
    pub fn take_touched(&self) -> bool {
        self.touched.replace(false)
    }
}

impl Storage for Data {
    fn select(
        &self,
        matchers: &[Matcher],
        from: Timestamp,
        to: Timestamp,
        budget: &Budget,
    ) -> Result<Vec<Series>, QueryError> {
        let touched = self.histograms.iter().any(|(labels, times)| {
            matchers.iter().all(|m| m.matches(labels)) && times.iter().any(|t| *t > from && *t <= to)
        });
        self.touched.set(self.touched.get() || touched);
        self.store.select(matchers, from, to, budget)
    }
}
