//! What the sheets say before something is written.

use crate::series::{Quantity, Unit};
use crate::view::{Command, Decided, GuardrailResult, Lease, Operation, ProposalView, View};

use super::super::canvas::{clock_minute, money_delta, percent};
use super::super::glyphs::Glyphs;
use super::super::theme::Role;
use super::{Line, Sheet, Subject};

/// The sheet for approving what is shown of `proposal` now.
pub fn approve_sheet(view: &View, proposal: &ProposalView, glyphs: &Glyphs) -> Sheet {
    let p = &proposal.proposal;
    let until = p.change.until.map_or_else(String::new, |t| format!(" until {} UTC", clock_minute(t)));
    let change = format!("{} {}{until}", p.change.field.name(), p.change.words(" → "));
    let mut lines: Vec<Line> = vec![
        ("workload", p.workload.to_string(), Role::Title),
        ("change", change, Role::Title),
        ("context", context(view), if view.header.context.protected { Role::Protected } else { Role::Text }),
    ];
    let object = p
        .target
        .as_ref()
        .map_or_else(|| "no provider manages it".to_owned(), |t| format!("{} {}", t.provider, t.uid));
    lines.push(("object", object, Role::Text));
    lines.extend(steps(proposal));
    lines.push(("cost", cost(proposal), Role::Text));
    lines.extend(team(view, proposal));
    if let Some(keys) = &proposal.two_keys {
        lines.push(("keys", keys.sentence(), Role::Warn));
    }
    lines.push(("users", users(proposal), Role::Text));
    lines.push(("reason", p.sentence.clone(), Role::Text));
    lines.push(("owner", format!("{}. {}", p.owner.label(), p.owner_note), Role::Text));
    lines.extend(guards(proposal, glyphs));
    let hash: String = proposal.hash.chars().take(16).collect();
    lines.push(("bound to", format!("{} {hash}; read again before writing, drift cancels", p.id), Role::Dim));
    let learner = view.role() == crate::view::Role::Learner;
    Sheet {
        title: if learner { "Approve, in shadow" } else { "Approve" },
        lines,
        subject: Subject::Proposal(p.id.clone(), proposal.hash.clone()),
        command: Command::Approve { proposal: p.id.clone(), hash: proposal.hash.clone(), typed: None },
        button: if learner { "Record" } else { "Approve" },
        type_name: proposal.type_name.clone().filter(|_| !learner),
        typed: String::new(),
        on_button: false,
        painted: None,
    }
}

/// In which steps it is made, where in several.
fn steps(proposal: &ProposalView) -> Option<Line> {
    let fewer = proposal.hastened.clone().map(|text| ("steps", text, Role::Warn));
    fewer.or_else(|| Some(("steps", proposal.proposal.staging.as_ref()?.words(), Role::Text)))
}

/// Whose decision it is, what it weighs, and whether the person has decided enough for a week.
fn team(view: &View, proposal: &ProposalView) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    if view.role() == crate::view::Role::Learner {
        lines.push(("shadow", "recorded beside the decision of others; executes nothing".into(), Role::Warn));
    }
    if !proposal.routed.is_for(&view.header.person) {
        lines.push((
            "for",
            format!("team {}, not yours: {}", proposal.routed.team, proposal.routed.people.join(", ")),
            Role::Warn,
        ));
    }
    lines.extend(proposal.lessons.first().map(|l| ("lesson", l.clone(), Role::Text)));
    let mine = view.teams.decided.iter().find(|d| d.person == view.header.person && d.is_too_much());
    if let Some(Decided { count, limit: Some(limit), .. }) = mine {
        let text = format!("{count} decisions in seven days, {limit} are enough: let somebody else look");
        lines.push(("you", text, Role::Warn));
    }
    lines
}

/// The sheet for letting a paused operation go on, or for stopping and undoing it.
pub fn operation_sheet(view: &View, operation: &Operation, abort: bool) -> Sheet {
    let o = operation;
    let change = format!("{} {}", o.change.field.name(), o.change.words(" → "));
    let back = o.checkpoint.map_or_else(
        || "nothing was written yet".to_owned(),
        |c| {
            let (ours, old) = (c.field.word(c.ours), c.field.word(c.old));
            format!("{} {ours} → {old} where the live value is still ours", c.field.name())
        },
    );
    let stage = o.current_stage().map_or("not begun", |s| s.kind.label());
    let mut lines: Vec<Line> = vec![
        ("workload", o.workload.to_string(), Role::Title),
        ("operation", format!("{} {change}, {} at {stage}", o.id, o.state.label()), Role::Text),
        ("context", context(view), if view.header.context.protected { Role::Protected } else { Role::Text }),
    ];
    let (title, button, command) = if abort {
        lines.push(("undo", back, Role::Text));
        ("Abort and roll back", "Abort", Command::Abort(o.id.clone()))
    } else {
        lines.push(("then", "the next stage begins; you have looked at its gates".to_owned(), Role::Text));
        ("Resume", "Resume", Command::Resume(o.id.clone()))
    };
    plain(title, button, lines, Subject::Operation(o.id.clone()), command)
}

/// The sheet for giving a floor back now.
pub fn release_sheet(view: &View, lease: &Lease) -> Sheet {
    let lines: Vec<Line> = vec![
        ("workload", lease.workload.to_string(), Role::Title),
        (
            "change",
            format!(
                "{} {} → {}",
                lease.field.name(),
                lease.field.word(lease.floor),
                lease.field.word(lease.restore)
            ),
            Role::Title,
        ),
        ("context", context(view), if view.header.context.protected { Role::Protected } else { Role::Text }),
        ("lease", format!("held by {} for: {}", lease.owner, lease.reason), Role::Text),
        ("instead", format!("of waiting until {} UTC", clock_minute(lease.expires)), Role::Text),
    ];
    let id = lease.operation.clone();
    plain("Give the floor back", "Release", lines, Subject::Lease(id.clone()), Command::Release(id))
}

/// Failed guardrails one by one, passed ones together: the sheet must fit 80x24.
fn guards(proposal: &ProposalView, glyphs: &Glyphs) -> Vec<Line> {
    let (passed, failed): (Vec<_>, Vec<_>) = proposal.proposal.guardrails.iter().partition(|g| g.passed);
    let text = |g: &GuardrailResult| format!("{}: {}", g.name, g.detail);
    let mut out: Vec<Line> = failed
        .into_iter()
        .map(|g| ("guard", format!("{} failed {}", glyphs.bad, text(g)), Role::Bad))
        .collect();
    if !passed.is_empty() {
        let all: Vec<String> = passed.iter().map(|g| text(g)).collect();
        out.push((
            "guards",
            format!("{} {} passed. {}", glyphs.ok, passed.len(), all.join("; ")),
            Role::Text,
        ));
    }
    out
}

pub(super) fn plain(
    title: &'static str,
    button: &'static str,
    lines: Vec<Line>,
    subject: Subject,
    command: Command,
) -> Sheet {
    Sheet {
        title,
        lines,
        subject,
        command,
        button,
        type_name: None,
        typed: String::new(),
        on_button: false,
        painted: None,
    }
}

pub(super) fn context(view: &View) -> String {
    let context = &view.header.context;
    let simulated = if view.header.simulated.is_empty() { "" } else { " (simulated)" };
    format!("{}{}{simulated}", context.name, if context.protected { " PROTECTED" } else { "" })
}

/// `$3.10/h → $5.41/h (+$2.31/h), $4.93 until it is given back`.
pub(super) fn cost(proposal: &ProposalView) -> String {
    let cost = &proposal.proposal.cost;
    let money = |v: f64, unit| Quantity::new(v, unit).to_string();
    let (Some(now), Some(after)) = (cost.now, cost.after) else {
        return "no price is known".into();
    };
    let hour = Unit::DollarsPerHour;
    let mut text =
        format!("{} → {} ({})", money(now, hour), money(after, hour), money_delta(cost.per_hour()));
    if let Some(total) = cost.lease_total {
        text.extend([", ", &money(total, Unit::Dollars), " until it is given back"]);
    }
    text
}

/// `p95 180 ms instead of 410 ms; 0 instead of 41 min short; 4 % of sessions move`.
pub(super) fn users(proposal: &ProposalView) -> String {
    let e = &proposal.proposal.experience;
    let mut parts = Vec::new();
    if let (Some(with), Some(without)) = (e.p95_with, e.p95_without) {
        let q = |v| Quantity::new(v, Unit::Seconds);
        parts.push(format!("p95 {} instead of {}", q(with), q(without)));
    }
    if let (Some(with), Some(without)) = (e.minutes_short_with, e.minutes_short_without) {
        let q = |v| Quantity::new(v, Unit::Count);
        parts.push(format!("{} instead of {} min short of capacity", q(with), q(without)));
    }
    if e.sessions_moved.is_some() {
        parts.push(format!("{} of sessions move", percent(e.sessions_moved)));
    }
    if parts.is_empty() {
        "the effect cannot be estimated from what is measured".into()
    } else {
        parts.join("; ")
    }
}
