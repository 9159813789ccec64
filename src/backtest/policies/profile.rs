//! Between which counts a workload moves at each time of day.

use std::collections::VecDeque;

/// Times of day that are told apart: every 15 minutes.
pub(super) const TIMES: usize = 96;
/// Days that are remembered.
const DAYS: usize = 7;
/// Room above the highest count seen.
const ROOM: f64 = 1.5;

/// Lowest and highest count of the last days by time of day.
#[derive(Debug)]
pub(super) struct Profile {
    times: Vec<VecDeque<(u32, u32)>>,
    latest: Option<usize>,
}

impl Profile {
    /// Nothing is known.
    pub fn new() -> Self {
        Self { times: vec![VecDeque::new(); TIMES], latest: None }
    }

    /// Takes in that `count` was wanted at `time` (`0..TIMES`).
    pub fn add(&mut self, time: usize, count: u32) {
        let entered = self.latest.replace(time) != Some(time);
        let Some(days) = self.times.get_mut(time) else { return };
        if entered {
            days.push_back((count, count));
            while days.len() > DAYS {
                days.pop_front();
            }
        } else if let Some((low, high)) = days.back_mut() {
            (*low, *high) = ((*low).min(count), (*high).max(count));
        }
    }

    /// Lowest and highest counts to expect at each time, neighbouring times included; `None` before a day was seen.
    pub fn expected(&self) -> Option<(Vec<u32>, Vec<u32>)> {
        let near = |time: usize| {
            [TIMES - 1, 0, 1].into_iter().filter_map(move |d| self.times.get((time + d) % TIMES)).flatten()
        };
        let low = (0..TIMES).map(|t| near(t).map(|(low, _)| *low).min()).collect::<Option<Vec<u32>>>()?;
        let high = (0..TIMES).map(|t| near(t).map(|(_, high)| *high).max()).collect::<Option<Vec<u32>>>()?;
        let room = |n: u32| ((f64::from(n) * ROOM).ceil() as u32).max(n + 1);
        Some((low, high.into_iter().map(room).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_of_the_last_week_with_room() {
        let mut profile = Profile::new();
        assert!(profile.expected().is_none());
        for day in 0..10 {
            for time in 0..TIMES {
                profile.add(time, if time == 40 && day != 1 { 10 } else { 4 });
                profile.add(time, 3);
            }
        }
        let (low, high) = profile.expected().unwrap();
        assert!(low.iter().all(|n| *n == 3));
        assert_eq!(&high[38..43], [6, 15, 15, 15, 6]);
    }
}
