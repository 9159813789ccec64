//! A regular run of values with explicit gaps.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// Values at `start, start + step, …`; `None` is a gap. Non-finite values become gaps on the way in,
/// and a gap is never read as zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Window {
    start: Timestamp,
    #[serde(deserialize_with = "step")]
    step_ms: u64,
    values: Vec<Option<f64>>,
}

/// A received step: never zero, and never more than a time can hold, whoever wrote it.
fn step<'de, D: serde::Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    u64::deserialize(from).map(|step| step.clamp(1, i64::MAX as u64))
}

impl Window {
    /// A window; non-finite values become gaps. A zero step becomes one millisecond.
    pub fn new(start: Timestamp, step: Duration, values: impl IntoIterator<Item = Option<f64>>) -> Self {
        let step_ms = u64::try_from(step.as_millis()).unwrap_or(u64::MAX).clamp(1, i64::MAX as u64);
        Self { start, step_ms, values: values.into_iter().map(|v| v.filter(|x| x.is_finite())).collect() }
    }

    /// Instant of the first slot.
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// Distance between slots.
    pub fn step(&self) -> Duration {
        Duration::from_millis(self.step_ms)
    }

    /// Instant of slot `index`.
    pub fn at(&self, index: usize) -> Timestamp {
        self.start + Duration::from_millis(self.step_ms.saturating_mul(index as u64))
    }

    /// Instant just after the last slot.
    pub fn end(&self) -> Timestamp {
        self.at(self.values.len())
    }

    /// The slots.
    pub fn values(&self) -> &[Option<f64>] {
        &self.values
    }

    /// Number of slots, gaps included.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no slot.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Number of slots that hold a value.
    pub fn present(&self) -> usize {
        self.values.iter().flatten().count()
    }

    /// `(instant, value)` of the slots that hold a value.
    pub fn points(&self) -> impl Iterator<Item = (Timestamp, f64)> {
        self.values.iter().enumerate().filter_map(|(i, v)| v.map(|v| (self.at(i), v)))
    }

    /// The latest value and when.
    pub fn last(&self) -> Option<(Timestamp, f64)> {
        self.values.iter().enumerate().rev().find_map(|(i, v)| v.map(|v| (self.at(i), v)))
    }

    /// The value of the slot that contains `at`.
    pub fn value_at(&self, at: Timestamp) -> Option<f64> {
        let index = usize::try_from(at.millis_since(self.start).div_euclid(self.step_ms as i64)).ok()?;
        self.values.get(index).copied().flatten()
    }

    /// The part in `from..to`, cut at slot borders.
    #[must_use]
    pub fn slice(&self, from: Timestamp, to: Timestamp) -> Self {
        let step = self.step_ms as i64;
        let lo = from.millis_since(self.start).max(0).div_euclid(step) as usize;
        let hi = (to.millis_since(self.start).max(0) as usize)
            .div_ceil(self.step_ms as usize)
            .min(self.values.len());
        let lo = lo.min(hi);
        Self {
            start: self.at(lo),
            step_ms: self.step_ms,
            values: self.values.get(lo..hi).unwrap_or(&[]).to_vec(),
        }
    }

    /// Means over `factor` slots each (gaps left out of the mean; a slot of only gaps stays a gap).
    #[must_use]
    pub fn coarsened(&self, factor: usize) -> Self {
        let factor = factor.max(1);
        let values = self.values.chunks(factor).map(|c| {
            let (n, sum) = c.iter().flatten().fold((0u32, 0.0), |(n, s), v| (n + 1, s + v));
            (n > 0).then(|| sum / f64::from(n))
        });
        Self::new(self.start, Duration::from_millis(self.step_ms.saturating_mul(factor as u64)), values)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_received_step_divides_whatever_was_sent() {
        for step in ["0", "18446744073709551615"] {
            let text = format!("{{\"start\":0,\"step_ms\":{step},\"values\":[1.0,null]}}");
            let window: Window = serde_json::from_str(&text).unwrap();
            assert_eq!(window.value_at(Timestamp::from_millis(0)), Some(1.0));
            assert_eq!(
                window.slice(Timestamp::from_millis(0), Timestamp::from_millis(5)).values()[0],
                Some(1.0)
            );
        }
    }

    use super::*;

    fn window() -> Window {
        Window::new(
            Timestamp::from_secs(60),
            Duration::from_secs(60),
            [Some(1.0), None, Some(f64::NAN), Some(4.0)],
        )
    }

    #[test]
    fn gaps_stay_gaps() {
        let w = window();
        assert_eq!(w.present(), 2);
        assert_eq!(w.values()[2], None);
        assert_eq!(w.last(), Some((Timestamp::from_secs(240), 4.0)));
        assert_eq!(w.value_at(Timestamp::from_secs(119)), Some(1.0));
        assert_eq!(w.value_at(Timestamp::from_secs(59)), None);
        assert_eq!(w.coarsened(2).values(), &[Some(1.0), Some(4.0)]);
    }

    #[test]
    fn slices_at_slot_borders() {
        let s = window().slice(Timestamp::from_secs(120), Timestamp::from_secs(241));
        assert_eq!(s.start(), Timestamp::from_secs(120));
        assert_eq!(s.len(), 3);
        assert!(window().slice(Timestamp::from_secs(500), Timestamp::from_secs(600)).is_empty());
    }
}
