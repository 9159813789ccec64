//! The size of a replica: what the Vertical Pod Autoscaler and Autopilot would ask for, with bounds, and when not to
//! follow them.

use crate::fleet::{Owner, Workload};
use crate::series::{Quantity, Unit};
use crate::signals::{SignalKind, SignalSet};

use super::advice::{Advice, Lack, Report, Urgency, fact};
use super::survey::{Member, Survey};
use super::usage::Usage;
use super::{Dimension, Plan, Verdict, diagnosis};

/// VPA: target is the 90 % quantile plus this margin; bounds are the 50 % and 95 % quantile with it.
const MARGIN: f64 = 1.15;
/// Autopilot: 95 % of the load-adjusted histogram, plus 10 %.
const AUTOPILOT_MARGIN: f64 = 1.10;
/// VPA after running out of memory: the larger of these.
const OOM_FACTOR: f64 = 1.2;
const OOM_BYTES: f64 = 100.0 * 1_048_576.0;
/// Above this share of throttled periods use is cut off by the limit and says nothing about need.
const THROTTLED: f64 = 0.1;
/// Differences below this are not worth a restart of every replica.
const WORTH: f64 = 0.15;
/// With less confidence than half a day of samples nothing is advised but what hurts already.
const SURE: f64 = 0.5;
/// Share of a replica's price that is CPU, by the default prices of `OpenCost` for a core and four GiB.
pub const CPU_SHARE: f64 = 0.75;
/// Smallest sizes asked for: VPA's 25 millicores and 250 MiB a pod.
const LEAST_CORES: f64 = 0.025;
const LEAST_BYTES: f64 = 250.0 * 1_048_576.0;

/// What one resource of a replica should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recommended {
    /// Request now; `None` if not known.
    pub request: Option<f64>,
    /// Recommended request.
    pub target: f64,
    /// Below the lower and above the upper bound a request is certainly wrong.
    pub bounds: (f64, f64),
}

impl Recommended {
    /// Whether the request is outside the bounds by an amount that is worth a change.
    fn is_wrong(&self) -> bool {
        let far = |r: f64| (self.target / r - 1.0).abs() >= WORTH;
        self.request.is_some_and(|r| r > 0.0 && far(r) && (r < self.bounds.0 || r > self.bounds.1))
    }
}

/// VPA's bounds (`recommender.go`): the lower one narrows as `(1 + 0.001/c)^-2`, the upper one as `1 + 1/c`.
fn bounds(low: f64, high: f64, confidence: f64) -> (f64, f64) {
    let c = confidence.max(1e-6);
    (low * MARGIN * (1.0 + 0.001 / c).powi(-2), high * MARGIN * (1.0 + 1.0 / c))
}

/// CPU of a replica, cores; `None` without samples.
pub fn cpu(usage: &Usage, workload: &Workload) -> Option<Recommended> {
    let busiest = usage.imbalance().unwrap_or(1.0).max(1.0);
    let vpa = usage.cpu(0.9)? * MARGIN;
    let autopilot = usage.cpu_by_load(0.95)? * AUTOPILOT_MARGIN;
    let (low, high) = bounds(usage.cpu(0.5)?, usage.cpu(0.95)?, usage.confidence());
    let target = (vpa.max(autopilot) * busiest).max(LEAST_CORES);
    let bounds = (low * busiest, high * busiest);
    let bounds = (bounds.0.min(target), bounds.1.max(target));
    Some(Recommended { request: workload.pod.cpu_cores, target, bounds })
}

/// Memory of a replica, bytes; `None` without samples.
pub fn memory(usage: &Usage, workload: &Workload, signals: &SignalSet) -> Option<Recommended> {
    let confidence = usage.memory_days() as f64;
    let (low, high) = bounds(usage.memory(0.5)?, usage.memory(0.95)?, confidence);
    let request = workload.pod.memory_bytes;
    let mut target = (usage.memory(0.9)? * MARGIN).max(usage.memory_max()? * AUTOPILOT_MARGIN);
    if ran_out(signals) {
        let had = request.unwrap_or(0.0).max(usage.memory_max()?);
        target = target.max((had * OOM_FACTOR).max(had + OOM_BYTES));
    }
    let target = target.max(LEAST_BYTES);
    Some(Recommended { request, target, bounds: (low.min(target), high.max(target)) })
}

fn ran_out(signals: &SignalSet) -> bool {
    signals.latest(SignalKind::OomKills).is_some_and(|n| n > 0.0)
}

fn throttled(signals: &SignalSet) -> bool {
    signals.latest(SignalKind::Throttle).is_some_and(|t| t > THROTTLED)
}

/// Looks at every workload.
pub fn advise(survey: &Survey<'_>) -> Report {
    let mut report = Report::new(Dimension::Vertical, "workloads");
    let mut unsure = 0;
    for member in &survey.members {
        // A database or machine that is only measured has no replicas of which a person sets requests.
        let Some(_) = member.replicas() else { continue };
        let cpu = cpu(member.usage, member.workload);
        let memory = memory(member.usage, member.workload, member.signals);
        if cpu.is_none() && memory.is_none() {
            report.lack(Lack::signal(survey.catalogue, SignalKind::CpuUsed));
            continue;
        }
        if member.workload.pod.cpu_cores.is_none() && member.workload.pod.memory_bytes.is_none() {
            report.lack(Lack::signal(survey.catalogue, SignalKind::CpuRequested));
            continue;
        }
        report.judged += 1;
        unsure += usize::from(member.usage.confidence() < SURE);
        report.advice.extend(one(survey, member));
    }
    report.fine = if unsure > 0 {
        format!("{unsure} of them seen for less than half a day")
    } else {
        "every request is within the bounds of what is used".into()
    };
    report
}

/// Capacity is short or nearly so, or users are failed: not the time to take anything away. What waits for something
/// else uses little.
pub(super) fn strained(plan: &Plan, signals: &SignalSet, workload: &Workload) -> bool {
    plan.is_strained()
        || matches!(plan.verdict, Verdict::NotScaling { .. })
        || diagnosis::failing(signals, &workload.objective)
}

/// What of CPU and memory is so wrong that it is worth a change. While it is `strained` nothing shrinks.
pub(super) fn worth_changing(
    usage: &Usage,
    workload: &Workload,
    signals: &SignalSet,
    strained: bool,
) -> (Option<Recommended>, Option<Recommended>) {
    let (hot, out) = (throttled(signals), ran_out(signals));
    let confidence = usage.confidence();
    // Use under a limit that is reached says nothing about how little would do.
    let cpu = cpu(usage, workload).filter(|c| {
        let shrinks = c.request.is_some_and(|r| c.target < r);
        c.is_wrong() && confidence >= SURE && !(shrinks && (hot || strained))
    });
    let memory = memory(usage, workload, signals).filter(|m| {
        let grows = m.request.is_some_and(|r| m.target > r);
        m.is_wrong() && (grows || !strained && usage.memory_days() >= 1 && confidence >= SURE) || out && grows
    });
    (cpu, memory)
}

fn one(survey: &Survey<'_>, member: &Member<'_>) -> Option<Advice> {
    let n = member.replicas()?;
    let (hot, out) = (throttled(member.signals), ran_out(member.signals));
    let confidence = member.usage.confidence();
    let strained = member.plan.is_some_and(|p| strained(p, member.signals, member.workload));
    let (cpu, memory) = worth_changing(member.usage, member.workload, member.signals, strained);
    // A larger replica cures only what ran out of memory.
    let curable = member.other_cause().is_none();
    let (hot, cpu) = (hot && curable, cpu.filter(|_| curable));
    let memory = memory.filter(|_| curable || out);
    if cpu.is_none() && memory.is_none() && !hot {
        return None;
    }
    let mut words = Vec::new();
    let mut saving = 0.0;
    for (name, unit, found, share) in
        [("cpu", Unit::Cores, cpu, CPU_SHARE), ("memory", Unit::Bytes, memory, 1.0 - CPU_SHARE)]
    {
        let Some((r, from)) = found.and_then(|r| Some((r, r.request?))) else { continue };
        words.push(format!("{name} {} → {}", Quantity::new(from, unit), Quantity::new(r.target, unit)));
        saving += (1.0 - r.target / from) * share * n;
    }
    if hot && words.is_empty() {
        words.push("raise or drop the CPU limit".into());
    }
    let mut advice = Advice::on(
        Dimension::Vertical,
        &member.workload.id,
        format!("{} a replica", words.join(", ")),
        survey.now,
    );
    advice.saving = member.workload.pod.dollars_per_hour.map(|price| saving * price);
    advice.urgency = if out || hot { Urgency::Now } else { Urgency::Eventually };
    evidence(&mut advice, member, cpu, memory);
    advice.not_approvable = how(member, n, cpu.is_some());
    let days = format!("{:.1} days of samples, {} of memory peaks", confidence, member.usage.memory_days());
    Some(advice.sure(confidence / (confidence + 1.0), days))
}

fn evidence(advice: &mut Advice, member: &Member<'_>, cpu: Option<Recommended>, memory: Option<Recommended>) {
    let mut push = |label: &str, value: Option<f64>, unit| {
        advice.evidence.extend(value.map(|v| fact(label, v, unit)));
    };
    if let Some(c) = cpu {
        push("cpu p90 used", member.usage.cpu(0.9), Unit::Cores);
        push("certainly too small below", Some(c.bounds.0), Unit::Cores);
        push("certainly too large above", Some(c.bounds.1), Unit::Cores);
    }
    if let Some(m) = memory {
        push("memory peak", member.usage.memory_max(), Unit::Bytes);
        push("memory certainly too large above", Some(m.bounds.1), Unit::Bytes);
    }
    push("of periods throttled", member.signals.latest(SignalKind::Throttle), Unit::Ratio);
    push("out of memory", member.signals.latest(SignalKind::OomKills).filter(|n| *n > 0.0), Unit::Count);
    push("busiest replica over the mean", member.usage.imbalance(), Unit::Factor);
}

/// How to carry it out by hand; where a provider can write it, it comes as a proposal of one step.
fn how(member: &Member<'_>, n: f64, cpu: bool) -> String {
    let mut text = match member.size_owner {
        Some(Owner::Nobody) => {
            "a proposal brings it a step nearer when nothing more urgent is open".to_owned()
        }
        Some(Owner::Git { tool, .. }) => {
            format!("{tool} sets resources.requests: a proposal has the patch of its manifest")
        }
        Some(Owner::Elsewhere { name } | Owner::Autoscaler { name }) => {
            format!("{name} sets resources.requests: change it there")
        }
        Some(Owner::Unknown) | None => format!(
            "requests are in the pod template: in place on Kubernetes 1.33 or later where resizePolicy allows, otherwise \
             {n:.0} restarts; one replica first, then a quarter, then all"
        ),
    };
    if cpu && matches!(member.workload.owner, Owner::Autoscaler { .. }) {
        text.push_str("; an autoscaler that aims at a share of the CPU request will change the count: move its target too");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::Reading;
    use super::super::fixture::{Fleet, has, now, storm};
    use super::*;
    use crate::signals::SignalKind as K;

    /// Four replicas that ask for a core each and use so much of it for two days, throttled or out of memory.
    fn fleet(cores: f64, values: &[(K, f64)]) -> Fleet {
        let mut fleet = Fleet::default();
        let all = [&[(K::Demand, 300.0)], values].concat();
        let item = fleet.add("checkout", &all);
        item.replicas(4, 2, 8).planned(100.0, Verdict::Hold { why: String::new() });
        item.workload.pod.cpu_cores = Some(1.0);
        item.workload.pod.memory_bytes = Some(1e9);
        for minute in (0..2 * 1440).rev() {
            let reading = Reading { cpu: Some(cores), memory: Some(0.95e9), ..Reading::default() };
            item.usage.observe(now() - Duration::from_secs(60 * minute), reading);
        }
        fleet
    }

    #[test]
    fn no_size_is_advised_while_something_else_is_wrong() {
        let mut hot = fleet(0.9, &[(K::Throttle, 0.4)]);
        assert!(has(&hot.report(advise), "a replica"), "{:?}", hot.report(advise));
        hot.items[0].plan.as_mut().unwrap().verdict = storm();
        assert!(hot.report(advise).advice.is_empty(), "{:?}", hot.report(advise));
        let mut idle = fleet(0.1, &[]);
        assert!(has(&idle.report(advise), "cpu 1 core → "), "{:?}", idle.report(advise));
        idle.items[0].plan.as_mut().unwrap().verdict = storm();
        assert!(idle.report(advise).advice.is_empty(), "it waits");
        // What ran out of memory is cured by more of it, whatever else is wrong.
        let mut out = fleet(0.1, &[(K::OomKills, 2.0)]);
        out.items[0].plan.as_mut().unwrap().verdict = storm();
        let report = out.report(advise);
        assert!(has(&report, "memory ") && !has(&report, "cpu "), "{report:?}");
    }
}
