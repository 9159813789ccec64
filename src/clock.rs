//! The only reader of clocks: real, accelerated, paused, replayed.
//!
//! Wall time ([`Clock::now`]) is for people and for samples. Every wait, deadline, cool-down and expiry
//! uses [`Clock::monotonic`], which never jumps.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;

use crate::series::Timestamp;

/// Time since an arbitrary origin, never decreasing. Scaled like the wall clock it belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Monotonic(Duration);

impl Monotonic {
    /// From a duration since the origin (for tests and replay).
    pub const fn from_duration(since_origin: Duration) -> Self {
        Self(since_origin)
    }

    /// Time from `earlier` to `self`; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// Time since the clock's origin.
    pub const fn since_origin(self) -> Duration {
        self.0
    }

    /// This instant plus `duration`.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}

/// A shared clock. Cloning is cheap and clones agree.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Kind>);

#[derive(Debug)]
enum Kind {
    /// `factor` times as fast as the machine, from an anchor.
    Running { wall: WallAnchor, origin: std::time::Instant, factor: f64 },
    /// Stands still until told to move. The wall clock may have been stepped away from the monotonic one.
    Manual { start: AtomicI64, now: watch::Sender<i64>, stepped: AtomicI64 },
}

#[derive(Debug)]
enum WallAnchor {
    /// The machine's wall clock, steps included.
    Machine,
    /// A fixed start plus scaled monotonic time.
    Fixed(RwLock<Timestamp>),
}

impl Clock {
    /// The machine's clock.
    pub fn real() -> Self {
        Self(Arc::new(Kind::Running { wall: WallAnchor::Machine, origin: instant_now(), factor: 1.0 }))
    }

    /// Starts at `start` and runs `factor` times as fast as the machine (`factor` is clamped to 0.001..=10 000).
    pub fn accelerated(start: Timestamp, factor: f64) -> Self {
        let factor = if factor.is_finite() { factor.clamp(0.001, 10_000.0) } else { 1.0 };
        let wall = WallAnchor::Fixed(RwLock::new(start));
        Self(Arc::new(Kind::Running { wall, origin: instant_now(), factor }))
    }

    /// Stands at `start` until [`Clock::advance`] or [`Clock::seek`]: tests and replay.
    pub fn paused(start: Timestamp) -> Self {
        let (now, _) = watch::channel(start.as_millis());
        let start = AtomicI64::new(start.as_millis());
        Self(Arc::new(Kind::Manual { start, now, stepped: AtomicI64::new(0) }))
    }

    /// Wall time, for people and samples.
    pub fn now(&self) -> Timestamp {
        match &*self.0 {
            Kind::Running { wall: WallAnchor::Machine, .. } => machine_wall(),
            Kind::Running { wall: WallAnchor::Fixed(start), origin, factor } => {
                let start = *start.read().unwrap_or_else(PoisonError::into_inner);
                start + scaled(*origin, *factor)
            }
            Kind::Manual { now, stepped, .. } => {
                Timestamp::from_millis(now.borrow().saturating_add(stepped.load(Ordering::Relaxed)))
            }
        }
    }

    /// Monotonic time, for waits, deadlines and expiry.
    pub fn monotonic(&self) -> Monotonic {
        match &*self.0 {
            Kind::Running { origin, factor, .. } => Monotonic(scaled(*origin, *factor)),
            Kind::Manual { start, now, .. } => {
                let elapsed = now.borrow().saturating_sub(start.load(Ordering::Relaxed));
                Monotonic(Duration::from_millis(u64::try_from(elapsed).unwrap_or(0)))
            }
        }
    }

    /// How many times faster than the machine this clock runs (0 when it stands still).
    pub fn factor(&self) -> f64 {
        match &*self.0 {
            Kind::Running { factor, .. } => *factor,
            Kind::Manual { .. } => 0.0,
        }
    }

    /// Waits `duration` of this clock's time. On a paused clock: until it was advanced that far.
    pub async fn sleep(&self, duration: Duration) {
        match &*self.0 {
            Kind::Running { factor, .. } => tokio::time::sleep(duration.div_f64(*factor)).await,
            Kind::Manual { now, .. } => {
                let target =
                    now.borrow().saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX));
                let mut changes = now.subscribe();
                // The sender lives in `self`, so waiting can only end by reaching the target.
                let _ = changes.wait_for(|now| *now >= target).await;
            }
        }
    }

    /// Moves a paused clock forward. No effect on a running one.
    pub fn advance(&self, by: Duration) {
        if let Kind::Manual { now, .. } = &*self.0 {
            now.send_modify(|t| *t = t.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)));
        }
    }

    /// Steps the wall time of a paused clock by `millis`, either way; monotonic time does not see it.
    pub fn step_wall(&self, millis: i64) {
        if let Kind::Manual { stepped, .. } = &*self.0 {
            stepped.fetch_add(millis, Ordering::Relaxed);
        }
    }

    /// Puts a paused clock at `to`, also backwards (replay). Monotonic time restarts from there if it would go back.
    pub fn seek(&self, to: Timestamp) {
        if let Kind::Manual { start, now, .. } = &*self.0 {
            start.fetch_min(to.as_millis(), Ordering::Relaxed);
            now.send_replace(to.as_millis());
        }
    }
}

/// How much of a core the thread it lives on takes.
#[derive(Debug)]
pub struct Meter {
    since: std::time::Instant,
    cpu: Duration,
    share: Option<f64>,
}

/// Shorter than this a share would jump with every piece of work.
const METERED: Duration = Duration::from_secs(10);

impl Meter {
    /// Begins to measure the calling thread.
    pub fn start() -> Self {
        Self { since: instant_now(), cpu: thread_cpu(), share: None }
    }

    /// Share of a core that the calling thread took in the last ten seconds or more, as far as that is known.
    pub fn share(&mut self) -> Option<f64> {
        let elapsed = instant_now().saturating_duration_since(self.since);
        if elapsed >= METERED {
            let cpu = thread_cpu();
            self.share = Some(cpu.saturating_sub(self.cpu).as_secs_f64() / elapsed.as_secs_f64());
            (self.since, self.cpu) = (instant_now(), cpu);
        }
        self.share
    }

    /// CPU time of the calling thread since it began.
    pub fn spent(&self) -> Duration {
        thread_cpu()
    }
}

/// CPU time of the calling thread.
fn thread_cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clocks")]
fn machine_wall() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clocks")]
fn instant_now() -> std::time::Instant {
    std::time::Instant::now()
}

fn scaled(origin: std::time::Instant, factor: f64) -> Duration {
    instant_now().saturating_duration_since(origin).mul_f64(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn paused_clock_moves_only_when_told() {
        let clock = Clock::paused(Timestamp::from_secs(1000));
        let sleeper = {
            let c = clock.clone();
            tokio::spawn(async move { c.sleep(Duration::from_secs(10)).await })
        };
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(9));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(1));
        sleeper.await.unwrap();
        assert_eq!(clock.now(), Timestamp::from_secs(1010));
        assert_eq!(clock.monotonic(), Monotonic::from_duration(Duration::from_secs(10)));
    }

    #[tokio::test]
    async fn accelerated_clock_scales_both_times() {
        let clock = Clock::accelerated(Timestamp::from_secs(0), 1000.0);
        clock.sleep(Duration::from_secs(20)).await;
        assert!(clock.now() >= Timestamp::from_secs(20));
        assert!(clock.monotonic() >= Monotonic::from_duration(Duration::from_secs(20)));
    }
}
