//! The rows of each panel as identities: what the selection moves over and what panels draw, in one order.

use crate::fleet::WorkloadId;
use crate::view::{Advice, Exhaustion, Lesson, ProposalState, ProposalView, ServiceRow, View};

use super::state::{PanelId, RowId, ScreenState, Sort, SortKey};

/// Decided proposals listed at most.
const DECIDED: usize = 5;
/// The widget of lessons among the four of its panel.
const LESSONS: u8 = 3;

/// Rows of the current panel, filtered and sorted.
pub fn rows(view: &View, state: &ScreenState) -> Vec<RowId> {
    rows_of(view, state, state.panel())
}

/// Rows of one panel, filtered and sorted.
pub fn rows_of(view: &View, state: &ScreenState, panel: PanelId) -> Vec<RowId> {
    let keep = |text: &str| state.filter().is_empty() || matches(state.filter(), text);
    match panel {
        PanelId::Intelligence if state.zoomed() == Some(LESSONS) => lessons(view, &keep),
        PanelId::Status | PanelId::Predictive | PanelId::Experience | PanelId::Intelligence => {
            let mut services: Vec<&ServiceRow> = view
                .services
                .data
                .iter()
                .filter(|s| keep(&format!("{} {} {}", s.workload, s.service, s.team)))
                .collect();
            sort(&mut services, state.sort());
            let services = services.iter().map(|s| RowId::Workload(s.workload.clone()));
            let lessons = if panel == PanelId::Intelligence { lessons(view, &keep) } else { Vec::new() };
            services.chain(lessons).collect()
        }
        PanelId::Kpis => view.kpis.iter().filter(|k| keep(&k.title)).map(|k| RowId::Kpi(k.number)).collect(),
        PanelId::Proposals => {
            let mut kept: Vec<&ProposalView> = view
                .proposals
                .data
                .iter()
                .filter(|p| keep(&p.proposal.sentence) || keep(&p.proposal.workload.to_string()))
                .collect();
            kept.sort_by_key(|p| turn(view, p));
            // Who searches wants to see everything; else the selected one stays, whatever becomes of it.
            let all = !state.filter().is_empty();
            let row = |p: &ProposalView| RowId::Proposal(p.proposal.id.clone());
            let worth = worth_listing(kept.iter().copied());
            let shown = kept.iter().zip(worth);
            let proposals = shown
                .filter(|(p, worth)| all || *worth || state.selected() == Some(&row(p)))
                .map(|(p, _)| row(p));
            let wanted = |a: &&Advice| keep(&format!("{} {} {}", a.dimension.name(), a.subject, a.what));
            let advice = view.advice.iter().filter(wanted).map(|a| RowId::Advice(a.key()));
            proposals.chain(advice).collect()
        }
        PanelId::Operations => {
            let operations = view
                .operations
                .data
                .iter()
                .filter(|o| keep(&format!("{} {} {}", o.id, o.workload, o.state.label())))
                .map(|o| RowId::Operation(o.id.clone()));
            let leases = view
                .leases
                .iter()
                .filter(|l| keep(&format!("{} {}", l.operation, l.workload)))
                .map(|l| RowId::Lease(l.operation.clone()));
            operations.chain(leases).collect()
        }
        PanelId::Journal => view
            .journal
            .iter()
            .filter(|j| keep(&format!("{} {} {}", j.kind, j.user, j.text)))
            .map(|j| RowId::Journal(j.seq))
            .collect(),
        PanelId::Sources => {
            view.sources.iter().filter(|s| keep(s.id.as_str())).map(|s| RowId::Source(s.id.clone())).collect()
        }
        PanelId::Logs => Vec::new(),
    }
}

/// Lessons as rows; records of earlier versions have none that could be selected.
fn lessons(view: &View, keep: &impl Fn(&str) -> bool) -> Vec<RowId> {
    let all = view.lessons.data.iter().filter(|l| !l.key.is_empty() && keep(&l.rule));
    all.map(|l| RowId::Lesson(l.key.clone())).collect()
}

/// The lesson with this identity.
pub fn lesson_of<'v>(view: &'v View, key: &str) -> Option<&'v Lesson> {
    view.lessons.data.iter().find(|l| l.key == key)
}

/// Which proposals, live ones first, a list shows: the live ones and the latest decisions. What was withdrawn or
/// superseded is a count, see [`withdrawn`].
pub fn worth_listing<'v>(proposals: impl Iterator<Item = &'v ProposalView>) -> Vec<bool> {
    let mut decided = 0;
    let mut worth = |p: &ProposalView| {
        if p.proposal.state.is_live() {
            return true;
        }
        decided += usize::from(!is_withdrawn(p));
        !is_withdrawn(p) && decided <= DECIDED
    };
    proposals.map(&mut worth).collect()
}

/// How many were withdrawn or superseded.
pub fn withdrawn(proposals: &[ProposalView]) -> usize {
    proposals.iter().filter(|p| is_withdrawn(p)).count()
}

fn is_withdrawn(p: &ProposalView) -> bool {
    matches!(p.proposal.state, ProposalState::Withdrawn { .. } | ProposalState::Superseded { .. })
}

/// The workload the selection is about; the first row's if nothing is selected.
pub fn workload_of<'v>(view: &'v View, state: &'v ScreenState) -> Option<&'v WorkloadId> {
    match state.selected() {
        Some(RowId::Workload(id)) => Some(id),
        Some(RowId::Proposal(id)) => {
            view.proposals.data.iter().find(|p| p.proposal.id == *id).map(|p| &p.proposal.workload)
        }
        Some(RowId::Advice(key)) => advice_of(view, key).and_then(|a| a.workload.as_ref()),
        Some(RowId::Operation(id) | RowId::Lease(id)) => {
            view.operations.data.iter().find(|o| o.id == *id).map(|o| &o.workload)
        }
        _ => view.services.data.first().map(|s| &s.workload),
    }
}

/// The advice with this key.
pub fn advice_of<'v>(view: &'v View, key: &str) -> Option<&'v Advice> {
    view.advice.iter().find(|a| a.key() == key)
}

/// The proposal that approve and reject are about: the selected one, else the live one of the selected workload,
/// else the highest ranked live one. It is the one shown in the strip.
pub fn proposal_of<'v>(view: &'v View, state: &ScreenState) -> Option<&'v ProposalView> {
    let all = &view.proposals.data;
    if let Some(RowId::Proposal(id)) = state.selected() {
        return all.iter().find(|p| p.proposal.id == *id);
    }
    // Who looks at an advice must not approve something else by it.
    if let Some(RowId::Advice(_)) = state.selected() {
        return None;
    }
    let live = || {
        let mut live: Vec<&ProposalView> = all.iter().filter(|p| p.proposal.state.is_live()).collect();
        live.sort_by_key(|p| turn(view, p));
        live.into_iter()
    };
    match state.selected() {
        Some(RowId::Workload(id)) => live().find(|p| p.proposal.workload == *id).or_else(|| live().next()),
        _ => live().next(),
    }
}

/// In which order proposals come to the person at this screen: theirs, then those of others, then those that are
/// muted or wait for the end of quiet hours, then those that are decided.
fn turn(view: &View, p: &ProposalView) -> u8 {
    match &p.routed {
        _ if !p.proposal.state.is_live() => 3,
        r if !r.calls() => 2,
        r => u8::from(!r.is_for(&view.header.person)),
    }
}

fn sort(services: &mut [&ServiceRow], sort: Sort) {
    let missing_last = |v: Option<f64>| v.map_or(f64::INFINITY, |v| -v);
    services.sort_by(|a, b| match sort.key {
        SortKey::Exhaustion => urgency(&a.exhaustion).total_cmp(&urgency(&b.exhaustion)),
        SortKey::Name => a.workload.cmp(&b.workload),
        SortKey::Demand => missing_last(a.demand.value).total_cmp(&missing_last(b.demand.value)),
        SortKey::Headroom => {
            a.headroom.unwrap_or(f64::INFINITY).total_cmp(&b.headroom.unwrap_or(f64::INFINITY))
        }
        SortKey::P95 => missing_last(a.p95.value).total_cmp(&missing_last(b.p95.value)),
        SortKey::Cost => missing_last(a.cost.value).total_cmp(&missing_last(b.cost.value)),
    });
    if sort.reversed {
        services.reverse();
    }
}

/// Seconds until capacity runs out, for sorting, as the engine orders services: the order that it sends is the one here, and
/// equals stay in it. Unknown comes last.
fn urgency(exhaustion: &Exhaustion) -> f64 {
    match exhaustion {
        Exhaustion::Now => -1.0,
        Exhaustion::In { earliest, median } => median.unwrap_or(earliest.saturating_mul(2)).as_secs_f64(),
        Exhaustion::Beyond { .. } => 1e12,
        Exhaustion::Unknown => f64::INFINITY,
    }
}

/// Fuzzy match: every word of the filter must occur in order of its characters; `!word` must not occur at all.
pub fn matches(filter: &str, text: &str) -> bool {
    let text = text.to_lowercase();
    filter.to_lowercase().split_whitespace().all(|word| match word.strip_prefix('!') {
        Some("") => true,
        Some(unwanted) => !text.contains(unwanted),
        None => {
            let mut rest = text.chars();
            word.chars().all(|wanted| rest.any(|c| c == wanted))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_stand_in_the_order_that_the_engine_gives_them() {
        let s = std::time::Duration::from_secs;
        let ordered = [
            Exhaustion::Now,
            Exhaustion::In { earliest: s(10), median: Some(s(90)) },
            Exhaustion::In { earliest: s(60), median: None },
            Exhaustion::In { earliest: s(30), median: Some(s(130)) },
            Exhaustion::Beyond { horizon: s(9000) },
            Exhaustion::Beyond { horizon: s(6000) },
            Exhaustion::Unknown,
        ];
        assert!(ordered.is_sorted_by(|a, b| urgency(a) <= urgency(b)));
    }

    #[test]
    fn filter_is_fuzzy_with_inverse() {
        assert!(matches("chk", "shop/checkout"));
        assert!(matches("CHECK shop", "shop/checkout"));
        assert!(!matches("!check", "shop/checkout"));
        assert!(matches("!search", "shop/checkout"));
        assert!(!matches("tuo", "shop/checkout x"));
    }
}
