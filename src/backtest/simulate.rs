//! The simulated fleet.

use std::collections::VecDeque;

use crate::series::Timestamp;

use super::Trace;
use super::figures::{Books, Figures};

/// A slot that is over, as a policy sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// Its number in the trace.
    pub slot: usize,
    /// Its begin.
    pub at: Timestamp,
    /// Demand in it; `None` if nobody measured.
    pub demand: Option<f64>,
    /// Pods that served in it.
    pub serving: u32,
    /// Pods asked for last.
    pub asked: u32,
}

/// Something that scales.
pub trait Policy {
    /// The first slot it wants to see; warm-up, not scored.
    fn begins(&self, trace: &Trace) -> usize;
    /// Pods asked for from one lead on.
    fn decide(&mut self, seen: &Seen) -> u32;
    /// Slots at which a person decided something.
    fn decisions(&self) -> &[usize] {
        &[]
    }
}

/// Replays `trace` and scores its test.
pub fn simulate(trace: &Trace, policy: &mut dyn Policy) -> Figures {
    simulate_with(trace, policy, &mut |_, _| {})
}

/// As [`simulate`]; `watch` is given each slot and the pods that served in it.
pub(super) fn simulate_with(
    trace: &Trace,
    policy: &mut dyn Policy,
    watch: &mut dyn FnMut(usize, u32),
) -> Figures {
    let begin = policy.begins(trace).min(trace.test);
    let values = trace.window.values();
    let first = values.get(begin..).and_then(|v| v.iter().flatten().next()).copied().unwrap_or(0.0);
    let mut asked = trace.need(first);
    // What was asked for and is still to come, the next slot's first.
    let mut coming: VecDeque<u32> = std::iter::repeat_n(asked, trace.lag()).collect();
    let mut books = Books::default();
    for (slot, demand) in values.iter().copied().enumerate().skip(begin) {
        let serving = coming.pop_front().unwrap_or(asked);
        watch(slot, serving);
        if slot >= trace.test {
            books.add(trace, demand, serving);
        }
        asked = policy.decide(&Seen { slot, at: trace.window.at(slot), demand, serving, asked });
        coming.push_back(asked);
    }
    let mut days = vec![0; (values.len() - trace.test).div_ceil(trace.day())];
    for slot in policy.decisions().iter().filter_map(|s| s.checked_sub(trace.test)) {
        if let Some(day) = days.get_mut(slot / trace.day()) {
            *day += 1;
        }
    }
    books.close(trace, &days)
}
