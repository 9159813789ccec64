//! How long proposals wait for a person who looks, alone and with others at the same engine (`meaning.md` §5, pairing).

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::execution::judge;
use crate::proposal::ProposalId;
use crate::series::Timestamp;

/// Decisions below which nothing is said of a median: its 90 % interval would be about all that was seen.
pub const FEWEST: usize = 10;
/// What is counted.
const SPAN: Duration = Duration::from_secs(90 * 86_400);
/// Decisions remembered, and proposals that are left out.
const MOST: usize = 5_000;
const LEFT_OUT: usize = 5_000;

/// How long one proposal was on somebody's screen before it was decided.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waited {
    /// From when it was shown to somebody to the decision, seconds.
    pub seconds: f64,
    /// People who had a screen then, by user id.
    pub people: u32,
}

/// Waiting times of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Waits {
    /// Decisions.
    pub n: usize,
    /// Their median, seconds; `None` below [`FEWEST`].
    pub median: Option<f64>,
    /// Its 90 % interval, by order statistics: whatever the distribution is.
    pub interval: Option<(f64, f64)>,
}

/// Waiting times by whether somebody else looked too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DecisionPace {
    /// With one person at the screen.
    pub alone: Waits,
    /// With two or more.
    pub together: Waits,
    /// How much longer a decision takes together than alone, seconds, with its 95 % interval (Hodges and Lehmann 1963);
    /// negative if it is quicker. `None` while either kind has fewer than [`FEWEST`].
    pub effect: Option<(f64, (f64, f64))>,
}

/// Decisions and how long they took.
#[derive(Clone, Debug, Default)]
pub struct Tempo {
    waited: VecDeque<(Timestamp, Waited)>,
    left_out: BTreeSet<ProposalId>,
}

impl Tempo {
    /// Notes a decision.
    pub fn note(&mut self, at: Timestamp, waited: Waited) {
        if !(waited.seconds.is_finite() && waited.seconds >= 0.0) || waited.people == 0 {
            return;
        }
        if self.waited.len() >= MOST {
            self.waited.pop_front();
        }
        self.waited.push_back((at, waited));
    }

    /// Leaves a proposal out: somebody put it off, or made it a moment ago by an edit.
    pub fn leave_out(&mut self, id: &ProposalId) {
        if self.left_out.len() >= LEFT_OUT {
            self.left_out.pop_first();
        }
        self.left_out.insert(id.clone());
    }

    /// Whether a proposal counts. Asked once, when it is decided.
    pub fn counts(&mut self, id: &ProposalId) -> bool {
        !self.left_out.remove(id)
    }

    /// The last ninety days before `now`.
    pub fn pace(&self, now: Timestamp) -> DecisionPace {
        let of = |together: bool| -> Vec<f64> {
            let recent = self.waited.iter().filter(|(at, _)| now.since(*at) <= SPAN);
            recent.filter(|(_, w)| (w.people > 1) == together).map(|(_, w)| w.seconds).collect()
        };
        let (alone, together) = (of(false), of(true));
        let enough = alone.len() >= FEWEST && together.len() >= FEWEST;
        let shift = if enough { judge::shift(&alone, &together) } else { None };
        DecisionPace {
            alone: waits(alone),
            together: waits(together),
            effect: shift.map(|s| (s.estimate, s.interval)),
        }
    }
}

fn waits(mut seconds: Vec<f64>) -> Waits {
    let n = seconds.len();
    if n < FEWEST {
        return Waits { n, ..Waits::default() };
    }
    seconds.sort_by(f64::total_cmp);
    let at = |i: usize| seconds.get(i).copied();
    // The median lies between these with at least 90 %: `low` values or fewer below it have at most 5 % (binomial).
    let low = below(n, 0.05);
    Waits { n, median: Some(judge::median(&seconds)), interval: at(low).zip(at(n - 1 - low)) }
}

/// The largest `k` for which `k` or fewer of `n` tosses of a coin have at most `p`; 0 if none has.
fn below(n: usize, p: f64) -> usize {
    let mut chance = 0.5_f64.powi(i32::try_from(n).unwrap_or(i32::MAX));
    let mut sum = chance;
    if n > 900 {
        // Beyond what the powers of a half hold: the normal approximation, rounded outwards.
        return (n as f64 / 2.0 - 1.645 * (n as f64).sqrt() / 2.0 - 1.0).max(0.0) as usize;
    }
    let mut k = 0;
    while k < n / 2 {
        chance *= (n - k) as f64 / (k + 1) as f64;
        sum += chance;
        if sum > p {
            break;
        }
        k += 1;
    }
    k
}

impl Waits {
    /// `74 s (n=12, 90 % interval 40 s to 2 min)`, or how many are lacking.
    pub fn words(&self) -> String {
        match (self.median, self.interval) {
            (Some(median), Some((low, high))) => {
                format!("{} (n={}, 90 % interval {} to {})", told(median), self.n, told(low), told(high))
            }
            _ => format!("n={}, not enough: {FEWEST} are needed", self.n),
        }
    }
}

impl DecisionPace {
    /// As sentences; none before anything was measured.
    pub fn words(&self) -> Vec<String> {
        if self.alone.n + self.together.n == 0 {
            return Vec::new();
        }
        let mut lines = vec![
            format!("from shown to decided, alone: {}", self.alone.words()),
            format!("with somebody else attached: {}", self.together.words()),
        ];
        if let Some((shift, (low, high))) = self.effect {
            let verdict = if low > 0.0 {
                "slower"
            } else if high < 0.0 {
                "quicker"
            } else {
                "no difference that is more than chance"
            };
            lines.push(format!(
                "together against alone: {} (95 % interval {} to {}): {verdict}",
                signed(shift),
                signed(low),
                signed(high)
            ));
        }
        lines
    }
}

/// Seconds as people say them: `74 s`, `12 min`, `3 h`.
fn told(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.0} h", s / 3600.0),
    }
}

fn signed(seconds: f64) -> String {
    format!("{}{}", if seconds < 0.0 { "−" } else { "+" }, told(seconds.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> Timestamp {
        Timestamp::from_secs(day * 86_400)
    }

    fn tempo(alone: &[f64], together: &[f64]) -> Tempo {
        let mut tempo = Tempo::default();
        for (seconds, people) in alone.iter().map(|s| (*s, 1)).chain(together.iter().map(|s| (*s, 2))) {
            tempo.note(at(100), Waited { seconds, people });
        }
        tempo
    }

    #[test]
    fn too_few_say_how_many_are_lacking() {
        let pace = tempo(&[60.0; 9], &[30.0]).pace(at(100));
        assert_eq!((pace.alone.n, pace.alone.median, pace.effect), (9, None, None));
        assert_eq!(pace.words()[1], "with somebody else attached: n=1, not enough: 10 are needed");
        assert!(Tempo::default().pace(at(0)).words().is_empty(), "before anything was measured");
    }

    #[test]
    fn the_interval_of_the_median_is_of_order_statistics() {
        let ten: Vec<f64> = (1..=10).map(f64::from).collect();
        let waits = tempo(&ten, &[]).pace(at(100)).alone;
        // One of ten or fewer below the median: 11/1024 = 1.1 %; two or fewer: 5.5 %.
        assert_eq!((waits.median, waits.interval), (Some(5.5), Some((2.0, 9.0))));
        assert_eq!([1, 5, 8, 20, 901].map(|n| below(n, 0.05)), [0, 0, 1, 5, 424]);
    }

    #[test]
    fn a_pair_that_is_quicker_is_said_to_be_and_chance_is_not() {
        let alone: Vec<f64> = (0..12).map(|i| 100.0 + f64::from(i) * 7.0).collect();
        let quick: Vec<f64> = alone.iter().map(|s| s - 60.0).collect();
        let pace = tempo(&alone, &quick).pace(at(100));
        let (shift, (low, high)) = pace.effect.unwrap();
        assert!((shift + 60.0).abs() < 1e-9 && low < -60.0 && high < 0.0, "{shift} {low} {high}");
        let words = pace.words();
        assert!(
            words[0].starts_with("from shown to decided, alone: 2 min (n=12, 90 % interval"),
            "{words:?}"
        );
        assert!(
            words[2].starts_with("together against alone: −60 s") && words[2].ends_with("quicker"),
            "{words:?}"
        );
        let same = tempo(&alone, &alone).pace(at(100));
        assert!(same.words()[2].ends_with("no difference that is more than chance"));
    }

    #[test]
    fn what_is_old_was_put_off_or_cannot_be_is_not_counted() {
        let mut tempo = tempo(&[60.0; 12], &[]);
        assert_eq!(tempo.pace(at(190)).alone.n, 12);
        assert_eq!(tempo.pace(at(191)).alone.n, 0);
        tempo.note(at(100), Waited { seconds: f64::NAN, people: 1 });
        tempo.note(at(100), Waited { seconds: -1.0, people: 1 });
        tempo.note(at(100), Waited { seconds: 5.0, people: 0 });
        assert_eq!(tempo.pace(at(100)).alone.n, 12);
        let id = ProposalId::new("p-1");
        tempo.leave_out(&id);
        assert!(!tempo.counts(&id) && tempo.counts(&id));
        for i in 0..MOST + 20 {
            tempo.leave_out(&ProposalId::new(&format!("p-{i}")));
            tempo.note(at(100), Waited { seconds: 1.0, people: 1 });
        }
        assert!(tempo.left_out.len() <= LEFT_OUT && tempo.waited.len() <= MOST);
    }
}
