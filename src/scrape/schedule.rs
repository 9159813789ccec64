//! When a target is polled next.

use std::time::Duration;

use crate::clock::Monotonic;

use super::ScrapeError;

/// Most intervals between tries of a target that does not answer: it is found again within two intervals.
const FAILING_INTERVALS: f64 = 1.8;

/// Most intervals between tries of a target that says it has too much to do.
const OVERLOADED_INTERVALS: f64 = 8.0;

/// Longest wait that back-off alone causes.
const LONGEST: Duration = Duration::from_secs(300);

/// Slots of an interval at least: targets that share one are asked and heard at one wake-up.
const SLOTS: u32 = 100;

/// Longest slot.
const SLOT: Duration = Duration::from_millis(100);

/// Interval, per-target offset and back-off. Durations are in the clock's time.
#[derive(Debug)]
pub(super) struct Schedule {
    interval: Duration,
    failures: u32,
    random: fastrand::Rng,
    first: bool,
}

impl Schedule {
    /// A schedule; `seed` differs between targets so that they do not move in step.
    pub(super) fn new(interval: Duration, seed: u64) -> Self {
        let interval = interval.max(Duration::from_millis(100));
        Self { interval, failures: 0, random: fastrand::Rng::with_seed(seed), first: true }
    }

    /// How long from `now` until the slot nearest to `due`. A target keeps its slot however late the wake-ups are.
    pub(super) fn until_slot(&self, now: Monotonic, due: Monotonic) -> Duration {
        let slot = self.slot().as_nanos().max(1);
        let nearest = (due.since_origin().as_nanos() + slot / 2) / slot * slot;
        let nearest = Duration::from_nanos(u64::try_from(nearest).unwrap_or(u64::MAX));
        Monotonic::from_duration(nearest).since(now)
    }

    /// A whole number of slots is an interval.
    fn slot(&self) -> Duration {
        let slots = self.interval.as_nanos().div_ceil(SLOT.as_nanos());
        self.interval / u32::try_from(slots).unwrap_or(u32::MAX).max(SLOTS)
    }

    /// Failures in a row.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// Time from the start of a successful poll to the start of the next. The first gap is shortened at random,
    /// which spreads targets that were all started at once; afterwards the target keeps its slot.
    pub(super) fn succeeded(&mut self) -> Duration {
        self.failures = 0;
        if std::mem::take(&mut self.first) {
            return self.interval.mul_f64(0.5 + 0.5 * self.random.f64());
        }
        self.interval
    }

    /// Time from the start of a failed poll to the start of the next. `asked` is the server's own wish.
    pub(super) fn failed(&mut self, error: &ScrapeError, asked: Option<Duration>) -> Duration {
        self.failures = self.failures.saturating_add(1);
        let most = if error.is_overload() { OVERLOADED_INTERVALS } else { FAILING_INTERVALS };
        let factor = 2f64.powi(self.failures.min(16) as i32 - 1).min(most);
        let wait = self.interval.mul_f64(factor).min(LONGEST.max(self.interval));
        // Up to a tenth more, so that many targets behind one broken proxy do not return together.
        let wait = wait.mul_f64(1.0 + 0.1 * self.random.f64());
        wait.max(asked.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrape::SourceId;

    const INTERVAL: Duration = Duration::from_secs(10);

    fn status(status: u16) -> ScrapeError {
        ScrapeError::Status { url: SourceId::new("http://h"), status, retry_after: None }
    }

    #[test]
    fn a_dead_target_is_tried_again_within_two_intervals() {
        let mut schedule = Schedule::new(INTERVAL, 1);
        for _ in 0..50 {
            let wait = schedule.failed(&status(500), None);
            assert!((INTERVAL..INTERVAL * 2).contains(&wait), "{wait:?}");
        }
        assert_eq!(schedule.failures(), 50);
        schedule.succeeded();
        assert_eq!(schedule.failures(), 0);
        assert_eq!(schedule.succeeded(), INTERVAL);
    }

    #[test]
    fn an_overloaded_target_is_left_alone_longer_but_not_forever() {
        let mut schedule = Schedule::new(INTERVAL, 1);
        let waits: Vec<_> = (0..20).map(|_| schedule.failed(&status(429), None)).collect();
        assert!(waits[0] < INTERVAL * 2);
        assert!(waits[2] >= INTERVAL * 4);
        assert!(waits[19] >= INTERVAL * 8 && waits[19] <= INTERVAL * 9);
        let asked = Duration::from_secs(120);
        assert_eq!(Schedule::new(INTERVAL, 2).failed(&status(429), Some(asked)), asked);
    }

    #[test]
    fn a_target_keeps_its_slot_however_late_it_is_woken() {
        for (interval, slot) in [(100, 1), (5_000, 50), (15_000, 100), (12_340, 100)] {
            let interval = Duration::from_millis(interval);
            let schedule = Schedule::new(interval, 1);
            assert!(schedule.slot() <= Duration::from_millis(slot), "{:?}", schedule.slot());
            let mut at = Monotonic::from_duration(Duration::from_millis(1_234_567));
            let mut slots = Vec::new();
            for late in [0, 3, 0, 9, 1] {
                let began = at;
                at = at.plus(schedule.until_slot(at, began.plus(interval)));
                slots.push(at.since_origin());
                at = at.plus(schedule.slot() * late / 20);
            }
            let kept =
                |w: &[Duration]| w[1].saturating_sub(w[0]).abs_diff(interval) < Duration::from_micros(1);
            assert!(slots.windows(2).all(kept), "{slots:?}");
        }
        let schedule = Schedule::new(INTERVAL, 1);
        let (due, now) = (Monotonic::from_duration(INTERVAL), Monotonic::from_duration(INTERVAL * 2));
        assert_eq!(schedule.until_slot(now, due), Duration::ZERO, "what is past is due now");
    }

    #[test]
    fn targets_do_not_move_in_step() {
        let first: Vec<_> = (0..8).map(|seed| Schedule::new(INTERVAL, seed).succeeded()).collect();
        assert!(first.iter().all(|gap| *gap >= INTERVAL / 2 && *gap <= INTERVAL));
        assert!(first.iter().collect::<std::collections::BTreeSet<_>>().len() > 6);
    }
}
