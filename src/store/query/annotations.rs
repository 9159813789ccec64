//! What Prometheus says beside a result: warnings and information, with the place they are about.

use std::cell::RefCell;

use crate::series::Timestamp;

use super::numeric::short;
use super::syntax::place;

/// Most texts kept of each level.
const MOST: usize = 64;

/// Warnings and information that came with a result, in Prometheus's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Annotations {
    /// What may be wrong.
    pub warnings: Vec<String>,
    /// What one may want to know.
    pub infos: Vec<String>,
}

/// Collects annotations during an evaluation.
#[derive(Debug, Default)]
pub(super) struct Notes {
    said: RefCell<Vec<(Level, String, usize)>>,
    forced: RefCell<Vec<Forced>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Warning,
    Info,
}

/// Where and how much `histogram_quantile` had to repair.
#[derive(Debug)]
struct Forced {
    metric: String,
    at: usize,
    repair: Repair,
    count: usize,
    first: i64,
    last: i64,
}

/// A repair of bucket counts that fell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Repair {
    pub(super) lowest: f64,
    pub(super) highest: f64,
    pub(super) most: f64,
}

impl Notes {
    fn say(&self, level: Level, text: String, at: usize) {
        let mut said = self.said.borrow_mut();
        let known = said.iter().any(|(l, t, a)| *l == level && *a == at && *t == text);
        if !known && said.iter().filter(|(l, ..)| *l == level).count() < MOST {
            said.push((level, text, at));
        }
    }

    /// A warning about the expression at byte `at`.
    pub(super) fn warn(&self, text: &str, at: usize) {
        self.say(Level::Warning, format!("PromQL warning: {text}"), at);
    }

    /// An information about the expression at byte `at`.
    pub(super) fn inform(&self, text: &str, at: usize) {
        self.say(Level::Info, format!("PromQL info: {text}"), at);
    }

    /// A quantile that is none.
    pub(super) fn check_quantile(&self, q: f64, at: usize) {
        if !(0.0..=1.0).contains(&q) {
            self.warn(&format!("quantile value should be between 0 and 1, got {}", short(q)), at);
        }
    }

    /// Bucket counts of `metric` fell at `time` (milliseconds).
    pub(super) fn repaired(&self, metric: &str, at: usize, time: i64, repair: Repair) {
        let mut forced = self.forced.borrow_mut();
        if let Some(known) = forced.iter_mut().find(|f| f.at == at && f.metric == metric) {
            known.count += 1;
            (known.first, known.last) = (known.first.min(time), known.last.max(time));
            known.repair = Repair {
                lowest: known.repair.lowest.min(repair.lowest),
                highest: known.repair.highest.max(repair.highest),
                most: known.repair.most.max(repair.most),
            };
        } else if forced.len() < MOST {
            forced.push(Forced { metric: metric.into(), at, repair, count: 1, first: time, last: time });
        }
    }

    /// All texts, with places in `text`.
    pub(super) fn finished(self, text: &str) -> Annotations {
        let mut out = Annotations::default();
        for (level, message, at) in self.said.into_inner() {
            let message = format!("{message} ({})", place(text, at));
            match level {
                Level::Warning => out.warnings.push(message),
                Level::Info => out.infos.push(message),
            }
        }
        for f in self.forced.into_inner() {
            let time = |millis| Timestamp::from_millis(millis).to_jiff();
            let name =
                if f.metric.is_empty() { String::new() } else { format!(" for metric name {:?}", f.metric) };
            out.infos.push(format!(
                "PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see \
                 https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile){name}, from \
                 buckets {} to {}, with a max diff of {}, over {} samples from {} to {} ({})",
                short(f.repair.lowest),
                short(f.repair.highest),
                short(two_digits(f.repair.most)),
                f.count,
                time(f.first),
                time(f.last),
                place(text, f.at),
            ));
        }
        out
    }
}

fn two_digits(value: f64) -> f64 {
    format!("{value:.1e}").parse().unwrap_or(value)
}
