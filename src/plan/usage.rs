//! What one replica used: histograms that forget, as in the Vertical Pod Autoscaler and in Autopilot.

use std::collections::VecDeque;
use std::time::Duration;

use crate::series::Timestamp;

/// Upper end of the first bucket and growth of the following ones (VPA `aggregations_config.go`).
const FIRST_CORES: f64 = 0.01;
const FIRST_BYTES: f64 = 1e7;
const GROWTH: f64 = 1.05;
/// Half-life of a sample: VPA's for CPU and memory, Autopilot's for CPU (Rzadca et al. 2020, §3.2.1).
const VPA_HALF_LIFE: f64 = 86_400.0;
const AUTOPILOT_HALF_LIFE: f64 = 43_200.0;
/// VPA keeps one memory peak a day, of eight days.
const DAYS: usize = 8;
const DAY_MS: i64 = 86_400_000;
/// Samples older than the newest by more than this are not taken in.
const LATE: Duration = Duration::from_secs(3_600);

/// Weights by exponential bucket; all weights are relative to one reference, so that forgetting costs nothing.
#[derive(Clone, Debug)]
struct Decayed {
    first: f64,
    half_life: f64,
    reference: Option<Timestamp>,
    weights: Vec<f64>,
    total: f64,
}

impl Decayed {
    const fn new(first: f64, half_life: f64) -> Self {
        Self { first, half_life, reference: None, weights: Vec::new(), total: 0.0 }
    }

    /// Start of bucket `i`: `first · (growth^i − 1) / (growth − 1)`.
    fn start(&self, i: usize) -> f64 {
        self.first * (GROWTH.powi(i32::try_from(i).unwrap_or(i32::MAX)) - 1.0) / (GROWTH - 1.0)
    }

    fn bucket(&self, value: f64) -> usize {
        let i = (value * (GROWTH - 1.0) / self.first + 1.0).ln() / GROWTH.ln();
        (i.max(0.0) as usize).min(400)
    }

    fn add(&mut self, at: Timestamp, value: f64, weight: f64) {
        let reference = *self.reference.get_or_insert(at);
        let mut age = at.millis_since(reference) as f64 / 1000.0 / self.half_life;
        if age > 50.0 {
            // 2^50 times the weight of the reference: bring everything down before the numbers run out.
            let shrink = (-age).exp2();
            self.weights.iter_mut().for_each(|w| *w *= shrink);
            self.total *= shrink;
            self.reference = Some(at);
            age = 0.0;
        }
        let (index, weight) = (self.bucket(value), weight * age.exp2());
        if self.weights.len() <= index {
            self.weights.resize(index + 1, 0.0);
        }
        if let Some(slot) = self.weights.get_mut(index) {
            *slot += weight;
            self.total += weight;
        }
    }

    /// End of the bucket in which the `q`-quantile lies, as VPA reads it. With `by_load`, every bucket counts by what
    /// it holds rather than by how often it was seen (Autopilot's load-adjusted histogram).
    fn quantile(&self, q: f64, by_load: bool) -> Option<f64> {
        let load = |i: usize, w: f64| if by_load { w * self.start(i + 1) } else { w };
        let total: f64 = self.weights.iter().enumerate().map(|(i, w)| load(i, *w)).sum();
        if total <= 0.0 {
            return None;
        }
        let mut sum = 0.0;
        let found = self.weights.iter().enumerate().position(|(i, w)| {
            sum += load(i, *w);
            sum >= q * total * (1.0 - 1e-12)
        })?;
        Some(self.start(found + 1))
    }
}

/// One reading of a workload, a replica.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reading {
    /// Cores used, mean over replicas.
    pub cpu: Option<f64>,
    /// Cores used by the busiest replica.
    pub busiest: Option<f64>,
    /// Working set of the largest replica (or the mean where only that is known), bytes.
    pub memory: Option<f64>,
}

/// What the replicas of one workload used.
#[derive(Clone, Debug)]
pub struct Usage {
    cpu: Decayed,
    cpu_fast: Decayed,
    /// Highest memory by day, oldest first.
    peaks: VecDeque<(i64, f64)>,
    /// First and last sample of CPU.
    span: Option<(Timestamp, Timestamp)>,
    samples: usize,
    /// Busiest over mean, smoothed.
    imbalance: Option<f64>,
    taken: Option<Timestamp>,
}

impl Default for Usage {
    fn default() -> Self {
        Self {
            cpu: Decayed::new(FIRST_CORES, VPA_HALF_LIFE),
            cpu_fast: Decayed::new(FIRST_CORES, AUTOPILOT_HALF_LIFE),
            peaks: VecDeque::new(),
            span: None,
            samples: 0,
            imbalance: None,
            taken: None,
        }
    }
}

impl Usage {
    /// Takes a reading of `at` in; at most one a minute, in order. What is negative or not finite is left out.
    pub fn observe(&mut self, at: Timestamp, reading: Reading) {
        let early = |t: Timestamp| at < t + Duration::from_secs(59);
        if self.taken.is_some_and(early) {
            return;
        }
        self.taken = Some(at);
        let usable = |v: Option<f64>| v.filter(|v| v.is_finite() && *v >= 0.0);
        if let Some(cpu) = usable(reading.cpu) {
            self.cpu.add(at, cpu, 1.0);
            self.cpu_fast.add(at, cpu, 1.0);
            self.samples += 1;
            self.span = Some((self.span.map_or(at, |(first, _)| first), at));
            if let Some(busiest) = usable(reading.busiest).filter(|b| cpu > 1e-3 && *b >= cpu) {
                let ratio = (busiest / cpu).min(4.0);
                self.imbalance = Some(self.imbalance.map_or(ratio, |i| i + (ratio - i) / 60.0));
            }
        }
        if let Some(memory) = usable(reading.memory) {
            let day = at.as_millis().div_euclid(DAY_MS);
            match self.peaks.back_mut() {
                Some((d, peak)) if *d == day => *peak = peak.max(memory),
                _ => self.peaks.push_back((day, memory)),
            }
            while self.peaks.len() > DAYS {
                self.peaks.pop_front();
            }
        }
    }

    /// Whether a reading of `at` is due.
    pub fn is_due(&self, at: Timestamp) -> bool {
        self.taken.is_none_or(|t| at >= t + Duration::from_secs(59) || t.since(at) > LATE)
    }

    /// Keeps the memory that `other` saw: it has no history elsewhere.
    pub fn keep_memory_of(&mut self, other: &Self) {
        self.peaks.clone_from(&other.peaks);
        self.imbalance = other.imbalance;
    }

    /// VPA's confidence: the smaller of the days between the first and the last sample and of samples over 1 440.
    pub fn confidence(&self) -> f64 {
        let days = self.span.map_or(0.0, |(first, last)| last.since(first).as_secs_f64() / 86_400.0);
        days.min(self.samples as f64 / 1440.0)
    }

    /// Number of CPU samples.
    pub const fn samples(&self) -> usize {
        self.samples
    }

    /// Cores, the `q`-quantile of what the mean replica used; `None` without samples.
    pub fn cpu(&self, q: f64) -> Option<f64> {
        self.cpu.quantile(q, false)
    }

    /// Cores, the load-adjusted `q`-quantile with the faster half-life.
    pub fn cpu_by_load(&self, q: f64) -> Option<f64> {
        self.cpu_fast.quantile(q, true)
    }

    /// How much busier the busiest replica is than the mean one, at least 1; `None` if not measured.
    pub const fn imbalance(&self) -> Option<f64> {
        self.imbalance
    }

    /// Bytes: the `q`-quantile of the daily peaks, weighted by age with a half-life of a day (VPA).
    pub fn memory(&self, q: f64) -> Option<f64> {
        let newest = self.peaks.back()?.0;
        let mut histogram = Decayed::new(FIRST_BYTES, 1.0);
        for (day, peak) in &self.peaks {
            histogram.add(Timestamp::from_secs(0), *peak, (-((newest - day) as f64)).exp2());
        }
        histogram.quantile(q, false)
    }

    /// Bytes: the highest peak of the days kept (Autopilot's `S_max`).
    pub fn memory_max(&self) -> Option<f64> {
        self.peaks.iter().map(|(_, v)| *v).max_by(f64::total_cmp)
    }

    /// Days of memory peaks held.
    pub fn memory_days(&self) -> usize {
        self.peaks.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_secs(1_780_000_000 / 86_400 * 86_400 + minute * MINUTE)
    }

    #[test]
    fn quantiles_are_ends_of_buckets_five_per_cent_wide() {
        let mut usage = Usage::default();
        for minute in 0..100 {
            let cpu = if minute < 90 { 0.5 } else { 1.0 };
            usage.observe(at(minute), Reading { cpu: Some(cpu), ..Reading::default() });
        }
        let close = |a: Option<f64>, b: f64| a.is_some_and(|a| a >= b && a <= b * 1.055);
        assert!(close(usage.cpu(0.5), 0.5), "{:?}", usage.cpu(0.5));
        assert!(close(usage.cpu(0.95), 1.0), "{:?}", usage.cpu(0.95));
        assert_eq!(usage.samples(), 100);
        assert!((usage.confidence() - 99.0 / 1440.0).abs() < 1e-9, "samples would be 100 / 1440");
    }

    #[test]
    fn what_was_seen_a_day_earlier_counts_half() {
        let mut usage = Usage::default();
        for minute in 0..60 {
            usage.observe(at(minute), Reading { cpu: Some(1.0), ..Reading::default() });
        }
        for minute in 1440..1500 {
            usage.observe(at(minute), Reading { cpu: Some(0.2), ..Reading::default() });
        }
        // Weights 1 : 2, so a third of the weight is at 1.0.
        assert!(usage.cpu(0.65).unwrap() < 0.22 && usage.cpu(0.68).unwrap() > 0.99);
        // By load: 1/3·1.0 against 2/3·0.2, and twice as fast forgetting: 1·1.0 against 4·0.2.
        assert!(usage.cpu_by_load(0.43).unwrap() < 0.22 && usage.cpu_by_load(0.47).unwrap() > 0.99);
    }

    #[test]
    fn memory_is_the_peak_of_each_day_and_old_days_go() {
        let mut usage = Usage::default();
        for day in 0..10 {
            let memory = if day == 0 { 9e9 } else { 1e9 };
            usage.observe(at(day * 1440), Reading { memory: Some(memory), ..Reading::default() });
            usage.observe(at(day * 1440 + 5), Reading { memory: Some(memory / 2.0), ..Reading::default() });
        }
        assert_eq!((usage.memory_days(), usage.memory_max()), (8, Some(1e9)), "the day of 9 GB is gone");
        assert!(usage.memory(0.9).is_some_and(|m| (1e9..1.06e9).contains(&m)));
    }

    #[test]
    fn holds_for_a_year_and_refuses_nonsense() {
        let mut usage = Usage::default();
        for day in 0..400 {
            usage.observe(at(day * 1440), Reading { cpu: Some(0.3), ..Reading::default() });
        }
        usage.observe(at(400 * 1440), Reading { cpu: Some(f64::NAN), memory: Some(-1.0), busiest: None });
        assert!(usage.cpu(0.9).is_some_and(|c| c.is_finite() && (0.3..0.32).contains(&c)));
        assert_eq!((usage.samples(), usage.memory(0.5)), (400, None));
    }
}
