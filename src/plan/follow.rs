//! Following demand a lead time ahead: how many replicas are worth it, given how sure the forecast is.
//!
//! A minute short costs `λ` pod-minutes, so that the count minimises `N + λ·P(demand > N·capacity)`: the newsvendor's
//! rule for whole pods. `λ` follows the share of minutes short that was achieved (adaptive conformal inference on the
//! planning loss: Gibbs and Candès 2021; Lekeufack et al. 2024, "Conformal decision theory").

use std::collections::VecDeque;

use crate::fleet::Replicas;
use crate::forecast::short::Ahead;

/// Bounds of what a minute short may cost, pod-minutes.
const WORTH: (f64, f64) = (1.0, 1e6);
/// First guess: this over the wanted share.
const FIRST: f64 = 0.4;
/// A minute short raises `λ` by this share of itself, at wanted shares up to [`RARE`]; less for more frequent ones.
const GAIN: f64 = 0.02;
const RARE: f64 = 0.002;
/// Share of a pod's capacity in use while nothing can be forecast yet.
const BLIND: f64 = 0.7;

/// Turns forecasts of one workload into replica counts.
#[derive(Clone, Debug)]
pub struct Follower {
    capacity: f64,
    hold: u64,
    wanted_short: f64,
    ln_worth: f64,
    /// Counts of the hold that may still be its largest.
    wanted: VecDeque<(u64, u32)>,
    slot: u64,
}

impl Follower {
    /// For pods of `capacity`, never going below what was wanted within the last `hold` slots, aiming at a share
    /// `wanted_short` of slots short of capacity (`0..1`).
    pub fn new(capacity: f64, hold: usize, wanted_short: f64) -> Self {
        let wanted_short = wanted_short.clamp(1e-6, 0.5);
        let ln_worth = (FIRST / wanted_short).clamp(WORTH.0, WORTH.1).ln();
        Self { capacity, hold: hold as u64, wanted_short, ln_worth, wanted: VecDeque::new(), slot: 0 }
    }

    /// What a minute short is worth now, pod-minutes.
    pub fn worth(&self) -> f64 {
        self.ln_worth.exp()
    }

    /// Learns whether a slot that was planned for was short.
    pub fn settle(&mut self, short: bool) {
        let gain = GAIN * (RARE / self.wanted_short).min(1.0);
        let missed = f64::from(u8::from(short)) - self.wanted_short;
        self.ln_worth = (self.ln_worth + gain * missed).clamp(WORTH.0.ln(), WORTH.1.ln());
    }

    /// Replicas wanted one lead from now: the most within the hold. `latest` is used where there is no forecast; with
    /// neither, the last count stays.
    pub fn want(&mut self, ahead: Option<Ahead<'_>>, latest: Option<f64>) -> u32 {
        self.slot += 1;
        let now = match (ahead, latest) {
            (Some(ahead), _) => cheapest(ahead, self.capacity, self.worth()),
            (None, Some(demand)) => count(demand / (self.capacity * BLIND)),
            (None, None) => self.wanted.front().map_or(1, |(_, n)| *n),
        };
        while self.wanted.back().is_some_and(|(_, n)| *n <= now) {
            self.wanted.pop_back();
        }
        self.wanted.push_back((self.slot, now));
        while self.wanted.front().is_some_and(|(slot, _)| slot + self.hold < self.slot) {
            self.wanted.pop_front();
        }
        self.wanted.front().map_or(now, |(_, n)| *n)
    }
}

/// `argmin N + worth·P(demand > N·capacity)`, at least 1.
fn cheapest(ahead: Ahead<'_>, capacity: f64, worth: f64) -> u32 {
    let middle = (ahead.value / capacity).floor().max(1.0);
    let spread = ahead.scale / capacity;
    // Past this no probability is worth another pod.
    let last = middle + 6.0 * worth.sqrt() + 50.0 + 20.0 * spread;
    let stride = (spread * 0.05).floor().max(1.0);
    let (mut best, mut least) = (1.0, f64::INFINITY);
    let mut n = (middle * 0.5).floor().max(1.0);
    while n <= last && n <= least {
        let cost = n + worth * ahead.above(n * capacity);
        if cost < least {
            (best, least) = (n, cost);
        }
        n += stride;
    }
    count(best)
}

fn count(n: f64) -> u32 {
    (n.ceil().max(1.0) as u32).min(Replicas::LIMIT)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::forecast::short::ShortLead;

    /// Uniform noise on 0..100.
    fn noisy() -> ShortLead {
        let mut short = ShortLead::new(Duration::from_secs(60), 4);
        let mut rng = fastrand::Rng::with_seed(5);
        (0..4000).for_each(|_| short.observe(Some(rng.f64() * 100.0)));
        short
    }

    #[test]
    fn dearer_minutes_buy_more_pods() {
        let short = noisy();
        let n = |worth| cheapest(short.ahead().unwrap(), 10.0, worth);
        // A tenth of the probability goes with each pod: worth it from ten pod-minutes a minute short on.
        assert!(n(2.0) <= 3, "{}", n(2.0));
        assert!((9..=11).contains(&n(60.0)), "{}", n(60.0));
        assert!(n(2.0) <= n(20.0) && n(20.0) <= n(2000.0));
    }

    #[test]
    fn the_wanted_share_is_reached() {
        let mut short = ShortLead::new(Duration::from_secs(60), 4);
        let mut follower = Follower::new(10.0, 0, 0.05);
        let mut planned: VecDeque<u32> = VecDeque::new();
        let (mut n, mut missed) = (0.0, 0.0);
        for t in 0..40_000_u64 {
            let demand = ((t * t * 31 + t * 7919) % 1009) as f64 / 10.0;
            short.observe(Some(demand));
            if planned.len() == 4
                && let Some(count) = planned.pop_front()
            {
                let is_short = demand > f64::from(count) * 10.0;
                follower.settle(is_short);
                if t > 20_000 {
                    n += 1.0;
                    missed += f64::from(u8::from(is_short));
                }
            }
            planned.push_back(follower.want(short.ahead(), Some(demand)));
        }
        assert!((missed / n - 0.05).abs() < 0.02, "{}", missed / n);
    }

    #[test]
    fn down_only_after_the_hold() {
        let mut follower = Follower::new(10.0, 3, 0.01);
        assert_eq!(follower.want(None, None), 1);
        assert_eq!(follower.want(None, Some(70.0)), 10);
        for _ in 0..3 {
            assert_eq!(follower.want(None, Some(7.0)), 10);
        }
        assert_eq!(follower.want(None, Some(7.0)), 1);
        assert_eq!(follower.want(None, Some(f64::INFINITY)), Replicas::LIMIT);
    }
}
