//! Forecast skill and coverage from fans as they were issued, scored against what came.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::fleet::WorkloadId;
use crate::forecast::{Fan, FanPoint, IssuedLedger, LeadScore};
use crate::series::{Timestamp, Window};

use super::HorizonSkill;

/// A fan is kept for scoring this often.
const SPACING: Duration = Duration::from_secs(600);
/// And this long.
const KEEP: Duration = Duration::from_secs(49 * 3600);

/// Stored fans of all workloads.
#[derive(Debug, Default)]
pub struct Accuracy {
    ledgers: BTreeMap<WorkloadId, IssuedLedger>,
    scores: BTreeMap<WorkloadId, Vec<LeadScore>>,
}

impl Accuracy {
    /// Keeps a fan as issued; says whether it was kept (not every one is).
    pub fn record(&mut self, workload: &WorkloadId, fan: &Fan) -> bool {
        self.ledgers.entry(workload.clone()).or_insert_with(|| IssuedLedger::new(SPACING, KEEP)).record(fan)
    }

    /// Scores a workload's stored fans against `actual`, requests a second.
    pub fn score(&mut self, workload: &WorkloadId, actual: &Window) {
        if let Some(ledger) = self.ledgers.get(workload) {
            self.scores.insert(workload.clone(), ledger.score(actual));
        }
    }

    /// Workloads of which a fan was kept.
    pub fn recorded(&self) -> impl Iterator<Item = &WorkloadId> {
        self.ledgers.keys()
    }

    /// Forgets workloads that are no longer there.
    pub fn retain(&mut self, known: impl Fn(&WorkloadId) -> bool) {
        self.ledgers.retain(|id, _| known(id));
        self.scores.retain(|id, _| known(id));
    }

    /// The latest fan issued at or before `at`, thinned.
    pub fn issued_before(&self, workload: &WorkloadId, at: Timestamp) -> Option<(Timestamp, &[FanPoint])> {
        self.ledgers.get(workload)?.issued_before(at)
    }

    /// Scores of one workload, by lead.
    pub fn of(&self, workload: &WorkloadId) -> &[LeadScore] {
        self.scores.get(workload).map_or(&[], Vec::as_slice)
    }

    /// Skill and coverage by lead over all workloads, weighted by the points scored.
    pub fn horizons(&self) -> Vec<HorizonSkill> {
        let mut bands: BTreeMap<Duration, (usize, f64, f64, f64)> = BTreeMap::new();
        for score in self.scores.values().flatten() {
            // The 90 % band is the third of `forecast::BANDS`.
            let Some(covered) = score.coverage.get(2).copied().flatten() else { continue };
            let band = bands.entry(score.up_to).or_default();
            let weight = score.n as f64;
            band.0 += score.n;
            band.1 += covered * weight;
            if let Some(skill) = score.skill {
                band.2 += skill * weight;
                band.3 += weight;
            }
        }
        bands
            .into_iter()
            .map(|(horizon, (n, covered, skill, weight))| HorizonSkill {
                horizon,
                skill: (weight > 0.0).then(|| skill / weight),
                coverage: (n > 0).then(|| covered / n as f64),
                n,
            })
            .collect()
    }
}
