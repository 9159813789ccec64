//! What a service's own forecast and that by shapes lost, kept over restarts, and what that proves.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::forecast::LeadScore;
use crate::forecast::pooled::Losses;

use super::{DAY, LEADS, SCORED, SPACING, STRETCH};

/// Ranges of leads kept of one service at most.
const RANGES: usize = 16;
/// Points that are believed of a record at most.
const POINTS: f64 = 100_000.0;
/// Shapes have proved right where they lost so much less than the service's own forecast, in so much of a stretch of time:
/// of a young service there is no more.
const BETTER: f64 = 0.95;
const STRETCHES: f64 = 0.5;
/// What proved right so far ahead is believed so many times as far.
const FARTHER: u32 = 4;
/// The 90 % band of what was borrowed must hold so many values, where so many came.
const HELD: f64 = 0.75;
const CAME: f64 = 24.0;

/// What both forecasts of a service lost over the same points of one range of leads.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Lost {
    /// The longest lead of the range.
    pub up_to: Duration,
    /// Points that came true.
    pub n: f64,
    /// Weighted quantile loss of its own forecast.
    pub own: f64,
    /// The same by shapes.
    pub told: f64,
}

/// How the band of a lengthened fan did in one range of leads.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Band {
    /// The longest lead of the range.
    pub up_to: Duration,
    /// Points that came true.
    pub n: f64,
    /// The share of them within the 90 % band.
    pub held: f64,
}

/// What is known of the forecasts of one service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// By range of leads, ascending.
    pub lost: Vec<Lost>,
    /// Of lengthened fans.
    #[serde(default)]
    pub bands: Vec<Band>,
}

impl Record {
    /// Of the scores of three ledgers: its own forecasts, those by shapes, the lengthened ones.
    pub fn of(own: &[LeadScore], told: &[LeadScore], longer: &[LeadScore]) -> Self {
        let lost = told.iter().filter_map(|told| {
            let own = own.iter().find(|s| s.up_to == told.up_to)?;
            Some(Lost { up_to: told.up_to, n: told.n as f64, own: own.wql?, told: told.wql? })
        });
        // The 90 % band is the third of `forecast::BANDS`.
        let band = |s: &LeadScore| {
            Some(Band { up_to: s.up_to, n: s.n as f64, held: s.coverage.get(2).copied().flatten()? })
        };
        Self { lost: lost.collect(), bands: longer.iter().filter_map(band).collect() }
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.lost.is_empty() && self.bands.is_empty()
    }

    /// What a file says, within bounds: finite, in order, no more ranges than there are.
    pub fn sound(mut self) -> Self {
        let fine = |n: f64, values: [f64; 2]| {
            n > 0.0 && n <= POINTS && values.iter().all(|v| (0.0..=1e6).contains(v))
        };
        self.lost.retain(|l| fine(l.n, [l.own, l.told]));
        self.bands.retain(|b| fine(b.n, [b.held, b.held]));
        self.lost.truncate(RANGES);
        self.bands.truncate(RANGES);
        self.lost.sort_by_key(|l| l.up_to);
        self.bands.sort_by_key(|b| b.up_to);
        self
    }

    /// What is left of it after `age`: a run scores what was issued in the last two days, and so much counts after a restart.
    pub fn aged(&self, age: Duration) -> Self {
        let left = 1.0 - age.as_secs_f64() / SCORED.as_secs_f64();
        if left <= 0.0 {
            return Self::default();
        }
        Self {
            lost: self.lost.iter().map(|l| Lost { n: l.n * left, ..*l }).collect(),
            bands: self.bands.iter().map(|b| Band { n: b.n * left, ..*b }).collect(),
        }
    }

    /// Both, by the points that stand behind each.
    pub fn and(&self, other: &Self) -> Self {
        let mean = |a: (f64, f64), b: (f64, f64)| (a.0 * a.1 + b.0 * b.1) / (a.0 + b.0);
        let mut both = self.clone();
        for l in &other.lost {
            match both.lost.iter_mut().find(|known| known.up_to == l.up_to) {
                Some(k) => {
                    let (own, told) = (mean((k.n, k.own), (l.n, l.own)), mean((k.n, k.told), (l.n, l.told)));
                    *k = Lost { up_to: l.up_to, n: k.n + l.n, own, told };
                }
                None => both.lost.push(*l),
            }
        }
        for b in &other.bands {
            match both.bands.iter_mut().find(|known| known.up_to == b.up_to) {
                Some(k) => {
                    *k = Band { held: mean((k.n, k.held), (b.n, b.held)), n: k.n + b.n, up_to: b.up_to }
                }
                None => both.bands.push(*b),
            }
        }
        both.lost.sort_by_key(|l| l.up_to);
        both.bands.sort_by_key(|b| b.up_to);
        both
    }

    /// What both forecasts lost in the range of leads that `lead` is in, or in the longest below it that came true, which
    /// counts the less the shorter it is; `None` before any of it came true.
    pub fn losses(&self, lead: Duration) -> Option<Losses> {
        let l = self.lost.iter().find(|l| l.up_to >= lead).or_else(|| self.lost.last())?;
        let reach = l.up_to.as_secs_f64() / l.up_to.max(lead).as_secs_f64().max(1.0);
        Some(Losses { own: l.own, told: l.told, stretches: stretches(l) * reach })
    }

    /// How far ahead shapes may speak alone, of a service whose own forecast ends `own` ahead: some times as far as they
    /// proved better than that, a day at most, and not where the bands of what was borrowed did not hold. And what they lost
    /// where they proved it.
    pub fn reach(&self, own: Duration) -> Option<(Duration, f64)> {
        let proved = |l: &&Lost| l.told < l.own * BETTER && stretches(l) >= STRETCHES;
        let best = self.lost.iter().filter(proved).max_by_key(|l| l.up_to)?;
        let proved = best.up_to;
        // Where the longest leads that came true say otherwise, the shorter ones prove nothing of longer ones.
        let refuted = |l: &Lost| l.up_to > proved && l.told > l.own && stretches(l) >= STRETCHES / 2.0;
        if self.lost.iter().any(refuted) {
            return None;
        }
        let mut reach = proved.saturating_mul(FARTHER).min(DAY);
        let mut before = own;
        for band in self.bands.iter().filter(|b| b.up_to > own) {
            if band.n >= CAME && band.held < HELD {
                reach = reach.min(before);
                break;
            }
            before = band.up_to;
        }
        (reach > own).then_some((reach, best.told))
    }
}

/// Independent stretches of time behind a score.
fn stretches(l: &Lost) -> f64 {
    SPACING.as_secs_f64() * (l.n / LEADS) / l.up_to.max(STRETCH).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn lost(hours: u32, n: f64, own: f64, told: f64) -> Lost {
        Lost { up_to: HOUR * hours, n, own, told }
    }

    fn band(hours: u32, n: f64, held: f64) -> Band {
        Band { up_to: HOUR * hours, n, held }
    }

    #[test]
    fn what_was_lost_tells_once_it_came_true() {
        let record = Record { lost: vec![lost(1, 36.0, 0.1, 0.3), lost(4, 72.0, 0.4, 0.2)], bands: vec![] };
        let at = |lead| record.losses(lead).map(|l| (l.own, l.told, l.stretches)).unwrap();
        assert_eq!(at(HOUR * 3), (0.4, 0.2, 1.0), "24 fans, ten minutes apart, four hours ahead");
        assert_eq!(at(HOUR / 12).1, 0.3);
        assert_eq!(at(HOUR * 8), (0.4, 0.2, 0.5), "what is nearer tells something of what is farther");
        assert!(Record::default().losses(HOUR).is_none());
    }

    #[test]
    fn only_what_proved_better_speaks_for_longer() {
        let of = |rows: &[Lost]| Record { lost: rows.to_vec(), bands: vec![] };
        let good = lost(2, 60.0, 0.3, 0.15);
        assert_eq!(of(&[good]).reach(HOUR * 3).map(|(reach, _)| reach), Some(HOUR * 8));
        assert_eq!(of(&[good]).reach(HOUR * 9).map(|(reach, _)| reach), None, "its own fan reaches farther");
        assert_eq!(of(&[lost(8, 200.0, 0.3, 0.15)]).reach(HOUR * 9).map(|(reach, _)| reach), Some(DAY));
        // Little came true; hardly better; worse farther ahead; nothing at all.
        assert_eq!(of(&[lost(2, 15.0, 0.3, 0.15)]).reach(HOUR * 3).map(|(reach, _)| reach), None);
        assert_eq!(of(&[lost(2, 60.0, 0.3, 0.29)]).reach(HOUR * 3).map(|(reach, _)| reach), None);
        assert_eq!(of(&[good, lost(4, 60.0, 0.2, 0.3)]).reach(HOUR * 5).map(|(reach, _)| reach), None);
        assert_eq!(Record::default().reach(HOUR), None);
    }

    #[test]
    fn bands_that_do_not_hold_end_what_is_borrowed() {
        let of = |bands: &[Band]| Record { lost: vec![lost(4, 100.0, 0.3, 0.1)], bands: bands.to_vec() };
        assert_eq!(
            of(&[band(8, 50.0, 0.95), band(16, 50.0, 0.9)]).reach(HOUR * 5).map(|(reach, _)| reach),
            Some(HOUR * 16)
        );
        assert_eq!(
            of(&[band(8, 50.0, 0.95), band(16, 50.0, 0.4)]).reach(HOUR * 5).map(|(reach, _)| reach),
            Some(HOUR * 8)
        );
        assert_eq!(of(&[band(8, 50.0, 0.4)]).reach(HOUR * 5).map(|(reach, _)| reach), None);
        assert_eq!(
            of(&[band(8, 5.0, 0.0)]).reach(HOUR * 5).map(|(reach, _)| reach),
            Some(HOUR * 16),
            "five values say nothing"
        );
        assert_eq!(
            of(&[band(4, 50.0, 0.1)]).reach(HOUR * 5).map(|(reach, _)| reach),
            Some(HOUR * 16),
            "its own part is not borrowed"
        );
    }

    #[test]
    fn two_runs_count_by_their_points_and_age() {
        let a = Record { lost: vec![lost(1, 30.0, 0.2, 0.4)], bands: vec![band(1, 10.0, 1.0)] };
        let b = Record {
            lost: vec![lost(1, 10.0, 0.6, 0.0), lost(2, 5.0, 0.1, 0.1)],
            bands: vec![band(1, 30.0, 0.6)],
        };
        let both = a.and(&b);
        assert_eq!(both.lost[0].n, 40.0);
        assert!((both.lost[0].own - 0.3).abs() < 1e-12 && (both.lost[0].told - 0.3).abs() < 1e-12);
        assert_eq!(both.lost[1], lost(2, 5.0, 0.1, 0.1));
        assert!((both.bands[0].held - 0.7).abs() < 1e-12);
        assert_eq!(a.aged(SCORED / 2).lost[0].n, 15.0);
        assert!(a.aged(SCORED).is_empty() && !a.aged(Duration::ZERO).is_empty());
    }

    #[test]
    fn what_cannot_be_is_not_believed() {
        let odd = Record {
            lost: vec![
                lost(2, f64::NAN, 0.1, 0.1),
                lost(1, 3.0, -1.0, 0.1),
                lost(4, 9.0, 0.1, f64::INFINITY),
            ],
            bands: vec![band(1, 1e300, 0.5), band(3, 4.0, 0.5), band(2, 4.0, 0.5)],
        };
        assert_eq!(odd.sound(), Record { lost: vec![], bands: vec![band(2, 4.0, 0.5), band(3, 4.0, 0.5)] });
        let many = Record { lost: (1..100).map(|h| lost(h, 1.0, 0.1, 0.1)).collect(), bands: vec![] };
        assert_eq!(many.sound().lost.len(), RANGES);
    }
}
