//! The view itself.

use std::collections::BTreeSet;

use crate::engine::state::SourceFacts;
use crate::engine::{State, lessons};
use crate::execution::{Operation, OperationState};
use crate::fleet::WorkloadId;
use crate::proposal::{Proposal, ProposalState};
use crate::scrape::Health;
use crate::series::Timestamp;
use crate::view::{
    Alarm, Header, Kpi, KpiCounts, KpiState, Lease, LeaseState, OLD, PlatformView, View, alarm, urgent,
};

use super::{experience, intelligence, kpis, metrics, predictive, status, widget};

/// Notes shown.
const NOTES: usize = 50;

/// What failing sources say, those that are polled for more than history.
fn failing(state: &State) -> Vec<String> {
    let polled = state.sources.values().filter(|s| !s.history_only);
    let said = polled.filter_map(|s| match &s.status.health {
        Health::Failing { error, .. } => Some(error.clone()),
        _ => None,
    });
    said.collect()
}

/// Everything shown, at `now`.
pub fn view(state: &State, now: Timestamp) -> View {
    let services = status::services(state, now);
    let regions = experience::regions(state, now);
    let kpis = kpis::board(state);
    let mined = lessons::mined(state);
    View {
        at: now,
        tick: state.ticks,
        header: Header {
            urgent: urgent(&services.data),
            alarm: alarm(
                &services.data,
                &regions.data,
                &state.advised.advice,
                &open(state, now),
                &failing(state),
            ),
            blind: services.data.iter().filter(|row| row.is_blind()).count(),
            ..header(state, &kpis, now)
        },
        operations: status::operations(state),
        capacity: status::capacity(state, now),
        performance: status::performance(state, now),
        cost: status::cost(state, now),
        forecasts: predictive::forecasts(state, &services.data, now),
        proposals: predictive::proposals(state, now),
        advice: state.advised.advice.clone(),
        reports: state.advised.reports.clone(),
        resources: predictive::resources(state, now),
        projection: predictive::projection(state, now),
        satisfaction: experience::satisfaction(state, now),
        continuity: experience::continuity(state, now),
        heatmaps: experience::heatmaps(state, now),
        regions,
        learning: intelligence::learning(state, now),
        knowledge: intelligence::knowledge(state, now),
        growth: intelligence::growth(state, &mined, now),
        lessons: intelligence::lessons(state, &mined),
        leases: leases(state),
        outcomes: state.outcomes.iter().rev().cloned().collect(),
        journal: state.journal.iter().rev().cloned().collect(),
        sources: state.sources.values().map(SourceFacts::shown).collect(),
        platforms: platforms(state, now),
        metrics: metrics::said(state),
        forecasting: state.advised.forecasting,
        notices: state.notices.iter().cloned().collect(),
        people: Vec::new(),
        notes: state.learned.people.latest().take(NOTES).cloned().collect(),
        mutes: state.learned.people.mutes.standing(now).cloned().collect(),
        teams: crate::engine::teams::shown(state, now),
        kpis,
        services,
    }
}

fn header(state: &State, kpis: &[Kpi], now: Timestamp) -> Header {
    let count = |wanted: KpiState| kpis.iter().filter(|k| k.state == wanted).count() as u8;
    let live: Vec<_> = state.sources.values().filter(|s| !s.history_only).collect();
    let healthy = live.iter().filter(|s| s.status.health == Health::Healthy).count();
    let platforms = platforms(state, now);
    let answering = platforms.iter().filter(|p| p.error.is_empty()).count();
    Header {
        context: state.settings.context.clone(),
        mode: state.settings.mode,
        person: state.person.name.clone(),
        simulated: state.simulated.clone(),
        data_age: live.iter().filter_map(|s| s.status.last_success).min().map(|at| now.since(at)),
        sources: (healthy + answering, live.len() + platforms.len()),
        kpis: KpiCounts {
            ok: count(KpiState::Ok),
            warn: count(KpiState::Warn),
            bad: count(KpiState::Bad),
            no_data: count(KpiState::NoData),
        },
        waiting: waiting(state, now),
        muted: muted(state, now),
        snoozed: state.queue.live().filter(|p| p.state != ProposalState::Open).count(),
        blind: 0,
        stale: live.iter().filter(|s| is_stale(s, now)).count(),
        live: live.len(),
        urgent: String::new(),
        alarm: Alarm::default(),
        in_flight: state.operations.values().filter(|o| !o.state.is_final()).count(),
        backfill: widget::backfill(state),
        journal: if state.journal_error.is_empty() { "ok".into() } else { state.journal_error.clone() },
        halted: state.halted.clone(),
        screen: 0,
        link: String::new(),
        replay: None,
    }
}

/// Whether a source has not answered for longer than three of its intervals, or than [`OLD`] if that is longer; or never, though
/// it failed.
fn is_stale(source: &SourceFacts, now: Timestamp) -> bool {
    let patience = OLD.max(source.status.interval * 3);
    match source.status.last_success {
        Some(at) => now.since(at) > patience,
        None => source.status.health != Health::Starting,
    }
}

/// Platforms that answered or should have.
fn platforms(state: &State, now: Timestamp) -> Vec<PlatformView> {
    let names: BTreeSet<&String> = state.platforms_heard.keys().chain(state.platform_errors.keys()).collect();
    let shown = |name: &String| {
        let heard = state.platforms_heard.get(name).map(|(at, _)| *at);
        // An answer that does not come is no error yet, and no answer.
        let late = heard.filter(|at| now.since(*at) > OLD).map(|_| "it does not answer".to_owned());
        PlatformView {
            name: name.clone(),
            heard,
            workloads: state.platforms_heard.get(name).map_or(0, |(_, n)| *n),
            error: state.platform_errors.get(name).cloned().or(late).unwrap_or_default(),
        }
    };
    names.into_iter().map(shown).collect()
}

/// Workloads for which a person can approve something now, or is at work: what nobody is called for, or what waits for a person
/// already, keeps no alarm away.
fn open(state: &State, now: Timestamp) -> BTreeSet<&WorkloadId> {
    let can = |p: &&Proposal| calls(state, p, now) && predictive::barred(state, p, now).is_none();
    let open = state.queue.live().filter(|p| p.state == ProposalState::Open).filter(can);
    let works = |o: &&Operation| !o.state.is_final() && !matches!(o.state, OperationState::Paused { .. });
    open.map(|p| &p.workload).chain(state.operations.values().filter(works).map(|o| &o.workload)).collect()
}

/// Whether somebody is called for a proposal: it is not muted, nor is it its team's quiet hours.
fn calls(state: &State, proposal: &Proposal, now: Timestamp) -> bool {
    crate::engine::teams::routed(state, proposal, now).calls()
}

/// Proposals that wait for a person now: not hidden for a while, not muted, and not for the end of a team's quiet hours.
fn waiting(state: &State, now: Timestamp) -> usize {
    state.queue.live().filter(|p| p.state == ProposalState::Open && calls(state, p, now)).count()
}

/// Live proposals that are muted.
fn muted(state: &State, now: Timestamp) -> usize {
    state.queue.live().filter(|p| crate::engine::mutes::refusal(state, p, now).is_some()).count()
}

/// Leases that still matter first, soonest expiry first; ended ones after.
fn leases(state: &State) -> Vec<Lease> {
    let mut leases: Vec<Lease> = state.leases.values().cloned().collect();
    let ended = |l: &Lease| matches!(l.state, LeaseState::Restored { .. } | LeaseState::Foreign { .. });
    leases.sort_by_key(|l| (ended(l), l.expires));
    leases
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::scrape::{SourceId, SourceKind, SourceStatus};

    #[test]
    fn a_source_is_stale_after_three_of_its_intervals_or_a_minute_and_one_that_never_answered_once_it_failed()
    {
        let now = Timestamp::from_secs(10_000);
        let of = |interval: u64, ago: Option<u64>, health: Health| {
            let interval = Duration::from_secs(interval);
            let mut status = SourceStatus::starting(SourceId::new("s"), SourceKind::Exposition, interval);
            status.last_success = ago.map(|ago| now - Duration::from_secs(ago));
            status.health = health;
            is_stale(&SourceFacts::of(status, false), now)
        };
        let old = OLD.as_secs();
        for (interval, ago, stale) in
            [(5, old, false), (5, old + 1, true), (600, 1800, false), (600, 1801, true)]
        {
            assert_eq!(of(interval, Some(ago), Health::Healthy), stale, "{interval} {ago}");
        }
        let failing = Health::Failing { since: now, error: "refused".into(), failures: 1, next_try: now };
        assert!(!of(5, None, Health::Starting), "not tried yet");
        assert!(of(5, None, failing.clone()) && of(5, None, Health::Stopped { reason: "gone".into() }));
        assert!(!of(5, Some(1), failing), "one failure makes none");
    }
}
