//! Recommendations scored in shadow: what was recommended for a minute against what that minute needed.

use std::collections::{BTreeMap, VecDeque};

use crate::fleet::WorkloadId;

/// Hours of counts kept: the last seven days and the seven before.
const HOURS: i64 = 14 * 24;
/// Minutes that may wait for their demand.
const PENDING: usize = 15;
/// Workloads scored.
const WORKLOADS: usize = 2_000;

/// Counts of scored minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// `N* ≤ N_rec ≤ ⌈1.25·N*⌉ + 1`.
    pub inside: u32,
    /// Too few were recommended.
    pub under: u32,
    /// Too many were.
    pub over: u32,
}

impl Tally {
    /// Minutes scored.
    pub fn total(self) -> usize {
        self.inside as usize + self.under as usize + self.over as usize
    }

    /// Share inside; `None` without minutes.
    pub fn ratio(self) -> Option<f64> {
        (self.total() > 0).then(|| f64::from(self.inside) / self.total() as f64)
    }

    fn count(&mut self, need: u32, recommended: u32) {
        let most = (u64::from(need) * 5).div_ceil(4) + 1;
        if recommended < need {
            self.under = self.under.saturating_add(1);
        } else if u64::from(recommended) > most {
            self.over = self.over.saturating_add(1);
        } else {
            self.inside = self.inside.saturating_add(1);
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            inside: self.inside.saturating_add(other.inside),
            under: self.under.saturating_add(other.under),
            over: self.over.saturating_add(other.over),
        }
    }
}

/// What was recommended for one minute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recommended {
    /// Minutes since the epoch.
    pub minute: i64,
    /// Replicas.
    pub replicas: u32,
    /// What one replica holds, requests a second.
    pub per_replica: f64,
}

#[derive(Clone, Debug, Default)]
struct Record {
    pending: VecDeque<Recommended>,
    hours: VecDeque<(i64, Tally)>,
}

/// Recommendations and how they came out, by workload and hour. Bounded: 336 hours of 2 000 workloads are 16 MB.
#[derive(Clone, Debug, Default)]
pub struct Shadow {
    records: BTreeMap<WorkloadId, Record>,
}

impl Shadow {
    /// Notes what is recommended now; the first note of a minute counts.
    pub fn recommend(&mut self, workload: &WorkloadId, r: Recommended) {
        if !(r.per_replica.is_finite() && r.per_replica > 0.0)
            || (self.records.len() >= WORKLOADS && !self.records.contains_key(workload))
        {
            return;
        }
        let pending = &mut self.records.entry(workload.clone()).or_default().pending;
        if pending.back().is_some_and(|last| last.minute >= r.minute) {
            return;
        }
        while pending.len() >= PENDING {
            pending.pop_front();
        }
        pending.push_back(r);
    }

    /// Scores every noted minute before `minute` by the demand it really had. A minute without demand is not counted.
    pub fn score(&mut self, minute: i64, demand: impl Fn(&WorkloadId, i64) -> Option<f64>) {
        for (id, record) in &mut self.records {
            while let Some(r) = record.pending.front().copied().filter(|r| r.minute < minute) {
                record.pending.pop_front();
                let Some(x) = demand(id, r.minute).filter(|x| x.is_finite() && *x >= 0.0) else { continue };
                let need = ((x / r.per_replica).ceil() as u32).max(1);
                let hour = r.minute.div_euclid(60);
                if record.hours.back().is_none_or(|(h, _)| *h < hour) {
                    record.hours.push_back((hour, Tally::default()));
                }
                if let Some((_, tally)) = record.hours.back_mut() {
                    tally.count(need, r.replicas);
                }
            }
            let oldest = minute.div_euclid(60) - HOURS;
            while record.hours.front().is_some_and(|(h, _)| *h < oldest) {
                record.hours.pop_front();
            }
        }
        self.records.retain(|_, r| !(r.pending.is_empty() && r.hours.is_empty()));
    }

    /// Counts of `from..to`, in hours since the epoch, by workload.
    pub fn tallies(&self, from: i64, to: i64) -> impl Iterator<Item = (&WorkloadId, Tally)> {
        self.records.iter().map(move |(id, record)| {
            let hours = record.hours.iter().filter(move |(h, _)| (from..to).contains(h));
            (id, hours.fold(Tally::default(), |sum, (_, t)| sum.plus(*t)))
        })
    }

    /// Counts of `from..to`, in hours since the epoch, of all workloads.
    pub fn total(&self, from: i64, to: i64) -> Tally {
        self.tallies(from, to).fold(Tally::default(), |sum, (_, t)| sum.plus(t))
    }

    /// Takes counts of an earlier run back, unless the hour is known. Hours may come in any order.
    pub fn restore(&mut self, workload: &WorkloadId, hour: i64, tally: Tally) {
        if self.records.len() >= WORKLOADS && !self.records.contains_key(workload) {
            return;
        }
        let hours = &mut self.records.entry(workload.clone()).or_default().hours;
        let at = hours.partition_point(|(h, _)| *h < hour);
        match hours.get_mut(at) {
            Some((h, known)) if *h == hour => *known = known.plus(tally),
            _ => hours.insert(at, (hour, tally)),
        }
        while hours.len() > HOURS as usize + 1 {
            hours.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> WorkloadId {
        WorkloadId::new("", "a", "")
    }

    #[test]
    fn the_band_is_from_need_to_a_quarter_more_and_one() {
        // 1 000 rps on 100 rps replicas: 10 needed, up to ⌈12.5⌉ + 1 = 14 is right.
        let mut s = Shadow::default();
        for (minute, replicas) in [(0, 9), (1, 10), (2, 14), (3, 15)] {
            s.recommend(&id(), Recommended { minute, replicas, per_replica: 100.0 });
        }
        s.score(4, |_, _| Some(1_000.0));
        let t = s.total(0, 1);
        assert_eq!(t, Tally { inside: 2, under: 1, over: 1 });
        assert_eq!(t.ratio(), Some(0.5));
        assert_eq!(s.total(1, 9).ratio(), None);
    }

    #[test]
    fn gaps_and_what_is_no_number_are_not_counted() {
        let mut s = Shadow::default();
        let r = |minute, per_replica| Recommended { minute, replicas: 1, per_replica };
        s.recommend(&id(), r(0, f64::NAN));
        s.recommend(&id(), r(1, 0.0));
        s.recommend(&id(), r(2, 100.0));
        s.recommend(&id(), r(2, 1.0));
        s.recommend(&id(), r(3, 100.0));
        s.recommend(&id(), r(4, 100.0));
        s.score(5, |_, minute| match minute {
            2 => Some(50.0),
            3 => Some(f64::NAN),
            _ => None,
        });
        assert_eq!(s.total(0, 1), Tally { inside: 1, under: 0, over: 0 });
    }

    #[test]
    fn the_present_minute_waits_and_old_hours_go() {
        let mut s = Shadow::default();
        s.recommend(&id(), Recommended { minute: 7, replicas: 1, per_replica: 1.0 });
        s.score(7, |_, _| Some(1.0));
        assert_eq!(s.total(0, 1).total(), 0);
        s.score(8, |_, _| Some(1.0));
        assert_eq!(s.total(0, 1).total(), 1);
        s.score((HOURS + 2) * 60, |_, _| None);
        assert_eq!(s.total(0, 1).total(), 0);
        s.restore(&id(), 5, Tally { inside: 3, under: 0, over: 0 });
        s.restore(&id(), 4, Tally { inside: 2, under: 1, over: 0 });
        assert_eq!(s.total(4, 5), Tally { inside: 2, under: 1, over: 0 });
        assert_eq!(s.total(0, 9).total(), 6);
    }
}
