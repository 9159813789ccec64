//! "Not a scaling problem": causes that more replicas would not cure, with evidence.

use crate::fleet::Objective;
use crate::series::{Quantity, Unit};
use crate::signals::{SignalKind, SignalSet};

use super::performance::DEARER;
use super::{Fact, PlanInput, Verdict};

/// From this share of the replicas on, those that do not become ready are what is wrong.
const STUCK: f64 = 0.2;
/// The error budget burns fast from this many times its rate on.
const BURNING: f64 = 6.0;
/// Retries above this share of demand are a storm.
const RETRY_STORM: f64 = 0.3;
/// A connection pool is exhausted above this share in use, with requests waiting.
const POOL_FULL: f64 = 0.95;
/// CPU per request this much above its usual is a regression.
const CPU_REGRESSION: f64 = 1.25;
/// A hit ratio this far under its usual is a flushed cache.
const CACHE_FLUSH: f64 = 0.2;

fn fact(label: &str, value: f64, unit: Unit) -> Fact {
    Fact { label: label.to_owned(), quantity: Quantity::new(value, unit), at: None }
}

fn verdict(cause: &str, evidence: Vec<Fact>, advice: &str) -> Verdict {
    Verdict::NotScaling { cause: cause.to_owned(), evidence, advice: advice.to_owned() }
}

/// Users notice: latency is beyond the objective, or errors burn its budget at several times its rate.
pub fn failing(signals: &SignalSet, objective: &Objective) -> bool {
    let slow = signals.fresh(SignalKind::LatencyP95).is_some_and(|p| p > objective.latency().as_secs_f64());
    let demand = signals.fresh(SignalKind::Demand).filter(|d| *d > 0.0);
    let ratio = signals.fresh(SignalKind::Errors).zip(demand).map(|(e, d)| e / d);
    slow || ratio.is_some_and(|r| objective.burn_rate(r) > BURNING)
}

/// The first cause found, strongest evidence first. Only looks when users notice: `hurting` says that latency
/// or errors are beyond the objective, or capacity is short.
pub fn diagnose(input: &PlanInput<'_>, hurting: bool) -> Option<Verdict> {
    if !hurting {
        return None;
    }
    stuck(input)
        .or_else(|| retry_storm(input))
        .or_else(|| pool_exhausted(input))
        .or_else(|| cache_flushed(input))
        .or_else(|| dearer_version(input))
        .or_else(|| cpu_regression(input))
}

/// Replicas that do not become ready: more of them would wait as well.
fn stuck(input: &PlanInput<'_>) -> Option<Verdict> {
    let (stuck, replicas) = (input.around.stuck.as_ref()?, input.workload.replicas?);
    // One that crashes among many is no reason to ask for no others.
    let many = f64::from(stuck.replicas) >= STUCK * f64::from(replicas.desired);
    let why = if stuck.why.is_empty() { "the platform does not say why" } else { &stuck.why };
    many.then(|| {
        verdict(
            &format!("replicas do not become ready ({why})"),
            vec![
                fact("replicas asked for", f64::from(replicas.desired), Unit::Count),
                fact("ready", f64::from(replicas.ready), Unit::Count),
                fact("waiting for so long", input.now.since(stuck.since).as_secs_f64(), Unit::Seconds),
            ],
            "more of them would wait as well",
        )
    })
}

fn retry_storm(input: &PlanInput<'_>) -> Option<Verdict> {
    let demand = input.signals.fresh(SignalKind::Demand).filter(|d| *d > 0.0)?;
    let share = input.signals.fresh(SignalKind::Retries)? / demand;
    let usual = input.usual.retry_share.unwrap_or(0.0);
    (share > RETRY_STORM && share > 2.0 * usual).then(|| {
        let errors = input.signals.fresh(SignalKind::Errors).unwrap_or(0.0);
        verdict(
            "retry storm",
            vec![
                fact("of requests are retries", share, Unit::Ratio),
                fact("usual share of retries", usual, Unit::Ratio),
                fact("of requests fail", (errors / demand).min(1.0), Unit::Ratio),
            ],
            "scaling out feeds it: cap retries or shed load at the callers, then repair the failing dependency",
        )
    })
}

fn pool_exhausted(input: &PlanInput<'_>) -> Option<Verdict> {
    let waiting = input.signals.fresh(SignalKind::PoolWaiting).filter(|w| *w >= 1.0)?;
    let used = input.signals.fresh(SignalKind::PoolUsed)?;
    let max = input.signals.fresh(SignalKind::PoolMax).filter(|m| *m > 0.0)?;
    (used / max >= POOL_FULL).then(|| {
        verdict(
            "database connections exhausted",
            vec![
                fact("of connections in use", used / max, Unit::Ratio),
                fact("requests waiting for one", waiting, Unit::Count),
            ],
            "more replicas would queue at the same pool: raise the pool or the database's limit, or find the slow query",
        )
    })
}

fn cache_flushed(input: &PlanInput<'_>) -> Option<Verdict> {
    let now = input.signals.fresh(SignalKind::CacheHitRatio)?;
    let usual = input.usual.cache_hits?;
    (usual - now > CACHE_FLUSH).then(|| {
        let demand = input.signals.fresh(SignalKind::Demand).unwrap_or(0.0);
        verdict(
            "cache is cold",
            vec![
                fact("hit ratio now", now, Unit::Ratio),
                fact("usual hit ratio", usual, Unit::Ratio),
                fact("extra load on the backend", demand * (usual - now), Unit::RequestsPerSecond),
            ],
            "it heals as it fills: new replicas would start cold too; warm it, or shed the dearest requests meanwhile",
        )
    })
}

/// Both versions under the same load are the better control than any day before.
fn dearer_version(input: &PlanInput<'_>) -> Option<Verdict> {
    let change = input.version.filter(|c| c.ratio() >= DEARER)?;
    let more = (change.ratio() - 1.0) * 100.0;
    Some(verdict(
        "the new version costs more CPU",
        vec![
            fact(
                &format!("CPU a request, {} against {}", change.version, change.before),
                change.ratio(),
                Unit::Factor,
            ),
            fact("CPU a request now", change.cost.0, Unit::Seconds),
            fact("requests compared", change.requests, Unit::Count),
        ],
        &format!(
            "{} costs +{more:.0} % CPU a request: do not scale, roll it back or repair it",
            change.version
        ),
    ))
}

fn cpu_regression(input: &PlanInput<'_>) -> Option<Verdict> {
    let demand = input.signals.fresh(SignalKind::Demand).filter(|d| *d > 0.0)?;
    let now = input.signals.fresh(SignalKind::CpuUsed)? / demand;
    let usual = input.usual.cpu_per_request.filter(|u| *u > 0.0)?;
    (now / usual > CPU_REGRESSION).then(|| {
        verdict(
            "a request costs more CPU",
            vec![
                fact("CPU a request against usual", now / usual, Unit::Factor),
                fact("CPU a request now", now, Unit::Seconds),
                fact("usually", usual, Unit::Seconds),
            ],
            "look at the last deploy before paying for replicas",
        )
    })
}
