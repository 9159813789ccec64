//! Where a person is on their screen, as others may be told and follow.

use ratatui::layout::Rect;

use crate::fleet::WorkloadId;
use crate::view::{Attached, OperationId, ProposalId, SourceId, Spot, View};

use super::context::SizeClass;
use super::overlays::Focus;
use super::state::{PanelId, Route, RowId, ScreenState, SortKey};

/// Where the person is.
pub fn spot(state: &ScreenState) -> Spot {
    let panel =
        PanelId::ALL.iter().find(|(id, ..)| *id == state.route.panel).map(|(_, key, _)| key.to_string());
    let (kind, id) = match &state.route.selected {
        None => ("", String::new()),
        Some(RowId::Workload(id)) => ("workload", id.to_string()),
        Some(RowId::Proposal(id)) => ("proposal", id.to_string()),
        Some(RowId::Operation(id)) => ("operation", id.to_string()),
        Some(RowId::Lease(id)) => ("lease", id.to_string()),
        Some(RowId::Kpi(number)) => ("kpi", number.to_string()),
        Some(RowId::Journal(seq)) => ("journal", seq.to_string()),
        Some(RowId::Source(id)) => ("source", id.to_string()),
        Some(RowId::Advice(text)) => ("advice", text.clone()),
        Some(RowId::Lesson(key)) => ("lesson", key.clone()),
    };
    Spot {
        panel: panel.unwrap_or_default(),
        zoomed: state.route.zoomed,
        kind: kind.into(),
        id,
        pan: state.pan,
        zoom: state.zoom,
        pointed: state.pointed,
        // What is asked on a sheet is of now, on whatever panel it was opened.
        evidence: state.wanted.is_some() || matches!(state.focus(), Focus::Evidence(_) | Focus::Confirm(_)),
        sorted: match state.sort().key {
            SortKey::Exhaustion | SortKey::Name => "",
            SortKey::Demand => "demand",
            SortKey::Headroom => "headroom",
            SortKey::P95 => "p95",
            SortKey::Cost => "cost",
        }
        .into(),
        tiny: SizeClass::of(Rect::new(0, 0, state.size.0, state.size.1)) == SizeClass::Tiny,
    }
}

/// What to say if somebody else pointed at something since the last view; remembers that it was said.
pub fn pointing(state: &mut ScreenState, view: &View) -> Option<String> {
    let mut said = None;
    let others: Vec<&Attached> = view.people.iter().filter(|a| a.screen != view.header.screen).collect();
    for person in &others {
        let known = state.told.iter().find(|(screen, _)| *screen == person.screen).map(|(_, n)| *n);
        // Whoever was here before this screen pointed at nothing for it.
        if known.is_some_and(|n| person.spot.pointed > n) {
            let (kind, id, panel) = (&person.spot.kind, &person.spot.id, &person.spot.panel);
            let what =
                if id.is_empty() { format!("panel {panel}") } else { format!("{kind} {id}, panel {panel}") };
            said = Some(format!("{} points at {what}; F goes there", name(person)));
        }
    }
    state.told = others.iter().map(|a| (a.screen, a.spot.pointed)).collect();
    said
}

/// Goes where somebody else is. What is not on this screen's view is not selected.
pub fn go_to(state: &mut ScreenState, view: &View, spot: &Spot) {
    let key = spot.panel.chars().next();
    let Some((panel, ..)) = PanelId::ALL.iter().find(|(_, k, _)| Some(*k) == key) else { return };
    let selected = row(view, &spot.kind, &spot.id);
    let chosen = selected.is_some();
    let zoomed = spot.zoomed.filter(|z| *z < 4);
    state.route = Route { panel: *panel, selected, zoomed, chosen, hint: 0 };
    state.pan = spot.pan.clamp(-200, 200);
    state.zoom = spot.zoom.clamp(-3, 3);
}

fn row(view: &View, kind: &str, id: &str) -> Option<RowId> {
    match kind {
        "workload" => {
            let mut all = view.services.data.iter().map(|s| &s.workload);
            all.find(|w: &&WorkloadId| w.to_string() == id).cloned().map(RowId::Workload)
        }
        "proposal" => Some(RowId::Proposal(ProposalId::new(id))),
        "operation" => Some(RowId::Operation(OperationId::new(id))),
        "lease" => Some(RowId::Lease(OperationId::new(id))),
        "kpi" => id.parse().ok().map(RowId::Kpi),
        "journal" => id.parse().ok().map(RowId::Journal),
        "source" => {
            let mut all = view.sources.iter().map(|s| &s.id);
            all.find(|s: &&SourceId| s.to_string() == id).cloned().map(RowId::Source)
        }
        "advice" => Some(RowId::Advice(id.to_owned())),
        "lesson" => Some(RowId::Lesson(id.to_owned())),
        _ => None,
    }
}

/// The other screen to follow after `current`, going round; `None` after the last.
pub fn next(view: &View, current: Option<u64>) -> Option<&Attached> {
    let mut others = view.people.iter().filter(|a| a.screen != view.header.screen);
    match current {
        None => others.next(),
        Some(current) => others.find(|a| a.screen > current),
    }
}

/// `anna on pts/3`.
pub fn name(person: &Attached) -> String {
    if person.tty.is_empty() { person.name.clone() } else { format!("{} on {}", person.name, person.tty) }
}

/// `you and anna on pts/3 (6 proposal p-4)`: who is here and where they look.
pub fn here(view: &View) -> String {
    let others = view.people.iter().filter(|a| a.screen != view.header.screen).map(|a| {
        let what =
            if a.spot.id.is_empty() { String::new() } else { format!(" {} {}", a.spot.kind, a.spot.id) };
        let role = if a.role.word().is_empty() { String::new() } else { format!(", {}", a.role.word()) };
        format!("{} (panel {}{what}{role})", name(a), a.spot.panel)
    });
    let others: Vec<String> = others.collect();
    if others.is_empty() {
        "nobody else is attached".into()
    } else {
        format!("here too: {}", others.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use crate::series::Timestamp;

    use super::super::fixture;
    use super::*;

    #[test]
    fn where_one_is_another_can_go() {
        let view = fixture::view();
        let mut there = ScreenState::default();
        there.route.panel = PanelId::Proposals;
        there.route.selected = view.proposals.data.first().map(|p| RowId::Proposal(p.proposal.id.clone()));
        there.pan = -3;
        let mut here = ScreenState::default();
        go_to(&mut here, &view, &spot(&there));
        assert_eq!((here.panel(), here.selected(), here.pan), (PanelId::Proposals, there.selected(), -3));
        there.route.panel = PanelId::Status;
        there.route.selected = view.services.data.get(2).map(|s| RowId::Workload(s.workload.clone()));
        go_to(&mut here, &view, &spot(&there));
        assert_eq!((here.panel(), here.selected()), (PanelId::Status, there.selected()));
    }

    #[test]
    fn what_rows_are_sorted_by_is_a_member_of_a_service() {
        let mut state = ScreenState { size: (200, 50), ..ScreenState::default() };
        let row = serde_json::to_value(&fixture::view().services.data[0]).unwrap();
        for (key, _) in SortKey::ALL {
            state.sort.key = key;
            let sorted = spot(&state).sorted;
            assert_eq!(sorted.is_empty(), matches!(key, SortKey::Exhaustion | SortKey::Name), "{key:?}");
            assert!(sorted.is_empty() || row.get(&sorted).is_some(), "{sorted}");
        }
        assert!(!spot(&state).tiny);
        state.size = (30, 50);
        assert!(spot(&state).tiny);
    }

    #[test]
    fn pointing_is_told_once_and_only_by_others() {
        let mut view = fixture::view();
        view.header.screen = 2;
        let person = |screen, pointed| Attached {
            screen,
            uid: 1000,
            name: format!("user{screen}"),
            tty: String::new(),
            since: Timestamp::from_secs(0),
            spot: Spot {
                panel: "6".into(),
                kind: "proposal".into(),
                id: "p-1".into(),
                pointed,
                ..Spot::default()
            },
            role: crate::view::Role::Navigator,
            asks: false,
        };
        let mut state = ScreenState::default();
        view.people = vec![person(1, 4), person(2, 0)];
        assert_eq!(pointing(&mut state, &view), None, "from before this screen");
        view.people = vec![person(1, 5), person(2, 1)];
        let said = pointing(&mut state, &view);
        assert_eq!(said.as_deref(), Some("user1 points at proposal p-1, panel 6; F goes there"));
        assert_eq!(pointing(&mut state, &view), None, "told already");
    }

    #[test]
    fn following_goes_round_the_others_and_ends() {
        let mut view = fixture::view();
        view.header.screen = 2;
        view.people = [1, 2, 5]
            .map(|screen| Attached {
                screen,
                uid: 1000,
                name: format!("user{screen}"),
                tty: "pts/1".into(),
                since: Timestamp::from_secs(0),
                spot: Spot { panel: "6".into(), ..Spot::default() },
                role: crate::view::Role::Partner,
                asks: false,
            })
            .into();
        let number = |current| next(&view, current).map(|a| a.screen);
        assert_eq!((number(None), number(Some(1)), number(Some(5))), (Some(1), Some(5), None));
        assert_eq!(here(&view), "here too: user1 on pts/1 (panel 6), user5 on pts/1 (panel 6)");
    }
}
