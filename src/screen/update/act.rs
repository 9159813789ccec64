//! What each action does.

use std::time::Duration;

use crate::view::{Command, Stance, View};

use super::super::action::Action;
use super::super::event::Effect;
use super::super::glyphs::{GlyphSet, Glyphs};
use super::super::keymap::Keymap;
use super::super::overlays::{Evidence, Focus, Menu, Note, evidence_lines};
use super::super::panels;
use super::super::rows::proposal_of;
use super::super::spot;
use super::super::state::{PanelId, ScreenState, SortKey};
use super::super::what_if::Asked;
use super::{decide, fresh, mute, people, replay, select};

/// How long snoozing hides a proposal.
const SNOOZE: Duration = Duration::from_secs(15 * 60);

/// Does an action in the panel.
pub(super) fn act(state: &mut ScreenState, keymap: &Keymap, action: Action, view: &View) -> Vec<Effect> {
    // Where version control owns the field, g is for Git, as the card says; anywhere else it goes to the first row.
    if action == Action::Top
        && state.panel() == PanelId::Proposals
        && let Some(patch) = proposal_of(view, state).and_then(|p| p.patch.clone())
    {
        return vec![Effect::Patch(patch.name, patch.text), Effect::Draw];
    }
    if let Some(by) = movement(state, action) {
        select::step(state, view, by);
        return vec![Effect::Draw];
    }
    if let Some(effects) = replay::act(state, action, view) {
        return effects;
    }
    match action {
        Action::Note => state.focus = Focus::Note(Note::about(view, state)),
        Action::Adopt => return people::lesson(state, view, Stance::Adopted),
        Action::Mute => return people::lesson(state, view, Stance::Muted),
        Action::MuteProposals => return mute::ask(state, view),
        Action::Wheel => return people::wheel(state, view),
        Action::Point => people::point(state, view),
        Action::HandOver => return vec![Effect::Send(Command::HandOver(String::new())), Effect::Draw],
        Action::Approve => decide::approve(state, view),
        Action::Reject => decide::reject(state, view),
        Action::Edit => decide::edit(state, view),
        Action::Day | Action::Hold => return fresh::ask(state, view, action),
        Action::Resume => decide::operation(state, view, false),
        Action::Abort => decide::operation(state, view, true),
        Action::Release => decide::release(state, view),
        Action::Snooze => return snooze(state, view),
        Action::Pause => return decide::pause(state, view),
        Action::PollNow => return vec![Effect::Send(Command::PollNow), Effect::Draw],
        Action::Yank => return yank(state, view),
        Action::Save => return vec![Effect::Save],
        Action::Follow => follow(state, view),
        Action::Here => state.toast = Some(spot::here(view)),
        Action::Redraw => return vec![Effect::Redraw],
        Action::Suspend => return vec![Effect::Suspend],
        Action::Interrupt => return vec![Effect::Quit],
        // As the table says: back, and at the first panel quit, however one came there.
        Action::Quit if state.back.is_empty() || is_home(state) => return vec![Effect::Quit],
        Action::Quit | Action::Back => back(state, view, action),
        other => navigate(state, keymap, other, view),
    }
    vec![Effect::Draw]
}

/// Follows the next of the others; after the last one nobody.
fn follow(state: &mut ScreenState, view: &View) {
    let next = spot::next(view, state.following);
    state.toast = Some(match (next, state.following) {
        (Some(person), _) => format!("following {}; any key ends it, F goes to the next", spot::name(person)),
        (None, Some(_)) => "following nobody".into(),
        (None, None) => "nobody else is attached".into(),
    });
    state.following = next.map(|person| person.screen);
    if let Some(person) = next {
        spot::go_to(state, view, &person.spot);
        select::pin(state, view);
    }
}

fn is_home(state: &ScreenState) -> bool {
    state.route.panel == PanelId::Status && state.route.zoomed.is_none()
}

fn movement(state: &ScreenState, action: Action) -> Option<isize> {
    let page = isize::try_from(state.size.1.saturating_sub(10).max(2)).unwrap_or(2);
    match action {
        Action::Down => Some(1),
        Action::Up => Some(-1),
        Action::Top => Some(-1_000_000),
        Action::Bottom => Some(1_000_000),
        Action::PageDown => Some(page),
        Action::PageUp => Some(-page),
        Action::HalfDown => Some(page / 2),
        Action::HalfUp => Some(-page / 2),
        _ => None,
    }
}

fn navigate(state: &mut ScreenState, _keymap: &Keymap, action: Action, view: &View) {
    match action {
        Action::Go(panel) => select::go(state, view, panel),
        Action::NextPanel => select::go(state, view, state.panel().step(1)),
        Action::PreviousPanel => select::go(state, view, state.panel().step(-1)),
        Action::Open | Action::Evidence => evidence(state),
        Action::Help => state.focus = Focus::Menu(Menu { help: true, ..Menu::default() }),
        Action::Palette => state.focus = Focus::Menu(Menu::default()),
        Action::Filter => state.focus = Focus::Filter,
        Action::Zoom => zoom(state),
        Action::Freeze => state.frozen = !state.frozen,
        Action::PanLeft => state.pan = (state.pan - 1).max(-200),
        Action::PanRight => state.pan = (state.pan + 1).min(200),
        Action::ZoomIn => state.zoom = (state.zoom + 1).min(3),
        Action::ZoomOut => state.zoom = (state.zoom - 1).max(-3),
        Action::Live => (state.pan, state.zoom) = (0, 0),
        Action::Sort => {
            let at = SortKey::ALL.iter().position(|(k, _)| *k == state.sort.key).unwrap_or(0);
            let next = SortKey::ALL.iter().cycle().nth(at + 1).map_or(state.sort.key, |(k, _)| *k);
            state.sort.key = next;
        }
        Action::SortReverse => state.sort.reversed = !state.sort.reversed,
        Action::WhatIf => what_if(state),
        _ => {}
    }
}

/// The next question; where its answers are not in sight, the last row of the screen says where they are.
fn what_if(state: &mut ScreenState) {
    state.asked = Asked::after(state.asked);
    let shown = state.panel() == PanelId::Status && state.route.zoomed.is_none_or(|w| w == 1);
    state.toast = Some(match state.asked {
        Some(asked) if shown => format!("what if: {}; W asks the next", asked.words()),
        Some(asked) => format!("what if: {}; the answers are in panel 1, capacity", asked.words()),
        None => "what if: off".into(),
    });
}

fn evidence(state: &mut ScreenState) {
    match state.selected().cloned() {
        Some(row) => state.focus = Focus::Evidence(Evidence { row, top: 0 }),
        None => state.focus = Focus::Menu(Menu { help: true, ..Menu::default() }),
    }
}

fn zoom(state: &mut ScreenState) {
    let shown = panels::zooms(state.panel());
    state.route.zoomed = match state.route.zoomed {
        None if shown > 0 => Some(0),
        Some(at) if at + 1 < shown => Some(at + 1),
        _ => None,
    };
}

fn back(state: &mut ScreenState, view: &View, action: Action) {
    if action == Action::Back && !state.filter.is_empty() {
        state.filter.clear();
        select::pin(state, view);
    } else if action == Action::Back && state.route.zoomed.is_some() {
        state.route.zoomed = None;
    } else if let Some(route) = state.back.pop() {
        state.route = route;
        state.filter.clear();
        select::pin(state, view);
    }
}

fn snooze(state: &mut ScreenState, view: &View) -> Vec<Effect> {
    let live = proposal_of(view, state).filter(|p| p.proposal.state.is_live());
    let Some(id) = live.map(|p| p.proposal.id.clone()) else {
        state.toast = Some("no open proposal is selected".into());
        return vec![Effect::Draw];
    };
    vec![Effect::Send(Command::Snooze { proposal: id, duration: SNOOZE }), Effect::Draw]
}

fn yank(state: &mut ScreenState, view: &View) -> Vec<Effect> {
    let Some(row) = state.selected() else {
        state.toast = Some("nothing is selected to copy".into());
        return vec![Effect::Draw];
    };
    let lines = evidence_lines(view, row, &Glyphs::new(GlyphSet::Block));
    let text: Vec<String> = lines.into_iter().map(|(text, _)| text).collect();
    state.toast = Some("copied through the terminal (OSC 52), if the terminal allows it".into());
    vec![Effect::Copy(text.join("\n")), Effect::Draw]
}
