//! The other side of a burst: demand that has fallen below what is usual, as when something upstream fails.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::alarm::{HIGH, raised};
use super::episode::LONGEST_HOURS;
use super::learned::{Bursts, LEAST, Seen};
use crate::forecast::grid::median;
use crate::series::{Timestamp, Window};

/// Days that say what is usual.
const DAYS: u64 = 9;

/// Demand that lies below what is usual.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dip {
    /// Its first slot.
    pub since: Timestamp,
    /// Demand over what is usual, median since then; below 1.
    pub factor: f64,
}

/// The residuals the other way round, for a sum that grows when demand falls. Demand cannot fall by more than all of it,
/// so that the deviations of a noisy series leave no room for an alarm.
pub(super) fn turned(z: &[Option<f64>]) -> Vec<Option<f64>> {
    z.iter().map(|z| z.map(|z| -z)).collect()
}

impl Bursts {
    /// The dip that runs at `now`, if one does. The sum's height is calibrated as that of bursts is.
    pub fn dip(&self, history: &Window, now: Timestamp) -> Option<Dip> {
        let back = Duration::from_secs(LONGEST_HOURS as u64 * 3600);
        let mut seen = Seen::of(history, now, Duration::from_secs(DAYS * 86_400), back)?;
        seen.floored(self.floor);
        let residuals = seen.residuals();
        let z: Vec<Option<f64>> = residuals.iter().map(|r| r.map(|r| -r / self.sigma)).collect();
        let (start, alarm) = *raised(&z, self.down.height).last()?;
        let runs = z.get(alarm..)?.iter().flatten().all(|z| *z > HIGH);
        let depth = median(&mut residuals.get(start..)?.iter().flatten().copied().collect::<Vec<f64>>())?;
        if !runs || depth > -LEAST {
            return None;
        }
        let ago = u32::try_from(residuals.len() - 1 - start).unwrap_or(0);
        Some(Dip { since: seen.last - seen.step.saturating_mul(ago), factor: 1.0 + depth })
    }

    /// Alarms of the sum that looks down, a day, true dips of the past among them: at most as many are false.
    pub fn dips_per_day(&self) -> f64 {
        self.down.per_day
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_secs(300);

    /// Ten days with a daily wave and some noise; the last `low` slots are `share` of what is usual.
    fn history(low: usize, share: f64) -> Window {
        let mut rng = fastrand::Rng::with_seed(4);
        let n = 10 * 288;
        let value = |i: usize| {
            let wave = 100.0 + 40.0 * (i as f64 / 288.0 * std::f64::consts::TAU).sin();
            Some(wave * (0.95 + 0.1 * rng.f64()) * if i + low >= n { share } else { 1.0 })
        };
        Window::new(Timestamp::from_secs(1_750_032_000), STEP, (0..n).map(value))
    }

    fn found(low: usize, share: f64) -> Option<Dip> {
        let window = history(low, share);
        let now = window.end() - STEP;
        let learned = Bursts::learn(&window.slice(window.start(), now - STEP * 12), now - STEP * 12, 0.5)?;
        assert!(learned.dips_per_day() <= 0.5, "{}", learned.dips_per_day());
        learned.dip(&window, now)
    }

    #[test]
    fn a_fall_is_seen_with_its_beginning_and_depth() {
        let dip = found(8, 0.5).expect("half is gone for forty minutes");
        let window = history(8, 0.5);
        let since = window.end() - STEP * 8;
        assert!(dip.since.millis_since(since).abs() <= 600_000, "{dip:?} {since}");
        assert!((dip.factor - 0.5).abs() < 0.06, "{dip:?}");
    }

    #[test]
    fn what_is_usual_a_rise_and_a_small_fall_are_no_dip() {
        assert_eq!(found(8, 1.0), None);
        assert_eq!(found(8, 1.8), None);
        assert_eq!(found(8, 0.88), None);
    }
}
