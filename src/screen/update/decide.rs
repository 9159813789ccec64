//! Opening the sheets in which a person decides. Nothing here sends a wish that writes.

use crate::view::{
    Command, Mode, Operation, OperationId, OperationState, ProposalView, Role, View, WorkloadId,
};

use super::super::event::Effect;
use super::super::glyphs::{GlyphSet, Glyphs};
use super::super::overlays::{
    Edit, Focus, Reject, Sheet, Subject, approve_sheet, day_sheet, hold_sheet, operation_sheet, release_sheet,
};
use super::super::rows::{advice_of, proposal_of, workload_of};
use super::super::state::{RowId, ScreenState};

/// Opens the sheet for approving, or says why not.
pub(super) fn approve(state: &mut ScreenState, view: &View) {
    if let Some(why) = frozen(state) {
        state.toast = Some(why);
        return;
    }
    if let Some(RowId::Advice(key)) = state.selected() {
        let why = advice_of(view, key).map_or("it is no longer given", |a| a.not_approvable.as_str());
        state.toast = Some(format!("advice cannot be approved here: {why}"));
        return;
    }
    let Some(proposal) = proposal_of(view, state) else {
        state.toast = Some("there is no proposal to approve".into());
        return;
    };
    offer(state, view, proposal);
}

/// Opens the sheet for what took the place of what was shown; that is read and confirmed anew.
pub(super) fn anew(state: &mut ScreenState, shown: &Subject, view: &View) -> Vec<Effect> {
    if let Subject::Day(workload, _) = shown {
        return day_of(state, view, Some(workload));
    }
    if let Some(proposal) = shown.successor(view) {
        offer(state, view, proposal);
    }
    vec![Effect::Draw]
}

fn offer(state: &mut ScreenState, view: &View, proposal: &ProposalView) {
    if !proposal.proposal.state.is_live() {
        state.toast = Some(format!("{} is decided already", proposal.proposal.id));
    } else if let Some(why) = proposal.not_approvable.as_ref().filter(|_| view.role() != Role::Learner) {
        state.toast = Some(format!("{} cannot be approved: {why}", proposal.proposal.id));
    } else {
        open(state, approve_sheet(view, proposal, &Glyphs::new(GlyphSet::Block)));
    }
}

/// Opens the sheet for the day of the selected service, or says why not; an approved day ends at once.
pub(super) fn day(state: &mut ScreenState, view: &View) -> Vec<Effect> {
    if let Some(why) = frozen(state) {
        state.toast = Some(why);
        return vec![Effect::Draw];
    }
    let workload = workload_of(view, state).cloned();
    day_of(state, view, workload.as_ref())
}

fn day_of(state: &mut ScreenState, view: &View, workload: Option<&WorkloadId>) -> Vec<Effect> {
    let forecast = workload.and_then(|w| view.forecasts.data.iter().find(|f| f.workload == *w));
    let Some(forecast) = forecast else {
        state.toast = Some("select a service with a forecast first".into());
        return vec![Effect::Draw];
    };
    if forecast.approved_day.is_some() {
        state.toast = Some(format!("the approved day of {} is to end", forecast.workload));
        return vec![Effect::Send(Command::EndDay(forecast.workload.clone())), Effect::Draw];
    }
    match day_sheet(view, forecast) {
        _ if view.role() == Role::Learner => {
            state.toast = Some("you learn along: a day is approved by others".into());
        }
        _ if view.header.mode == Mode::Observe => {
            state.toast = Some("observe mode: start with --allow-actions to approve".into());
        }
        Some(sheet) => open(state, sheet),
        None => {
            let why =
                if forecast.day.is_none() { "no day plan" } else { "a day plan that takes no decision" };
            state.toast = Some(format!("{} has {why}: there is nothing to approve", forecast.workload));
        }
    }
    vec![Effect::Draw]
}

/// Opens the sheet for holding the selected service's autoscaler, or says why not.
pub(super) fn hold(state: &mut ScreenState, view: &View) {
    let sheet = match workload_of(view, state) {
        _ if state.frozen => Err(frozen(state).unwrap_or_default()),
        _ if view.role() == Role::Learner => Err("you learn along: a hold is asked for by others".to_owned()),
        _ if view.header.mode == Mode::Observe => {
            Err("observe mode: start with --allow-actions to hold an autoscaler".to_owned())
        }
        Some(workload) => hold_sheet(view, workload),
        None => Err("select a service first".to_owned()),
    };
    match sheet {
        Ok(sheet) => open(state, sheet),
        Err(why) => state.toast = Some(why),
    }
}

/// Opens the sheet that asks why, or says why not.
pub(super) fn reject(state: &mut ScreenState, view: &View) {
    match proposal_of(view, state).filter(|p| p.proposal.state.is_live()) {
        Some(p) => {
            let (id, sentence) = (p.proposal.id.clone(), p.proposal.sentence.clone());
            state.focus = Focus::Reject(Reject { id, sentence, painted: None });
        }
        None => state.toast = Some("there is no open proposal to reject".into()),
    }
}

/// Opens the prompt for another value, or says why not.
pub(super) fn edit(state: &mut ScreenState, view: &View) {
    edit_of(state, proposal_of(view, state).filter(|p| p.proposal.state.is_live()));
}

/// The same for one that may be decided already: in a replay nothing is decided, only asked.
pub(super) fn edit_any(state: &mut ScreenState, view: &View) {
    edit_of(state, proposal_of(view, state));
}

fn edit_of(state: &mut ScreenState, proposal: Option<&ProposalView>) {
    match proposal {
        Some(p) if !p.proposal.change.field.is_count() => {
            state.toast = Some("there is no other value to give it: approve or reject it".into());
        }
        Some(p) => {
            let change = &p.proposal.change;
            let subject = format!("{} {} {}", p.proposal.workload.name, change.field.name(), change.from);
            state.focus =
                Focus::Edit(Edit { id: p.proposal.id.clone(), subject, text: change.to.to_string() });
        }
        None => state.toast = Some("there is no open proposal to edit".into()),
    }
}

/// Opens the sheet for going on with a paused operation, or for aborting one in flight.
pub(super) fn operation(state: &mut ScreenState, view: &View, abort: bool) {
    if let Some(why) = frozen(state) {
        state.toast = Some(why);
        return;
    }
    let Some(operation) = selected_operation(state, view) else {
        state.toast = Some("select an operation in flight first".into());
        return;
    };
    if abort || matches!(operation.state, OperationState::Paused { .. }) {
        open(state, operation_sheet(view, operation, abort));
    } else {
        state.toast = Some(format!("{} is not paused", operation.id));
    }
}

/// Opens the sheet for giving a floor back.
pub(super) fn release(state: &mut ScreenState, view: &View) {
    if let Some(why) = frozen(state) {
        state.toast = Some(why);
        return;
    }
    let id = operation_id(state);
    match view.leases.iter().find(|l| Some(&l.operation) == id) {
        Some(lease) => open(state, release_sheet(view, lease)),
        None => state.toast = Some("select a lease first".into()),
    }
}

/// Pausing writes nothing and needs no sheet.
pub(super) fn pause(state: &mut ScreenState, view: &View) -> Vec<Effect> {
    let Some(id) = selected_operation(state, view).map(|o| o.id.clone()) else {
        state.toast = Some("select an operation in flight first".into());
        return vec![Effect::Draw];
    };
    vec![Effect::Send(Command::Pause(id)), Effect::Draw]
}

/// Opens a sheet if the terminal can show all of it.
fn open(state: &mut ScreenState, sheet: Sheet) {
    let (w, h) = sheet.needs(state.size.0);
    if w > state.size.0 || h > state.size.1 {
        let (have_w, have_h) = state.size;
        state.toast = Some(format!("needs {w}x{h} to show it in full; the terminal is {have_w}x{have_h}"));
        return;
    }
    state.focus = Focus::Confirm(Box::new(sheet));
}

fn frozen(state: &ScreenState) -> Option<String> {
    state.frozen.then(|| "the picture is frozen: press space first".to_owned())
}

fn operation_id(state: &ScreenState) -> Option<&OperationId> {
    match state.selected() {
        Some(RowId::Operation(id) | RowId::Lease(id)) => Some(id),
        _ => None,
    }
}

fn selected_operation<'v>(state: &ScreenState, view: &'v View) -> Option<&'v Operation> {
    let id = operation_id(state)?;
    view.operations.data.iter().find(|o| o.id == *id && !o.state.is_final())
}
