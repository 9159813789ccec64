//! Slow start: how much weight a new server has after how many steps, and when the next step is due. Pure.

use std::time::Duration;

use crate::clock::Monotonic;

use super::types::{Counters, Server, TrafficRules};

/// Weights that cannot be divided: below this a tenth is nothing.
pub(super) const LEAST_BASE: u32 = 10;
/// Failed requests within one step that say nothing.
const FEW: u64 = 3;

/// A new server on its way to its whole weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::execution) struct Warming {
    /// Steps it has been given; 0 before it is up.
    pub step: u32,
    /// When the last was given.
    pub at: Monotonic,
    /// Failed and all requests of the server, and of the old ones together, when the last was given.
    pub marks: Option<[(u64, u64); 2]>,
    /// Whether a weight of ours was seen on it.
    pub given: bool,
    /// Whether it gets no more weight for now, as it fails.
    pub held: bool,
}

impl Warming {
    /// Waiting to come up.
    pub const fn new(at: Monotonic) -> Self {
        Self { step: 0, at, marks: None, given: false, held: false }
    }
}

/// Weight after `step` of the steps of `rules`, of a server whose whole weight is `base`. At least 1: 0 would drain it.
pub(super) fn weight(rules: &TrafficRules, base: u32, step: u32) -> u32 {
    let steps = rules.steps.max(1);
    if step >= steps || rules.slow_start.is_zero() || base == 0 {
        return base;
    }
    let part = u64::from(base) * u64::from(step.max(1)) / u64::from(steps);
    u32::try_from(part).unwrap_or(base).clamp(1, base)
}

/// Whether the next step is due.
pub(super) fn is_due(rules: &TrafficRules, warming: &Warming, now: Monotonic) -> bool {
    warming.step == 0 || now.since(warming.at) >= pace(rules)
}

/// Time between two steps: the last one gives the whole weight at the end of the slow start.
pub(super) fn pace(rules: &TrafficRules) -> Duration {
    rules.slow_start / rules.steps.max(2).saturating_sub(1)
}

/// Failed and all requests; `None` unless the load balancer tells both.
pub(super) fn score(counters: &Counters) -> Option<(u64, u64)> {
    Some((counters.failed?.saturating_add(counters.cut.unwrap_or(0)), counters.total?))
}

/// The same of several servers together; `None` if one of them is not told.
pub(super) fn score_all<'a>(servers: impl Iterator<Item = &'a Server>) -> Option<(u64, u64)> {
    servers.map(|s| score(&s.counters)).try_fold((0_u64, 0_u64), |(failed, all), one| {
        let (f, a) = one?;
        Some((failed.saturating_add(f), all.saturating_add(a)))
    })
}

/// Why the next step has to wait: since the last one the server failed clearly more often than the old ones.
pub(super) fn held(marks: Option<[(u64, u64); 2]>, now: Option<[(u64, u64); 2]>) -> Option<String> {
    let ([new_then, old_then], [new, old]) = (marks?, now?);
    let since = |then: (u64, u64), now: (u64, u64)| {
        // A counter that went back was reset: nothing is known of that time.
        Some((now.0.checked_sub(then.0)?, now.1.checked_sub(then.1)?))
    };
    let share = |(failed, all): (u64, u64)| if all == 0 { 0.0 } else { failed as f64 / all as f64 };
    let (new, old) = (since(new_then, new)?, since(old_then, old)?);
    let worse = new.0 >= FEW && share(new) > share(old) * 2.0 + 0.05;
    worse.then(|| {
        format!("{} of {} requests failed, {:.0} % on old servers", new.0, new.1, share(old) * 100.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_rise_in_steps_to_the_whole_and_are_never_zero() {
        let rules = TrafficRules::default();
        let at = |base| (0..7).map(|step| weight(&rules, base, step)).collect::<Vec<_>>();
        assert_eq!(at(100), [20, 20, 40, 60, 80, 100, 100]);
        assert_eq!(at(10), [2, 2, 4, 6, 8, 10, 10]);
        assert_eq!(at(1), [1; 7], "never 0, which would drain it");
        assert_eq!(at(0), [0; 7], "what was configured to get nothing gets nothing");
        let at_once = TrafficRules { slow_start: Duration::ZERO, ..rules };
        assert_eq!(weight(&at_once, 100, 0), 100);
        let one = TrafficRules { steps: 1, ..rules };
        assert_eq!(weight(&one, 100, 1), 100);
        assert_eq!(weight(&TrafficRules { steps: 0, ..rules }, 256, 1), 256);
    }

    #[test]
    fn the_last_step_ends_the_slow_start() {
        let rules = TrafficRules::default();
        assert_eq!(pace(&rules) * 4, rules.slow_start);
        let at = |secs| Monotonic::from_duration(Duration::from_secs(secs));
        let warming = Warming { step: 1, ..Warming::new(at(100)) };
        assert!(!is_due(&rules, &warming, at(114)) && is_due(&rules, &warming, at(115)));
        assert!(is_due(&rules, &Warming::new(at(100)), at(100)), "the first step comes with the first sight");
    }

    #[test]
    fn a_server_that_fails_more_than_the_old_ones_waits() {
        let then = Some([(0, 0), (10, 1000)]);
        assert!(held(then, Some([(30, 100), (11, 1100)])).unwrap().contains("30 of 100"));
        assert_eq!(held(then, Some([(2, 2), (10, 1100)])), None, "too few to tell");
        assert_eq!(held(then, Some([(30, 100), (60, 1100)])), None, "the old ones fail as well");
        assert_eq!(held(then, Some([(0, 100), (10, 1100)])), None);
        assert_eq!(held(None, Some([(30, 100), (11, 1100)])), None, "missing counters say nothing");
        assert_eq!(held(then, Some([(30, 100), (1, 2)])), None, "a reset says nothing");
        let counters = Counters { failed: Some(3), total: None, ..Counters::default() };
        assert_eq!(score(&counters), None);
    }
}
