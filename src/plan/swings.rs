//! Replicas that were taken away and brought back: an autoscaler that takes them away at the wrong time.

use std::collections::VecDeque;
use std::time::Duration;

use crate::series::Timestamp;

/// What was brought back within this was not spare.
const BACK: Duration = Duration::from_secs(15 * 60);
/// How far back swings are counted.
const WINDOW: Duration = Duration::from_secs(3600);
/// Changes remembered.
const MEMORY: usize = 128;

/// The changes of a count during the last hour. Bounded by their number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swings(VecDeque<(Timestamp, u32)>);

/// What came of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swing {
    /// How often replicas were taken away and brought back within a quarter of an hour, in the last hour.
    pub times: u32,
    /// The lowest count of these.
    pub low: u32,
    /// The highest count they came back to.
    pub high: u32,
}

impl Swings {
    /// Takes note of the count asked for now.
    pub fn observe(&mut self, now: Timestamp, count: u32) {
        if self.0.back().is_some_and(|(_, last)| *last == count) {
            return;
        }
        if self.0.len() >= MEMORY {
            self.0.pop_front();
        }
        self.0.push_back((now, count));
    }

    /// The swings of the last hour.
    pub fn lately(&self, now: Timestamp) -> Swing {
        let mut found = Swing::default();
        // The count before it fell, the lowest since, and when it began to fall.
        let mut fall: Option<(u32, u32, Timestamp)> = None;
        let mut last: Option<u32> = None;
        for (at, count) in self.0.iter().filter(|(at, _)| now.since(*at) <= WINDOW) {
            let fell = last.is_some_and(|l| *count < l);
            fall = match fall {
                Some((top, low, since)) if *count >= top => {
                    if at.since(since) <= BACK {
                        found.times += 1;
                        found.low = if found.times == 1 { low } else { found.low.min(low) };
                        found.high = found.high.max(*count);
                    }
                    None
                }
                Some((top, low, since)) => Some((top, low.min(*count), since)),
                None if fell => last.map(|top| (top, *count, *at)),
                None => None,
            };
            last = Some(*count);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn swings(counts: &[(u64, u32)]) -> Swing {
        let start = Timestamp::from_secs(1_700_000_000);
        let mut seen = Swings::default();
        for (minute, count) in counts {
            seen.observe(start + Duration::from_secs(60 * minute), *count);
        }
        seen.lately(start + Duration::from_secs(60 * 60))
    }

    #[test]
    fn what_comes_back_soon_is_a_swing_and_what_comes_back_late_is_not() {
        let up_and_down = [(0, 10), (5, 8), (7, 6), (12, 10), (20, 7), (26, 11), (40, 9), (44, 11)];
        assert_eq!(swings(&up_and_down), Swing { times: 3, low: 6, high: 11 });
        assert_eq!(swings(&[(0, 10), (5, 6), (25, 10)]), Swing::default(), "a valley of twenty minutes");
        assert_eq!(swings(&[(0, 10), (5, 8), (10, 6), (15, 4)]), Swing::default(), "an evening");
        assert_eq!(swings(&[(0, 4), (5, 8), (10, 9)]), Swing::default(), "a morning");
    }
}
