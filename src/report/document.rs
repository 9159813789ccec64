//! An incident as headings, paragraphs, lists and tables, before it becomes Markdown or HTML.

use crate::series::{Quantity, Timestamp, Unit};
use crate::view::{Lesson, Operation, Proposal, ProposalState};

use super::incident::{Incident, decided_at};

/// A part of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Title(String),
    Heading(String),
    Text(String),
    List(Vec<String>),
    Table(Vec<String>, Vec<Vec<String>>),
    Picture(usize),
}

/// The whole incident.
pub(super) fn document(incident: &Incident) -> Vec<Part> {
    let mut parts = opening(incident);
    parts.extend(subjects(incident));
    parts.extend(decisions(incident));
    parts.extend(super::people::notes(&incident.notes()));
    parts.extend(operations(incident));
    parts.extend(learned(incident));
    parts.extend(timeline(incident));
    parts
}

pub(super) fn minute(at: Timestamp) -> String {
    at.to_jiff().strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn second(at: Timestamp) -> String {
    at.to_jiff().strftime("%H:%M:%S").to_string()
}

pub(super) fn quantity(value: Option<f64>, unit: Unit) -> String {
    value.map_or_else(|| "not known".into(), |v| Quantity::new(v, unit).to_string())
}

fn opening(incident: &Incident) -> Vec<Part> {
    let (from, to) = incident.ends();
    let minutes = to.since(from).as_secs() / 60;
    let mut parts = vec![
        Part::Title(format!("Incident report: {}", incident.place())),
        Part::Text(format!(
            "{} to {} UTC, {minutes} minutes, written from {} recorded frames. What was shown then is told as it \
             was shown; nothing was computed anew but sums.",
            minute(from),
            second(to),
            incident.frames()
        )),
    ];
    let operations = incident.operations();
    let kept = operations.iter().filter(|o| o.state.label() == "kept").count();
    let mut story = vec![format!(
        "{} decisions by people, {} operations, {kept} of them kept; {} proposals expired unseen.",
        incident.decisions().len(),
        operations.len(),
        incident.expired()
    )];
    for (id, track) in incident.subjects() {
        let peak = track.demand.iter().max_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((at, peak)) = peak {
            let short = track.minutes_short();
            let worst = track.p95.iter().map(|(_, v)| *v).reduce(f64::max);
            story.push(format!(
                "{id}: demand peaked at {} at {}; short of capacity for {short:.0} min; worst p95 {}.",
                Quantity::new(*peak, Unit::PerSecond),
                second(*at),
                quantity(worst, Unit::Seconds)
            ));
        }
    }
    parts.push(Part::Heading("In short".into()));
    parts.push(Part::List(story));
    parts
}

fn subjects(incident: &Incident) -> Vec<Part> {
    let mut parts = vec![Part::Heading("Demand, forecast and capacity".into())];
    let mut rows = Vec::new();
    for (i, (id, track)) in incident.subjects().into_iter().enumerate() {
        parts.push(Part::Picture(i));
        let budget = track.budget_spent().map_or_else(
            || "not known".to_owned(),
            |spent| format!("{:.1} % of the window's budget", spent * 100.0),
        );
        let error = track.error_ahead().map_or_else(
            || "no forecast of an hour before".to_owned(),
            |(error, n)| format!("{:.0} % of demand (n={n})", error * 100.0),
        );
        let counts = |pick: fn(u32, u32) -> u32| track.ready.iter().map(|(_, n)| *n).reduce(pick);
        let ready = match (counts(u32::min), counts(u32::max)) {
            (Some(low), Some(high)) => format!("{low} to {high}"),
            _ => "not known".into(),
        };
        let spent = track.spent().map_or_else(|| "not known".to_owned(), |s| format!("${s:.2}"));
        let short = format!("{:.0}", track.minutes_short());
        rows.push(vec![id.to_string(), ready, short, spent, budget, error]);
    }
    let head =
        ["workload", "ready pods", "minutes short", "cost", "error budget spent", "forecast an hour before"];
    parts.push(Part::Table(head.map(String::from).to_vec(), rows));
    parts
}

fn decisions(incident: &Incident) -> Vec<Part> {
    let mut parts = vec![Part::Heading("Decisions".into())];
    let decided = incident.decisions();
    if decided.is_empty() {
        parts.push(Part::Text("Nobody decided on anything in this time.".into()));
    }
    for p in decided {
        parts.push(Part::Text(decision(p)));
        let mut known: Vec<String> = p.facts.iter().map(|f| format!("{}: {}", f.label, f.quantity)).collect();
        known.push(format!("ownership: {}. {}", p.owner.label(), p.owner_note));
        let failed = p.guardrails.iter().filter(|g| !g.passed).count();
        known.push(format!("guardrails: {} checked, {failed} not passed", p.guardrails.len()));
        known.push(format!(
            "cost: {}/h more",
            p.cost.per_hour().map_or("not known".into(), |c| format!("${c:.2}"))
        ));
        parts.push(Part::List(known));
    }
    parts
}

fn decision(p: &Proposal) -> String {
    let at = decided_at(p).map(second).unwrap_or_default();
    let who = match &p.state {
        ProposalState::Approved { by, .. } => format!("{by} approved {}", p.id),
        ProposalState::Rejected { by, reason, .. } => format!("{by} rejected {} ({})", p.id, reason.phrase()),
        _ => p.id.to_string(),
    };
    let waited = decided_at(p).map_or(0, |at| at.since(p.created).as_secs());
    format!("At {at} {who} after {waited} s: {} What was known then:", p.sentence)
}

fn operations(incident: &Incident) -> Vec<Part> {
    let mut parts = vec![Part::Heading("Operations, gates and outcomes".into())];
    for o in incident.operations() {
        let ended = o.ended.map_or_else(|| "not over".to_owned(), second);
        parts.push(Part::Text(format!(
            "{} on {}: {} {}, approved by {}, {} to {ended}: {}.",
            o.id,
            o.workload,
            o.change.field.name(),
            o.change.words("→"),
            o.approved_by,
            second(o.started),
            o.state.label()
        )));
        parts.push(gates(o));
        let Some(outcome) = incident.outcome(o) else { continue };
        let provisional = if outcome.settled { "" } else { " (provisional)" };
        parts.push(Part::Text(format!("Outcome{provisional}: {}", outcome.summary)));
        let row = |c: &crate::view::Comparison| {
            vec![
                c.label.clone(),
                quantity(c.before, c.unit),
                quantity(c.expected, c.unit),
                quantity(c.observed, c.unit),
            ]
        };
        let head = ["quantity", "before", "expected", "observed"].map(String::from).to_vec();
        parts.push(Part::Table(head, outcome.comparisons.iter().map(row).collect()));
    }
    if parts.len() == 1 {
        parts.push(Part::Text("Nothing was executed in this time.".into()));
    }
    parts
}

fn gates(o: &Operation) -> Part {
    let mut lines = Vec::new();
    for stage in &o.stages {
        for gate in &stage.gates {
            lines.push(format!("{}: {} {}", stage.kind.label(), gate.name, gate.detail));
        }
    }
    if lines.is_empty() { Part::Text("No gate was reached.".into()) } else { Part::List(lines) }
}

fn learned(incident: &Incident) -> Vec<Part> {
    let mut parts = vec![Part::Heading("Scoreboard".into())];
    let rows: Vec<Vec<String>> = incident
        .scores()
        .iter()
        .map(|s| {
            let minutes = |m: Option<f64>| m.map_or("–".to_owned(), |m| format!("{m:.0}"));
            vec![
                s.proposal.to_string(),
                format!("{} {}→{}", s.workload, s.from, s.to),
                s.decision.clone(),
                minutes(s.minutes_short_with),
                minutes(s.minutes_short_without),
                s.hindsight().words().to_owned(),
            ]
        })
        .collect();
    if rows.is_empty() {
        parts.push(Part::Text("No proposal of this time was scored yet.".into()));
    } else {
        let head = ["proposal", "change", "decision", "min short with", "min short without", "in hindsight"];
        parts.push(Part::Table(head.map(String::from).to_vec(), rows));
    }
    parts.extend(lessons(incident.lessons()));
    parts.push(Part::Heading("Action items".into()));
    let actions = incident.actions();
    if !actions.is_empty() {
        parts.push(Part::List(actions));
    }
    parts.push(Part::Text("Left to write: what will be changed, by whom, until when.".into()));
    parts
}

/// Lessons with their support and what speaks against them.
pub(super) fn lessons(lessons: &[Lesson]) -> Vec<Part> {
    let line = |l: &Lesson| {
        let against = l.counter_example.as_deref().map_or_else(String::new, |c| format!(" Against it: {c}"));
        let (low, high) = l.interval;
        format!(
            "{} (n={}, held {:.0} %, 90 % interval {:.0} to {:.0} %).{against}",
            l.rule,
            l.support,
            l.success * 100.0,
            low * 100.0,
            high * 100.0
        )
    };
    let lines: Vec<String> = lessons.iter().map(line).collect();
    let none = || Part::Text("None has enough support yet.".into());
    let told = if lines.is_empty() { none() } else { Part::List(lines) };
    vec![Part::Heading("Lessons".into()), told]
}

fn timeline(incident: &Incident) -> Vec<Part> {
    let (lines, left_out) = incident.timeline();
    let row =
        |l: &&crate::view::JournalLine| vec![second(l.at), l.kind.clone(), l.user.clone(), l.text.clone()];
    let head = ["time", "what", "who", "in words"].map(String::from).to_vec();
    let mut parts =
        vec![Part::Heading("Timeline".into()), Part::Table(head, lines.iter().map(row).collect())];
    if left_out > 0 {
        parts.push(Part::Text(format!(
            "{left_out} later records are left out; `weescale journal export` has them."
        )));
    }
    parts
}
