//! The resolver: asks for what the recipes know, takes in the answers, settles on one value per signal.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::fleet::WorkloadId;
use crate::scrape::{Answer, QuerySpec, SourceId};
use crate::series::{Labels, Timestamp, text};

use super::catalogue::Catalogue;
use super::expr::{rate_span, written};
use super::histogram::{Buckets, quantile};
use super::identity::unify;
use super::limits::{FORGET_AFTER, MAX_WORKLOADS, STALE_KEPT};
use super::observe::{Observation, Seen, Slot};
use super::parts::Parts;
use super::recipe::{Entry, Recipe, Target};
use super::{History, SignalKind, SignalSet, choose};

/// The quantiles read from every latency histogram.
pub(super) const QUANTILES: [(SignalKind, f64); 3] =
    [(SignalKind::LatencyP50, 0.5), (SignalKind::LatencyP95, 0.95), (SignalKind::LatencyP99, 0.99)];

/// The last known span of which the peak is remembered over a restart.
const RECALL: Duration = Duration::from_secs(3_600);

/// Characters kept of a source's error text in a note.
const MAX_NOTE_CHARS: usize = 200;

/// Turns answers into signals. One per engine; remembers the last values to judge freshness.
///
/// The engine hands in every source's answers of a tick. All directly scraped endpoints must be one source
/// here (one evaluation over the whole store), because replicas of a workload are scraped separately and only
/// the expression's own `sum` may add them; answers of different sources are alternatives and never add up.
#[derive(Clone, Debug)]
pub struct Resolver {
    pub(super) recipes: Vec<Recipe>,
    pub(super) sources: Vec<SourceState>,
    pub(super) seen: BTreeMap<WorkloadId, Seen>,
    pub(super) unified: BTreeMap<WorkloadId, WorkloadId>,
    /// By platform, what it calls its workloads.
    pub(super) platforms: BTreeMap<String, BTreeSet<WorkloadId>>,
    /// What guarded kinds were before this process began.
    pub(super) before: BTreeMap<(WorkloadId, SignalKind), (Timestamp, f64)>,
    /// Signals broken down.
    pub(super) parts: Parts,
    max_workloads: usize,
    refused: BTreeSet<WorkloadId>,
}

#[derive(Clone, Debug)]
pub(super) struct SourceState {
    pub id: SourceId,
    pub interval: Duration,
    pub asked: HashMap<Arc<str>, Vec<Asked>>,
    pub history: HashMap<Arc<str>, Vec<(usize, SignalKind)>>,
    pub error: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub recipe: usize,
    pub entry: usize,
    /// For a histogram, the expressions of its quantiles.
    pub quantiles: Vec<Arc<str>>,
}

impl Resolver {
    /// A resolver that knows `catalogue`.
    pub fn new(catalogue: &Catalogue) -> Self {
        Self {
            recipes: catalogue.recipes().to_vec(),
            sources: Vec::new(),
            seen: BTreeMap::new(),
            unified: BTreeMap::new(),
            platforms: BTreeMap::new(),
            before: BTreeMap::new(),
            parts: Parts::default(),
            max_workloads: MAX_WORKLOADS,
            refused: BTreeSet::new(),
        }
    }

    /// With another bound on the number of workloads (as sources name them).
    #[must_use]
    pub fn with_max_workloads(mut self, max: usize) -> Self {
        self.max_workloads = max;
        self
    }

    /// Tells what is known from before this process began (once, after importing the history): a zero as the very
    /// first sample is then judged against the last known hour's peak instead of being believed.
    pub fn remember(&mut self, history: &History) {
        self.before = history.last_peaks(RECALL, |kind| super::guard::threshold(kind).is_some());
    }

    /// How many workloads were refused at the last tick because of the bound.
    pub fn refused(&self) -> usize {
        self.refused.len()
    }

    /// Names of the recipes that apply to `source` as last asked about, preferred first.
    pub fn recipes_of(&self, source: &SourceId) -> Vec<Arc<str>> {
        let state = self.sources.iter().find(|s| s.id == *source);
        let used: BTreeSet<usize> =
            state.iter().flat_map(|s| s.asked.values().flatten()).map(|a| a.recipe).collect();
        used.into_iter().filter_map(|i| self.recipes.get(i)).map(|r| Arc::clone(&r.name)).collect()
    }

    /// The expressions to evaluate at every tick for `source`, which has the metrics that `has_metric` says yes
    /// to and is polled every `interval`. Ask again whenever its metric names change: the last call's plan is
    /// how [`Self::resolve`] understands the answers.
    pub fn queries(
        &mut self,
        source: &SourceId,
        has_metric: &dyn Fn(&str) -> bool,
        interval: Duration,
    ) -> Vec<QuerySpec> {
        self.queries_over(source, has_metric, interval, rate_span(interval))
    }

    /// The same with rates over `window`.
    pub fn queries_over(
        &mut self,
        source: &SourceId,
        has_metric: &dyn Fn(&str) -> bool,
        interval: Duration,
        window: Duration,
    ) -> Vec<QuerySpec> {
        let window = written(window);
        let mut asked: HashMap<Arc<str>, Vec<Asked>> = HashMap::new();
        let mut specs = Vec::new();
        for (recipe_index, recipe) in self.recipes.iter().enumerate() {
            let by = recipe.identity.by();
            for entry_index in applicable(recipe, has_metric) {
                let Some(entry) = recipe.entries.get(entry_index) else { continue };
                let expr = entry.expr(&by, &window);
                let quantiles = quantile_exprs(entry, &expr);
                let users = asked.entry(Arc::clone(&expr)).or_default();
                if users.is_empty() {
                    specs.push(QuerySpec { expr });
                }
                users.push(Asked { recipe: recipe_index, entry: entry_index, quantiles });
            }
        }
        let state = self.source_mut(source, interval);
        state.interval = interval;
        state.asked = asked;
        specs
    }

    pub(super) fn source_mut(&mut self, id: &SourceId, interval: Duration) -> &mut SourceState {
        let index = self.sources.iter().position(|s| s.id == *id).unwrap_or(self.sources.len());
        if index == self.sources.len() {
            self.sources.push(SourceState {
                id: id.clone(),
                interval,
                asked: HashMap::new(),
                history: HashMap::new(),
                error: None,
            });
        }
        #[expect(clippy::indexing_slicing, reason = "index is the position found or just pushed")]
        &mut self.sources[index]
    }

    /// Takes in the answers of a tick and gives every known workload's signals, sorted by workload.
    ///
    /// `Answer::at` must be the instant the data is of: for scraped endpoints that stopped answering, hand in
    /// no new answers (or the last scrape's instant), so that their values turn stale. Answers to expressions
    /// that were not asked are ignored.
    pub fn resolve(&mut self, now: Timestamp, answers: &[(SourceId, Vec<Answer>)]) -> Vec<SignalSet> {
        self.refused.clear();
        let before = self.seen.len();
        for (source, answers) in answers {
            let Some(index) = self.sources.iter().position(|s| s.id == *source) else { continue };
            for answer in answers {
                self.absorb_answer(index, answer);
            }
        }
        let known = self.seen.len();
        self.seen.retain(|_, s| now.since(s.heard) <= FORGET_AFTER);
        self.parts.forget(now, STALE_KEPT);
        if known != before || self.seen.len() != known || self.unified.is_empty() {
            self.unify();
        }
        let mut groups: BTreeMap<WorkloadId, Vec<WorkloadId>> = BTreeMap::new();
        // What only a platform speaks of has no signals.
        for (raw, workload) in self.unified.iter().filter(|(raw, _)| self.seen.contains_key(*raw)) {
            groups.entry(workload.clone()).or_default().push(raw.clone());
        }
        groups.into_iter().map(|(workload, raws)| choose::settle(self, now, workload, &raws)).collect()
    }

    /// Takes over what a platform calls its workloads: an identity without namespace or region means the only
    /// fuller one, whichever side says more.
    pub fn listed(&mut self, platform: &str, ids: BTreeSet<WorkloadId>) {
        if self.platforms.get(platform) != Some(&ids) {
            self.platforms.insert(platform.to_owned(), ids);
            self.unify();
        }
    }

    /// The workload that `id` means.
    pub fn meant_by(&self, id: &WorkloadId) -> WorkloadId {
        self.unified.get(id).cloned().unwrap_or_else(|| id.clone())
    }

    fn unify(&mut self) {
        self.unified = unify(self.seen.keys().chain(self.platforms.values().flatten()));
    }

    fn absorb_answer(&mut self, source: usize, answer: &Answer) {
        let Some(state) = self.sources.get_mut(source) else { return };
        let Some(asked) = state.asked.get(&answer.expr).cloned() else { return };
        match &answer.result {
            Err(error) => state.error = Some(text::clean(error, MAX_NOTE_CHARS)),
            Ok(series) => {
                state.error = None;
                for asked in asked {
                    let entry = self.recipes.get(asked.recipe).and_then(|r| r.entries.get(asked.entry));
                    if entry.is_some_and(|e| matches!(e.target, Target::Part(_))) {
                        self.absorb_parts(source, &asked, answer);
                    } else {
                        self.absorb_series(source, &asked, answer, series);
                    }
                }
            }
        }
    }

    fn absorb_series(&mut self, source: usize, asked: &Asked, answer: &Answer, series: &[(Labels, f64)]) {
        let slot = Slot { recipe: asked.recipe, source, entry: asked.entry, part: 0 };
        let Some(recipe) = self.recipes.get(asked.recipe) else { return };
        let Some(entry) = recipe.entries.get(asked.entry).cloned() else { return };
        let mut sums: BTreeMap<WorkloadId, (f64, usize)> = BTreeMap::new();
        let mut buckets: BTreeMap<WorkloadId, Buckets> = BTreeMap::new();
        let mut teams: BTreeMap<WorkloadId, Arc<str>> = BTreeMap::new();
        let mut named: BTreeMap<WorkloadId, &Labels> = BTreeMap::new();
        let by_pod = matches!(entry.target, Target::Histogram | Target::Signal(SignalKind::Demand));
        for (labels, value) in series {
            let Some(id) = recipe.identity.workload(labels) else { continue };
            let team = recipe.identity.team(labels);
            if !team.is_empty() {
                teams.insert(id.clone(), team);
            }
            if by_pod {
                named.entry(id.clone()).or_insert(labels);
            }
            if entry.target == Target::Histogram {
                buckets.entry(id).or_default().add(labels.get("le"), *value, entry.scale);
            } else {
                let sum = sums.entry(id).or_insert((0.0, 0));
                *sum = (sum.0 + value, sum.1 + 1);
            }
        }
        if let Target::Signal(kind) = entry.target {
            for (id, (sum, count)) in sums {
                let Some(seen) = self.seen_mut(&id, answer.at) else { continue };
                let observation = seen
                    .values
                    .entry(slot)
                    .or_insert_with(|| Observation::new(kind, Arc::clone(&answer.expr), entry.derived));
                // Of a store that began a moment ago the window of a rate grows: the evidence names the present one.
                observation.expr.clone_from(&answer.expr);
                // Ratios and times of several series have no sum: none of them is the workload's.
                if count > 1 && !additive(kind) {
                    observation.take(answer.at, f64::NAN, &format!("{count} series where one was expected"));
                } else {
                    observation.take(answer.at, sum, "");
                }
            }
        }
        for (id, buckets) in buckets {
            self.absorb_buckets(&id, slot, asked, answer.at, buckets);
        }
        for (id, labels) in named {
            if let Some(seen) = self.seen.get_mut(&id) {
                seen.labels.insert(slot, labels.clone());
            }
        }
        for (id, team) in teams {
            if let Some(seen) = self.seen.get_mut(&id) {
                seen.note_team(slot, team);
            } else if entry.target == Target::Team
                && let Some(seen) = self.seen_mut(&id, answer.at)
            {
                seen.note_team(slot, team);
            }
        }
    }

    fn absorb_buckets(
        &mut self,
        id: &WorkloadId,
        slot: Slot,
        asked: &Asked,
        at: Timestamp,
        buckets: Buckets,
    ) {
        let Some(seen) = self.seen_mut(id, at) else { return };
        let histogram = buckets.finish();
        for (part, ((kind, q), expr)) in (1..).zip(QUANTILES.iter().zip(&asked.quantiles)) {
            let observation = seen
                .values
                .entry(Slot { part, ..slot })
                .or_insert_with(|| Observation::new(*kind, Arc::clone(expr), false));
            match &histogram {
                Ok(h) => observation.take(at, quantile(h, *q).unwrap_or(f64::NAN), ""),
                Err(reason) => observation.take(at, f64::NAN, &format!("the histogram is refused: {reason}")),
            }
        }
        match histogram {
            Ok(histogram) => drop(seen.histograms.insert(slot, (at, histogram))),
            Err(_) => drop(seen.histograms.remove(&slot)),
        }
    }

    fn seen_mut(&mut self, id: &WorkloadId, at: Timestamp) -> Option<&mut Seen> {
        if !self.seen.contains_key(id) && self.seen.len() >= self.max_workloads {
            if self.refused.len() < MAX_WORKLOADS {
                self.refused.insert(id.clone());
            }
            return None;
        }
        let seen = self.seen.entry(id.clone()).or_default();
        seen.heard = seen.heard.max(at);
        Some(seen)
    }
}

/// Whether series of one workload add up.
pub(super) fn additive(kind: SignalKind) -> bool {
    use SignalKind as K;
    let extreme =
        matches!(kind, K::CpuBusiest | K::MemoryLargest | K::DiskFree | K::DiskSize | K::ResponseSize);
    !extreme && !matches!(kind.unit(), crate::series::Unit::Ratio | crate::series::Unit::Seconds)
}

/// Indices of the entries of `recipe` that can be asked of a source with these metrics.
pub(super) fn applicable(recipe: &Recipe, has_metric: &dyn Fn(&str) -> bool) -> Vec<usize> {
    if !recipe.detect.matches(has_metric) {
        return Vec::new();
    }
    let mut targets: Vec<Target> = Vec::new();
    let mut indices = Vec::new();
    for (i, entry) in recipe.entries.iter().enumerate() {
        if entry.needs.iter().all(|m| has_metric(m)) && !(entry.fallback && targets.contains(&entry.target)) {
            targets.push(entry.target);
            indices.push(i);
        }
    }
    indices
}

/// The expressions whose answers the quantiles of a histogram entry equal.
pub(super) fn quantile_exprs(entry: &Entry, expr: &str) -> Vec<Arc<str>> {
    if entry.target != Target::Histogram {
        return Vec::new();
    }
    let one = |q: f64| {
        let plain = format!("histogram_quantile({q}, {expr})");
        if entry.scale == 1.0 { plain.into() } else { format!("{} * {plain}", entry.scale).into() }
    };
    QUANTILES.iter().map(|(_, q)| one(*q)).collect()
}
