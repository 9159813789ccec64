//! People in reports: who decided how much, how learners agree, whether the rules were kept, and what was noted.

use crate::view::{Agreement, Decided, NoteLine, Stance, View};

use super::document::{Part, minute};

/// The people of a week.
pub(super) fn weekly(last: &View) -> Vec<Part> {
    let t = &last.teams;
    let mut lines: Vec<String> = t.decided.iter().map(decided).collect();
    if let Some(gini) = t.gini {
        lines.push(format!(
            "Decisions are spread with a Gini coefficient of {gini:.2} (0 all alike, 1 one for all)."
        ));
    }
    let pace = last.learning.data.decisions.pace.words();
    lines.extend(pace.into_iter().map(|words| format!("In 90 days, {words}.")));
    let approvals = &last.learning.data.approvals;
    lines
        .extend(approvals.iter().map(|(kind, v)| format!("Of {} {kind}, people approved {}.", v.n(), v.yes)));
    let utilities = last.learning.data.utilities.iter();
    lines.extend(
        utilities
            .map(|u| format!("{} operations on {}: {}.", capital(u.dimension.name()), u.service, u.words())),
    );
    lines.extend(last.mutes.iter().map(|m| format!("Muted: {}.", m.words())));
    lines.extend(last.learning.data.shadows.iter().map(agreement));
    if t.conformance.executed > 0 {
        let c = &t.conformance;
        lines.push(format!(
            "{} of {} executed operations kept to the freeze windows and bounds of their time.",
            c.kept, c.executed
        ));
        lines.extend(c.broken.iter().map(|b| format!("Against the rules: {b}.")));
    }
    if t.conformance.unknown > 0 {
        lines.push(format!(
            "{} executed operations are not judged: the rules of their time were not recorded.",
            t.conformance.unknown
        ));
    }
    if t.shift.given > 0 {
        let (taken, given) = (t.shift.taken, t.shift.given);
        lines.push(format!(
            "In 30 days, {taken} of {given} hand-overs were taken over by somebody else, by name."
        ));
    }
    for team in &t.teams {
        lines.push(format!(
            "Team {} owns {} services, {} proposals wait for it.",
            team.name, team.workloads, team.waiting
        ));
    }
    if t.unowned > 0 {
        lines.push(format!("{} services have no team.", t.unowned));
    }
    let adopted = last.lessons.data.iter().filter(|l| l.stance == Stance::Adopted);
    lines.extend(adopted.map(|l| {
        let (by, at) = l.said.clone().unwrap_or_default();
        format!("{by} adopted a lesson at {}: {}.", minute(at), l.rule)
    }));
    lines.extend(shared(last));
    if lines.is_empty() {
        return Vec::new();
    }
    vec![Part::Heading("People".into()), Part::List(lines)]
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|c| c.to_uppercase().collect::<String>()).unwrap_or_default() + letters.as_str()
}

/// How many lessons of other teams were adopted here, of those that came.
fn shared(last: &View) -> Option<String> {
    let theirs = || last.lessons.data.iter().filter(|l| !l.source.is_empty());
    let (came, adopted) = (theirs().count(), theirs().filter(|l| l.stance == Stance::Adopted).count());
    (came > 0).then(|| format!("{adopted} of {came} lessons of other teams are adopted."))
}

/// What people noted; nothing if nobody did.
pub(super) fn notes(notes: &[NoteLine]) -> Vec<Part> {
    if notes.is_empty() {
        return Vec::new();
    }
    let line = |n: &NoteLine| {
        let about = if n.about.is_empty() { String::new() } else { format!(" of {}", n.about) };
        format!("{} {}{about}: {}", minute(n.at), n.by, n.text)
    };
    vec![Part::Heading("Notes".into()), Part::List(notes.iter().map(line).collect())]
}

fn decided(d: &Decided) -> String {
    let enough = d.limit.map_or_else(String::new, |l| format!(", {l} are enough"));
    format!("{} decided {} in seven days{enough}.", d.person, d.count)
}

fn agreement(a: &Agreement) -> String {
    let kappa = match (a.kappa, a.interval) {
        (Some(k), Some((low, high))) => format!("κ {k:.2} (90 % interval {low:.2} to {high:.2})"),
        _ => "too few or too alike for κ".into(),
    };
    format!("In shadow {} agrees with the decisions {} of {} times, {kappa}.", a.person, a.agreed, a.n)
}
