//! The stable machine form of the view. Fields are added, never renamed.

use serde_json::{Value, json};

use crate::fleet::{Field, ScaleIn};
use crate::view::{
    Health, Lease, OperationState, ProposalView, Report, ServiceRow, Signal, SourceStatus, View,
};

/// Everything a script asks for at once.
pub fn status(view: &View) -> Value {
    let header = &view.header;
    json!({
        "at": view.at.to_string(),
        "context": header.context.name,
        "protected": header.context.protected,
        "mode": header.mode.label().to_lowercase(),
        "simulated": header.simulated,
        "services": view.services.data.iter().map(service).collect::<Vec<_>>(),
        "proposals": view.proposals.data.iter().filter(|p| p.proposal.state.is_live()).map(proposal).collect::<Vec<_>>(),
        "advice": view.advice,
        "dimensions": view.reports.iter().map(dimension).collect::<Vec<_>>(),
        "operations": view.operations.data.iter().map(operation).collect::<Vec<_>>(),
        "leases": leases(view),
        "targets": view.sources.iter().map(|s| (s.id.to_string(), target(s, view))).collect::<serde_json::Map<_, _>>(),
        "people": view.people,
        "teams": view.teams,
        "mutes": view.mutes,
        "approvals": view.learning.data.approvals.iter().map(|(kind, v)| json!({ "kind": kind, "yes": v.yes, "no": v.no })).collect::<Vec<_>>(),
        "utilities": view.learning.data.utilities,
        "taught": view.learning.data.taught,
        "kpis": view.kpis,
        "journal": header.journal,
        "error": header.halted,
    })
}

/// The open proposals alone.
pub fn proposals(view: &View) -> Value {
    view.proposals.data.iter().filter(|p| p.proposal.state.is_live()).map(proposal).collect()
}

/// The leases, each with its values in words: of a policy a number says little.
pub fn leases(view: &View) -> Value {
    let told = |lease: &Lease| {
        let mut value = json!(lease);
        if let Some(fields) = value.as_object_mut() {
            fields.insert("holds".into(), json!(lease.field.word(lease.floor)));
            fields.insert("gives_back".into(), json!(lease.field.word(lease.restore)));
            fields.insert("pinned_at".into(), json!(pinned_at(lease.field, lease.floor)));
        }
        value
    };
    view.leases.iter().map(told).collect()
}

/// The count of a pin, whose value is 3 more.
fn pinned_at(field: Field, value: u32) -> Option<u32> {
    ScaleIn::count_of(value).filter(|_| field == Field::ScaleIn)
}

fn proposal(p: &ProposalView) -> Value {
    let change = &p.proposal.change;
    json!({
        "id": p.proposal.id,
        "hash": p.hash,
        "workload": p.proposal.workload,
        "field": change.field.name(),
        "from": change.from,
        "to": change.to,
        "change": change.words("→"),
        "pinned_at": pinned_at(change.field, change.to),
        "size": change.size,
        "until": change.until.map(|t| t.to_string()),
        "expires_s": p.left.as_secs(),
        "reason": p.proposal.sentence,
        "not_approvable": p.not_approvable,
        "two_keys": p.two_keys,
        "steps": p.steps(),
        "fewer_steps": p.hastened,
        "team": p.routed.team,
        "people": p.routed.people,
        "quiet_until": p.routed.quiet_until.map(|t| t.to_string()),
        "bad_until": p.routed.bad_until.map(|t| t.to_string()),
        "lessons": p.lessons,
        "approved_before": p.approved_before.map(|e| json!({
            "here": e.here, "team": e.team, "all": e.all, "expected": e.mean(), "alpha": e.alpha, "beta": e.beta,
        })),
        "objections": p.objections,
        "doubt": p.doubt,
        "utility": p.utility,
        "stages": p.proposal.staging,
        "muted": p.routed.muted,
    })
}

fn dimension(r: &Report) -> Value {
    let mut value = json!(r);
    if let Some(fields) = value.as_object_mut() {
        fields.insert("found".into(), json!(r.sentence()));
    }
    value
}

fn operation(o: &crate::view::Operation) -> Value {
    let state = match o.state {
        OperationState::Queued
        | OperationState::InFlight
        | OperationState::Paused { .. }
        | OperationState::Unknown { .. }
        | OperationState::RollingBack { .. } => "inflight",
        OperationState::Kept => "done",
        OperationState::RolledBack { .. } => "rolledback",
        OperationState::Halted { .. } => "halted",
        OperationState::Cancelled { .. } => "cancelled",
    };
    json!({
        "id": o.id,
        "proposal": o.proposal,
        "workload": o.workload,
        "field": o.change.field.name(),
        "from": o.change.from,
        "to": o.change.to,
        "change": o.change.words("→"),
        "pinned_at": pinned_at(o.change.field, o.change.to),
        "size": o.change.size,
        "state": state,
        "detail": o.state,
        "unknown": matches!(o.state, OperationState::Unknown { .. }),
        "paused": matches!(o.state, OperationState::Paused { .. }),
        "waiting_s": o.waiting_s,
        "waiting_why": o.waiting_why,
        "stage": o.stages.iter().filter(|s| s.began.is_some()).count(),
        "stages": o.stages,
        "steps": o.staging,
    })
}

fn service(row: &ServiceRow) -> Value {
    json!({
        "workload": row.workload,
        "service": row.service,
        "team": row.team,
        "replicas": row.replicas,
        "owner": row.owner,
        "headroom": row.headroom,
        "exhaustion": row.exhaustion,
        "capacity": row.capacity,
        "burn": row.burn,
        "verdict": row.verdict,
        "signals": row.signals.iter().map(|s| (s.kind.name().to_owned(), signal(s))).collect::<serde_json::Map<_, _>>(),
    })
}

fn signal(s: &Signal) -> Value {
    json!({
        "value": s.value,
        "unit": s.kind.unit(),
        "at": s.at.as_secs_f64(),
        "freshness": s.freshness,
        "note": s.note,
        "provenance": s.provenance,
    })
}

fn target(s: &SourceStatus, view: &View) -> Value {
    let error = match &s.health {
        Health::Failing { error, .. } => Some(error.as_str()),
        Health::Stopped { reason } => Some(reason.as_str()),
        Health::Starting | Health::Healthy => None,
    };
    json!({
        "age_s": s.last_success.map(|at| view.at.since(at).as_secs_f64()),
        "value": s.samples,
        "error": error,
        "dropped": s.dropped,
        "limits_hit": s.limits_hit,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_tells_its_count_and_nothing_else_does() {
        let value = ScaleIn::pinned_at(6);
        assert_eq!(pinned_at(Field::ScaleIn, value), Some(6));
        assert_eq!(Field::ScaleIn.word(value), "pinned at 6");
        assert_eq!((pinned_at(Field::ScaleIn, 2), pinned_at(Field::Replicas, value)), (None, None));
    }
}
