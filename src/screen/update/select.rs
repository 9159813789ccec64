//! Moving the selection: by identity, so that a refresh cannot move it to another object.

use crate::view::View;

use super::super::overlays::Focus;
use super::super::rows::rows;
use super::super::state::{PanelId, Route, RowId, ScreenState};

/// Selects the first row if nothing is selected yet, and the most urgent service until a person chose one; remembers
/// where the selected row is.
pub(super) fn pin(state: &mut ScreenState, view: &View) {
    let rows = rows(view, state);
    let follows = !state.route.chosen && state.focus == Focus::Panel;
    match state.selected() {
        None => select_at(state, &rows, 0),
        Some(RowId::Workload(_)) if follows => select_at(state, &rows, 0),
        Some(selected) => {
            if let Some(at) = rows.iter().position(|r| r == selected) {
                state.route.hint = at;
            }
        }
    }
}

/// After the person changed what is listed: keeps the selection if it is listed, else takes the first row.
pub(super) fn reselect(state: &mut ScreenState, view: &View) {
    let rows = rows(view, state);
    if !state.selected().is_some_and(|s| rows.contains(s)) {
        state.route.selected = None;
        select_at(state, &rows, 0);
    }
}

/// Moves by `by` rows, stopping at the ends.
pub(super) fn step(state: &mut ScreenState, view: &View, by: isize) {
    let rows = rows(view, state);
    state.route.chosen = true;
    let found = state.selected().and_then(|s| rows.iter().position(|r| r == s));
    let target = match found {
        Some(at) => at.saturating_add_signed(by),
        // The selected row is gone: go on from where it was.
        None => state.route.hint,
    };
    select_at(state, &rows, target.min(rows.len().saturating_sub(1)));
}

fn select_at(state: &mut ScreenState, rows: &[RowId], at: usize) {
    if let Some(row) = rows.get(at) {
        state.route.selected = Some(row.clone());
        state.route.hint = at;
    }
}

/// Goes to a panel; the workload stays chosen where it can.
pub(super) fn go(state: &mut ScreenState, view: &View, panel: PanelId) {
    if panel == state.panel() {
        return;
    }
    let workload = super::super::rows::workload_of(view, state).cloned();
    let route = Route { panel, chosen: state.route.chosen, ..Route::default() };
    let previous = std::mem::replace(&mut state.route, route);
    state.back.push(previous);
    // Going back further than this is of no use to anyone.
    if state.back.len() > 16 {
        state.back.remove(0);
    }
    state.filter.clear();
    let all = rows(view, state);
    let wanted = all.iter().position(|row| match (row, &workload) {
        (RowId::Workload(id), Some(w)) => id == w,
        (RowId::Proposal(id), Some(w)) => {
            view.proposals.data.iter().any(|p| p.proposal.id == *id && p.proposal.workload == *w)
        }
        (RowId::Operation(id), Some(w)) => {
            view.operations.data.iter().any(|o| o.id == *id && o.workload == *w)
        }
        _ => false,
    });
    select_at(state, &all, wanted.unwrap_or(0));
}
