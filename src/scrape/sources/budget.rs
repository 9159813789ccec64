//! What one server may be asked in a second, kept as debt that has to be waited off.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::{Clock, Monotonic};
use crate::scrape::Limits;

/// What may be spent at once after a time of rest, in seconds of the rates.
const BURST_S: f64 = 10.0;

/// History waits until this share of the burst is there again, so that polls find enough.
const KEPT_FOR_POLLS: f64 = 0.5;

/// Time constant of the rates that are shown.
const SHOWN_S: f64 = 60.0;

const REQUESTS: &str = "requests_per_s";

/// Names of the bounds, as in [`Limits`].
const NAMES: [&str; 3] = [REQUESTS, "points_per_s", "bytes_per_s"];

/// Requests, points and bytes a second: three buckets that fill at their rates. The size of an answer is known only
/// when it is there, so it is paid afterwards and may leave a debt; nothing is asked while there is one.
#[derive(Debug)]
pub(super) struct Budget {
    rates: [f64; 3],
    /// Network time is machine time; an accelerated fleet is entitled to its own speed.
    machine: Clock,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug)]
struct State {
    at: Monotonic,
    /// What is left; below zero is debt.
    left: [f64; 3],
    /// Spent a second, smoothed.
    rate: [f64; 3],
}

/// What has to be waited for.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Wait {
    time: Duration,
    limit: &'static str,
}

impl Budget {
    /// A full budget. `factor` is how many times faster than the machine the clock of the source runs.
    pub(super) fn new(limits: &Limits, factor: f64) -> Self {
        let factor = factor.max(1.0);
        let rates = [limits.requests_per_s, limits.points_per_s, limits.bytes_per_s];
        let rates = rates.map(|rate| rate.max(1) as f64 * factor);
        let machine = Clock::real();
        let state = State { at: machine.monotonic(), left: rates.map(|r| r * BURST_S), rate: [0.0; 3] };
        Self { rates, machine, state: Mutex::new(state) }
    }

    /// Waits until one request is affordable and takes it; the name of the bound that was waited for, if one was.
    pub(super) async fn admit(&self, background: bool) -> Option<&'static str> {
        let keep = if background { KEPT_FOR_POLLS } else { 0.0 };
        let mut waited = None;
        while let Some(wait) = self.with(|budget, state| budget.take(state, keep)) {
            waited = Some(wait.limit);
            tokio::time::sleep(wait.time).await;
        }
        waited
    }

    /// Books what an answer brought.
    pub(super) fn spend(&self, points: u64, bytes: u64) {
        self.with(|_, state| state.spend([0.0, points as f64, bytes as f64]));
    }

    /// The largest share of a rate that is used, over the last minute or so.
    pub(super) fn used(&self) -> f64 {
        self.with(|budget, state| {
            state.rate.iter().zip(budget.rates).map(|(used, rate)| used / rate).fold(0.0, f64::max)
        })
    }

    fn with<T>(&self, f: impl FnOnce(&Self, &mut State) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.refill(self.machine.monotonic(), &self.rates);
        f(self, &mut state)
    }

    /// Takes one request if every bucket holds more than `keep` of its burst, else says how long to wait.
    fn take(&self, state: &mut State, keep: f64) -> Option<Wait> {
        let lacking = state.left.iter().zip(self.rates).zip(NAMES).filter_map(|((left, rate), limit)| {
            let lack = (rate * BURST_S * keep).max(0.0) + f64::from(u8::from(limit == REQUESTS)) - left;
            (lack > 0.0)
                .then(|| Wait { time: Duration::from_secs_f64((lack / rate).clamp(0.001, 3600.0)), limit })
        });
        let wait = lacking.max_by_key(|wait| wait.time);
        if wait.is_none() {
            state.spend([1.0, 0.0, 0.0]);
        }
        wait
    }
}

impl State {
    fn refill(&mut self, now: Monotonic, rates: &[f64; 3]) {
        let passed = now.since(self.at).as_secs_f64();
        self.at = now;
        let faded = (-passed / SHOWN_S).exp();
        for ((left, shown), rate) in self.left.iter_mut().zip(&mut self.rate).zip(rates) {
            *left = (*left + passed * rate).min(rate * BURST_S);
            *shown *= faded;
        }
    }

    fn spend(&mut self, spent: [f64; 3]) {
        for ((left, shown), spent) in self.left.iter_mut().zip(&mut self.rate).zip(spent) {
            *left -= spent;
            *shown += spent / SHOWN_S;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: fn() -> Limits =
        || Limits { requests_per_s: 10, points_per_s: 1000, bytes_per_s: 1 << 20, ..Limits::default() };

    /// Takes at `secs` after the start.
    fn take(budget: &Budget, state: &mut State, secs: f64, keep: f64) -> Option<Wait> {
        state.refill(Monotonic::from_duration(Duration::from_secs_f64(secs)), &budget.rates);
        budget.take(state, keep)
    }

    fn fresh(budget: &Budget) -> State {
        State { at: Monotonic::default(), left: budget.rates.map(|r| r * BURST_S), rate: [0.0; 3] }
    }

    #[test]
    fn requests_keep_their_rate_after_a_burst() {
        let budget = Budget::new(&LIMITS(), 1.0);
        let mut state = fresh(&budget);
        let mut asked = 0;
        for tenth in 0..600 {
            while take(&budget, &mut state, f64::from(tenth) / 10.0, 0.0).is_none() {
                asked += 1;
            }
        }
        // A burst of ten seconds, and sixty seconds at ten a second.
        assert!((690..=700).contains(&asked), "{asked}");
    }

    #[test]
    fn a_large_answer_is_paid_before_the_next_question() {
        let budget = Budget::new(&LIMITS(), 1.0);
        let mut state = fresh(&budget);
        assert_eq!(take(&budget, &mut state, 0.0, 0.0), None);
        state.spend([0.0, 25_000.0, 10.0]);
        let wait = take(&budget, &mut state, 0.0, 0.0).unwrap();
        assert_eq!((wait.limit, wait.time.as_secs()), ("points_per_s", 15));
        assert!(take(&budget, &mut state, 14.9, 0.0).is_some());
        assert_eq!(take(&budget, &mut state, 15.1, 0.0), None);
        // History leaves half of the burst to polls.
        let wait = take(&budget, &mut state, 15.1, KEPT_FOR_POLLS).unwrap();
        assert_eq!(wait.limit, "points_per_s");
        assert_eq!(take(&budget, &mut state, 25.0, KEPT_FOR_POLLS), None);
    }

    #[tokio::test]
    async fn waiting_is_done_and_named() {
        let budget = Budget::new(&Limits { requests_per_s: 1000, ..LIMITS() }, 2.0);
        assert_eq!(budget.rates[0], 2000.0);
        assert_eq!(budget.admit(false).await, None);
        budget.spend(10, 1 << 20);
        assert!(budget.used() > 0.0 && budget.used() < 1.0);
    }
}
