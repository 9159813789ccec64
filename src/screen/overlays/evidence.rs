//! Where the numbers of a row come from.

use crate::series::Quantity;
use crate::view::{
    Advice, CapacityMethod, Effect, GateState, Health, Kpi, Lesson, MetricView, Operation, ProposalView,
    ServiceRow, Signal, SourceKind, SourceStatus, Verdict, View,
};

use super::super::canvas::{ago, clock_minute, clock_second, duration};
use super::super::glyphs::Glyphs;
use super::super::rows::{advice_of, lesson_of};
use super::super::state::RowId;
use super::super::theme::Role;
use super::super::widgets::operations;
use super::approve::{cost, users};

/// Lines of evidence: text and look.
type Lines = Vec<(String, Role)>;

/// Everything known about a row; says so if the row is gone.
pub fn evidence_lines(view: &View, row: &RowId, glyphs: &Glyphs) -> Lines {
    let gone = || vec![("It is no longer there.".to_owned(), Role::Stale)];
    let mut lines = known(view, row, glyphs).unwrap_or_else(gone);
    lines.extend(notes(view, row));
    lines
}

fn known(view: &View, row: &RowId, glyphs: &Glyphs) -> Option<Lines> {
    match row {
        RowId::Workload(id) => {
            view.services.data.iter().find(|s| s.workload == *id).map(|s| service(view, s))
        }
        RowId::Proposal(id) => {
            view.proposals.data.iter().find(|p| p.proposal.id == *id).map(|p| proposal(view, p, glyphs))
        }
        RowId::Operation(id) => {
            view.operations.data.iter().find(|o| o.id == *id).map(|o| operation(view, o, glyphs))
        }
        RowId::Lease(id) => view.leases.iter().find(|l| l.operation == *id).map(|l| {
            vec![
                (format!("{} {} held at {}", l.workload, l.field.name(), l.floor), Role::Title),
                (
                    format!("given back to {} in {}", l.field.word(l.restore), duration(l.left(view.at))),
                    Role::Text,
                ),
                (format!("owner {}: {}", l.owner, l.reason), Role::Text),
                (format!("made by {}", l.operation), Role::Dim),
            ]
        }),
        RowId::Kpi(number) => view.kpis.iter().find(|k| k.number == *number).map(kpi),
        RowId::Journal(seq) => view.journal.iter().find(|j| j.seq == *seq).map(|j| {
            let user = if j.user.is_empty() { "weescale" } else { &j.user };
            vec![
                (format!("record {} at {} UTC", j.seq, clock_second(j.at)), Role::Title),
                (format!("{} by {user}", j.kind), Role::Text),
                (j.text.clone(), Role::Text),
            ]
        }),
        RowId::Advice(key) => advice_of(view, key).map(advice),
        RowId::Lesson(key) => lesson_of(view, key).map(|l| lesson(view, l)),
        RowId::Source(id) => view.sources.iter().find(|s| s.id == *id).map(|s| source(view, s)),
    }
}

/// What people noted about the row.
fn notes(view: &View, row: &RowId) -> Lines {
    let about = match row {
        RowId::Workload(id) => id.to_string(),
        RowId::Proposal(id) => id.to_string(),
        RowId::Operation(id) | RowId::Lease(id) => id.to_string(),
        RowId::Journal(seq) => format!("record {seq}"),
        RowId::Lesson(key) => key.clone(),
        RowId::Kpi(_) | RowId::Source(_) | RowId::Advice(_) => return Vec::new(),
    };
    let found = view.notes.iter().filter(|n| n.about == about);
    found.map(|n| (format!("note   {} ({}, {})", n.text, n.by, ago(view.at, n.at)), Role::Accent)).collect()
}

fn lesson(view: &View, l: &Lesson) -> Lines {
    let q = |v| Quantity::new(v, crate::series::Unit::Ratio).to_string();
    let mut out = vec![(l.rule.clone(), Role::Title)];
    let interval = format!(
        "held {} (90 % interval {} to {}), n={}",
        q(l.success),
        q(l.interval.0),
        q(l.interval.1),
        l.support
    );
    out.push((interval, Role::Text));
    if let Some(rate) = l.q {
        let clear = if l.stands_out { "it stands out" } else { "it does not stand out" };
        out.push((
            format!("{clear}: {} of rules as clear as this one are chance finds", q(rate)),
            Role::Text,
        ));
    }
    let effect = match l.effect {
        Effect::Guardrail => "adopted, it holds back what it covers, unless capacity is short already",
        Effect::Prior => "adopted, it ranks what it covers by how often it held, and is named on the card",
        Effect::Reminder => "adopted, it is shown where people decide, and changes nothing",
    };
    out.push((effect.into(), Role::Text));
    if let Some(learnt) = &l.learnt {
        out.push((format!("it covers {}", learnt.subject.words()), Role::Text));
        if learnt.subject.is_moment() && learnt.subject.raises().is_none() {
            let why = "an older version took raises and lowerings together: it bears on nothing any more";
            out.push((why.into(), Role::Warn));
        }
    }
    if !l.source.is_empty() {
        out.push((format!("learned by {}", l.source), Role::Warn));
    }
    if let Some((by, at)) = &l.said {
        out.push((format!("{} by {by}, {}", l.stance.word(), ago(view.at, *at)), Role::Accent));
    }
    if let Some(counter) = &l.counter_example {
        out.push((format!("but: {counter}"), Role::Dim));
    }
    out
}

fn service(view: &View, s: &ServiceRow) -> Lines {
    let mut out = vec![(s.workload.to_string(), Role::Title)];
    let objective = &s.objective;
    let origin = if objective.is_declared() { "declared" } else { "assumed: declare an SLO to change it" };
    let latency = Quantity::new(objective.latency().as_secs_f64(), crate::series::Unit::Seconds);
    let target = Quantity::new(objective.target(), crate::series::Unit::Ratio);
    out.push((
        format!(
            "objective {target} good, p{:.0} within {latency} ({origin})",
            objective.latency_quantile() * 100.0
        ),
        Role::Text,
    ));
    if let Some(c) = &s.capacity {
        let method = match c.method {
            CapacityMethod::Observed => "observed load and latency",
            CapacityMethod::QueueModel => "a queue model",
            CapacityMethod::Utilisation => "CPU per request",
            CapacityMethod::Declared => "the configuration",
        };
        let tested = c.tested_to.map_or_else(|| "never tested".into(), |t| format!("tested to {t:.0} rps"));
        let text = format!(
            "one replica holds {:.0} rps, from {method}, {} points, {tested}",
            c.per_replica, c.observations
        );
        out.push((text, Role::Text));
    }
    if let Some(scaling) = s.capacity.as_ref().and_then(|c| c.scaling) {
        out.push((scaling.sentence(), Role::Text));
    }
    out.push((s.lead.sentence(), Role::Text));
    out.push((format!("owner of the replica count: {}", s.owner.label()), Role::Text));
    out.push((verdict(&s.verdict), Role::Text));
    if let Some(binding) = &s.binding {
        out.push((format!("{}. {}", binding.sentence(), binding.ceiling.why), Role::Warn));
    }
    out.extend(day(view, s));
    out.push((String::new(), Role::Text));
    for signal in &s.signals {
        out.extend(signal_lines(view, signal));
    }
    out
}

/// The plan of the day, step by step.
fn day(view: &View, s: &ServiceRow) -> Lines {
    let Some(day) =
        view.forecasts.data.iter().find(|f| f.workload == s.workload).and_then(|f| f.day.as_ref())
    else {
        return Lines::new();
    };
    let mut out = vec![(day.sentence(), Role::Text)];
    for step in &day.steps {
        let decide = if step.decision {
            format!("decide by {}", clock_second(step.decide_by))
        } else {
            "no decision".to_owned()
        };
        out.push((
            format!(
                "    {} to {} UTC  {:>4} replicas  {decide}",
                clock_second(step.from),
                clock_second(step.to),
                step.replicas
            ),
            Role::Dim,
        ));
    }
    out
}

fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Hold { why } => format!("plan: hold, {why}"),
        Verdict::Change(c) => format!("plan: {} {}", c.field.name(), c.words(" → ")),
        Verdict::Blocked { change, by } => {
            format!("plan: {} {} is blocked by {by}", change.field.name(), change.words(" → "))
        }
        Verdict::NotScaling { cause, advice, .. } => {
            format!("plan: not a scaling problem: {cause}. {advice}")
        }
        Verdict::NoData { why } => format!("plan: no statement, {why}"),
    }
}

fn signal_lines(view: &View, signal: &Signal) -> Lines {
    let value = signal
        .value
        .map_or_else(|| "–".to_owned(), |v| Quantity::new(v.get(), signal.kind.unit()).to_string());
    let fresh = format!("{:?}", signal.freshness).to_lowercase();
    let role = if fresh == "fresh" { Role::Text } else { Role::Stale };
    let mut out =
        vec![(format!("{:<18} {value:>12}  {fresh}, {}", signal.kind.name(), ago(view.at, signal.at)), role)];
    if !signal.note.is_empty() {
        out.push((format!("    {}", signal.note), Role::Stale));
    }
    if let Some(p) = &signal.provenance {
        out.push((format!("    {} by recipe {}", p.source, p.recipe), Role::Dim));
        out.push((format!("    {}", p.expr), Role::Dim));
        let server = view.sources.iter().any(|s| s.id == p.source && s.kind == SourceKind::PromqlServer);
        let told = if server { p.source.to_string() } else { String::new() };
        let named = MetricView::named_in(&view.metrics, &told, &p.expr);
        out.extend(named.into_iter().map(|m| (format!("    {}", m.sentence()), Role::Dim)));
    }
    out
}

fn proposal(view: &View, p: &ProposalView, glyphs: &Glyphs) -> Lines {
    let inner = &p.proposal;
    let mut out = vec![(inner.sentence.clone(), Role::Title)];
    if let Some(why) = &p.not_approvable {
        out.push((format!("{} cannot be approved: {why}", glyphs.warn), Role::Warn));
    }
    if let Some(whose) = whose(p) {
        out.push((format!("for    {whose}"), Role::Text));
    }
    out.extend(p.lessons.iter().map(|l| (format!("lesson {l}"), Role::Accent)));
    out.extend(inner.staging.iter().map(|s| (format!("steps  {}", s.words()), Role::Text)));
    out.extend(p.hastened.iter().map(|fewer| (format!("steps  {fewer}"), Role::Warn)));
    out.extend(p.approved_before.iter().map(|e| (e.words(), Role::Text)));
    out.extend(p.objections.iter().map(|o| (format!("before rejected: {o}"), Role::Text)));
    out.extend(p.utility.iter().map(|u| (format!("worth  ones like it {}", u.words()), Role::Text)));
    if !p.shadowed.is_empty() {
        out.push((format!("shadow {} said what they would do", p.shadowed.join(", ")), Role::Dim));
    }
    out.push((format!("cost   {}", cost(p)), Role::Text));
    out.push((format!("users  {}", users(p)), Role::Text));
    out.push((format!("owner  {}. {}", inner.owner.label(), inner.owner_note), Role::Text));
    for fact in &inner.facts {
        let at = fact.at.map_or_else(String::new, |t| format!(" at {} UTC", clock_second(t)));
        out.push((format!("fact   {}: {}{at}", fact.label, fact.quantity), Role::Text));
    }
    for guard in &inner.guardrails {
        let (glyph, word, role) =
            if guard.passed { (glyphs.ok, "passed", Role::Ok) } else { (glyphs.bad, "failed", Role::Bad) };
        out.push((format!("guard  {glyph} {word} {}: {}", guard.name, guard.detail), role));
    }
    for past in &p.similar {
        out.push((
            format!("before {} {}: {}", past.operation, ago(view.at, past.at), past.summary),
            Role::Text,
        ));
    }
    out.push((format!("made {}, expires in {}", ago(view.at, inner.created), duration(p.left)), Role::Dim));
    out.push((format!("{} hash {}", inner.id, p.hash), Role::Dim));
    out
}

/// `shop (ann, bob); waits until 07:00 UTC: quiet hours`; `None` where nobody owns it.
pub(super) fn whose(p: &ProposalView) -> Option<String> {
    let r = &p.routed;
    let bad = r.bad_until.map_or_else(String::new, |until| {
        format!("; waits until {} UTC: a bad time, and nothing runs short before", clock_minute(until))
    });
    if r.team.is_empty() {
        return r.bad_until.map(|_| format!("nobody's{bad}"));
    }
    let people = if r.people.is_empty() { String::new() } else { format!(" ({})", r.people.join(", ")) };
    let quiet = r.quiet_until.map_or_else(String::new, |until| {
        format!("; waits until {} UTC: quiet hours, and nothing runs short before", clock_minute(until))
    });
    Some(format!("{}{people}{quiet}{bad}", r.team))
}

fn advice(a: &Advice) -> Lines {
    let mut out = vec![
        (format!("{} {}", a.dimension.name(), a.subject), Role::Title),
        (a.what.clone(), Role::Text),
        (format!("not approvable here: {}", a.not_approvable), Role::Warn),
    ];
    for fact in a.evidence.iter().chain(&a.effect) {
        let at = fact.at.map_or_else(String::new, |t| format!(" at {} UTC", clock_second(t)));
        out.push((format!("fact   {}: {}{at}", fact.label, fact.quantity), Role::Text));
    }
    out.push((format!("sure   {:.0} %: {}", a.confidence * 100.0, a.confidence_why), Role::Text));
    out.push((format!("given since {} UTC", clock_second(a.since)), Role::Dim));
    out
}

fn operation(view: &View, o: &Operation, glyphs: &Glyphs) -> Lines {
    let change = format!("{} {}", o.change.field.name(), o.change.words(" → "));
    let mut out = vec![
        (format!("{} {} {change}: {}", o.id, o.workload, o.state.label()), Role::Title),
        (format!("approved by {}, {}", o.approved_by, ago(view.at, o.started)), Role::Text),
    ];
    let why = operations::why(&o.state);
    out.extend((!why.is_empty()).then(|| (why.to_owned(), Role::Warn)));
    out.extend(o.staging.iter().map(|s| (s.words(), Role::Text)));
    if let Some(c) = &o.checkpoint {
        out.push((format!("checkpoint: {}", c.words()), Role::Text));
    }
    for stage in &o.stages {
        let (glyph, word, role) = gate(stage.state, glyphs);
        out.push((format!("{glyph} {:<10} {word}", stage.kind.label()), role));
        for g in &stage.gates {
            let (glyph, word, role) = gate(g.state, glyphs);
            out.push((format!("    {glyph} {} {word}: {}", g.name, g.detail), role));
        }
    }
    out
}

fn gate(state: GateState, glyphs: &Glyphs) -> (&'static str, &'static str, Role) {
    match state {
        GateState::Pending => (glyphs.info, "pending", Role::Dim),
        GateState::Running => (glyphs.selected, "running", Role::Accent),
        GateState::Passed => (glyphs.ok, "passed", Role::Ok),
        GateState::Failed => (glyphs.bad, "failed", Role::Bad),
        GateState::Inconclusive => (glyphs.warn, "inconclusive", Role::Warn),
    }
}

fn kpi(k: &Kpi) -> Lines {
    let q = |v| Quantity::new(v, k.unit).to_string();
    let value = k.value.map_or_else(|| format!("n={}, not enough (needs {})", k.n, k.n_min), q);
    let side = if k.higher_is_better { "at least" } else { "at most" };
    let mut out = vec![
        (format!("{} {} ({})", k.number, k.title, k.name), Role::Title),
        (format!("{value}, target {side} {}, over {}", q(k.target), k.window), Role::Text),
    ];
    if let Some((low, high)) = k.interval {
        out.push((format!("90 % interval {} to {}, n={}", q(low), q(high), k.n), Role::Text));
    }
    if !k.note.is_empty() {
        out.push((k.note.clone(), Role::Dim));
    }
    out
}

fn source(view: &View, s: &SourceStatus) -> Lines {
    let mut out = vec![(s.id.to_string(), Role::Title)];
    out.push(match &s.health {
        Health::Starting => ("starting".into(), Role::Info),
        Health::Healthy => ("healthy".into(), Role::Ok),
        Health::Failing { since, error, failures, next_try } => {
            let since = ago(view.at, *since);
            let next = duration(next_try.since(view.at));
            (format!("failing since {since} ({failures} times): {error}; next try in {next}"), Role::Bad)
        }
        Health::Stopped { reason } => (format!("stopped: {reason}"), Role::Bad),
    });
    let last = s.last_success.map_or_else(|| "never".into(), |t| ago(view.at, t));
    out.push((format!("every {}, last success {last}", duration(s.interval)), Role::Text));
    out.push((format!("{} requests, {} samples, {} bytes", s.requests, s.samples, s.bytes), Role::Text));
    let d = &s.dropped;
    let dropped = format!(
        "refused: {} series, {} samples, {} malformed, {} over a limit, {} deliveries",
        d.series, d.samples, d.malformed, d.over_limit, d.deliveries
    );
    out.push((dropped, if d.total() > 0 { Role::Warn } else { Role::Dim }));
    out.extend(s.limits_hit.iter().map(|l| (format!("limit hit: {l}"), Role::Warn)));
    out.extend(s.warnings.iter().map(|w| (format!("server warns: {w}"), Role::Warn)));
    out
}
