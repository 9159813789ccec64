//! An incident for scripts. Fields are added, never renamed.

use serde_json::{Value, json};

use super::incident::Incident;

/// The report as JSON.
pub fn incident_json(incident: &Incident) -> Value {
    let (from, to) = incident.ends();
    let workloads: Vec<Value> = incident
        .subjects()
        .iter()
        .map(|(id, t)| {
            json!({
                "workload": id,
                "demand": t.demand,
                "capacity": t.capacity,
                "forecast_hour_before": t.ahead.iter().collect::<Vec<_>>(),
                "minutes_short": t.minutes_short(),
                "ready": t.ready,
                "p95_seconds": t.p95,
                "spent_dollars": t.spent(),
                "error_budget_spent": t.budget_spent(),
                "forecast_error": t.error_ahead().map(|(e, n)| json!({ "share": e, "n": n })),
            })
        })
        .collect();
    let outcomes: Vec<_> = incident.operations().iter().filter_map(|o| incident.outcome(o)).collect();
    json!({
        "from": from.to_string(),
        "to": to.to_string(),
        "frames": incident.frames(),
        "context": incident.place(),
        "workloads": workloads,
        "decisions": incident.decisions(),
        "operations": incident.operations(),
        "outcomes": outcomes,
        "scoreboard": incident.scores(),
        "lessons": incident.lessons(),
        "kpis": incident.kpis(),
        "actions": incident.actions(),
        "timeline": incident.timeline().0,
        "notes": incident.notes(),
        "expired": incident.expired(),
    })
}
