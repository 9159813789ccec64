//! Signals: the same expressions, evaluated over the store or taken from a server's answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::clock::{Clock, Monotonic};
use crate::scrape::{Answer, Delivery, Health, QuerySpec, SourceId, SourceKind, SourceStatus};
use crate::series::{Labels, Timestamp};
use crate::signals::{Freshness, SignalSet, rate_span};
use crate::store::query::standing::{self, Bounds};
use crate::store::query::{Options, Prepared, QueryError, Standing, Value};
use crate::store::{Snapshot, Store};
use crate::view::NoticeLevel;

use super::run::Engine;

/// The store counts as one source, so that recipes can join what different endpoints expose.
pub const SCRAPED: &str = "scraped endpoints";

/// What is kept of each expression, or why it cannot be read.
type Kept = BTreeMap<Arc<str>, Result<Question, String>>;

/// An expression, and the same about the moment, where it has a window.
#[derive(Debug)]
struct Question {
    asked: Standing,
    moment: Option<Standing>,
}

impl Question {
    fn new(expr: &str) -> Result<Self, String> {
        let prepared = Prepared::new(expr).map_err(|error| error.to_string())?;
        let moment = prepared.of_the_moment().map(Standing::new);
        Ok(Self { asked: Standing::new(prepared), moment })
    }
}

/// Expressions over the store, parsed once. Clones share what is kept from one evaluation to the next.
#[derive(Clone, Debug, Default)]
pub struct StoreQueries {
    standing: Arc<Mutex<Kept>>,
    names: usize,
    window: Duration,
}

impl StoreQueries {
    /// Whether the metric names in the store, or the window of rates, have changed since the queries were chosen.
    pub fn outdated(&self, store: &Store, window: Duration) -> bool {
        self.names != store.metric_count() || self.window != window
    }

    /// Takes the expressions to evaluate, whose rates are over `window`.
    pub fn choose(&mut self, specs: Vec<QuerySpec>, store: &Store, window: Duration) {
        (self.names, self.window) = (store.metric_count(), window);
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut old = std::mem::take(&mut *standing);
        for spec in specs {
            let query = old.remove(&spec.expr).unwrap_or_else(|| Question::new(&spec.expr));
            standing.insert(spec.expr, query);
        }
    }

    /// Evaluates every expression at `at`; where series may have `ended` lately, without what nothing measures any more.
    pub fn answers(&self, store: &Snapshot, at: Timestamp, ended: bool, bounds: Bounds) -> Vec<Answer> {
        let options = &Options::default();
        // Nobody else holds it but for another evaluation, and those do not overlap.
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut answers, mut exprs) = (Vec::new(), Vec::new());
        let (mut queries, mut moments) = (Vec::new(), BTreeMap::new());
        for (expr, question) in standing.iter_mut() {
            match question {
                Ok(Question { asked, moment }) => {
                    if let Some(moment) = moment.as_mut().filter(|_| ended) {
                        moments.insert(Arc::clone(expr), moment);
                    }
                    exprs.push(Arc::clone(expr));
                    queries.push(asked);
                }
                Err(error) => answers.push(Answer { expr: Arc::clone(expr), at, result: Err(error.clone()) }),
            }
        }
        let live = live(moments, store, at, bounds);
        let values = standing::answers(&mut queries, store, at, options, bounds);
        answers.extend(exprs.into_iter().zip(values).map(|(expr, value)| {
            let result = match (value, live.get(&expr)) {
                (Ok(Value::Vector(vector)), Some(Ok(live))) => Ok(measured(vector, live)),
                // Without knowing what is still measured, nothing is known.
                (_, Some(Err(error))) => Err(format!("{expr}: {error}")),
                (Ok(Value::Vector(vector)), None) => Ok(vector),
                (Ok(Value::Scalar(scalar)), _) => Ok(vec![(Labels::empty(), scalar)]),
                (Ok(_), _) => Err(format!("{expr}: gives no vector; a signal needs one value a workload")),
                (Err(error), _) => Err(format!("{expr}: {error}")),
            };
            Answer { expr, at, result }
        }));
        answers
    }
}

/// Groups that have a series at the moment, by expression.
type Live = BTreeMap<Arc<str>, Result<BTreeSet<Labels>, QueryError>>;

fn live(moments: BTreeMap<Arc<str>, &mut Standing>, store: &Snapshot, at: Timestamp, bounds: Bounds) -> Live {
    let (exprs, mut queries): (Vec<Arc<str>>, Vec<&mut Standing>) = moments.into_iter().unzip();
    let values = standing::answers(&mut queries, store, at, &Options::default(), bounds);
    let groups = |value: Value| match value {
        Value::Vector(vector) => vector.iter().map(|(labels, _)| labels.without_name()).collect(),
        Value::Scalar(_) | Value::Matrix(_) | Value::String(_) => BTreeSet::new(),
    };
    exprs.into_iter().zip(values).map(|(expr, value)| (expr, value.map(groups))).collect()
}

/// What of `vector` has a series that has not ended. A rate shrinks for the length of its window after its last series
/// ended: that is no falling demand, it is none that is known.
fn measured(mut vector: Vec<(Labels, f64)>, live: &BTreeSet<Labels>) -> Vec<(Labels, f64)> {
    vector.retain(|(labels, _)| live.contains(&labels.without_name()));
    vector
}

/// Samples of each series that a sum may look at: half an hour of scrapes every 15 s.
const SAMPLES_OF_A_SERIES: usize = 120;

/// How often one query may look at a series: a ratio has it above and below.
const LOOKS: usize = 4;

/// What queries may add up without loading it: a fleet's sum may be about every series that the store may hold.
pub fn bounds(limits: &crate::store::Limits) -> Bounds {
    let series = limits.max_series.saturating_mul(LOOKS);
    Bounds { series, samples: series.saturating_mul(SAMPLES_OF_A_SERIES) }
}

/// How many times as long as the queries took the store is left alone: they take a four-hundredth of a core at most.
const REST: u32 = 400;

/// When the store is asked again. Many targets change it all the time, each of them once an interval: asking a large
/// store at every tick would give the same answers for several times the work.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    /// When it was asked last, and how long that took, machine time.
    last: Option<(Monotonic, Duration)>,
}

impl Pace {
    /// Whether to ask at `now`; never put off beyond `most` after the last time.
    pub fn is_due(&self, now: Monotonic, most: Duration) -> bool {
        self.last.is_none_or(|(last, took)| now.since(last) >= took.saturating_mul(REST).min(most))
    }

    /// The store was asked at `now`, which took so long.
    pub fn note(&mut self, now: Monotonic, took: Duration) {
        self.last = Some((now, took));
    }
}

impl Engine {
    /// Evaluates what is asked of the store on a snapshot and a thread of its own. Scrapes that arrive meanwhile are
    /// taken in, so that a slow query delays no appending; the answers are those of the moment it began.
    pub(super) async fn ask_store(
        &mut self,
        now: Timestamp,
        mut deliveries: Option<&mut mpsc::Receiver<Delivery>>,
    ) -> Vec<Answer> {
        let interval = interval(&self.state.settings.scrape);
        let queries = [Some(self.queries.clone()), self.pods.due(now, interval)];
        let ended =
            self.state.sources.values().any(|source| fails_lately(&source.status, rate_span(interval), now));
        let snapshot = self.state.store.snapshot();
        let bounds = bounds(self.state.store.limits());
        let asked_at = self.clock.monotonic();
        let mut asking = tokio::task::spawn_blocking(move || -> (Vec<Answer>, Duration) {
            let machine = Clock::real();
            let began = machine.monotonic();
            let all = queries.iter().flatten();
            let answers = all.flat_map(|asked| asked.answers(&snapshot, now, ended, bounds)).collect();
            (answers, machine.monotonic().since(began))
        });
        loop {
            let arriving = async {
                match deliveries.as_mut() {
                    Some(deliveries) => deliveries.recv().await,
                    None => None,
                }
            };
            tokio::select! {
                biased;
                answered = &mut asking => match answered {
                    Ok((answers, took)) => {
                        self.pace.note(asked_at, took);
                        return answers;
                    }
                    Err(error) => {
                        self.say(NoticeLevel::Error, format!("queries over the store: {error}"));
                        return Vec::new();
                    }
                },
                Some(delivery) = arriving => self.delivery(delivery),
            }
        }
    }
}

/// Whether a `window` of rates may still hold samples of what `source` no longer gives.
fn fails_lately(source: &SourceStatus, window: Duration, now: Timestamp) -> bool {
    source.kind == SourceKind::Exposition
        && !matches!(source.health, Health::Healthy)
        && source.last_success.is_some_and(|at| now.since(at) <= window + source.interval * 2)
}

/// Marks what was evaluated over the store as not fresh until it holds a whole rate window: until then a rate is over
/// the part that is there, and rests on a few samples. Such a value may be shown; nothing is learned from it and nothing
/// is lowered by it.
pub fn mark_filling(sets: &mut [SignalSet], left: Duration) {
    let signals = sets.iter_mut().flat_map(|s| s.signals.values_mut());
    for signal in signals.filter(|s| s.freshness == Freshness::Fresh) {
        if signal
            .provenance
            .as_ref()
            .is_some_and(|p| p.source.as_str() == SCRAPED && p.expr.contains("rate("))
        {
            signal.freshness = Freshness::Stale;
            signal.note = format!("the first rate window is full in {} s", left.as_secs().max(1));
        }
    }
}

/// Identity of the store as a source.
pub fn scraped() -> SourceId {
    SourceId::new(SCRAPED)
}

/// How often the store changes: the shortest interval of the scraped targets.
pub fn interval(targets: &[crate::scrape::Target]) -> Duration {
    targets.iter().map(|t| t.interval).max().unwrap_or(crate::scrape::DEFAULT_INTERVAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_long_is_asked_seldom_but_once_an_interval() {
        let at = |ms| Monotonic::from_duration(Duration::from_millis(ms));
        let most = Duration::from_secs(13);
        let mut pace = Pace::default();
        assert!(pace.is_due(at(0), most));
        pace.note(at(1000), Duration::from_millis(5));
        assert!(!pace.is_due(at(2999), most));
        assert!(pace.is_due(at(3000), most), "what is quick is asked at every tick");
        pace.note(at(3000), Duration::from_secs(2));
        assert!(!pace.is_due(at(15_999), most));
        assert!(pace.is_due(at(16_000), most));
    }
}
