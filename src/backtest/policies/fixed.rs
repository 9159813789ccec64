//! A count that never changes.

use crate::backtest::{Policy, Seen, Trace};

/// As many pods as the highest demand before the test needed.
#[derive(Clone, Copy, Debug)]
pub struct Fixed(u32);

impl Fixed {
    /// For `trace`.
    pub fn new(trace: &Trace) -> Self {
        let before = trace.window.values().get(..trace.test).unwrap_or(&[]);
        Self(trace.need(before.iter().flatten().copied().fold(0.0, f64::max)))
    }
}

impl Policy for Fixed {
    fn begins(&self, trace: &Trace) -> usize {
        trace.test.saturating_sub(trace.lag())
    }

    fn decide(&mut self, _: &Seen) -> u32 {
        self.0
    }
}
