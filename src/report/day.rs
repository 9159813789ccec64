//! The plans of the coming day, for scripts and for people without a terminal.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::series::Timestamp;
use crate::view::{DaySchedule, View};

/// Plans of all workloads, the most urgent first.
pub fn days(view: &View) -> Value {
    let plan = |day: &DaySchedule| {
        let mut value = json!(day);
        if let Some(fields) = value.as_object_mut() {
            fields.insert("decisions".into(), json!(day.decisions()));
            fields.insert("loss".into(), json!(day.loss()));
        }
        value
    };
    json!({ "at": view.at.to_string(), "plans": plans(view).map(plan).collect::<Vec<_>>() })
}

/// The same as text: a workload, its steps, what stands against a plan.
pub fn days_text(view: &View) -> String {
    let mut out = String::new();
    for day in plans(view) {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{}: {}", day.workload, day.sentence());
        for step in &day.steps {
            let decide = if step.decision {
                format!("decide by {}", clock(step.decide_by))
            } else {
                "no decision".to_owned()
            };
            let _ = writeln!(
                out,
                "  {} to {}  {:>5} replicas  {decide}",
                clock(step.from),
                clock(step.to),
                step.replicas
            );
        }
    }
    let without: Vec<String> =
        view.forecasts.data.iter().filter(|f| f.day.is_none()).map(|f| f.workload.to_string()).collect();
    if !without.is_empty() {
        let why = "needs a forecast of two hours, a capacity and a replica count";
        let _ = writeln!(out, "no plan yet ({why}): {}", without.join(", "));
    }
    if out.is_empty() {
        out.push_str("no workload with demand yet\n");
    }
    out
}

fn plans(view: &View) -> impl Iterator<Item = &DaySchedule> {
    view.forecasts.data.iter().filter_map(|f| f.day.as_ref())
}

/// `Tue 14:05`, UTC.
fn clock(at: Timestamp) -> String {
    at.to_jiff().strftime("%a %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::screen::fixture;
    use crate::view::DayStep;

    #[test]
    fn steps_with_their_decisions_and_what_has_no_plan() {
        let mut view = fixture::view();
        let from = Timestamp::from_secs(1_772_478_000);
        let quarter = Duration::from_secs(900);
        let step = |a: u32, b: u32, replicas, decision| DayStep {
            decide_by: from + quarter * a - Duration::from_secs(180),
            from: from + quarter * a,
            to: from + quarter * b,
            replicas,
            decision,
        };
        view.forecasts.data[0].day = Some(DaySchedule {
            workload: view.forecasts.data[0].workload.clone(),
            issued: from,
            quantile: 0.95,
            steps: vec![step(0, 8, 4, false), step(8, 40, 9, true)],
            base: 4,
            left: 6,
            needed_hours: 75.0,
            planned_hours: 80.0,
            loss_dollars: Some(0.6),
            cut: None,
        });
        let text = days_text(&view);
        assert!(text.contains("1 of 6 decisions, 80 replica-hours at quantile 0.95, 6.7 % more"), "{text}");
        assert!(text.contains("Mon 21:00 to Tue 05:00      9 replicas  decide by Mon 20:57"), "{text}");
        assert!(text.contains("no plan yet"), "{text}");
        let value = days(&view);
        assert_eq!(
            (&value["plans"][0]["decisions"], &value["plans"][0]["steps"][1]["replicas"]),
            (&json!(1), &json!(9))
        );
    }
}
