//! How much each person decides: fatigue is measured before it is felt.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::series::Timestamp;

/// What is counted.
const WEEK: Duration = Duration::from_secs(7 * 86_400);
/// Decisions remembered of one person.
const EACH: usize = 5_000;
/// People remembered.
const PEOPLE: usize = 1_000;

/// When each person decided.
#[derive(Clone, Debug, Default)]
pub struct Load(BTreeMap<String, VecDeque<Timestamp>>);

impl Load {
    /// Notes a decision; they may come in any order.
    pub fn note(&mut self, person: &str, at: Timestamp) {
        if person.is_empty() || (self.0.len() >= PEOPLE && !self.0.contains_key(person)) {
            return;
        }
        let times = self.0.entry(person.to_owned()).or_default();
        let place = times.partition_point(|t| *t <= at);
        times.insert(place, at);
        if times.len() > EACH {
            times.pop_front();
        }
    }

    /// Decisions of each person in the seven days before `now`, the busiest first.
    pub fn week(&self, now: Timestamp) -> Vec<(&str, usize)> {
        let recent = |times: &VecDeque<Timestamp>| times.iter().filter(|t| now.since(**t) < WEEK).count();
        let mut all: Vec<(&str, usize)> = self.0.iter().map(|(p, t)| (p.as_str(), recent(t))).collect();
        all.retain(|(_, n)| *n > 0);
        all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        all
    }
}

/// Gini coefficient of counts: 0 if all are alike, towards 1 if one has all; `None` with fewer than two, or none at all.
pub fn gini(counts: &[usize]) -> Option<f64> {
    let mut sorted = counts.to_vec();
    sorted.sort_unstable();
    let total: usize = sorted.iter().sum();
    if sorted.len() < 2 || total == 0 {
        return None;
    }
    let n = sorted.len() as f64;
    let ranked: f64 = sorted.iter().enumerate().map(|(i, c)| (i + 1) as f64 * *c as f64).sum();
    Some((2.0 * ranked / (n * total as f64) - (n + 1.0) / n).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_counts_and_what_is_older_does_not() {
        let mut load = Load::default();
        let day = |d: i64| Timestamp::from_secs(d * 86_400);
        for d in [20, 1, 18, 19] {
            load.note("ann", day(d));
        }
        load.note("bob", day(14));
        load.note("", day(20));
        assert_eq!(load.week(day(20)), [("ann", 3), ("bob", 1)]);
        assert_eq!(load.week(day(21)), [("ann", 3)], "bob's is a whole week old");
    }

    #[test]
    fn gini_by_hand() {
        assert_eq!(gini(&[5, 5, 5]), Some(0.0));
        // One of four has all: 1 − 1/4.
        assert!((gini(&[0, 0, 0, 8]).unwrap() - 0.75).abs() < 1e-12);
        assert_eq!((gini(&[3]), gini(&[0, 0])), (None, None));
    }
}
