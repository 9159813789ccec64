//! Shapes of the fleet and of other teams as one more member of the forecasts of young services.
//!
//! Three forecasts of each are kept as issued: its own, that of the shapes, and what was made of both, which is what
//! people and planners get. The first two tell how much the next one takes of the shapes; the first and the last are
//! KPI 15. Where shapes proved right, they make a young service's fan longer: that is kept and judged apart.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::fleet::WorkloadId;
use crate::forecast::pooled::{Known, LEVEL, Like, Shape, Tally, like, mix, representatives, share};
use crate::forecast::{Fan, ForecastState, LeadScore};
use crate::journal::{Entry, Kind};
use crate::learning::Accuracy;
use crate::learning::kpi::Pooled;
use crate::learning::share::{MOST_SHAPES, SharedShape, words};
use crate::series::{Timestamp, Window};
use crate::signals::{History, SignalKind};

use super::State;
use super::forecast_worker::Issued;
use lost::Record;

/// With as much it is a shape for others: what is read back at the start is a little less than two weeks.
const MATURE: Duration = Duration::from_secs(13 * 86_400);
/// A shape is made anew this often; one that could not be made is tried again after [`SPACING`].
const RENEW: Duration = Duration::from_secs(6 * 3600);
/// Services of which it is known since when they are.
const KNOWN: usize = 5_000;
/// A service that was older than this when the first forecast of this run was made may have been scored by an earlier run,
/// whose scores are not kept: shapes begin with no more than this share of it.
const FRESH: Duration = Duration::from_secs(4 * 3600);
const UNSCORED: f64 = 0.2;
/// Shapes that are kept at most: a hundred kinds of service are not more different.
const SHAPES: usize = 500;
/// Teams whose shapes are kept at most; the one that was heard of first is forgotten first.
const TEAMS: usize = 20;
/// Young services that are followed at once.
const FOLLOWED: usize = 200;
/// A ledger keeps a fan this often, and the nearest shapes are looked for as often.
const SPACING: Duration = Duration::from_secs(600);
/// Leads of a fan that are scored in each range of leads, about.
const LEADS: f64 = 3.0;
/// Forecasts within an hour share their errors, however short they look ahead.
const STRETCH: Duration = Duration::from_secs(3600);
/// What was issued longer ago is scored.
const SCORED: Duration = Duration::from_secs(50 * 3600);
/// Scores of services that are no longer young are kept this long.
pub const KEEP: Duration = Duration::from_secs(90 * 86_400);
/// History that shapes are made of.
const PAST: Duration = Duration::from_secs(15 * 86_400);
const STEP: Duration = Duration::from_secs(300);
/// The fleet's shapes are journalled this often.
const DAY: Duration = Duration::from_secs(86_400);

/// Shapes of the fleet and of others, and how forecasts by them did.
#[derive(Debug, Default)]
pub struct Pool {
    shapes: BTreeMap<WorkloadId, (Timestamp, Known)>,
    /// When the shape of an old service is to be made next.
    due: BTreeMap<WorkloadId, Timestamp>,
    /// The first moment ever that a service is known of: little history held makes nobody young.
    since: BTreeMap<WorkloadId, Timestamp>,
    /// Demand by the quarter of an hour, and when it was last noted: a large fleet's history is shorter than a shape takes.
    tallies: BTreeMap<WorkloadId, (Timestamp, Tally)>,
    /// Those that the journal knows to be old.
    old: BTreeSet<WorkloadId>,
    /// When the first forecast of this run was made.
    began: Option<Timestamp>,
    /// By key, the team heard of first in front.
    theirs: Vec<(String, Vec<Known>)>,
    young: BTreeMap<WorkloadId, (Timestamp, Like)>,
    /// By whose clocks services live; UTC where nothing is known.
    zones: BTreeMap<WorkloadId, TimeZone>,
    own: Accuracy,
    told: Accuracy,
    used: Accuracy,
    /// Fans that shapes made longer.
    longer: Accuracy,
    /// What earlier runs knew of forecasts, and as of when; and when it was kept last.
    earlier: BTreeMap<WorkloadId, (Timestamp, Record)>,
    kept: Option<Timestamp>,
    scores: BTreeMap<WorkloadId, (Timestamp, Pooled)>,
    /// When the first shape was known, and when they were last journalled.
    first: Option<Timestamp>,
    noted: Option<Timestamp>,
}

impl State {
    /// Gives the forecast of a young service its share of others' shapes: what is kept, scored and planned by is this.
    pub(super) fn pool(&mut self, issued: &mut Issued) {
        let Some(fan) = issued.forecast.fan() else { return };
        // Others' shapes know nothing of a spike here, nor of what was declared for this service.
        let special = issued.spike || issued.burst.is_some() || self.has_event(&issued.workload, fan);
        let zone = self.settings.zone_for(&issued.workload);
        self.learned.pool.lives_by(&issued.workload, zone);
        let used = self.learned.pool.issued(&issued.workload, fan, &self.history, special);
        if let Some(used) = used {
            issued.forecast = ForecastState::Ready(Arc::new(used));
        }
    }

    /// Whether an event is declared for the time that `fan` is about, or for the hours that levels are taken from.
    fn has_event(&self, id: &WorkloadId, fan: &Fan) -> bool {
        let service = self.fleet.get(id).map_or("", |f| &*f.workload.service);
        let mut events = self.settings.events_for(id, service);
        events.any(|e| e.event.from < fan.end() && fan.issued - LEVEL < e.event.to)
    }
}

impl Pool {
    /// A fan of a workload was issued: it is a shape for others, or gets a share of theirs. Gives back the fan that is to
    /// be used in place of its own, if one is: not while something `special` happens to it.
    pub fn issued(&mut self, id: &WorkloadId, fan: &Fan, history: &History, special: bool) -> Option<Fan> {
        let now = fan.issued;
        let (held, _) = history.span(id, SignalKind::Demand)?;
        let since = self.since(id, held);
        let began = *self.began.get_or_insert(now);
        self.note(id, now, history);
        let window = || history.window(id, SignalKind::Demand, now - PAST, now, STEP);
        if now.since(since) >= MATURE {
            self.young.remove(id);
            self.renew(id, now, &window);
            return None;
        }
        if special || (self.shapes.is_empty() && self.theirs.is_empty()) {
            return None;
        }
        let window = window();
        if self.is_due(id, now) {
            let found = like(&window, now, &self.zone(id), &self.known(id));
            match found {
                Some(found) => self.young.insert(id.clone(), (now, found)),
                None => self.young.remove(id),
            };
        }
        let (_, near) = self.young.get(id)?;
        let told = near.told(&window, fan)?;
        let record = self.record_of(id, now);
        let forgotten = began.since(since) > FRESH && !self.earlier.contains_key(id);
        let belief = if forgotten { near.belief().min(UNSCORED) } else { near.belief() };
        let used = mix(fan, &told, &near.sources(), |lead| share(belief, record.losses(lead)));
        let reach = record.reach(fan.end().since(now));
        let longer = reach.map(|(reach, off)| near.longer(&window, &told, used.clone(), now + reach, off));
        // All at the same instants, or they would be scored on different days.
        if self.told.record(id, &told) {
            self.own.record(id, fan);
            self.used.record(id, &used);
        }
        if let Some(longer) = &longer {
            self.longer.record(id, longer);
        }
        Some(longer.unwrap_or(used))
    }

    /// By whose clocks a workload lives. What was made by others' is made anew.
    pub fn lives_by(&mut self, id: &WorkloadId, zone: TimeZone) {
        if self.zone(id) == zone || (self.zones.len() >= KNOWN && !self.zones.contains_key(id)) {
            return;
        }
        self.tallies.remove(id);
        self.due.remove(id);
        self.young.remove(id);
        self.shapes.remove(id);
        self.zones.insert(id.clone(), zone);
    }

    fn zone(&self, id: &WorkloadId) -> TimeZone {
        self.zones.get(id).cloned().unwrap_or(TimeZone::UTC)
    }

    /// What is known of a workload's forecasts: of this run, and of earlier ones as far as that still counts.
    fn record_of(&self, id: &WorkloadId, now: Timestamp) -> Record {
        let record = Record::of(self.own.of(id), self.told.of(id), self.longer.of(id));
        let earlier = self.earlier.get(id);
        earlier.map_or_else(|| record.clone(), |(at, earlier)| record.and(&earlier.aged(now.since(*at))))
    }

    /// Since when a workload is known at all, of which the history holds `held`.
    fn since(&mut self, id: &WorkloadId, held: Timestamp) -> Timestamp {
        if self.since.len() >= KNOWN && !self.since.contains_key(id) {
            return held;
        }
        let since = self.since.entry(id.clone()).or_insert(held);
        *since = held.min(*since);
        *since
    }

    /// Takes the last minutes of demand into the tally of a workload, every five minutes.
    fn note(&mut self, id: &WorkloadId, now: Timestamp, history: &History) {
        let due = self.tallies.get(id).is_none_or(|(at, _)| now < *at || now.since(*at) >= STEP);
        if !due || (self.tallies.len() >= KNOWN && !self.tallies.contains_key(id)) {
            return;
        }
        let lately = history.window(id, SignalKind::Demand, now - STEP, now, STEP);
        let zone = self.zone(id);
        let (last, tally) = self.tallies.entry(id.clone()).or_insert_with(|| (now, Tally::new(zone)));
        *last = now;
        lately.points().for_each(|(at, value)| tally.note(at, value));
    }

    /// Makes the shape of an old service anew if it is time; where too little history is held it stays what it was.
    fn renew(&mut self, id: &WorkloadId, now: Timestamp, window: &dyn Fn() -> Window) {
        let due = self.due.get(id).is_none_or(|next| *next <= now || next.since(now) > RENEW);
        if !due || (self.shapes.len() >= SHAPES && !self.shapes.contains_key(id)) {
            return;
        }
        let zone = self.zone(id);
        let shape = Shape::of(&window(), &zone).or_else(|| self.tallies.get(id)?.1.shape());
        self.due.insert(id.clone(), now + if shape.is_some() { RENEW } else { SPACING });
        if let Some(shape) = shape {
            self.put(id, now, shape, zone);
        }
    }

    fn put(&mut self, id: &WorkloadId, now: Timestamp, shape: Shape, zone: TimeZone) {
        if self.shapes.len() < SHAPES || self.shapes.contains_key(id) {
            self.shapes.insert(id.clone(), (now, ours(shape, zone)));
            self.first = self.first.or(Some(now));
        }
    }

    /// Shapes that a workload can be told by: those of other workloads, and of other teams.
    fn known<'a>(&'a self, id: &'a WorkloadId) -> impl Iterator<Item = &'a Known> + Clone {
        let fleet = self.shapes.iter().filter(move |(other, _)| *other != id).map(|(_, (_, known))| known);
        fleet.chain(self.theirs.iter().flat_map(|(_, known)| known))
    }

    /// Whether the nearest shapes are to be looked for: this runs beside everything else the engine does.
    fn is_due(&self, id: &WorkloadId, now: Timestamp) -> bool {
        match self.young.get(id) {
            Some((last, _)) => now < *last || now.since(*last) >= SPACING,
            None => self.young.len() < FOLLOWED,
        }
    }

    /// Takes the shapes of another team in, in place of those it sent before; a file without shapes says nothing of them.
    /// Says how many can be used.
    pub fn take_in(&mut self, key: &str, source: &str, shapes: &[SharedShape]) -> usize {
        if shapes.is_empty() {
            return 0;
        }
        self.theirs.retain(|(known, _)| known != key);
        let source: Arc<str> = source.into();
        let known: Vec<Known> = shapes
            .iter()
            .take(MOST_SHAPES)
            .filter_map(|s| Some((Shape::from_per_mille(&s.quarters)?, s.clock()?, s.services)))
            .map(|(shape, zone, services)| Known {
                shape: Arc::new(shape),
                zone,
                source: Arc::clone(&source),
                stands_for: services,
            })
            .collect();
        let count = known.len();
        if count > 0 {
            self.theirs.push((key.to_owned(), known));
            let over = self.theirs.len().saturating_sub(TEAMS);
            self.theirs.drain(..over);
        }
        count
    }

    /// The kinds of shape of our own fleet, for other teams.
    pub fn shared(&self) -> Vec<SharedShape> {
        let own = self.shapes.values().map(|(_, known)| (&*known.shape, &known.zone));
        let kinds = representatives(own, MOST_SHAPES).into_iter();
        kinds.map(|(shape, zone, services)| SharedShape::of(&shape, &zone, services)).collect()
    }

    /// The record of the fleet's shapes, once a day, for those who export them when no engine runs.
    pub fn record(&mut self, now: Timestamp) -> Option<Entry> {
        // At the start shapes come one by one.
        let since = self.first.filter(|first| now.since(*first) >= SPACING)?;
        if self.noted.is_some_and(|at| at >= since && now.since(at) < DAY) {
            return None;
        }
        self.noted = Some(now);
        let shapes = self.shared();
        let text = format!("{} for other teams", words(&shapes));
        if shapes.is_empty() {
            return None;
        }
        // Each once: who is old stays it, whatever is still held of them after the next start.
        let aged = self.since.iter().filter(|(id, at)| now.since(**at) >= MATURE && !self.old.contains(*id));
        let aged: Vec<WorkloadId> = aged.map(|(id, _)| id.clone()).collect();
        let names: Vec<String> = aged.iter().map(WorkloadId::to_string).collect();
        self.old.extend(aged);
        Some(Entry::new(Kind::Shapes, text, serde_json::json!({ "shapes": shapes, "old": names })))
    }

    /// Scores what came true; forgets who is gone.
    pub fn look_back(&mut self, history: &History, now: Timestamp, known: impl Fn(&WorkloadId) -> bool) {
        // What an earlier run knew is there before the fleet is listed.
        self.shapes.retain(|id, (at, _)| known(id) || now.since(*at) < RENEW);
        self.due.retain(|id, _| known(id));
        self.zones.retain(|id, _| known(id) || self.shapes.contains_key(id) || self.tallies.contains_key(id));
        self.earlier.retain(|_, (at, _)| now.since(*at) < SCORED);
        self.tallies.retain(|id, (at, _)| known(id) || now.since(*at) < RENEW);
        let told = &self.told;
        let scored =
            |id: &WorkloadId| told.issued_before(id, now).is_some_and(|(last, _)| now.since(last) > SCORED);
        let over: BTreeSet<WorkloadId> = told.recorded().filter(|id| scored(id)).cloned().collect();
        let kept = |id: &WorkloadId| known(id) && !over.contains(id);
        for ledger in [&mut self.own, &mut self.told, &mut self.used, &mut self.longer] {
            ledger.retain(kept);
        }
        self.young.retain(|id, (at, _)| known(id) && now.since(*at) <= SCORED);
        self.scores.retain(|_, (at, _)| now.since(*at) <= KEEP);
        let followed: Vec<WorkloadId> = self.told.recorded().cloned().collect();
        for id in followed {
            let actual = history.window(&id, SignalKind::Demand, now - SCORED, now, STEP);
            for ledger in [&mut self.own, &mut self.told, &mut self.used, &mut self.longer] {
                ledger.score(&id, &actual);
            }
            let both = loss(self.own.of(&id)).zip(loss(self.used.of(&id)));
            if let Some((own, pooled)) = both {
                self.scores.insert(id, (now, Pooled { pooled, own }));
            }
        }
    }

    /// Losses of every service that was forecast both ways.
    pub fn scores(&self) -> Vec<Pooled> {
        self.scores.values().map(|(_, score)| *score).collect()
    }

    /// Shapes of our own that are known.
    pub fn shapes(&self) -> usize {
        self.shapes.len()
    }

    /// Shapes of other teams that are known.
    pub fn foreign(&self) -> usize {
        self.theirs.iter().map(|(_, known)| known.len()).sum()
    }
}

fn ours(shape: Shape, zone: TimeZone) -> Known {
    Known { shape: Arc::new(shape), zone, source: Arc::default(), stands_for: 1 }
}

/// Weighted quantile loss over all lead times, by the points scored.
fn loss(scores: &[LeadScore]) -> Option<f64> {
    let known = scores.iter().filter_map(|s| Some((s.wql?, s.n as f64)));
    let (sum, n) = known.fold((0.0, 0.0), |(sum, n), (wql, k)| (sum + wql * k, n + k));
    (n > 0.0).then(|| sum / n)
}

mod kept;
mod lost;
mod past;

pub use past::Past;

#[cfg(test)]
mod tests;
