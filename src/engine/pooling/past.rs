//! What the journal remembers for the pool: since when each service is known, and the shapes of those that are old.
//!
//! A start reads back only as much of the signals as memory holds, days of a large fleet. Demand alone is gone through here
//! once, value by value, whatever is kept of it.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde_json::Value;

use crate::fleet::WorkloadId;
use crate::forecast::pooled::{Shape, Tally};
use crate::journal::{Journal, JournalError, Kind, Remembered};
use crate::series::Timestamp;
use crate::signals::SignalKind;

use super::{KNOWN, MATURE, Pool, SHAPES, kept};

/// Since when services are known, and what their days looked like.
#[derive(Debug, Default)]
pub struct Past {
    since: BTreeMap<WorkloadId, Timestamp>,
    old: Vec<WorkloadId>,
    shapes: Vec<(WorkloadId, Shape)>,
    tallies: Vec<(WorkloadId, Tally)>,
    /// How forecasts of young services did.
    kept: Vec<Remembered>,
}

impl Past {
    /// Reads the journal: all demand that is kept, by the clocks that each service lives by, and who was old when shapes
    /// were recorded; and how forecasts did.
    pub fn read(
        journal: &Journal,
        now: Timestamp,
        zone: &dyn Fn(&WorkloadId) -> TimeZone,
    ) -> Result<Self, JournalError> {
        let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
        journal.each_minute(SignalKind::Demand.name(), |workload, minute, value| {
            let at = Timestamp::from_millis(minute.saturating_mul(60_000));
            if let Some(tally) = tallies.get_mut(workload) {
                tally.note(at, value);
            } else if tallies.len() < KNOWN {
                let tally = tallies.entry(workload.to_owned());
                tally.or_insert_with(|| Tally::new(zone(&id(workload)))).note(at, value);
            }
        })?;
        let mut past = Self { kept: journal.remembered(kept::TOPIC)?, ..Self::default() };
        for (name, tally) in tallies {
            let Some(first) = tally.first() else { continue };
            past.since.insert(id(&name), first);
            if now.since(first) >= MATURE && past.shapes.len() < SHAPES {
                past.shapes.extend(tally.shape().map(|shape| (id(&name), shape)));
            }
            past.tallies.push((id(&name), tally));
        }
        for record in journal.of_kinds(&[Kind::Shapes])? {
            let names = record.body.get("old").and_then(Value::as_array).into_iter().flatten();
            for id in names.filter_map(Value::as_str).map(id) {
                if past.since.len() >= KNOWN && !past.since.contains_key(&id) {
                    continue;
                }
                let then = record.at - MATURE;
                past.since.entry(id.clone()).and_modify(|at| *at = then.min(*at)).or_insert(then);
                past.old.push(id);
            }
        }
        Ok(past)
    }
}

pub(super) fn id(name: &str) -> WorkloadId {
    name.parse().unwrap_or_else(|never: std::convert::Infallible| match never {})
}

impl Pool {
    /// Takes in what earlier runs knew.
    pub fn remember(&mut self, past: Past, now: Timestamp) {
        self.since.extend(past.since);
        self.old.extend(past.old);
        for (id, tally) in past.tallies {
            if *tally.zone() != TimeZone::UTC {
                self.zones.insert(id.clone(), tally.zone().clone());
            }
            self.tallies.insert(id, (now, tally));
        }
        for (id, shape) in past.shapes {
            let zone = self.zone(&id);
            self.put(&id, now, shape, zone);
        }
        self.recall(past.kept, now);
    }
}
