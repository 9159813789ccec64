//! One signal's value with where it came from and whether it may be trusted.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::fleet::WorkloadId;
use crate::scrape::SourceId;
use crate::series::{Finite, Timestamp};

use super::SignalKind;

/// Whether a value may be used. Only [`Freshness::Fresh`] may ever support a scale-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Freshness {
    /// At most two poll intervals old.
    Fresh,
    /// Older than that; the last value is kept and marked.
    Stale,
    /// Dropped to exactly zero, or stopped being a number, while replicas are ready and a sibling disagrees.
    Suspect,
    /// No source has it.
    Missing,
}

/// Where a value came from: enough to ask the same question again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The source that answered.
    pub source: SourceId,
    /// The recipe that knew how to ask.
    pub recipe: Arc<str>,
    /// The PromQL expression.
    pub expr: Arc<str>,
}

/// The latest value of one signal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// Which.
    pub kind: SignalKind,
    /// The value in `kind.unit()`, if there ever was one.
    pub value: Option<Finite>,
    /// When it was evaluated.
    pub at: Timestamp,
    /// Whether it may be used.
    pub freshness: Freshness,
    /// While it is suspect for having fallen and comes back: at least so much is there. Enough to raise, never to lower.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least: Option<Finite>,
    /// Why it is not fresh, in one sentence; empty when fresh.
    pub note: String,
    /// Where it came from; `None` when missing.
    pub provenance: Option<Provenance>,
}

/// Requests a second by response time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencyHistogram {
    /// Upper bounds, seconds, ascending, without +Inf.
    pub bounds: Vec<f64>,
    /// Requests a second per bucket (not cumulative); one longer than `bounds`: the last is above all bounds.
    pub rates: Vec<f64>,
}

impl LatencyHistogram {
    /// Requests a second in all buckets.
    pub fn total(&self) -> f64 {
        self.rates.iter().sum()
    }

    /// Requests a second at or under `seconds`, interpolating linearly inside a bucket as Prometheus does.
    pub fn at_or_under(&self, seconds: f64) -> f64 {
        let mut lower = 0.0;
        let mut sum = 0.0;
        for (bound, rate) in self.bounds.iter().zip(&self.rates) {
            if seconds >= *bound {
                sum += rate;
            } else {
                return sum + rate * ((seconds - lower) / (bound - lower)).clamp(0.0, 1.0);
            }
            lower = *bound;
        }
        sum
    }

    /// The `q`-quantile, seconds, as Prometheus computes it; `None` without requests.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        super::histogram::quantile(self, q)
    }

    /// Adds the rates of `other`; `false` and nothing added if its bounds differ.
    pub fn add(&mut self, other: &Self) -> bool {
        if self.bounds != other.bounds || self.rates.len() != other.rates.len() {
            return false;
        }
        for (rate, more) in self.rates.iter_mut().zip(&other.rates) {
            *rate += more;
        }
        true
    }

    /// Apdex at threshold `t` seconds: `(satisfied + tolerating / 2) / total`, satisfied ≤ t, tolerating ≤ 4 t
    /// (Apdex Technical Specification 1.1). `None` without requests.
    pub fn apdex(&self, t: f64) -> Option<f64> {
        let total = self.total();
        let satisfied = self.at_or_under(t);
        (total > 0.0).then(|| (satisfied + (self.at_or_under(4.0 * t) - satisfied) / 2.0) / total)
    }
}

/// Everything known of one workload at one tick.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignalSet {
    /// Of which workload.
    pub workload: WorkloadId,
    /// Owning team as labels say; empty if none does.
    pub team: Arc<str>,
    /// By kind; a kind that no source ever had is absent.
    pub signals: BTreeMap<SignalKind, Signal>,
    /// Response times, where a histogram exists.
    pub latency: Option<LatencyHistogram>,
}

impl SignalSet {
    /// The signal, if any source ever had it.
    pub fn get(&self, kind: SignalKind) -> Option<&Signal> {
        self.signals.get(&kind)
    }

    /// The value if it is fresh: the only values that plans may lower anything by.
    pub fn fresh(&self, kind: SignalKind) -> Option<f64> {
        self.get(kind).filter(|s| s.freshness == Freshness::Fresh).and_then(|s| s.value).map(Finite::get)
    }

    /// The latest value, fresh or stale (not suspect, not missing): good enough to raise a floor, never to lower one.
    pub fn latest(&self, kind: SignalKind) -> Option<f64> {
        self.get(kind)
            .filter(|s| matches!(s.freshness, Freshness::Fresh | Freshness::Stale))
            .and_then(|s| s.value)
            .map(Finite::get)
    }

    /// What is there at least, by a fresh answer: the value if it is fresh, or as much as has come back of one that is
    /// suspect for having fallen. Enough to raise, never to lower.
    pub fn at_least(&self, kind: SignalKind) -> Option<f64> {
        let least = |s: &Signal| s.least.filter(|_| s.freshness == Freshness::Suspect).map(Finite::get);
        self.fresh(kind).or_else(|| self.get(kind).and_then(least))
    }

    /// Freshness of `kind`; missing if absent.
    pub fn freshness(&self, kind: SignalKind) -> Freshness {
        self.get(kind).map_or(Freshness::Missing, |s| s.freshness)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apdex_with_worked_numbers() {
        // 60 at or under 0.1 s, 30 up to 0.4 s, 10 slower: (60 + 15) / 100.
        let h = LatencyHistogram { bounds: vec![0.1, 0.4], rates: vec![60.0, 30.0, 10.0] };
        assert!((h.apdex(0.1).unwrap() - 0.75).abs() < 1e-12);
        assert_eq!(LatencyHistogram::default().apdex(0.1), None);
        assert!((h.at_or_under(0.25) - 75.0).abs() < 1e-12);
    }
}
