//! What is kept of the pool over a restart: how the forecasts of young services did, and the scores behind KPI 15.

use serde::{Deserialize, Serialize};

use crate::fleet::WorkloadId;
use crate::journal::Remembered;
use crate::learning::kpi::Pooled;
use crate::series::Timestamp;

use super::lost::Record;
use super::{KEEP, KNOWN, Pool, SPACING, past};

/// What such rows are called in the journal's file.
pub(super) const TOPIC: &str = "pooled";

/// Of one service.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Row {
    /// As of the moment it was written.
    #[serde(default)]
    record: Record,
    /// When it was last scored, its loss with shapes and without.
    #[serde(default)]
    score: Option<(Timestamp, f64, f64)>,
}

impl Pool {
    /// What is to be kept now, a row a service, every ten minutes: what comes later replaces it.
    pub fn rows_to_keep(&mut self, now: Timestamp) -> Vec<Remembered> {
        if self.kept.is_some_and(|at| at <= now && now.since(at) < SPACING) {
            return Vec::new();
        }
        self.kept = Some(now);
        let mut ids: Vec<&WorkloadId> =
            self.told.recorded().chain(self.earlier.keys()).chain(self.scores.keys()).collect();
        ids.sort();
        ids.dedup();
        let row = |id: &WorkloadId| {
            let score = self.scores.get(id).map(|(at, s)| (*at, s.pooled, s.own));
            let row = Row { record: self.record_of(id, now), score };
            let body = serde_json::to_string(&row).ok()?;
            let empty = row.record.is_empty() && row.score.is_none();
            (!empty).then(|| Remembered { topic: TOPIC.into(), name: id.to_string(), at: now, body })
        };
        ids.into_iter().take(KNOWN).filter_map(row).collect()
    }

    /// Takes in what an earlier run kept. A row that cannot be read says nothing.
    pub(super) fn recall(&mut self, rows: Vec<Remembered>, now: Timestamp) {
        for row in rows.into_iter().take(KNOWN) {
            let Ok(Row { record, score }) = serde_json::from_str(&row.body) else { continue };
            let id = past::id(&row.name);
            let record = record.sound();
            if !record.aged(now.since(row.at)).is_empty() {
                self.earlier.insert(id.clone(), (row.at, record));
            }
            let sound = |v: f64| v.is_finite() && v >= 0.0;
            let score =
                score.filter(|(at, pooled, own)| now.since(*at) <= KEEP && sound(*pooled) && sound(*own));
            if let Some((at, pooled, own)) = score {
                self.scores.insert(id, (at, Pooled { pooled, own }));
            }
        }
    }
}
