//! What keeping forecasts fresh takes.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::series::Timestamp;

const HOUR_MINUTES: i64 = 60;

/// How fresh the forecasts are, and what that costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// Full fits in the last hour.
    pub fits: usize,
    /// Fans issued in the last hour.
    pub fans: usize,
    /// When the oldest of the latest fans was issued.
    pub oldest: Option<Timestamp>,
    /// Series whose fan is due and not renewed yet.
    pub waiting: usize,
    /// Series whose fit is overdue: they are forecast by their last one.
    pub put_off: usize,
    /// Share of a core taken lately; `None` before it was measured.
    pub busy: Option<f64>,
    /// Share of a core allowed; 1 is no limit.
    pub budget: f64,
}

impl Load {
    /// `fits 312/h, fans 7204/h, oldest fan 4 min, 6.0 % of a core of 25 % allowed`.
    pub fn sentence(&self, now: Timestamp) -> String {
        let mut text = format!("fits {}/h, fans {}/h", self.fits, self.fans);
        if let Some(oldest) = self.oldest {
            let age = now.since(oldest).as_secs();
            let age = if age < 120 { format!("{age} s") } else { format!("{} min", age / 60) };
            text.push_str(&format!(", oldest fan {age}"));
        }
        if let Some(busy) = self.busy {
            text.push_str(&format!(", {:.1} % of a core", busy * 100.0));
            if self.budget < 1.0 {
                text.push_str(&format!(" of {:.0} % allowed", self.budget * 100.0));
            }
        }
        if self.put_off > 0 {
            text.push_str(&format!(", {} refits put off", self.put_off));
        }
        text
    }
}

/// Counts of the last hour.
#[derive(Clone, Debug, Default)]
pub struct Hourly {
    minutes: VecDeque<(i64, usize, usize)>,
}

impl Hourly {
    /// A fan was issued at `now`, after a full fit or not.
    pub fn note(&mut self, now: Timestamp, fitted: bool) {
        let minute = now.as_millis().div_euclid(60_000);
        if self.minutes.back().is_none_or(|(m, _, _)| *m != minute) {
            self.minutes.push_back((minute, 0, 0));
        }
        if let Some((_, fits, fans)) = self.minutes.back_mut() {
            (*fits, *fans) = (*fits + usize::from(fitted), *fans + 1);
        }
        self.minutes.retain(|(m, _, _)| (minute - HOUR_MINUTES + 1..=minute).contains(m));
    }

    /// Fits and fans in the hour up to `now`.
    pub fn counts(&self, now: Timestamp) -> (usize, usize) {
        let hour = Duration::from_secs(3600);
        let first = (now - hour).as_millis().div_euclid(60_000);
        let lately = self.minutes.iter().filter(|(m, _, _)| *m > first);
        lately.fold((0, 0), |(fits, fans), (_, a, b)| (fits + a, fans + b))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_counted_and_told() {
        let at = |minutes: i64| Timestamp::from_secs(1_000_000 * 60 + minutes * 60);
        let mut hourly = Hourly::default();
        (0..90).for_each(|m| hourly.note(at(m), m % 30 == 0));
        assert_eq!(hourly.counts(at(89)), (2, 60));
        assert_eq!(hourly.counts(at(119)), (1, 30));
        assert_eq!(hourly.counts(at(500)), (0, 0));
        let load = Load {
            fits: 312,
            fans: 7204,
            oldest: Some(at(0)),
            busy: Some(0.06),
            budget: 0.25,
            ..Load::default()
        };
        assert_eq!(
            load.sentence(at(4)),
            "fits 312/h, fans 7204/h, oldest fan 4 min, 6.0 % of a core of 25 % allowed"
        );
        let behind = Load { put_off: 3, busy: None, ..load };
        assert_eq!(behind.sentence(at(1)), "fits 312/h, fans 7204/h, oldest fan 60 s, 3 refits put off");
    }
}
