//! The sheet for approving a whole day as planned.

use jiff::tz::TimeZone;

use crate::series::{Quantity, Timestamp, Unit};
use crate::view::{Command, DaySchedule, DayStep, ForecastView, View, corridors, day_hash, early};

use super::super::theme::Role;
use super::super::widgets::moment;
use super::approve::context;
use super::{Line, Sheet, Subject};

/// The sheet for the day plan of `forecast`; `None` if no step takes a decision.
pub fn day_sheet(view: &View, forecast: &ForecastView) -> Option<Sheet> {
    let at = |t: Timestamp| moment(t, view.at, &TimeZone::UTC);
    let day = forecast.day.as_ref()?;
    let allowed = corridors(day, view.at);
    let last = allowed.iter().map(|c| c.to).max()?;
    let mut lines: Vec<Line> = vec![
        ("workload", day.workload.to_string(), Role::Title),
        ("context", context(view), if view.header.context.protected { Role::Protected } else { Role::Text }),
    ];
    let steps = day.steps.iter().filter(|s| s.decision && s.to > view.at);
    let mut label = "floors";
    for step in steps {
        lines.push((label, step_text(step, at), Role::Title));
        label = "";
    }
    lines.push(("cost", cost(day), Role::Text));
    lines.push((
        "means",
        format!(
            "until {} raises of the floor within these steps, {} min early at most, run without asking; guardrails, gates and rollback as ever",
            at(last),
            day.steps.iter().map(early).max().unwrap_or_default().as_secs() / 60
        ),
        Role::Text,
    ));
    lines.push((
        "ends",
        "with b, or with a rollback, abort, release or rejection: then each step asks".into(),
        Role::Text,
    ));
    let hash = day_hash(day);
    let short: String = hash.chars().take(16).collect();
    lines.push(("bound to", format!("{short}; what takes two people asks all the same"), Role::Dim));
    let type_name = view.header.context.protected.then(|| view.header.context.name.clone());
    Some(Sheet {
        title: "Approve the day",
        lines,
        subject: Subject::Day(day.workload.clone(), hash.clone()),
        command: Command::ApproveDay { workload: day.workload.clone(), hash, typed: None },
        button: "Approve the day",
        type_name,
        typed: String::new(),
        on_button: false,
        painted: None,
    })
}

fn step_text(step: &DayStep, at: impl Fn(Timestamp) -> String) -> String {
    format!("{} to {}: up to {} replicas", at(step.from), at(step.to), step.replicas)
}

/// What the floors hold above what is there without them.
fn cost(day: &DaySchedule) -> String {
    let above = |s: &DayStep| {
        let held = s.to.since(s.from) + early(s);
        f64::from(s.replicas.saturating_sub(day.base)) * held.as_secs_f64() / 3600.0
    };
    let hours: f64 = day.steps.iter().filter(|s| s.decision).map(above).sum();
    let excess = day.planned_hours - day.needed_hours;
    let price = day.loss_dollars.filter(|_| excess > 0.0).map(|d| d / excess * hours);
    let hours = Quantity::new(hours, Unit::Count);
    let price = price.map_or_else(String::new, |p| format!(", {}", Quantity::new(p, Unit::Dollars)));
    format!("at most {hours} replica-hours above {} replicas{price}", day.base)
}
