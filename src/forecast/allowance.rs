//! CPU time that renewing forecasts may take: a share of a core, saved up to a bound.

use std::time::Duration;

/// CPU time saved up at most: enough for the first fits of about two thousand series at once.
const MOST: Duration = Duration::from_secs(30);
/// Refits that can wait do while less than this share of [`MOST`] is saved: fans go first.
const AMPLE: f64 = 0.1;

/// A token bucket of CPU time.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// Share of a core, `0..1`; 1 and above is no limit.
    share: f64,
    /// Seconds saved; negative after work that took more than was there.
    saved: f64,
}

impl Allowance {
    /// A full bucket that fills at `share` of a core.
    pub fn new(share: f64) -> Self {
        Self { share: share.max(0.001), saved: MOST.as_secs_f64() }
    }

    /// So much machine time went by.
    pub fn pass(&mut self, elapsed: Duration) {
        self.saved = (self.saved + elapsed.as_secs_f64() * self.share).min(MOST.as_secs_f64());
    }

    /// So much CPU time was taken.
    pub fn spend(&mut self, cpu: Duration) {
        self.saved -= cpu.as_secs_f64();
    }

    /// How long to rest before the next piece of work; zero if it may begin.
    pub fn rest(&self) -> Duration {
        if self.share >= 1.0 || self.saved >= 0.0 {
            return Duration::ZERO;
        }
        Duration::try_from_secs_f64(-self.saved / self.share).unwrap_or(MOST)
    }

    /// Whether there is enough for work that could wait.
    pub fn is_ample(&self) -> bool {
        self.share >= 1.0 || self.saved >= MOST.as_secs_f64() * AMPLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_a_core_over_time() {
        let second = Duration::from_secs(1);
        let mut allowance = Allowance::new(0.25);
        assert!(allowance.is_ample());
        allowance.spend(second * 28);
        assert!(!allowance.is_ample() && allowance.rest().is_zero(), "what is saved may be used up");
        allowance.spend(second * 3);
        // One second too much is earned in four.
        assert_eq!(allowance.rest(), second * 4);
        allowance.pass(second * 4);
        assert_eq!(allowance.rest(), Duration::ZERO);
        // Work that never ends takes a quarter: 10 ms each, rested for as told.
        let (mut elapsed, mut worked) = (Duration::ZERO, Duration::ZERO);
        while elapsed < second * 60 {
            let (work, rest) = (Duration::from_millis(10), allowance.rest());
            allowance.pass(rest + work);
            allowance.spend(work);
            (elapsed, worked) = (elapsed + rest + work, worked + work);
        }
        let share = worked.as_secs_f64() / elapsed.as_secs_f64();
        assert!((share - 0.25).abs() < 0.01, "{share}");
        allowance.pass(second * 3600);
        allowance.spend(MOST);
        assert!(allowance.rest().is_zero() && !allowance.is_ample(), "no more than the bound is saved");
    }

    #[test]
    fn a_whole_core_never_rests() {
        let mut allowance = Allowance::new(1.0);
        allowance.spend(Duration::from_secs(1000));
        assert!(allowance.rest().is_zero() && allowance.is_ample());
    }
}
