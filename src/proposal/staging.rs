//! In which steps a raise is made, and how long it waits between them: chosen before it is shown, part of what is approved.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Steps at most.
pub const MOST_STEPS: usize = 8;
/// Longest wait between two steps.
pub const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// Who chose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chosen {
    /// The configuration fixes it.
    Configured,
    /// It lost the least so far.
    Best,
    /// To learn how it does: another has lost less so far, but not surely.
    Tried,
    /// Time became short between the proposal and its approval: fewer steps than were shown.
    Hastened,
}

/// The steps of a raise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staging {
    /// Shares of the way at which a step ends, per cent, ascending; the last is 100.
    pub shares: Vec<u8>,
    /// Least time from one step's write to the next.
    pub wait: Duration,
    /// Who chose it.
    pub chosen: Chosen,
    /// Of how many that were possible.
    pub of: usize,
    /// Operations of the service that were made like this.
    pub n: usize,
    /// What the choice was drawn with: the same proposal and the same record give the same choice.
    pub seed: u64,
}

impl Staging {
    /// Steps of a configuration; `None` if they do not ascend to 100, or are too many.
    pub fn configured(shares: &[u8], wait: Duration) -> Option<Self> {
        let ascending = shares.is_sorted_by(|a, b| a < b) && shares.first().is_some_and(|s| *s > 0);
        let fits = shares.len() <= MOST_STEPS && shares.last() == Some(&100) && wait <= LONGEST_WAIT;
        (ascending && fits).then(|| Self {
            shares: shares.to_vec(),
            wait,
            chosen: Chosen::Configured,
            of: 1,
            n: 0,
            seed: 0,
        })
    }

    /// The values at which the steps end, on the way from `from` up to `to`: each once, rounded up, the last is `to`.
    pub fn stops(&self, from: u32, to: u32) -> Vec<u32> {
        let way = u64::from(to.saturating_sub(from));
        let stop = |share: &u8| from.saturating_add((way * u64::from(*share)).div_ceil(100) as u32).min(to);
        let mut stops: Vec<u32> = self.shares.iter().take(MOST_STEPS).map(stop).collect();
        stops.push(to);
        stops.dedup();
        stops.retain(|stop| *stop > from);
        stops
    }

    /// How long all of them take where one takes `lead`.
    pub fn takes(&self, (from, to): (u32, u32), lead: Duration) -> Duration {
        let steps = u32::try_from(self.stops(from, to).len()).unwrap_or(u32::MAX);
        (lead + self.wait).saturating_mul(steps)
    }

    /// The last of these steps, as many as there is still `room` for where one takes `lead`, the whole way at once if for none;
    /// `None` while all fit, or where somebody fixed them.
    pub fn hastened(&self, way: (u32, u32), room: Duration, lead: Duration) -> Option<Self> {
        let at_once = self.stops(way.0, way.1).len() < 2;
        if self.chosen == Chosen::Configured || at_once || self.takes(way, lead) < room {
            return None;
        }
        let mut fewer = Self { chosen: Chosen::Hastened, ..self.clone() };
        while fewer.shares.len() > 1 {
            fewer.shares.remove(0);
            if fewer.shares.len() > 1 && fewer.takes(way, lead) < room {
                return Some(fewer);
            }
        }
        Some(Self { wait: Duration::ZERO, ..fewer })
    }

    /// Whether every step of these is one of `other`, no further from the next in time.
    pub fn is_part_of(&self, other: &Self) -> bool {
        self.shares.iter().all(|share| other.shares.contains(share))
            && self.shares.last() == other.shares.last()
            && self.wait <= other.wait
    }

    /// `25/50/100`, with the wait where there is one.
    pub fn steps(&self) -> String {
        let shares: Vec<String> = self.shares.iter().map(u8::to_string).collect();
        let wait = match self.wait.as_secs() {
            0 => String::new(),
            seconds => format!(" %, {seconds} s apart"),
        };
        format!("{}{wait}", shares.join("/"))
    }

    /// `stages 25/50/100 chosen: best of 3 so far, n=6`.
    pub fn words(&self) -> String {
        let steps = self.steps();
        match self.chosen {
            Chosen::Configured => format!("stages {steps}, as configured"),
            Chosen::Hastened => format!("stages {steps}, fewer than were shown: time became short"),
            Chosen::Best => format!("stages {steps} chosen: best of {} so far, n={}", self.of, self.n),
            Chosen::Tried => {
                format!("stages {steps} chosen to learn how they do, one of {}, n={}", self.of, self.n)
            }
        }
    }

    /// What an approval binds of it.
    pub fn bound(&self) -> String {
        format!("{}@{}", self.steps(), self.wait.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn staging(shares: &[u8], wait: u64) -> Staging {
        Staging::configured(shares, Duration::from_secs(wait)).unwrap()
    }

    #[test]
    fn steps_end_on_the_way_and_at_its_end() {
        assert_eq!(staging(&[25, 50, 100], 0).stops(6, 11), [8, 9, 11]);
        assert_eq!(staging(&[100], 0).stops(6, 11), [11]);
        assert_eq!(staging(&[25, 50, 100], 0).stops(2, 3), [3], "one replica has one step");
        assert_eq!(staging(&[25, 50, 100], 0).stops(3, 3), [0u32; 0]);
        assert_eq!(staging(&[1, 100], 0).stops(0, u32::MAX), [42_949_673, u32::MAX]);
    }

    #[test]
    fn what_is_configured_ascends_to_the_whole() {
        for wrong in [&[][..], &[0, 100], &[50], &[50, 50, 100], &[100, 50], &[1, 2, 3, 4, 5, 6, 7, 8, 100]] {
            assert_eq!(Staging::configured(wrong, Duration::ZERO), None, "{wrong:?}");
        }
        assert_eq!(Staging::configured(&[100], Duration::from_secs(901)), None);
    }

    #[test]
    fn where_time_became_short_the_first_steps_go_until_the_rest_fits() {
        let minute = Duration::from_secs(60);
        let drawn = Staging { chosen: Chosen::Best, ..staging(&[25, 50, 100], 60) };
        let left = |minutes: u32| drawn.hastened((6, 14), minute * minutes, minute);
        assert_eq!(drawn.takes((6, 14), minute), minute * 6, "a lead and a wait each");
        assert_eq!(left(7), None);
        let two = left(6).unwrap();
        assert_eq!((two.shares.as_slice(), two.wait, two.chosen), (&[50, 100][..], minute, Chosen::Hastened));
        assert_eq!(two.words(), "stages 50/100 %, 60 s apart, fewer than were shown: time became short");
        for minutes in [4, 1, 0] {
            let once = left(minutes).unwrap();
            assert_eq!((once.shares.as_slice(), once.wait), (&[100][..], Duration::ZERO), "{minutes}");
            assert!(once.is_part_of(&drawn) && !drawn.is_part_of(&once));
        }
        assert!(two.is_part_of(&drawn) && !staging(&[75, 100], 0).is_part_of(&drawn));
        assert!(!staging(&[50, 100], 61).is_part_of(&drawn), "no longer wait than was shown");
        assert_eq!(
            drawn.hastened((6, 7), Duration::ZERO, minute),
            None,
            "one replica is made at once anyway"
        );
        let fixed = staging(&[25, 50, 100], 60);
        assert_eq!(fixed.hastened((6, 14), Duration::ZERO, minute), None, "somebody wants it like that");
    }

    #[test]
    fn it_is_said_in_one_line() {
        assert_eq!(staging(&[50, 100], 60).words(), "stages 50/100 %, 60 s apart, as configured");
        let best = Staging { chosen: Chosen::Best, of: 3, n: 6, ..staging(&[25, 50, 100], 0) };
        assert_eq!(best.words(), "stages 25/50/100 chosen: best of 3 so far, n=6");
        assert_ne!(staging(&[50, 100], 60).bound(), staging(&[50, 100], 0).bound());
    }
}
