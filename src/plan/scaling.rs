//! What more replicas bring, learned live: the full load `X/ρ` by replica count, and the universal scalability law
//! through it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::series::Timestamp;

use super::usl::Usl;

/// Utilisation under which the full load cannot be read from it.
const UNLOADED: f64 = 0.15;
/// Observations lose half their weight in this time.
const HALF_LIFE: Duration = Duration::from_secs(7 * 86_400);
/// Weight that a count needs before it counts: ten minutes.
const MIN_WEIGHT: f64 = 10.0;
/// Counts kept; the least observed go first.
const COUNTS: usize = 200;
/// Counts that the law is fitted to, at least.
const FEWEST: usize = 5;
/// The law must explain this share of what a straight line leaves unexplained …
const EXPLAINED: f64 = 0.5;
/// … and a replica must be worth this much less at the most than at the fewest, to be more than noise.
const MATERIAL: f64 = 0.05;

/// What is known of one count.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    weight: f64,
    full: f64,
}

/// Full loads by replica count.
#[derive(Clone, Debug, Default)]
pub struct ScalingModel {
    counts: BTreeMap<u32, Seen>,
    updated: Option<Timestamp>,
}

/// How throughput grows with replicas.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    /// The law; without contention and coherency where none was found.
    pub law: Usl,
    /// Fewest and most replicas seen.
    pub seen: (u32, u32),
    /// Different counts seen.
    pub counts: usize,
    /// The count about which what a replica holds was learned.
    pub about: u32,
}

impl ScalingModel {
    /// Takes in that `replicas` served `demand` requests a second at `utilisation` of what they asked for.
    pub fn observe(&mut self, now: Timestamp, replicas: f64, demand: f64, utilisation: f64) {
        let full = demand / utilisation;
        let usable = utilisation >= UNLOADED && full.is_finite() && full > 0.0 && replicas >= 1.0;
        if !usable {
            return;
        }
        if let Some(updated) = self.updated.replace(now) {
            let factor = 0.5_f64.powf(now.since(updated).as_secs_f64() / HALF_LIFE.as_secs_f64());
            self.counts.values_mut().for_each(|seen| seen.weight *= factor);
        }
        let seen = self.counts.entry(replicas.round().min(1e6) as u32).or_default();
        seen.weight += 1.0;
        seen.full += (full - seen.full) / seen.weight;
        if self.counts.len() > COUNTS {
            let least = self.counts.iter().min_by(|a, b| a.1.weight.total_cmp(&b.1.weight)).map(|(n, _)| *n);
            least.map(|n| self.counts.remove(&n));
        }
    }

    /// Observations, those that have lost weight counted less.
    pub fn weight(&self) -> f64 {
        self.counts.values().map(|s| s.weight).sum()
    }

    /// The law, once five counts were seen for ten minutes each; free scaling where the law explains no more than that.
    pub fn learned(&self) -> Option<Scaling> {
        let used: Vec<(u32, Seen)> =
            self.counts.iter().filter(|(_, s)| s.weight >= MIN_WEIGHT).map(|(n, s)| (*n, *s)).collect();
        let seen = (used.first()?.0, used.last()?.0);
        if used.len() < FEWEST {
            return None;
        }
        let points: Vec<(u32, f64)> = used.iter().map(|(n, s)| (*n, s.full)).collect();
        let weight: f64 = used.iter().map(|(_, s)| s.weight).sum();
        let about = used.iter().map(|(n, s)| f64::from(*n) * s.weight).sum::<f64>() / weight;
        let free = Usl {
            gamma: points.iter().map(|(n, x)| x / f64::from(*n)).sum::<f64>() / points.len() as f64,
            sigma: 0.0,
            kappa: 0.0,
        };
        let off = |law: &Usl| points.iter().map(|(n, x)| (x / law.throughput(*n) - 1.0).powi(2)).sum::<f64>();
        let law = Usl::fit(&points)
            .filter(|law| off(law) < off(&free) * EXPLAINED)
            .filter(|law| law.efficiency(seen.1) < law.efficiency(seen.0) * (1.0 - MATERIAL))
            .unwrap_or(free);
        Some(Scaling { law, seen, counts: used.len(), about: about.round().max(1.0) as u32 })
    }
}

impl Scaling {
    /// What a replica of `n` is worth against one of those about which capacity was learned.
    pub fn worth(&self, n: u32) -> f64 {
        self.law.efficiency(n) / self.law.efficiency(self.about)
    }

    /// The law is trusted up to half more replicas than were ever seen.
    pub const fn trusted(&self) -> u32 {
        self.seen.1.saturating_add(self.seen.1 / 2)
    }

    /// Whether replicas take nothing from each other.
    pub fn is_free(&self) -> bool {
        self.law.sigma <= 0.0 && self.law.kappa <= 0.0
    }

    /// `σ 0.020 κ 0.00060 over 7 counts (3 to 14): the 14th replica brings 71 %, none more from 40 on`.
    pub fn sentence(&self) -> String {
        let (low, high) = self.seen;
        if self.is_free() {
            return format!("no contention seen over {} counts ({low} to {high} replicas)", self.counts);
        }
        let last = self.law.throughput(high) - self.law.throughput(high.saturating_sub(1));
        let share = last / self.law.gamma * 100.0;
        let peak = self.law.peak().map_or_else(String::new, |n| format!("; past {n} more serve less"));
        format!(
            "contention {:.3}, coherency {:.5} over {} counts ({low} to {high} replicas): the last one brings {share:.0} % \
             of the first{peak}",
            self.law.sigma, self.law.kappa, self.counts
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAW: Usl = Usl { gamma: 100.0, sigma: 0.05, kappa: 0.002 };

    fn learned(full: impl Fn(u32) -> f64, minutes: i64) -> Option<Scaling> {
        let mut model = ScalingModel::default();
        for minute in 0..minutes {
            let n = 2 + 2 * (minute % 6) as u32;
            let noise = 1.0 + f64::from((minute * 7919 % 101) as i32 - 50) / 5000.0;
            let at = Timestamp::from_secs(60 * minute);
            model.observe(at, f64::from(n), 0.6 * full(n) * noise, 0.6);
            model.observe(at, f64::from(n), 1.0, 0.1);
        }
        model.learned()
    }

    #[test]
    fn contention_is_learned_from_what_was_served() {
        let found = learned(|n| LAW.throughput(n), 240).unwrap();
        assert_eq!((found.seen, found.counts, found.about), ((2, 12), 6, 7));
        assert!(
            (found.law.sigma - 0.05).abs() < 0.02 && (found.law.kappa - 0.002).abs() < 0.001,
            "{found:?}"
        );
        // E(12) / E(7) = (1 + .3 + .084) / (1 + .55 + .264) = .763.
        assert!((found.worth(12) - 0.763).abs() < 0.02, "{}", found.worth(12));
        assert!((found.worth(7) - 1.0).abs() < 1e-9);
        assert!(found.sentence().contains("past 2") && !found.is_free(), "{}", found.sentence());
    }

    #[test]
    fn noise_is_no_contention_and_little_says_nothing() {
        let found = learned(|n| 100.0 * f64::from(n), 240).unwrap();
        assert!(found.is_free() && (found.worth(40) - 1.0).abs() < 1e-9, "{found:?}");
        assert_eq!(found.sentence(), "no contention seen over 6 counts (2 to 12 replicas)");
        assert_eq!(learned(|n| LAW.throughput(n), 50), None, "fewer than ten minutes each");
        assert_eq!(ScalingModel::default().learned(), None);
    }
}
