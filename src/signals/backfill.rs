//! History from servers that have it: which expressions to ask, and what their answers mean.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::fleet::WorkloadId;
use crate::scrape::{RangeAnswer, SourceId};
use crate::series::{Sample, Timestamp};

use super::SignalKind;
use super::expr::rate_window;
use super::history::History;
use super::identity::unify;
use super::limits::{MAX_BACKFILL_SERIES, RATE_INTERVALS};
use super::recipe::Target;
use super::resolver::{QUANTILES, Resolver, additive, applicable, quantile_exprs};

/// What forecasts and capacity curves need, most needed first.
const KINDS: [SignalKind; 6] = [
    SignalKind::Demand,
    SignalKind::Errors,
    SignalKind::LatencyP95,
    SignalKind::CpuUsed,
    SignalKind::ReplicasReady,
    // What is usual of it tells a flushed cache from a small one.
    SignalKind::CacheHitRatio,
];

/// One expression to ask history of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackfillQuery {
    /// The signal it gives.
    pub kind: SignalKind,
    /// The expression.
    pub expr: Arc<str>,
}

impl Resolver {
    /// The expressions to ask `source` (as last described to [`Resolver::queries`]) history of at `step`, most
    /// needed first. Rates span at least one step, so that nothing between two points is lost.
    pub fn backfill_queries(
        &mut self,
        source: &SourceId,
        has_metric: &dyn Fn(&str) -> bool,
        step: Duration,
    ) -> Vec<BackfillQuery> {
        let interval = self.sources.iter().find(|s| s.id == *source).map_or(step, |s| s.interval);
        let window = rate_window(interval.max(step / RATE_INTERVALS));
        let mut queries: Vec<(usize, usize, BackfillQuery)> = Vec::new();
        for (index, recipe) in self.recipes.iter().enumerate() {
            let by = recipe.identity.by();
            for entry in applicable(recipe, has_metric).into_iter().filter_map(|i| recipe.entries.get(i)) {
                let expr = entry.expr(&by, &window);
                let (kind, expr) = match entry.target {
                    Target::Signal(kind) => (kind, expr),
                    Target::Histogram => {
                        let mut all = QUANTILES.iter().zip(quantile_exprs(entry, &expr));
                        let Some((_, p95)) = all.find(|((k, _), _)| *k == SignalKind::LatencyP95) else {
                            continue;
                        };
                        (SignalKind::LatencyP95, p95)
                    }
                    Target::Team | Target::Part(_) => continue,
                };
                if let Some(rank) = KINDS.iter().position(|k| *k == kind) {
                    queries.push((rank, index, BackfillQuery { kind, expr }));
                }
            }
        }
        queries.sort_by_key(|(rank, index, _)| (*rank, *index));
        let mut plan: HashMap<Arc<str>, Vec<(usize, SignalKind)>> = HashMap::new();
        for (_, index, query) in &queries {
            plan.entry(Arc::clone(&query.expr)).or_default().push((*index, query.kind));
        }
        self.source_mut(source, interval).history = plan;
        queries.into_iter().map(|(_, _, query)| query).collect()
    }

    /// Fills the gaps of `history` from an answer to one of [`Self::backfill_queries`]; how many minutes.
    /// Answers to anything else, and series that name no workload, are ignored. Resolve a first tick before, so
    /// that partial namings are joined as they are for live values.
    pub fn absorb(&self, source: &SourceId, answer: &RangeAnswer, history: &mut History) -> usize {
        let Some(state) = self.sources.iter().find(|s| s.id == *source) else { return 0 };
        let Some(uses) = state.history.get(&answer.expr) else { return 0 };
        let mut filled = 0;
        for (recipe, kind) in uses {
            for (raw, points) in self.points_by_workload(*recipe, *kind, answer) {
                let workload = self.unified.get(&raw).cloned().unwrap_or_else(|| self.meant(&raw));
                if self.recipe_serves(*recipe, *kind, &workload) {
                    filled += history.backfill(&workload, *kind, &points, answer.step);
                }
            }
        }
        filled
    }

    /// Series of one workload add up point by point; ratios and times of several series are nobody's.
    fn points_by_workload(
        &self,
        recipe: usize,
        kind: SignalKind,
        answer: &RangeAnswer,
    ) -> BTreeMap<WorkloadId, Vec<Sample>> {
        let mut by_workload: BTreeMap<WorkloadId, (usize, BTreeMap<Timestamp, f64>)> = BTreeMap::new();
        let Some(recipe) = self.recipes.get(recipe) else { return BTreeMap::new() };
        for (labels, points) in answer.series.iter().take(MAX_BACKFILL_SERIES) {
            let Some(id) = recipe.identity.workload(labels) else { continue };
            let (count, sums) = by_workload.entry(id).or_default();
            *count += 1;
            for point in points {
                *sums.entry(point.at).or_insert(0.0) += point.value;
            }
        }
        by_workload.retain(|_, (count, _)| *count == 1 || additive(kind));
        let samples =
            |sums: BTreeMap<Timestamp, f64>| sums.into_iter().map(|(at, v)| Sample::new(at, v)).collect();
        by_workload.into_iter().map(|(id, (_, sums))| (id, samples(sums))).collect()
    }

    /// The workload that a naming not seen live means.
    fn meant(&self, raw: &WorkloadId) -> WorkloadId {
        let unified = unify(self.seen.keys().chain(self.platforms.values().flatten()).chain([raw]));
        unified.get(raw).cloned().unwrap_or_else(|| raw.clone())
    }

    /// Whether `recipe` is of the family that serves `kind` of `workload` live; if none does yet, any may.
    fn recipe_serves(&self, recipe: usize, kind: SignalKind, workload: &WorkloadId) -> bool {
        let raws =
            self.unified.iter().filter(|(_, w)| *w == workload).filter_map(|(raw, _)| self.seen.get(raw));
        let live = raws
            .flat_map(|s| s.values.iter())
            .filter(|(_, o)| o.kind == kind)
            .map(|(slot, _)| slot.recipe)
            .min();
        let family = |i: usize| self.recipes.get(i).map(|r| &r.family);
        live.is_none_or(|live| family(live) == family(recipe) || !super::choose::of_one_family(kind))
    }
}

#[cfg(test)]
mod tests {
    use super::SignalKind as K;
    use super::*;
    use crate::series::Labels;
    use crate::signals::tests::Bench;

    const METRICS: &[&str] = &[
        "http_server_request_duration_seconds_count",
        "http_server_request_duration_seconds_bucket",
        "container_cpu_usage_seconds_total",
        "redis_commands_processed_total",
    ];
    const MINUTE: Duration = Duration::from_secs(60);

    fn series(pairs: &[(&str, &str)], values: &[f64]) -> (Labels, Vec<Sample>) {
        let at = |i: usize| Timestamp::from_secs(60 * (100 + i as i64));
        let points = values.iter().enumerate().map(|(i, v)| Sample::new(at(i), *v)).collect();
        (Labels::from_pairs(pairs.iter().copied()), points)
    }

    fn demand(history: &History, workload: &str) -> Vec<Option<f64>> {
        let (from, to) = (Timestamp::from_secs(6_000), Timestamp::from_secs(6_180));
        let window = history.window(&workload.parse().unwrap(), SignalKind::Demand, from, to, MINUTE);
        window.values().to_vec()
    }

    #[test]
    fn asks_the_most_needed_first_with_rates_that_span_the_step() {
        let mut bench = Bench::new(METRICS);
        let has = |m: &str| METRICS.contains(&m);
        let queries = bench.resolver.backfill_queries(&bench.source, &has, Duration::from_secs(300));
        let kinds: Vec<_> = queries.iter().map(|q| q.kind).collect();
        assert_eq!(kinds, [K::Demand, K::Demand, K::Errors, K::LatencyP95, K::CpuUsed]);
        assert!(
            queries[0].expr.contains("http_server") && queries[0].expr.contains("[5m]"),
            "{}",
            queries[0].expr
        );
        assert!(queries[3].expr.starts_with("histogram_quantile(0.95, "));
        assert!(queries.iter().all(|q| promql_parser::parser::parse(&q.expr).is_ok()));
    }

    #[test]
    fn answers_fill_the_history_of_the_workload_that_is_meant() {
        let mut bench = Bench::new(METRICS);
        let has = |m: &str| METRICS.contains(&m);
        let queries = bench.resolver.backfill_queries(&bench.source, &has, MINUTE);
        bench.tick(
            1000,
            &[("redis", &[]), ("_count", &[(&[("job", "checkout"), ("namespace", "shop")], 5.0)])],
        );
        let mut history = History::new();
        let answer = |expr: &Arc<str>, series| RangeAnswer {
            expr: Arc::clone(expr),
            step: MINUTE,
            series,
            last: true,
        };
        let http = answer(
            &queries[0].expr,
            vec![
                series(&[("job", "checkout")], &[1.0, f64::NAN, 3.0]),
                series(&[("job", "checkout"), ("team", "pay")], &[10.0, 10.0]),
                series(&[("instance", "nobody")], &[9.0]),
            ],
        );
        assert_eq!(bench.resolver.absorb(&bench.source, &http, &mut history), 2);
        assert_eq!(demand(&history, "shop/checkout"), [Some(11.0), None, Some(3.0)]);
        let redis = answer(&queries[1].expr, vec![series(&[("job", "checkout")], &[500.0, 500.0])]);
        assert_eq!(
            bench.resolver.absorb(&bench.source, &redis, &mut history),
            0,
            "commands are not requests"
        );
        let other = answer(&Arc::from("up"), vec![series(&[("job", "checkout")], &[1.0])]);
        assert_eq!(bench.resolver.absorb(&bench.source, &other, &mut history), 0);
        let twice = vec![
            series(&[("job", "a"), ("app", "x")], &[1.0]),
            series(&[("job", "b"), ("app", "x")], &[1.0]),
        ];
        assert_eq!(bench.resolver.absorb(&bench.source, &answer(&queries[3].expr, twice), &mut history), 0);
    }
}
