//! What one operation did to users, capacity and cost: the observations behind the KPIs (`meaning.md` §4).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::execution::judge::{self, Shift};
use crate::execution::{Operation, OperationId, OperationState, StageKind};
use crate::fleet::WorkloadId;
use crate::plan::Dimension;
use crate::proposal::{ProposalId, Staging};
use crate::series::{Timestamp, Window};
use crate::signals::{LatencyHistogram, SignalKind};

use super::OutcomeVerdict;

/// The pre-window: `B = [t0 − 30 min, t0)`.
const BEFORE: Duration = Duration::from_secs(30 * 60);
/// Minutes a median needs.
const ENOUGH: usize = 3;

/// Signals over one span of minutes. A minute without a value is left out, never counted as zero.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// Requests in the minutes in which failures were known too.
    pub requests: f64,
    /// Failed requests in the same minutes.
    pub failed: f64,
    /// Those minutes.
    pub minutes: usize,
    /// Median demand, requests a second.
    pub demand: Option<f64>,
    /// Median of ready replicas.
    pub ready: Option<f64>,
    /// Most ready replicas.
    pub ready_most: Option<f64>,
    /// 95th percentile of response times, seconds: from summed buckets where they were held, otherwise the
    /// requests-weighted mean of the minutes' percentiles.
    pub p95: Option<f64>,
    /// Median of CPU used over CPU requested.
    pub utilisation: Option<f64>,
    /// Median of demand over utilisation: requests a second with every requested core busy.
    pub full_load: Option<f64>,
    /// Requests-weighted mean share of session requests that reached the replica holding their session.
    pub affinity: Option<f64>,
}

impl Span {
    /// Share of requests that did not fail; `None` without requests.
    pub fn good_ratio(&self) -> Option<f64> {
        (self.requests > 0.0).then(|| (1.0 - self.failed / self.requests).clamp(0.0, 1.0))
    }
}

/// Time from the first minute short of capacity to the first minute with enough.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// Seconds; zero if capacity was there before it was needed.
    pub seconds: f64,
    /// Whether capacity was still short at the end: then it took at least that long.
    pub still_short: bool,
}

/// Everything the KPIs take from one executed operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Which operation.
    pub operation: OperationId,
    /// Of which proposal; `None` in records of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<ProposalId>,
    /// The steps it was made in; `None` if at once, or in records of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staging: Option<Staging>,
    /// On which workload.
    pub workload: WorkloadId,
    /// `t0`.
    pub started: Timestamp,
    /// `t2`.
    pub until: Timestamp,
    /// Dimension of the change.
    pub dimension: Dimension,
    /// Value before.
    pub from: u32,
    /// Value written.
    pub to: u32,
    /// Whether it was kept.
    pub kept: bool,
    /// `B = [t0 − 30 min, t0)`.
    pub before: Span,
    /// `O = [t0, t2]`.
    pub during: Span,
    /// `[t1, t2]`: after the last replica was ready and warm.
    pub after: Span,
    /// What one replica held within the objective, requests a second.
    pub per_replica: Option<f64>,
    /// The p95 that the capacity model expects at the load during the operation, seconds.
    pub p95_expected: Option<f64>,
    /// Shift of the minutes' p95 during against before, seconds; `None` with too few minutes.
    #[serde(default)]
    pub p95_shift: Option<Shift>,
    /// KPI 3; `None` where capacity is not known or nothing was raised.
    pub response: Option<Response>,
    /// Time from need to proposal, to approval, then of each stage and of a replica's phases, seconds.
    pub phases: Vec<(String, f64)>,
    /// Paid for replicas before they served, and for replicas rolled back, $; `None` without a price.
    pub overhead: Option<f64>,
    /// How it went, once that was measured; `None` if it was not, or was forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<OutcomeVerdict>,
}

/// What the figures are taken from.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// The operation, ended.
    pub operation: &'a Operation,
    /// When it was proposed, if known.
    pub proposed: Option<Timestamp>,
    /// What one replica holds, requests a second.
    pub per_replica: Option<f64>,
    /// Price of a replica, $/h.
    pub price: Option<f64>,
    /// Expected p95, seconds, at a load per replica.
    pub expected_p95: &'a dyn Fn(f64) -> Option<f64>,
    /// A signal by the minute.
    pub history: &'a dyn Fn(SignalKind, Timestamp, Timestamp) -> Window,
    /// Summed response-time buckets; `None` unless the whole span is held.
    pub histogram: &'a dyn Fn(Timestamp, Timestamp) -> Option<LatencyHistogram>,
    /// Mean seconds of a replica's phases before it is ready, where the platform tells.
    pub lifecycle: &'a [(String, f64)],
    /// `t2 − t1`.
    pub settle: Duration,
}

/// The figures of an operation that wrote something and has ended; `None` otherwise.
pub fn figures(around: &Around<'_>) -> Option<Figures> {
    let operation = around.operation;
    operation.change.count()?;
    let ended = operation.ended.filter(|_| operation.state.is_final() && operation.checkpoint.is_some())?;
    let stage_end = |kind| operation.stages.iter().find(|s| s.kind == kind).and_then(|s| s.ended);
    let warm = stage_end(StageKind::WarmUp).unwrap_or(ended).min(ended);
    let reached = stage_end(StageKind::Shift).unwrap_or(warm).min(ended);
    let until = reached + around.settle;
    let before = span(around, operation.started - BEFORE, operation.started);
    let during = span(around, operation.started, until);
    let after = span(around, reached, until);
    let minutes = shortage(around, before.ready, warm, until);
    let load = during.demand.zip(during.ready).filter(|(_, n)| *n > 0.0).map(|(x, n)| x / n);
    Some(Figures {
        operation: operation.id.clone(),
        proposal: Some(operation.proposal.clone()),
        staging: operation.staging.clone(),
        workload: operation.workload.clone(),
        started: operation.started,
        until,
        dimension: operation.change.dimension,
        from: operation.change.from,
        to: operation.change.to,
        kept: operation.state == OperationState::Kept,
        per_replica: around.per_replica,
        p95_expected: load.and_then(around.expected_p95),
        p95_shift: p95_shift(around, until),
        response: response(&minutes),
        phases: phases(around, first_short(&minutes)),
        overhead: overhead(around, &before, &during, warm, ended),
        verdict: None,
        before,
        during,
        after,
    })
}

/// Minutes' p95 of O against those of B.
fn p95_shift(around: &Around<'_>, until: Timestamp) -> Option<Shift> {
    let start = around.operation.started;
    let minutes = |from, to| -> Vec<f64> {
        (around.history)(SignalKind::LatencyP95, from, to).points().map(|(_, v)| v).collect()
    };
    judge::shift(&minutes(start - BEFORE, start), &minutes(start, until))
}

fn span(around: &Around<'_>, from: Timestamp, to: Timestamp) -> Span {
    let get = |kind| (around.history)(kind, from, to);
    let (demand, errors) = (get(SignalKind::Demand), get(SignalKind::Errors));
    let (used, requested) = (get(SignalKind::CpuUsed), get(SignalKind::CpuRequested));
    let (ready, p95) = (get(SignalKind::ReplicasReady), get(SignalKind::LatencyP95));
    let affinity = get(SignalKind::AffinityRatio);
    let seconds = demand.step().as_secs_f64();
    let mut sums = Span::default();
    for (at, rate) in demand.points() {
        if let Some(failed) = errors.value_at(at) {
            sums.requests += rate * seconds;
            sums.failed += failed.min(rate).max(0.0) * seconds;
            sums.minutes += 1;
        }
    }
    let utilisation: Vec<(Timestamp, f64)> = used
        .points()
        .filter_map(|(at, u)| requested.value_at(at).filter(|r| *r > 0.0).map(|r| (at, u / r)))
        .collect();
    let full = utilisation
        .iter()
        .filter(|(_, u)| *u > 0.0)
        .filter_map(|(at, u)| demand.value_at(*at).map(|x| x / u));
    Span {
        demand: median(demand.points().map(|(_, v)| v).collect()),
        ready: median(ready.points().map(|(_, v)| v).collect()),
        ready_most: ready.points().map(|(_, v)| v).max_by(f64::total_cmp),
        p95: (around.histogram)(from, to).and_then(|h| h.quantile(0.95)).or_else(|| weighted(&p95, &demand)),
        full_load: median(full.collect()),
        utilisation: median(utilisation.into_iter().map(|(_, u)| u).collect()),
        affinity: weighted(&affinity, &demand),
        ..sums
    }
}

/// Mean of `values` weighted by `demand`, over at least three minutes.
fn weighted(values: &Window, demand: &Window) -> Option<f64> {
    let pairs: Vec<(f64, f64)> =
        values.points().filter_map(|(at, v)| demand.value_at(at).map(|d| (v, d.max(0.0)))).collect();
    let weight: f64 = pairs.iter().map(|(_, w)| w).sum();
    (pairs.len() >= ENOUGH && weight > 0.0).then(|| pairs.iter().map(|(v, w)| v * w).sum::<f64>() / weight)
}

/// Minutes from before the operation to its end, each with whether capacity was short; none where capacity is not known
/// or nothing was raised. Replicas that the operation added count from the end of warm-up.
fn shortage(
    around: &Around<'_>,
    ready_before: Option<f64>,
    warm: Timestamp,
    until: Timestamp,
) -> Vec<(Timestamp, bool)> {
    let operation = around.operation;
    let Some(per_replica) = around.per_replica.filter(|c| *c > 0.0) else { return Vec::new() };
    if operation.change.to <= operation.change.from {
        return Vec::new();
    }
    let from = operation.started - BEFORE;
    let demand = (around.history)(SignalKind::Demand, from, until);
    let ready = (around.history)(SignalKind::ReplicasReady, from, until);
    let short = |(at, x): (Timestamp, f64)| {
        let n = ready.value_at(at)?;
        let usable = if at < warm { ready_before.map_or(n, |b| n.min(b)) } else { n };
        Some((at, x > usable * per_replica))
    };
    demand.points().filter_map(short).collect()
}

fn first_short(minutes: &[(Timestamp, bool)]) -> Option<Timestamp> {
    minutes.iter().find(|(_, short)| *short).map(|(at, _)| *at)
}

/// `T = max(0, t_cap − t_need)`.
fn response(minutes: &[(Timestamp, bool)]) -> Option<Response> {
    let (last, _) = *minutes.last()?;
    let Some(need) = first_short(minutes) else {
        return Some(Response { seconds: 0.0, still_short: false });
    };
    let enough = minutes.iter().find(|(at, short)| *at > need && !short).map(|(at, _)| *at);
    Some(Response {
        seconds: enough.unwrap_or(last).since(need).as_secs_f64(),
        still_short: enough.is_none(),
    })
}

/// From the need to the proposal, to the decision, then the stages and what provisioning is made of.
fn phases(around: &Around<'_>, need: Option<Timestamp>) -> Vec<(String, f64)> {
    let operation = around.operation;
    let seen = around.proposed.zip(need).filter(|(proposed, need)| proposed > need);
    let detected = seen.map(|(proposed, need)| ("detect".to_owned(), proposed.since(need).as_secs_f64()));
    let decided = around.proposed.map(|at| ("decide".to_owned(), operation.started.since(at).as_secs_f64()));
    let stages = operation
        .stages
        .iter()
        .filter(|s| s.kind < StageKind::Validate)
        .filter_map(|s| Some((s.kind.label().to_owned(), s.ended?.since(s.began?).as_secs_f64())));
    detected.into_iter().chain(decided).chain(stages).chain(around.lifecycle.iter().cloned()).collect()
}

/// Replicas added, paid from the write to warm; and, if it was rolled back, to the end.
fn overhead(
    around: &Around<'_>,
    before: &Span,
    during: &Span,
    warm: Timestamp,
    ended: Timestamp,
) -> Option<f64> {
    let price = around.price.filter(|p| p.is_finite() && *p >= 0.0)?;
    let added = (during.ready_most? - before.ready?).max(0.0);
    let start = around.operation.started;
    let kept = around.operation.state == OperationState::Kept;
    let paid = if kept { warm.since(start) } else { ended.since(start) };
    Some(added * price * paid.as_secs_f64() / 3600.0)
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().filter(|_| values.len() >= ENOUGH)
}

#[cfg(test)]
mod tests;
