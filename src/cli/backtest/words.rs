//! Numbers and sentences that every format shares.

use crate::backtest::{Comparison, Family, Report, Run};

/// The run of `family` that is shown.
pub fn shown(family: &Family) -> Option<&Run> {
    family.runs.get(family.shown)
}

/// A share as per cent.
pub fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

/// A share as whole per cent with its sign: of a saving, less is `-12 %`.
pub fn change(saving: Option<f64>) -> String {
    saving.map_or_else(|| "–".into(), |s| format!("{:+.0} %", -s * 100.0))
}

/// A ratio, or that there is none.
pub fn ratio(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), |v| format!("{v:.2}"))
}

/// Heads of the table of policies.
pub const HEADS: [&str; 11] = [
    "policy",
    "setting",
    "min short",
    "short",
    "lost",
    "pod-h",
    "÷ oracle",
    "events/d",
    "turns/d",
    "decisions/d",
    "cost",
];

/// A row of the table of policies.
pub fn row(family: &Family, run: &Run) -> Vec<String> {
    let f = &run.figures;
    vec![
        family.name.to_owned(),
        run.setting.clone(),
        format!("{:.0}", f.minutes_short),
        percent(f.short),
        percent(f.lost),
        format!("{:.0}", f.pod_hours),
        format!("{:.2}", f.over_oracle),
        format!("{:.0}", f.events),
        format!("{:.0}", f.reversals),
        format!("{:.1}", f.decisions),
        run.cost.map_or_else(|| "no price".into(), |c| format!("${c:.2}")),
    ]
}

/// Heads of the table at equal minutes short.
pub const LEVEL_HEADS: [&str; 6] =
    ["minutes short", "best HPA", "day plan", "difference", "decisions unlimited", "lost to the limit"];

/// A row of the table at equal minutes short.
pub fn level(c: &Comparison) -> Vec<String> {
    vec![
        percent(c.short),
        ratio(c.hpa),
        ratio(c.plan),
        change(c.saving),
        ratio(c.unlimited),
        c.lost_to_limit.map_or_else(|| "–".into(), |l| format!("{:.0} %", l.max(0.0) * 100.0)),
    ]
}

/// What was replayed, in a sentence or two.
pub fn setting(name: &str, r: &Report) -> String {
    format!(
        "{name}: {} slots of {:.0} s, {} of them without a value; the last {:.1} days are the test. A pod holds {}; a \
         decision takes effect after {:.0} s. The oracle needs {:.0} pod-hours.",
        r.slots,
        r.step_seconds,
        r.missing,
        r.test_days,
        crate::cli::table::six(r.pod_capacity),
        r.lead_seconds,
        r.oracle_pod_hours
    )
}

/// How to read the tables.
pub fn notes(r: &Report) -> String {
    format!(
        "Shown is the cheapest setting with at most {} short, else the most careful one. The settings of autoscalers \
         (targets of 40 to 95 %, scale-in windows of 0 to 240 min) are chosen in hindsight on the test, which flatters \
         them; weescale's are not chosen. Their metric is ideal: it sees demand above capacity. Day plan: corridors that \
         are approved before their day, demand followed within them, the cluster's autoscaler below; each step of a plan \
         and each change of it counts as a decision. Executed live today are leased floors; the day plan is a simulation.",
        percent(r.wanted_short)
    )
}
