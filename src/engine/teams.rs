//! Whose a proposal is, when it can wait, and whether what was executed kept to the rules.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::fleet::WorkloadId;
use crate::learning::{Levels, gini, service_of};
use crate::outcome::Figures;
use crate::plan::{Exhaustion, Foreseen};
use crate::proposal::Proposal;
use crate::series::Timestamp;
use crate::view::{Conformance, Decided, Routed, TeamView, TeamsView};

use super::State;
use super::rules::Kept;

/// Time that a person takes to look and approve: what runs short within this and the lead time after quiet hours end cannot
/// wait for their end.
const MARGIN: Duration = Duration::from_secs(1800);
/// Operations against the rules that are told one by one.
const TOLD: usize = 10;

/// Whom a proposal is for, and until when it may wait.
pub fn routed(state: &State, p: &Proposal, now: Timestamp) -> Routed {
    let facts = state.fleet.get(&p.workload);
    let team = facts.map_or("", |f| &*f.workload.team);
    let muted = super::mutes::of(state, p, now);
    let short = facts.and_then(|f| f.plan.as_ref()).map(|plan| plan.exhaustion);
    let foreseen = facts.map_or(&[] as &[Foreseen], |f| f.around.foreseen.as_slice());
    let waits = |end: &Timestamp| {
        // Where a decision at their end bears fruit.
        let warm = *end + super::planning::lead(state, &p.workload);
        can_wait(p, short, foreseen, now, warm)
    };
    let bad_until = state.learned.people.objections.bad_hours(p, now).filter(waits);
    let quiet_until = quiet(state, team, now).filter(waits);
    let rule = state.settings.team(team);
    let people = rule.map_or_else(Vec::new, |rule| rule.people.clone());
    Routed { team: team.to_owned(), people, quiet_until, bad_until, muted }
}

/// When the quiet hours of a team end, if it has them now.
fn quiet(state: &State, team: &str, now: Timestamp) -> Option<Timestamp> {
    state.settings.team(team)?.quiet.until(now)
}

/// Whether it is an hour in which what is proposed would wait if it could.
pub fn is_quiet(state: &State, p: &Proposal, now: Timestamp) -> bool {
    let team = state.fleet.get(&p.workload).map_or("", |f| &*f.workload.team);
    quiet(state, team, now).is_some() || state.learned.people.objections.bad_hours(p, now).is_some()
}

/// How people decided, by the teams that own services now. A service of which no region is known belongs to nobody.
pub fn levels(state: &State) -> Levels<'_> {
    let owned: BTreeMap<WorkloadId, &str> =
        state.fleet.values().map(|w| (service_of(&w.workload.id), &*w.workload.team)).collect();
    state
        .learned
        .people
        .approvals
        .levels(|service| owned.get(service).copied().unwrap_or_default().to_owned())
}

/// Whether nothing runs short, and nothing foreseen begins, before capacity that is decided on after quiet hours is `warm`.
/// A hold of what an autoscaler would take away is for now, and what is not known does not wait.
fn can_wait(
    p: &Proposal,
    short: Option<Exhaustion>,
    foreseen: &[Foreseen],
    now: Timestamp,
    warm: Timestamp,
) -> bool {
    if !p.change.field.is_count() {
        return false;
    }
    if p.change.to < p.change.from {
        return true;
    }
    let suffers = p.experience.minutes_short_without.is_some_and(|minutes| minutes > 0.0);
    if suffers || foreseen.iter().any(|f| f.from < warm) {
        return false;
    }
    match short {
        Some(Exhaustion::In { earliest, .. }) => now + earliest > warm + MARGIN,
        Some(Exhaustion::Beyond { horizon }) => now + horizon > warm + MARGIN,
        Some(Exhaustion::Now | Exhaustion::Unknown) | None => false,
    }
}

/// Who owns what and who decides how much.
pub fn shown(state: &State, now: Timestamp) -> TeamsView {
    let owned = |name: &str| state.fleet.values().filter(|f| &*f.workload.team == name).count();
    let waiting = |name: &str| {
        let of = state.queue.live().map(|p| routed(state, p, now));
        of.filter(|r| r.team == name && r.calls()).count()
    };
    let mut teams: Vec<TeamView> = state
        .settings
        .teams
        .iter()
        .map(|rule| TeamView {
            name: rule.name.clone(),
            people: rule.people.clone(),
            workloads: owned(&rule.name),
            waiting: waiting(&rule.name),
            quiet_until: rule.quiet.until(now),
        })
        .collect();
    // Teams that only labels name.
    let mut labelled: Vec<&str> = state.fleet.values().map(|f| &*f.workload.team).collect();
    labelled.sort_unstable();
    labelled.dedup();
    for name in labelled.into_iter().filter(|n| !n.is_empty() && state.settings.team(n).is_none()) {
        let (workloads, waiting) = (owned(name), waiting(name));
        teams.push(TeamView { name: name.into(), workloads, waiting, ..TeamView::default() });
    }
    teams.sort_by(|a, b| a.name.cmp(&b.name));
    let week = state.learned.people.load.week(now);
    let gini = gini(&counts(state, &week));
    let decided = week.into_iter().take(50).map(|(person, count)| Decided {
        person: person.to_owned(),
        count,
        limit: state.settings.enough_for(person),
    });
    TeamsView {
        teams,
        unowned: owned(""),
        decided: decided.collect(),
        gini,
        conformance: conformance(state),
        shift: state.learned.people.shifts.shown(now),
    }
}

/// Decisions of everybody who decided, and none of those in teams who could have and did not.
fn counts(state: &State, week: &[(&str, usize)]) -> Vec<usize> {
    let settings = &state.settings;
    let idle: BTreeSet<&str> = settings
        .teams
        .iter()
        .flat_map(|team| &team.people)
        .filter(|person| !settings.learners.contains(person) && week.iter().all(|(p, _)| p != person))
        .map(String::as_str)
        .collect();
    week.iter().map(|(_, n)| *n).chain(idle.iter().map(|_| 0)).collect()
}

/// Executed operations against freeze windows and bounds as they were when each was approved.
fn conformance(state: &State) -> Conformance {
    let mut all: Vec<&Figures> = state.learned.kpis.figures.values().collect();
    all.sort_by_key(|f| std::cmp::Reverse(f.started));
    let mut out = Conformance::default();
    for figures in all {
        match state.learned.rules.judge(figures) {
            Kept::Unknown => {
                out.unknown += 1;
                continue;
            }
            Kept::Yes => out.kept += 1,
            Kept::No(why) if out.broken.len() < TOLD => out.broken.push(why),
            Kept::No(_) => {}
        }
        out.executed += 1;
    }
    out
}
