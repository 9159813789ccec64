//! What the sources said, kept per workload as they name it and per place in the order of preference.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::series::{Labels, Timestamp};

use super::guard::{self, Guard, Witnesses};
use super::limits::{FRESH_INTERVALS, STALE_KEPT};
use super::{Freshness, LatencyHistogram, SignalKind};

/// A place in the order of preference: lower is preferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot {
    /// Index of the recipe in the catalogue, which is sorted by preference.
    pub recipe: usize,
    /// Index of the source, in the order in which they were first asked about.
    pub source: usize,
    /// Index of the entry in the recipe.
    pub entry: usize,
    /// Which of the signals that one entry gives.
    pub part: u8,
}

/// One value as one source and recipe give it.
#[derive(Clone, Debug)]
pub(super) struct Observation {
    pub kind: SignalKind,
    pub expr: Arc<str>,
    pub derived: bool,
    /// The latest trusted value and when it was evaluated.
    pub value: Option<(Timestamp, f64)>,
    /// The latest answer, not judged yet; may be any `f64`.
    pub pending: Option<(Timestamp, f64)>,
    /// Why there was no usable value in the latest answer; empty if there was.
    pub note: String,
    guard: Guard,
}

impl Observation {
    pub fn new(kind: SignalKind, expr: Arc<str>, derived: bool) -> Self {
        Self { kind, expr, derived, value: None, pending: None, note: String::new(), guard: Guard::default() }
    }

    /// Takes in an answer; an older one than what is known changes nothing.
    pub fn take(&mut self, at: Timestamp, value: f64, note: &str) {
        let known = self.pending.map(|(t, _)| t).max(self.value.map(|(t, _)| t));
        if known.is_none_or(|k| at > k) {
            self.pending = Some((at, value));
            note.clone_into(&mut self.note);
        }
    }

    /// What the value was before this process began.
    pub fn remember(&mut self, at: Timestamp, value: f64) {
        self.guard.remember(at, value);
    }

    /// Judges the pending answer and keeps it if it may be trusted.
    pub fn settle(&mut self, witnesses: &Witnesses) {
        let Some((at, value)) = self.pending else { return };
        self.guard.judge(self.kind, at, value, witnesses);
        if value.is_finite() && self.guard.suspicion().is_none() {
            self.value = Some((at, value));
            self.pending = None;
            return;
        }
        if let Some(whole) = self.guard.whole().filter(|_| self.value.is_some()) {
            self.value = Some(whole);
        }
        if !value.is_finite() && self.note.is_empty() {
            self.note = "the answer is not a number: nothing was counted in the window".into();
        }
    }

    /// The latest finite number, trusted or not, if it is fresh.
    pub fn newest(&self, now: Timestamp, interval: Duration) -> Option<f64> {
        let (at, value) = self.pending.or(self.value)?;
        (value.is_finite() && is_fresh(at, now, interval)).then_some(value)
    }

    /// What is there at least, while a value that fell comes back: its newest answer, if that is fresh.
    pub fn least(&self, now: Timestamp, interval: Duration) -> Option<f64> {
        self.newest(now, interval).filter(|value| *value > 0.0 && self.guard.is_returning())
    }

    /// Whether the value may be used, and if not, why.
    pub fn freshness(&self, now: Timestamp, interval: Duration) -> (Freshness, String) {
        let heard = self.pending.or(self.value).map(|(at, _)| at);
        let suspicion = self.guard.suspicion();
        let Some((at, _)) = self.value else {
            return suspicion
                .map_or_else(|| (Freshness::Missing, self.note.clone()), |r| (Freshness::Suspect, r));
        };
        let recent = heard.is_some_and(|h| now.since(h) <= STALE_KEPT);
        match suspicion {
            Some(reason) if recent => (Freshness::Suspect, reason),
            None if is_fresh(at, now, interval) => (Freshness::Fresh, String::new()),
            None if now.since(at) <= STALE_KEPT => {
                let age = format!("last known {} s ago", now.since(at).as_secs());
                let note = if self.note.is_empty() { age } else { format!("{age}; {}", self.note) };
                (Freshness::Stale, note)
            }
            _ => (Freshness::Missing, format!("nothing for {} min", now.since(at).as_secs() / 60)),
        }
    }

    /// Whether this kind of value is watched for sudden zeros.
    pub fn guarded(&self) -> bool {
        guard::threshold(self.kind).is_some()
    }
}

/// Whether an answer of `at` is at most two poll intervals old.
pub(super) fn is_fresh(at: Timestamp, now: Timestamp, interval: Duration) -> bool {
    now.since(at) <= interval * FRESH_INTERVALS
}

/// Everything heard of one workload under one naming.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub heard: Timestamp,
    pub team: Option<(Slot, Arc<str>)>,
    pub values: BTreeMap<Slot, Observation>,
    pub histograms: BTreeMap<Slot, (Timestamp, LatencyHistogram)>,
    /// Labels of one series behind demand and response times, from which pods are asked about.
    pub labels: BTreeMap<Slot, Labels>,
}

impl Seen {
    /// Notes an owning team; the preferred slot's word counts.
    pub fn note_team(&mut self, slot: Slot, team: Arc<str>) {
        if !team.is_empty() && self.team.as_ref().is_none_or(|(s, _)| slot <= *s) {
            self.team = Some((slot, team));
        }
    }
}
