//! The gates of each stage: pass, fail, wait, or cannot tell.

use crate::series::{Quantity, Unit};

use super::judge::{Judgement, judge, median};
use super::observation::Readings;
use super::providers::contract::{PodPhase, PodState, Warning, WorkloadState};
use super::sizes;
use super::stages::{Moment, OperationRun};
use super::{Gate, GateState};
use crate::fleet::Field;

/// A pod that restarted this often while starting is in a crash loop.
const CRASHES: u32 = 3;
/// New pods may be this much slower than old ones and count as warm (`meaning.md` §2).
const WARM_RATIO: f64 = 1.1;
/// Share of a fair share of traffic that counts as taking traffic.
const FAIR: f64 = 0.8;
/// Worsening that does not matter: Kayenta's default effect tolerance.
const TOLERANCE: f64 = 0.25;
/// Fast guard: burn rate at which 2 % of a 30-day budget goes in an hour.
const FAST_BURN: f64 = 14.4;
/// Broken readings in a row that count.
const STRIKES: u32 = 3;
/// A change of demand beyond this share confounds before and after (`meaning.md` §4, KPI 7).
const SAME_DEMAND: f64 = 0.2;

/// What the gates of a stage say together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not yet.
    Wait,
    /// All held.
    Pass,
    /// One broke.
    Fail(String),
    /// The data cannot tell.
    Unsure(String),
}

pub(super) fn gate(
    name: &str,
    state: GateState,
    value: Option<Quantity>,
    limit: Option<Quantity>,
    detail: String,
) -> Gate {
    Gate { name: name.to_owned(), state, value, limit, detail }
}

pub(super) fn count(value: usize) -> Quantity {
    Quantity::new(value as f64, Unit::Count)
}

fn state_of(passed: bool) -> GateState {
    if passed { GateState::Passed } else { GateState::Running }
}

/// Pods that cannot become ready by themselves, with the reason.
pub(super) fn broken<'a>(pods: impl Iterator<Item = &'a PodState>) -> Vec<String> {
    pods.filter(|p| {
        let reason = p.reason.to_ascii_lowercase();
        p.restarts >= CRASHES || reason.contains("oomkilled") || reason.contains("crashloop")
    })
    .map(
        |p| {
            if p.reason.is_empty() {
                format!("{} crashes", p.name)
            } else {
                format!("{} {}", p.name, p.reason)
            }
        },
    )
    .take(3)
    .collect()
}

/// Whether the autoscaler may take replicas away moves none by itself: what was written is what was asked for, once it
/// is acted upon.
fn in_force(run: &OperationRun, state: &WorkloadState, now: Moment) -> (Vec<Gate>, Verdict) {
    let field = run.operation.change.field;
    let is = format!("{} is {}", field.name(), field.word(run.applied()));
    let one = |state, detail| vec![gate("in force", state, None, None, detail)];
    if !state.pending.contains(&field) {
        return (one(GateState::Passed, format!("{is}, read back")), Verdict::Pass);
    }
    let waits = format!("{is}, but not acted upon");
    if now.mono.since(run.since) < run.pacing.provision {
        return (one(GateState::Running, format!("{waits} yet")), Verdict::Wait);
    }
    let why = format!("{waits} after {} s", run.pacing.provision.as_secs());
    (one(GateState::Failed, why.clone()), Verdict::Fail(why))
}

/// What the autoscaler adds while its scale-in is held is its own doing.
fn no_pods_of_ours(run: &OperationRun, name: &str) -> Option<(Vec<Gate>, Verdict)> {
    let size = run.operation.change.field.is_size();
    let detail = if size { "each takes the place it had" } else { "it moves no pods" }.to_owned();
    (!run.operation.change.field.is_count())
        .then(|| (vec![gate(name, GateState::Passed, None, None, detail)], Verdict::Pass))
}

/// What the platform warned of since the operation began, where that stands between the pods and their readiness and the
/// pods do not say so themselves.
pub(super) fn warned(run: &OperationRun, state: &WorkloadState, said: &str) -> String {
    let begun = run.operation.started.as_millis();
    let new = |w: &&Warning| w.at_ms >= begun && !said.contains(w.message.as_str());
    let told: Vec<String> = state.warnings.iter().filter(new).take(2).map(Warning::sentence).collect();
    if told.is_empty() { String::new() } else { format!("; {}", told.join("; ")) }
}

/// The field is written; pods come up (or drain) before the deadline.
pub fn provision(run: &OperationRun, state: &WorkloadState, now: Moment) -> (Vec<Gate>, Verdict) {
    if run.operation.change.field.is_size() {
        return sizes::provision(run, state, now);
    }
    if !run.operation.change.field.is_count() {
        return in_force(run, state, now);
    }
    let want = run.applied();
    let over = now.mono.since(run.since) >= run.pacing.provision;
    let broken = broken(run.new_pods(state));
    let draining = state.pods.iter().filter(|p| p.phase == PodPhase::Terminating).count();
    let reached = match run.operation.change.field {
        // The owner decides whether a higher maximum or a lower minimum moves anything.
        Field::MaxReplicas
        | Field::ScaleIn
        | Field::CpuRequest
        | Field::MemoryRequest
        | Field::CpuPods
        | Field::MemoryPods => true,
        Field::MinReplicas => !run.is_up() || state.ready >= want,
        Field::Replicas if run.is_up() => state.ready >= want,
        Field::Replicas => state.ready <= want && draining == 0,
    };
    let not_ready: Vec<String> = run
        .new_pods(state)
        .filter(|p| p.phase != PodPhase::Ready)
        .take(5)
        .map(|p| if p.reason.is_empty() { p.name.clone() } else { format!("{} ({})", p.name, p.reason) })
        .collect();
    let waiting =
        if not_ready.is_empty() { String::new() } else { format!(", not ready: {}", not_ready.join(", ")) };
    let warned = warned(run, state, &waiting);
    let (value, limit, detail) = match new_ready(run, state, want) {
        // What was there before is no progress.
        Some((ready, new)) => {
            let all = format!("{} of {want} in all", state.ready);
            (ready, new, format!("{ready} of {new} new ready, {all}{waiting}{warned}"))
        }
        None => {
            (state.ready as usize, want as usize, format!("{} of {want} ready{waiting}{warned}", state.ready))
        }
    };
    let mut ready =
        gate("pods ready", state_of(reached), Some(count(value)), Some(count(limit)), detail.clone());
    let healthy = GateState::Passed;
    let mut health =
        gate("no crash", healthy, Some(count(broken.len())), Some(count(0)), "no crash, no OOM".into());
    if !broken.is_empty() {
        health.state = GateState::Failed;
        health.detail = broken.join(", ");
        let why = health.detail.clone();
        return (vec![ready, health], Verdict::Fail(why));
    }
    if reached {
        return (vec![ready, health], Verdict::Pass);
    }
    if over {
        ready.state = GateState::Failed;
        let why = format!("{detail} after {} s", run.pacing.provision.as_secs());
        return (vec![ready, health], Verdict::Fail(why));
    }
    (vec![ready, health], Verdict::Wait)
}

/// How many of how many replicas that a raise adds are ready; `None` where it adds none, or the platform lists none.
fn new_ready(run: &OperationRun, state: &WorkloadState, want: u32) -> Option<(usize, usize)> {
    let new = (want as usize).checked_sub(run.before.pods.len()).filter(|n| *n > 0)?;
    let counts = run.is_up() && matches!(run.operation.change.field, Field::Replicas | Field::MinReplicas);
    let ready = run.new_pods(state).filter(|p| p.phase == PodPhase::Ready).count();
    (counts && !state.pods.is_empty()).then_some((ready.min(new), new))
}

/// New pods fill caches and pools: by the platform's word, else by latency, else by time.
pub fn warm_up(run: &OperationRun, state: &WorkloadState, now: Moment) -> (Vec<Gate>, Verdict) {
    // A new template makes new pods, which warm up as any.
    let rolled = run.operation.change.field.is_size() && run.new_pods(state).next().is_some();
    if let Some(nothing) = no_pods_of_ours(run, "pods warm").filter(|_| !rolled) {
        return nothing;
    }
    let pods: Vec<&PodState> = run.new_pods(state).collect();
    let waited = now.mono.since(run.since);
    let broken = broken(pods.iter().copied());
    if !broken.is_empty() {
        let why = broken.join(", ");
        return (
            vec![gate("no crash", GateState::Failed, Some(count(broken.len())), Some(count(0)), why.clone())],
            Verdict::Fail(why),
        );
    }
    if pods.is_empty() || !run.is_up() && !rolled {
        let g = gate("pods warm", GateState::Passed, None, None, "no new pods".into());
        return (vec![g], Verdict::Pass);
    }
    let (old, new): (Vec<f64>, Vec<f64>) =
        (run.gathered.old_pods.iter().copied().collect(), run.gathered.new_pods.iter().copied().collect());
    let newest = |v: &[f64]| v.iter().rev().take(2 * pods.len().max(1)).copied().collect::<Vec<_>>();
    let (passed, value, limit, detail) = if pods.iter().all(|p| p.warm.is_some()) {
        let warm = pods.iter().filter(|p| p.warm == Some(true)).count();
        let detail = format!("{warm} of {} new pods warm, says the platform", pods.len());
        (warm == pods.len(), Some(count(warm)), Some(count(pods.len())), detail)
    } else if !old.is_empty() && !new.is_empty() {
        let ratio = median(&newest(&new)) / median(&old).max(f64::MIN_POSITIVE);
        let factor = |v| Some(Quantity::new(v, Unit::Factor));
        let detail = format!("new pods' p95 is {ratio:.2}× the old pods'");
        (ratio <= WARM_RATIO, factor(ratio), factor(WARM_RATIO), detail)
    } else {
        let (time, how) = run.learned_warm.map_or((run.pacing.warm_guess, "assumed"), |t| (t, "learned"));
        let seconds = |v: f64| Some(Quantity::new(v, Unit::Seconds));
        let detail = format!("neither platform nor per-pod latency tells; {how} time {} s", time.as_secs());
        (waited >= time, seconds(waited.as_secs_f64()), seconds(time.as_secs_f64()), detail)
    };
    let mut g = gate("pods warm", state_of(passed), value, limit, detail);
    if passed {
        return (vec![g], Verdict::Pass);
    }
    if waited >= run.pacing.warm_up {
        g.state = GateState::Failed;
        let why = format!("{} after {} s", g.detail, waited.as_secs());
        return (vec![g], Verdict::Fail(why));
    }
    (vec![g], Verdict::Wait)
}

/// New pods take at least 80 % of a fair share of traffic.
pub fn shift(
    run: &OperationRun,
    state: &WorkloadState,
    readings: Option<&Readings>,
    now: Moment,
) -> (Vec<Gate>, Verdict) {
    if let Some(nothing) = no_pods_of_ours(run, "traffic share") {
        return nothing;
    }
    let pods: Vec<&PodState> = run.new_pods(state).collect();
    if pods.is_empty() || !run.is_up() {
        let g = gate("traffic share", GateState::Passed, None, None, "no new pods".into());
        return (vec![g], Verdict::Pass);
    }
    let by_platform: Vec<f64> = pods.iter().filter_map(|p| p.traffic).filter(|t| t.is_finite()).collect();
    let (share, how) = if by_platform.len() == pods.len() {
        (Some(by_platform.iter().sum::<f64>() / pods.len() as f64), "says the platform")
    } else {
        (readings.and_then(|r| measured_share(run, &pods, r)), "measured")
    };
    let ratio = |v| Quantity::new(v, Unit::Ratio);
    let waited = now.mono.since(run.since);
    let Some(share) = share else {
        let detail = "neither platform nor per-pod requests tell".to_owned();
        // Nothing to watch: the validate stage looks at users anyway.
        let settled = waited >= run.pacing.warm_guess;
        let g = gate("traffic share", state_of(settled), None, Some(ratio(FAIR)), detail);
        return (vec![g], if settled { Verdict::Pass } else { Verdict::Wait });
    };
    let passed = share >= FAIR;
    let detail = format!("new pods take {:.0} % of a fair share, {how}", share * 100.0);
    let mut g = gate("traffic share", state_of(passed), Some(ratio(share)), Some(ratio(FAIR)), detail);
    if passed {
        return (vec![g], Verdict::Pass);
    }
    if waited >= run.pacing.shift {
        // Idle new pods harm nobody, but they do not help either.
        g.state = GateState::Inconclusive;
        let why = format!("{} after {} s", g.detail, waited.as_secs());
        return (vec![g], Verdict::Unsure(why));
    }
    (vec![g], Verdict::Wait)
}

fn measured_share(run: &OperationRun, pods: &[&PodState], readings: &Readings) -> Option<f64> {
    let rate = |name: &str| readings.pods.get(name).and_then(|p| p.demand);
    let new: Vec<f64> = pods.iter().filter_map(|p| rate(&p.name)).collect();
    let old: Vec<f64> = readings
        .pods
        .iter()
        .filter(|(name, _)| run.before.pods.contains(*name))
        .filter_map(|(_, p)| p.demand)
        .collect();
    if new.len() < pods.len() || old.is_empty() {
        return None;
    }
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let all = mean(&[new.clone(), old].concat());
    (all > 0.0).then(|| mean(&new) / all)
}

/// Users are no worse off, watched for the settle time, judged once at its end (no repeated peeking).
pub fn validate(run: &mut OperationRun, reading: Option<&Readings>, now: Moment) -> (Vec<Gate>, Verdict) {
    let mut gates = match reading {
        Some(reading) => limits(run, reading),
        None => run.operation.stages.get(run.current).map(|s| s.gates.clone()).unwrap_or_default(),
    };
    gates.retain(|g| g.name != JUDGE);
    if reading.is_some() {
        let bad = gates.iter().any(|g| g.state == GateState::Failed);
        run.gathered.strikes = if bad { run.gathered.strikes + 1 } else { 0 };
    }
    let settled = now.mono.since(run.since) >= run.pacing.settle;
    let judged = new_against_old(run);
    let worse = matches!(judged, Judgement::High { .. });
    gates.push(judge_gate(judged, settled));
    if run.gathered.strikes >= STRIKES {
        let why = names(&gates, GateState::Failed);
        let ours = !run.is_more() || worse;
        // More load than before explains it as well, and so does load that is not seen; taking capacity away could make it worse.
        return match &run.elsewhere {
            Some(other) if !ours => {
                (gates, Verdict::Unsure(format!("{why}, but more load may be here: {other}")))
            }
            None if !ours && same_demand(run, reading) != Some(true) => {
                (gates, Verdict::Unsure(format!("{why}, but demand changed too")))
            }
            _ => (gates, Verdict::Fail(format!("{why} for {STRIKES} readings"))),
        };
    }
    if !settled {
        return (gates, Verdict::Wait);
    }
    if worse {
        let why = names(&gates, GateState::Failed);
        return (gates, Verdict::Fail(why));
    }
    if now.wall.since(run.gathered.last) > run.pacing.settle / 2 {
        return (gates, Verdict::Unsure("readings have stopped".into()));
    }
    // What could be measured before must be measurable after, and something must be.
    let unsure = names(&gates, GateState::Inconclusive);
    let held = gates.iter().any(|g| g.name != JUDGE && g.state == GateState::Passed);
    if run.gathered.count == 0 || !held {
        return (gates, Verdict::Unsure("no fresh readings of p95, errors or burn rate".into()));
    }
    if !unsure.is_empty() {
        return (gates, Verdict::Unsure(unsure));
    }
    if gates.iter().any(|g| g.state == GateState::Failed) {
        // Broken now, not yet often enough to count; not for ever either.
        let over = now.mono.since(run.since) >= run.pacing.settle.saturating_mul(2);
        let why = names(&gates, GateState::Failed);
        return (gates, if over { Verdict::Unsure(why) } else { Verdict::Wait });
    }
    (gates, Verdict::Pass)
}

/// While capacity is taken away users are watched in every stage.
pub fn hurts(run: &mut OperationRun, reading: &Readings) -> Option<String> {
    let gates = limits(run, reading);
    let bad = gates.iter().any(|g| g.state == GateState::Failed);
    run.gathered.strikes = if bad { run.gathered.strikes + 1 } else { 0 };
    (run.gathered.strikes >= STRIKES).then(|| names(&gates, GateState::Failed))
}

const JUDGE: &str = "new vs old pods";

fn names(gates: &[Gate], state: GateState) -> String {
    let of: Vec<String> =
        gates.iter().filter(|g| g.state == state).map(|g| format!("{} {}", g.name, g.detail)).collect();
    of.join("; ")
}

/// p95, error ratio and burn rate against how they were before.
fn limits(run: &OperationRun, r: &Readings) -> Vec<Gate> {
    let b = &run.before.baseline;
    let p95_limit = match (b.p95.map(|v| v * (1.0 + TOLERANCE)), r.p95_objective) {
        (Some(was), Some(promised)) => Some(was.max(promised)),
        (was, promised) => was.or(promised),
    };
    let error_limit = b.error_ratio.map(|v| (v * 2.0).max(v + 0.005));
    let burn_limit = Some(b.burn.map_or(FAST_BURN, |v| FAST_BURN.max(v * (1.0 + TOLERANCE))));
    let one = |name: &str, value: Option<f64>, was: Option<f64>, limit: Option<f64>, unit: Unit| {
        let (q, l) = (value.map(|v| Quantity::new(v, unit)), limit.map(|v| Quantity::new(v, unit)));
        let (state, detail) = match (q, l) {
            (Some(q), Some(l)) if q.value <= l.value => (GateState::Passed, format!("{q} ≤ {l}")),
            (Some(q), Some(l)) => (GateState::Failed, format!("{q} > {l}")),
            (Some(q), None) => (GateState::Pending, format!("{q}, not known before")),
            (None, _) if was.is_some() => (GateState::Inconclusive, "no longer measured".into()),
            (None, _) => (GateState::Pending, "not measured".into()),
        };
        gate(name, state, q, l, detail)
    };
    vec![
        one("p95", r.p95, b.p95, p95_limit, Unit::Seconds),
        one("error ratio", r.error_ratio, b.error_ratio, error_limit, Unit::Ratio),
        one("burn rate", r.burn, b.burn, burn_limit, Unit::Factor),
    ]
}

/// New pods against old ones, the control that load does not confound.
fn new_against_old(run: &OperationRun) -> Judgement {
    let g = &run.gathered;
    let list = |v: &std::collections::VecDeque<f64>| v.iter().copied().collect::<Vec<_>>();
    if run.is_up() && run.operation.change.field.is_count() && !g.new_pods.is_empty() {
        return judge(&list(&g.old_pods), &list(&g.new_pods), TOLERANCE);
    }
    Judgement::NoData
}

fn judge_gate(judged: Judgement, settled: bool) -> Gate {
    let seconds = |v| Some(Quantity::new(v, Unit::Seconds));
    let (state, value, detail) = match judged {
        Judgement::NoData => (GateState::Pending, None, "pods are not measured one by one".to_owned()),
        Judgement::Pass { shift } => (GateState::Passed, seconds(shift), "no slower".to_owned()),
        Judgement::High { shift } => (GateState::Failed, seconds(shift), "slower, 95 % sure".to_owned()),
        Judgement::Inconclusive { shift } => {
            (GateState::Inconclusive, seconds(shift), "cannot tell".to_owned())
        }
    };
    let state = if settled || state == GateState::Pending { state } else { GateState::Running };
    gate(JUDGE, state, value, None, detail)
}

/// Whether demand is as it was; `None` if not known.
fn same_demand(run: &OperationRun, reading: Option<&Readings>) -> Option<bool> {
    let (was, is) = (run.before.baseline.demand?, reading?.demand?);
    Some((is - was).abs() <= was.abs() * SAME_DEMAND)
}
