//! What signals were, minute by minute, for as long as forecasts look back.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::fleet::WorkloadId;
use crate::series::{Finite, Sample, Timestamp, Window};

use super::limits::{HISTORY_DAYS, MAX_HISTORY_DAYS_STORED, SHORT_HISTORY_DAYS};
use super::{Freshness, SignalKind, SignalSet};

const MINUTE: Duration = Duration::from_secs(60);
const MINUTE_MS: i64 = 60_000;
const MINUTES_A_DAY: i64 = 1_440;
/// No more than what can be stored is read at once, however far apart the ends are.
const MOST_MINUTES: i64 = (HISTORY_DAYS + 2) * MINUTES_A_DAY;

/// Per workload and kind, one value a minute; a minute without a fresh value is a gap and stays one.
///
/// Kept in chunks of a day (5.8 kB as `f32`, relative error below 1e-7): fifteen days of what forecasts are made
/// from ([`Self::is_long`]), the current and the previous day of the rest. Over the bound on chunks the oldest
/// day of any workload goes first.
#[derive(Clone, Debug, Default)]
pub struct History {
    rings: BTreeMap<(WorkloadId, SignalKind), Ring>,
    chunks: usize,
    max_chunks: Option<usize>,
}

/// One kind of one workload: days by number since the epoch.
#[derive(Clone, Debug, Default)]
struct Ring {
    days: BTreeMap<i64, Box<[f32]>>,
    /// The minute being averaged: its number, sum and count.
    open: Option<(i64, f64, u32)>,
}

impl Ring {
    fn get(&self, minute: i64) -> Option<f64> {
        let day = self.days.get(&minute.div_euclid(MINUTES_A_DAY))?;
        let value = *day.get(minute.rem_euclid(MINUTES_A_DAY) as usize)?;
        (!value.is_nan()).then_some(f64::from(value))
    }

    /// Writes a minute; whether a new chunk was made for it.
    fn set(&mut self, minute: i64, value: f64) -> bool {
        let before = self.days.len();
        let empty = || vec![f32::NAN; MINUTES_A_DAY as usize].into_boxed_slice();
        let day = self.days.entry(minute.div_euclid(MINUTES_A_DAY)).or_insert_with(empty);
        if let Some(slot) = day.get_mut(minute.rem_euclid(MINUTES_A_DAY) as usize) {
            // What f32 cannot hold becomes its largest number: finite as it came.
            *slot = (value as f32).clamp(f32::MIN, f32::MAX);
        }
        self.days.len() > before
    }
}

impl History {
    /// An empty history.
    pub fn new() -> Self {
        Self::default()
    }

    /// With another bound on the number of day-long chunks.
    #[must_use]
    pub fn with_max_chunks(mut self, max: usize) -> Self {
        self.max_chunks = Some(max.max(1));
        self
    }

    /// Whether fifteen days are kept of `kind`, rather than the current and the previous day.
    pub const fn is_long(kind: SignalKind) -> bool {
        use SignalKind as K;
        matches!(
            kind,
            K::Demand
                | K::Errors
                | K::LatencyP95
                | K::CpuUsed
                | K::ReplicasReady
                | K::QueueDepth
                | K::DiskFree
        )
    }

    /// Records the fresh values of a tick; several within a minute are averaged. Call [`Self::prune`] now and then.
    pub fn record(&mut self, sets: &[SignalSet], now: Timestamp) {
        let minute = now.as_millis().div_euclid(MINUTE_MS);
        for set in sets {
            for signal in set.signals.values().filter(|s| s.freshness == Freshness::Fresh) {
                let Some(value) = signal.value.map(Finite::get) else { continue };
                let ring = self.rings.entry((set.workload.clone(), signal.kind)).or_default();
                let (sum, count) = match ring.open {
                    Some((m, sum, count)) if m == minute => (sum + value, count.saturating_add(1)),
                    _ => (value, 1),
                };
                ring.open = Some((minute, sum, count));
                self.chunks += usize::from(ring.set(minute, sum / f64::from(count)));
            }
        }
        self.enforce_bound();
    }

    /// Fills the gaps that `samples` (ascending or not) cover, never what is known already. Each sample stands
    /// for the `step` that ends at it. Non-finite values fill nothing. How many minutes were filled.
    pub fn backfill(
        &mut self,
        workload: &WorkloadId,
        kind: SignalKind,
        samples: &[Sample],
        step: Duration,
    ) -> usize {
        let minutes = i64::try_from(step.as_secs().div_ceil(60)).unwrap_or(1).clamp(1, MINUTES_A_DAY);
        let mut filled = 0;
        for sample in samples.iter().filter(|s| s.value.is_finite()) {
            let last = sample.at.as_millis().div_euclid(MINUTE_MS);
            for minute in (last - minutes + 1)..=last {
                filled += usize::from(self.fill(workload, kind, minute, sample.value));
            }
        }
        self.enforce_bound();
        filled
    }

    fn fill(&mut self, workload: &WorkloadId, kind: SignalKind, minute: i64, value: f64) -> bool {
        let ring = self.rings.entry((workload.clone(), kind)).or_default();
        if ring.get(minute).is_some() {
            return false;
        }
        self.chunks += usize::from(ring.set(minute, value));
        true
    }

    /// `from..to` at `step` (rounded up to whole minutes), each slot the mean of its minutes; gaps stay gaps.
    pub fn window(
        &self,
        workload: &WorkloadId,
        kind: SignalKind,
        from: Timestamp,
        to: Timestamp,
        step: Duration,
    ) -> Window {
        let factor = step.as_secs().div_ceil(60).max(1);
        let ring = self.rings.get(&(workload.clone(), kind));
        let last = ring.and_then(|r| r.days.keys().next_back()).copied();
        let start = longest_known(from.floor_to(MINUTE), to, last);
        let first = start.as_millis().div_euclid(MINUTE_MS);
        let count = (to.millis_since(start) as u64).div_ceil(MINUTE_MS as u64);
        let count = if to > start { (count as i64).min(MOST_MINUTES) } else { 0 };
        // One look-up a day, not one a minute.
        let mut day: (i64, Option<&[f32]>) = (i64::MIN, None);
        let values = (first..first + count).map(|minute| {
            let number = minute.div_euclid(MINUTES_A_DAY);
            if day.0 != number {
                day = (number, ring.and_then(|r| r.days.get(&number)).map(AsRef::as_ref));
            }
            let value = *day.1?.get(minute.rem_euclid(MINUTES_A_DAY) as usize)?;
            (!value.is_nan()).then_some(f64::from(value))
        });
        Window::new(start, MINUTE, values).coarsened(usize::try_from(factor).unwrap_or(usize::MAX))
    }

    /// Instant of the first and of the last known minute.
    pub fn span(&self, workload: &WorkloadId, kind: SignalKind) -> Option<(Timestamp, Timestamp)> {
        let ring = self.rings.get(&(workload.clone(), kind))?;
        let minutes = |day: i64| (0..MINUTES_A_DAY).map(move |m| day * MINUTES_A_DAY + m);
        let mut all = ring.days.keys().flat_map(|d| minutes(*d));
        let first = all.find(|m| ring.get(*m).is_some())?;
        let last = ring.days.keys().rev().flat_map(|d| minutes(*d).rev()).find(|m| ring.get(*m).is_some())?;
        Some((instant(first), instant(last)))
    }

    /// Of each series whose kind satisfies `wanted`: the largest value within `span` before its last known minute,
    /// and that minute.
    pub fn last_peaks(
        &self,
        span: Duration,
        wanted: impl Fn(SignalKind) -> bool,
    ) -> BTreeMap<(WorkloadId, SignalKind), (Timestamp, f64)> {
        let mut peaks = BTreeMap::new();
        for (workload, kind) in self.rings.keys().filter(|(_, kind)| wanted(*kind)) {
            let Some((_, last)) = self.span(workload, *kind) else { continue };
            let window = self.window(workload, *kind, last - span, last + MINUTE, MINUTE);
            let peak = window.points().map(|(_, v)| v).fold(f64::MIN, f64::max);
            peaks.insert((workload.clone(), *kind), (last, peak));
        }
        peaks
    }

    /// The spans within `from..=to` in which some known series of `kind` lacks minutes, each a multiple of `step` and at
    /// most `most` of them (neighbours are joined first): all of it if none is known yet.
    pub fn gaps(
        &self,
        kind: SignalKind,
        (from, to): (Timestamp, Timestamp),
        step: Duration,
        most: usize,
    ) -> Vec<(Timestamp, Timestamp)> {
        let known: Vec<&WorkloadId> = self.rings.keys().filter(|(_, k)| *k == kind).map(|(w, _)| w).collect();
        if known.is_empty() || to <= from {
            return vec![(from, to)];
        }
        let factor = step.as_secs().div_ceil(60).max(1);
        let slot = MINUTE * u32::try_from(factor).unwrap_or(u32::MAX);
        let mut gaps: Vec<(Timestamp, Timestamp)> = Vec::new();
        for workload in known {
            let window = self.window(workload, kind, from, to, MINUTE);
            let start = window.start();
            for (index, minutes) in window.values().chunks(factor as usize).enumerate() {
                if minutes.iter().all(Option::is_some) {
                    continue;
                }
                let at = start + slot.saturating_mul(u32::try_from(index).unwrap_or(u32::MAX));
                // A sample stands for the step that ends at it.
                gaps.push((at, (at + slot).min(to)));
            }
        }
        join(gaps, most.max(1))
    }

    /// Everything known since `since`, for persistence: workload, kind, instant of the minute, value.
    pub fn export(
        &self,
        since: Timestamp,
    ) -> impl Iterator<Item = (&WorkloadId, SignalKind, Timestamp, f64)> + '_ {
        let first = since.as_millis().div_euclid(MINUTE_MS);
        self.rings.iter().flat_map(move |((workload, kind), ring)| {
            let days = ring.days.range(first.div_euclid(MINUTES_A_DAY)..);
            let minutes = days.flat_map(|(d, _)| (0..MINUTES_A_DAY).map(move |m| d * MINUTES_A_DAY + m));
            minutes
                .filter(move |m| *m >= first)
                .filter_map(move |m| ring.get(m).map(|v| (workload, *kind, instant(m), v)))
        })
    }

    /// Takes back one exported value, unless the minute is known already.
    pub fn import(&mut self, workload: &WorkloadId, kind: SignalKind, at: Timestamp, value: f64) {
        if value.is_finite() {
            self.fill(workload, kind, at.as_millis().div_euclid(MINUTE_MS), value);
            self.enforce_bound();
        }
    }

    /// Drops what is older than is kept.
    pub fn prune(&mut self, now: Timestamp) {
        let today = now.as_millis().div_euclid(MINUTE_MS).div_euclid(MINUTES_A_DAY);
        self.rings.retain(|(_, kind), ring| {
            let keep = if Self::is_long(*kind) { HISTORY_DAYS } else { SHORT_HISTORY_DAYS };
            ring.days.retain(|day, _| *day >= today - keep);
            !ring.days.is_empty()
        });
        self.chunks = self.rings.values().map(|r| r.days.len()).sum();
    }

    /// Bytes held, about.
    pub fn bytes(&self) -> usize {
        self.chunks * MINUTES_A_DAY as usize * size_of::<f32>()
    }

    fn enforce_bound(&mut self) {
        let max = self.max_chunks.unwrap_or(MAX_HISTORY_DAYS_STORED);
        while self.chunks > max {
            let Some(oldest) = self.rings.values().filter_map(|r| r.days.keys().next().copied()).min() else {
                return;
            };
            for ring in self.rings.values_mut() {
                if self.chunks > max && ring.days.remove(&oldest).is_some() {
                    self.chunks -= 1;
                }
            }
            self.rings.retain(|_, ring| !ring.days.is_empty());
        }
    }
}

/// Joins what touches, then the nearest neighbours until there are at most `most`.
fn join(mut spans: Vec<(Timestamp, Timestamp)>, most: usize) -> Vec<(Timestamp, Timestamp)> {
    spans.sort_unstable();
    let mut joined: Vec<(Timestamp, Timestamp)> = Vec::new();
    for (from, to) in spans {
        match joined.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => joined.push((from, to)),
        }
    }
    while joined.len() > most {
        let apart = |pair: &[(Timestamp, Timestamp)]| match pair {
            [a, b] => b.0.since(a.1),
            _ => Duration::MAX,
        };
        let Some(nearest) = (0..joined.len() - 1).min_by_key(|i| joined.get(*i..*i + 2).map(apart)) else {
            break;
        };
        let (_, to) = joined.remove(nearest + 1);
        if let Some(span) = joined.get_mut(nearest) {
            span.1 = to;
        }
    }
    joined
}

/// Where a window `from..to` begins so that of one longer than what is stored it is the latest part that is read, whole days
/// later: slots stay where they were. `last` is the last day of which something is known.
fn longest_known(from: Timestamp, to: Timestamp, last: Option<i64>) -> Timestamp {
    let end = last.map_or(to, |day| to.min(instant((day + 1) * MINUTES_A_DAY)));
    let surplus = end.millis_since(from) / MINUTE_MS - MOST_MINUTES;
    let days = u64::try_from((surplus + MINUTES_A_DAY - 1) / MINUTES_A_DAY).unwrap_or(0);
    from + Duration::from_secs(days * 86_400)
}

fn instant(minute: i64) -> Timestamp {
    Timestamp::from_millis(minute.saturating_mul(MINUTE_MS))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::signals::Signal;

    fn id() -> WorkloadId {
        WorkloadId::new("shop", "checkout", "")
    }

    fn set(value: f64, freshness: Freshness) -> SignalSet {
        let kind = SignalKind::Demand;
        let at = Timestamp::from_secs(0);
        let signal = Signal {
            kind,
            value: Finite::new(value),
            at,
            freshness,
            least: None,
            note: String::new(),
            provenance: None,
        };
        SignalSet {
            workload: id(),
            team: Arc::from(""),
            signals: BTreeMap::from([(kind, signal)]),
            latency: None,
        }
    }

    fn minutes(h: &History, from: i64, to: i64, step: u64) -> Vec<Option<f64>> {
        let window = h.window(
            &id(),
            SignalKind::Demand,
            Timestamp::from_secs(from * 60),
            Timestamp::from_secs(to * 60),
            Duration::from_secs(step * 60),
        );
        window.values().to_vec()
    }

    fn samples(points: &[(i64, f64)]) -> Vec<Sample> {
        points.iter().map(|(m, v)| Sample::new(Timestamp::from_secs(m * 60), *v)).collect()
    }

    #[test]
    fn of_a_window_longer_than_what_is_stored_the_latest_part_is_read() {
        let mut h = History::new();
        let now = 1000 * MINUTES_A_DAY + 77;
        let kind = SignalKind::Demand;
        h.backfill(&id(), kind, &samples(&[(now - 1, 5.0), (now - 7, 3.0)]), MINUTE);
        let from = now - MOST_MINUTES - 3 * MINUTES_A_DAY - 4;
        for (to, step) in [(now, 1), (now + 40 * MINUTES_A_DAY, 1), (now, 5)] {
            let window = h.window(&id(), kind, instant(from), instant(to), Duration::from_secs(60 * step));
            let known: Vec<f64> = window.points().map(|(_, v)| v).collect();
            assert_eq!(known, [3.0, 5.0], "{to} {step}");
            assert!(window.values().len() as i64 <= MOST_MINUTES);
            let first = window.points().next().unwrap().0;
            assert_eq!(
                first.millis_since(instant(from)) % (60_000 * step as i64),
                0,
                "slots stay where they were"
            );
        }
    }

    #[test]
    fn a_minute_is_the_mean_of_its_fresh_values_and_gaps_stay_gaps() {
        let mut h = History::new();
        for (second, value, freshness) in [
            (6_000, 10.0, Freshness::Fresh),
            (6_030, 20.0, Freshness::Fresh),
            (6_059, 99.0, Freshness::Suspect),
            (6_060, 99.0, Freshness::Stale),
            (6_120, 0.0, Freshness::Fresh),
        ] {
            h.record(&[set(value, freshness)], Timestamp::from_secs(second));
        }
        assert_eq!(minutes(&h, 99, 104, 1), [None, Some(15.0), None, Some(0.0), None]);
        assert_eq!(minutes(&h, 100, 104, 2), [Some(15.0), Some(0.0)]);
        let span = h.span(&id(), SignalKind::Demand).unwrap();
        assert_eq!(span, (Timestamp::from_secs(6_000), Timestamp::from_secs(6_120)));
        assert_eq!(minutes(&h, 104, 99, 1), []);
        let far = h.window(
            &id(),
            SignalKind::Demand,
            Timestamp::from_millis(0),
            Timestamp::from_millis(i64::MAX),
            MINUTE,
        );
        assert_eq!(far.len(), 17 * 1440, "bounded however far apart the ends are");
    }

    #[test]
    fn only_what_is_missing_of_some_workload_is_asked_again() {
        let five = Duration::from_secs(300);
        let at = |m: i64| Timestamp::from_secs(m * 60);
        let mut h = History::new();
        let gaps = |h: &History, most| h.gaps(SignalKind::Demand, (at(100), at(200)), five, most);
        assert_eq!(gaps(&h, 4), [(at(100), at(200))], "nothing is known");
        for minute in 100..200 {
            h.import(&id(), SignalKind::Demand, at(minute), 1.0);
        }
        assert_eq!(gaps(&h, 4), []);
        let other = WorkloadId::new("shop", "cart", "");
        for minute in (100..121).chain(130..150).chain(185..200) {
            h.import(&other, SignalKind::Demand, at(minute), 1.0);
        }
        assert_eq!(gaps(&h, 4), [(at(120), at(130)), (at(150), at(185))]);
        assert_eq!(gaps(&h, 1), [(at(120), at(185))]);
        assert_eq!(h.gaps(SignalKind::Errors, (at(100), at(200)), five, 4), [(at(100), at(200))]);
    }

    #[test]
    fn backfill_fills_gaps_only_and_covers_its_step() {
        let mut h = History::new();
        h.record(&[set(7.0, Freshness::Fresh)], Timestamp::from_secs(103 * 60));
        let points = samples(&[(104, 5.0), (109, f64::NAN), (114, 6.0)]);
        assert_eq!(h.backfill(&id(), SignalKind::Demand, &points, Duration::from_secs(300)), 9);
        let expected = [None, Some(5.0), Some(5.0), Some(5.0), Some(7.0), Some(5.0), None];
        assert_eq!(minutes(&h, 99, 106, 1), expected);
        assert_eq!(minutes(&h, 105, 110, 5), [None], "not a number is a gap");
        assert_eq!(h.backfill(&id(), SignalKind::Demand, &points, Duration::from_secs(300)), 0);
    }

    #[test]
    fn old_days_go_and_memory_is_bounded() {
        let day = 1440;
        let mut h = History::new();
        let points: Vec<_> = (0..20).map(|d| (d * day, 1.0)).collect();
        h.backfill(&id(), SignalKind::Demand, &samples(&points), MINUTE);
        h.backfill(&id(), SignalKind::Restarts, &samples(&points), MINUTE);
        h.prune(Timestamp::from_secs(19 * day * 60));
        let count =
            |h: &History, kind| h.export(Timestamp::from_secs(0)).filter(|(_, k, _, _)| *k == kind).count();
        assert_eq!((count(&h, SignalKind::Demand), count(&h, SignalKind::Restarts)), (16, 2));
        assert_eq!(h.bytes(), 18 * 1440 * 4);

        let mut small = History::new().with_max_chunks(3);
        small.backfill(&id(), SignalKind::Demand, &samples(&points), MINUTE);
        assert_eq!(minutes(&small, 16 * day, 16 * day + 1, 1), [None]);
        assert_eq!(minutes(&small, 17 * day, 17 * day + 1, 1), [Some(1.0)]);
        assert_eq!(small.bytes(), 3 * 1440 * 4);
    }

    #[test]
    fn what_is_exported_can_be_imported() {
        let mut h = History::new();
        h.backfill(&id(), SignalKind::Demand, &samples(&[(10, 1.5), (12, 1e300), (1500, 3.0)]), MINUTE);
        let mut back = History::new();
        for (workload, kind, at, value) in h.export(Timestamp::from_secs(11 * 60)) {
            assert!(value.is_finite());
            back.import(workload, kind, at, value);
        }
        assert_eq!(minutes(&back, 10, 13, 1)[..2], [None, None]);
        assert_eq!(minutes(&back, 1500, 1501, 1), [Some(3.0)]);
        back.import(&id(), SignalKind::Demand, Timestamp::from_secs(60), f64::NAN);
        assert_eq!(minutes(&back, 1, 2, 1), [None]);
    }
}
