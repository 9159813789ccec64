//! What a history is made of, in words: `daily 0.81`, `level +18 % since Tue 14:05`.

use super::fan::Season;
use super::structure::Structure;
use crate::series::Timestamp;

/// Seasons that are named at most.
const SEASONS: usize = 3;

impl Season {
    /// `hourly`, `daily`, `weekly`, or the period: `every 8 h`, `every 3 days`.
    pub fn name(&self) -> String {
        let minutes = self.period.as_secs() / 60;
        match (self.days(), minutes) {
            (Some(1), _) => "daily".into(),
            (Some(7), _) => "weekly".into(),
            (Some(days), _) => format!("every {days} days"),
            (None, 60) => "hourly".into(),
            (None, m) if m > 0 && m.is_multiple_of(60) => format!("every {} h", m / 60),
            (None, m) if m > 0 => format!("every {m} min"),
            (None, _) => format!("every {} s", self.period.as_secs()),
        }
    }
}

impl Structure {
    /// Seasons with their strengths, trend and change of level, each a few words; `when` writes an instant for people.
    /// Empty where nothing was found.
    pub fn words(&self, when: impl FnOnce(Timestamp) -> String) -> Vec<String> {
        let seasons = self.seasons.iter().take(SEASONS);
        let mut words: Vec<String> = seasons.map(|s| format!("{} {:.2}", s.name(), s.strength)).collect();
        if let Some(trend) = self.trend {
            words.push(format!("trend {:+.1} % a day", trend * 100.0));
        }
        if let Some(change) = self.change {
            words.push(format!("level {:+.0} % since {}", (change.factor - 1.0) * 100.0, when(change.since)));
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::forecast::LevelChange;

    fn season(secs: u64, strength: f64) -> Season {
        Season { period: Duration::from_secs(secs), strength }
    }

    #[test]
    fn what_was_found_is_named() {
        let found = Structure {
            seasons: vec![season(86_400, 0.812), season(604_800, 0.34)],
            trend: Some(0.0123),
            change: Some(LevelChange { since: Timestamp::from_secs(0), factor: 1.18 }),
        };
        let words = found.words(|_| "Tue 14:05".into()).join(", ");
        assert_eq!(words, "daily 0.81, weekly 0.34, trend +1.2 % a day, level +18 % since Tue 14:05");
        assert!(Structure::default().words(|_| "never".into()).is_empty());
        let fallen = LevelChange { since: Timestamp::from_secs(0), factor: 0.6 };
        let fallen = Structure { change: Some(fallen), ..Structure::default() };
        assert_eq!(fallen.words(|_| "Mon".into()), ["level -40 % since Mon"]);
    }

    #[test]
    fn other_periods_are_told_in_their_largest_unit() {
        let names = [3600, 28_800, 900, 30, 259_200].map(|s| season(s, 0.5).name());
        assert_eq!(names, ["hourly", "every 8 h", "every 15 min", "every 30 s", "every 3 days"]);
    }
}
