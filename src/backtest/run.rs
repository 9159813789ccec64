//! All policies on one trace.

use std::time::Duration;

use serde::Serialize;

use super::frontier::{at, frontier, shown};
use super::policies::{Autoscaler, DayPlan, Fixed, Leased, Predictive, Rules};
use super::simulate::simulate_with;
use super::{Figures, Policy, Trace, simulate};

/// Target utilisations of an autoscaler that are tried, per cent.
const TARGETS: std::ops::RangeInclusive<u32> = 8..=19;
/// Scale-in stabilisation windows that are tried, minutes.
const WINDOWS: [u64; 9] = [0, 2, 5, 10, 15, 30, 60, 120, 240];
/// Wanted shares of slots short that are tried.
const SHORT: [f64; 11] = [0.000_01, 0.000_05, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1];
/// Shares of slots short at which policies are compared.
const LEVELS: [f64; 7] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05];
/// Points of the picture.
const PICTURE: usize = 240;

/// What to aim at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Aim {
    /// Share of slots that may be short, `0..1`.
    pub short: f64,
    /// $ per pod-hour; without it cost is pod-hours.
    pub price: Option<f64>,
    /// How the day plan is approved.
    pub rules: Rules,
}

/// One run of a policy.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// Its setting, for people.
    pub setting: String,
    /// What came of it.
    #[serde(flatten)]
    pub figures: Figures,
    /// $; `None` without a price.
    pub cost: Option<f64>,
}

/// A policy with all its settings.
#[derive(Clone, Debug, Serialize)]
pub struct Family {
    /// For machines: `day_plan`, `hpa`.
    pub id: &'static str,
    /// For people.
    pub name: &'static str,
    /// The run that is shown: the cheapest with at most the wanted share short, else the most careful.
    pub shown: usize,
    /// All settings.
    pub runs: Vec<Run>,
}

/// Policies at equal minutes short, pod-hours over the oracle's; `None` where a policy was never so careful.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Comparison {
    /// Share of slots short.
    pub short: f64,
    /// The best autoscaler settings, chosen in hindsight.
    pub hpa: Option<f64>,
    /// The day plan.
    pub plan: Option<f64>,
    /// The day plan without a limit of decisions.
    pub unlimited: Option<f64>,
    /// `1 - plan / hpa`.
    pub saving: Option<f64>,
    /// Share of the unlimited saving that the limit of decisions costs; `None` where there is none.
    pub lost_to_limit: Option<f64>,
}

/// A stretch of the test, for a picture: means over slots, and the largest demand.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Stretch {
    /// Begin, Unix seconds.
    pub at: f64,
    /// Pods that the highest demand needed.
    pub need: Option<u32>,
    /// Mean pods of the day plan.
    pub plan: f64,
    /// Mean pods of the autoscaler shown.
    pub hpa: f64,
}

/// Everything that came of a backtest.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Slots of the trace, with and without a value.
    pub slots: usize,
    /// Slots without a value.
    pub missing: usize,
    /// Distance of slots, seconds.
    pub step_seconds: f64,
    /// Days of the test.
    pub test_days: f64,
    /// Demand that a pod holds.
    pub pod_capacity: f64,
    /// Lead, seconds.
    pub lead_seconds: f64,
    /// Wanted share short.
    pub wanted_short: f64,
    /// Pod-hours of the oracle in the test.
    pub oracle_pod_hours: f64,
    /// The policies.
    pub families: Vec<Family>,
    /// At equal minutes short.
    pub comparisons: Vec<Comparison>,
    /// The last days of the test.
    pub picture: Vec<Stretch>,
}

type Points = Vec<(String, Figures)>;

/// Replays `trace` through every policy. `progress` is told what begins, and how much of the whole is done (`0..=1`).
pub fn run(trace: &Trace, aim: Aim, progress: &mut dyn FnMut(&str, f64)) -> Report {
    progress("the autoscaler's settings", 0.0);
    let hpa = autoscalers(trace);
    progress("KEDA-style, predictive and static", 0.3);
    let keda = each(TARGETS.map(|t| f64::from(t * 5) / 100.0), |target| {
        let mut policy = Autoscaler::new(trace, target, Duration::from_secs(300));
        (format!("threshold {:.0} %", target * 100.0), simulate(trace, &mut policy))
    });
    let aws = each(TARGETS.map(|t| f64::from(t * 5) / 100.0), |target| {
        (format!("target {:.0} %", target * 100.0), simulate(trace, &mut Predictive::new(trace, target)))
    });
    let fixed = vec![("highest before the test".to_owned(), simulate(trace, &mut Fixed::new(trace)))];
    progress("leased floors as proposed live", 0.45);
    let leased =
        vec![("over an autoscaler at 70 %, 5 min".to_owned(), simulate(trace, &mut Leased::new(trace)))];
    progress("the day plan", 0.7);
    let mut shorts: Vec<f64> = SHORT.into_iter().chain([aim.short]).collect();
    shorts.sort_by(f64::total_cmp);
    shorts.dedup();
    let planned = |rules: Rules| {
        each(shorts.iter().copied(), |short| {
            let mut policy = DayPlan::new(trace, Rules { short, ..rules });
            (format!("aims at {} % short", percent(short)), simulate(trace, &mut policy))
        })
    };
    let plan = planned(aim.rules);
    progress("the day plan without a limit of decisions", 0.85);
    let unlimited = planned(aim.rules.unlimited());
    progress("the picture", 0.98);
    let comparisons = compare(&hpa, &plan, &unlimited);
    let family = |id, name, points: &Points| family(id, name, points, aim);
    let families = vec![
        family("day_plan", "weescale, day plan", &plan),
        family("day_plan_unlimited", "weescale, decisions unlimited", &unlimited),
        family("leased_floors", "weescale, leased floors", &leased),
        family("hpa", "HPA, best settings", &hpa),
        family("keda", "KEDA-style", &keda),
        family("aws_predictive", "AWS-predictive-style", &aws),
        family("static", "static", &fixed),
    ];
    let picture = picture(trace, aim, &hpa);
    summary(trace, aim, families, comparisons, picture)
}

/// A share as per cent, as short as it is exact.
fn percent(share: f64) -> String {
    format!("{:.3}", share * 100.0).trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn each<T>(settings: impl Iterator<Item = T>, run: impl Fn(T) -> (String, Figures)) -> Points {
    settings.map(run).collect()
}

fn autoscalers(trace: &Trace) -> Points {
    let settings = TARGETS.flat_map(|t| WINDOWS.map(|w| (f64::from(t * 5) / 100.0, w)));
    each(settings, |(target, minutes)| {
        let mut policy = Autoscaler::new(trace, target, Duration::from_secs(minutes * 60));
        (format!("target {:.0} %, {minutes} min", target * 100.0), simulate(trace, &mut policy))
    })
}

fn family(id: &'static str, name: &'static str, points: &Points, aim: Aim) -> Family {
    let runs = points.iter().map(|(setting, figures)| Run {
        setting: setting.clone(),
        figures: *figures,
        cost: aim.price.map(|p| p * figures.pod_hours),
    });
    Family { id, name, shown: shown(points, aim.short).unwrap_or(0), runs: runs.collect() }
}

fn compare(hpa: &Points, plan: &Points, unlimited: &Points) -> Vec<Comparison> {
    let (hpa, plan, unlimited) = (frontier(hpa), frontier(plan), frontier(unlimited));
    let level = |short: f64| {
        let (hpa, plan, unlimited) = (at(&hpa, short), at(&plan, short), at(&unlimited, short));
        let saved = hpa.zip(unlimited).map(|(h, u)| h - u).filter(|s| *s > 0.0);
        let lost_to_limit = saved.zip(plan.zip(unlimited)).map(|(saved, (p, u))| (p - u) / saved);
        let saving = hpa.zip(plan).map(|(h, p)| 1.0 - p / h);
        Comparison { short, hpa, plan, unlimited, saving, lost_to_limit }
    };
    LEVELS.into_iter().map(level).collect()
}

/// The last three days of the test under the day plan and the autoscaler that is shown.
fn picture(trace: &Trace, aim: Aim, hpa: &Points) -> Vec<Stretch> {
    let begin = trace.window.len().saturating_sub(3 * trace.day()).max(trace.test);
    let served = |policy: &mut dyn Policy| {
        let mut pods = Vec::new();
        simulate_with(trace, policy, &mut |slot, n| {
            if slot >= begin {
                pods.push(f64::from(n));
            }
        });
        pods
    };
    let plan = served(&mut DayPlan::new(trace, Rules { short: aim.short, ..aim.rules }));
    let index = u32::try_from(shown(hpa, aim.short).unwrap_or(0)).unwrap_or(0);
    let windows = WINDOWS.len() as u32;
    let minutes = WINDOWS.get((index % windows) as usize).copied().unwrap_or(5);
    let target = f64::from((TARGETS.start() + index / windows) * 5) / 100.0;
    let hpa = served(&mut Autoscaler::new(trace, target, Duration::from_secs(minutes * 60)));
    let values = trace.window.values().get(begin..).unwrap_or(&[]);
    let size = values.len().div_ceil(PICTURE).max(1);
    let mean = |pods: &[f64]| pods.iter().sum::<f64>() / pods.len().max(1) as f64;
    let chunks = values.chunks(size).zip(plan.chunks(size)).zip(hpa.chunks(size)).enumerate();
    chunks
        .map(|(i, ((values, plan), hpa))| Stretch {
            at: trace.window.at(begin + i * size).as_secs_f64(),
            need: values.iter().flatten().map(|d| trace.need(*d)).max(),
            plan: mean(plan),
            hpa: mean(hpa),
        })
        .collect()
}

fn summary(
    trace: &Trace,
    aim: Aim,
    families: Vec<Family>,
    comparisons: Vec<Comparison>,
    picture: Vec<Stretch>,
) -> Report {
    let tested = trace.window.values().get(trace.test..).unwrap_or(&[]);
    let step = trace.window.step().as_secs_f64();
    let needed: f64 = tested.iter().flatten().map(|d| f64::from(trace.need(*d))).sum();
    Report {
        slots: trace.window.len(),
        missing: trace.window.len() - trace.window.present(),
        step_seconds: step,
        test_days: tested.len() as f64 * step / 86_400.0,
        pod_capacity: trace.pod_capacity,
        lead_seconds: trace.lead.as_secs_f64(),
        wanted_short: aim.short,
        oracle_pod_hours: needed * step / 3600.0,
        families,
        comparisons,
        picture,
    }
}
