//! Keys while something lies over the panel.

use crossterm::event::KeyCode;

use crate::clock::Monotonic;
use crate::view::{Command, RejectReason, ReplayWish, View};

use super::super::event::Effect;
use super::super::key::Key;
use super::super::keymap::Keymap;
use super::super::overlays::{Focus, Menu, Sheet, adjusted, entries};
use super::super::state::ScreenState;
use super::root::push;
use super::{act, decide, select};

/// Digits of the largest replica count there is.
const MAX_DIGITS: usize = 6;

/// Gives a key to what has the focus.
pub(super) fn on_key(
    state: &mut ScreenState,
    keymap: &Keymap,
    key: Key,
    at: Monotonic,
    view: &View,
) -> Vec<Effect> {
    match std::mem::take(&mut state.focus) {
        Focus::Panel => return Vec::new(),
        Focus::Filter => on_filter(state, key, view),
        Focus::Note(note) => return super::people::note(state, note, key),
        Focus::Mute(ask) => return super::mute::prompt(state, ask, key, at),
        Focus::Jump(text) => return super::replay::prompt(state, text, key),
        Focus::Menu(menu) => return on_menu(state, keymap, menu, key, view),
        Focus::Evidence(mut evidence) => {
            match key.code {
                KeyCode::Esc | KeyCode::Enter | KeyCode::Char('q') => return vec![Effect::Draw],
                KeyCode::Char('?') | KeyCode::F(1) => {
                    state.focus = Focus::Menu(Menu { help: true, ..Menu::default() });
                    return vec![Effect::Draw];
                }
                KeyCode::Char('j') | KeyCode::Down => evidence.top = (evidence.top + 1).min(10_000),
                KeyCode::Char('k') | KeyCode::Up => evidence.top = evidence.top.saturating_sub(1),
                KeyCode::PageDown => evidence.top = (evidence.top + 10).min(10_000),
                KeyCode::PageUp => evidence.top = evidence.top.saturating_sub(10),
                KeyCode::Char('g') | KeyCode::Home => evidence.top = 0,
                _ => {}
            }
            state.focus = Focus::Evidence(evidence);
        }
        Focus::Confirm(sheet) => return on_sheet(state, sheet, key, at, view),
        Focus::Reject(reject) => {
            if !reject.is_fresh(at) {
                state.focus = Focus::Reject(reject);
                return Vec::new();
            }
            if key.code == KeyCode::Esc {
                return vec![Effect::Draw];
            }
            let reason = RejectReason::ALL.iter().find(|(_, c, _)| key.typed() == Some(*c));
            if let Some((reason, ..)) = reason {
                let command = Command::Reject { proposal: reject.id, reason: *reason };
                return vec![Effect::Send(command), Effect::Draw];
            }
            state.focus = Focus::Reject(reject);
        }
        Focus::Edit(mut edit) => {
            match (key.code, key.typed()) {
                (KeyCode::Esc, _) => return vec![Effect::Draw],
                (KeyCode::Enter, _) => {
                    let Ok(to) = edit.text.parse() else { return vec![Effect::Draw] };
                    let command = match view.header.replay {
                        Some(_) => Command::Replay(ReplayWish::WhatIf { proposal: edit.id, to }),
                        None => Command::Edit { proposal: edit.id, to },
                    };
                    return vec![Effect::Send(command), Effect::Draw];
                }
                (KeyCode::Backspace, _) => _ = edit.text.pop(),
                (_, Some(c)) if c.is_ascii_digit() && edit.text.len() < MAX_DIGITS => edit.text.push(c),
                _ => {}
            }
            state.focus = Focus::Edit(edit);
        }
    }
    vec![Effect::Draw]
}

/// Closes a sheet that can no longer be shown in full, and says so.
pub(super) fn close_if_too_small(state: &mut ScreenState) {
    if let Focus::Confirm(sheet) = &state.focus {
        let (w, h) = sheet.needs(state.size.0);
        if w > state.size.0 || h > state.size.1 {
            state.focus = Focus::Panel;
            state.toast = Some(format!("the sheet was closed: it needs {w}x{h} to be shown in full"));
        }
    }
}

fn on_filter(state: &mut ScreenState, key: Key, view: &View) {
    state.focus = Focus::Filter;
    match (key.code, key.typed()) {
        (KeyCode::Esc, _) => {
            state.filter.clear();
            state.focus = Focus::Panel;
        }
        (KeyCode::Enter, _) => state.focus = Focus::Panel,
        (KeyCode::Backspace, _) => _ = state.filter.pop(),
        (_, Some(c)) => push(&mut state.filter, c.encode_utf8(&mut [0; 4])),
        _ => {}
    }
    select::reselect(state, view);
}

fn on_menu(state: &mut ScreenState, keymap: &Keymap, mut menu: Menu, key: Key, view: &View) -> Vec<Effect> {
    let found = entries(keymap, state.panel(), &menu.query);
    match (key.code, key.typed()) {
        (KeyCode::Esc, _) => return vec![Effect::Draw],
        (KeyCode::Enter, _) => {
            return match found.get(menu.at) {
                Some(info) => act::act(state, keymap, info.action, view),
                None => vec![Effect::Draw],
            };
        }
        (KeyCode::Down, _) => menu.at = (menu.at + 1).min(found.len().saturating_sub(1)),
        (KeyCode::Up, _) => menu.at = menu.at.saturating_sub(1),
        (KeyCode::PageDown, _) => menu.at = (menu.at + 10).min(found.len().saturating_sub(1)),
        (KeyCode::PageUp, _) => menu.at = menu.at.saturating_sub(10),
        (KeyCode::Backspace, _) => {
            menu.query.pop();
            menu.at = 0;
        }
        (_, Some(c)) => {
            push(&mut menu.query, c.encode_utf8(&mut [0; 4]));
            menu.at = 0;
        }
        _ => {}
    }
    state.focus = Focus::Menu(menu);
    vec![Effect::Draw]
}

fn on_sheet(
    state: &mut ScreenState,
    mut sheet: Box<Sheet>,
    key: Key,
    at: Monotonic,
    view: &View,
) -> Vec<Effect> {
    // Typed before the sheet could be read: not an answer to it.
    if !sheet.is_fresh(at) {
        state.focus = Focus::Confirm(sheet);
        return Vec::new();
    }
    match (key.code, key.typed()) {
        (KeyCode::Esc, _) => return vec![Effect::Draw],
        (KeyCode::Enter, _) if !sheet.on_button => return vec![Effect::Draw],
        (KeyCode::Enter, _) if sheet.obstacle(view).is_none() => {
            return vec![Effect::Send(confirmed(*sheet)), Effect::Draw];
        }
        (KeyCode::Enter, _) if sheet.subject.is_renewed(view) => {
            return decide::anew(state, &sheet.subject, view);
        }
        (KeyCode::Tab | KeyCode::BackTab | KeyCode::Left | KeyCode::Right, _) => sheet.on_button ^= true,
        (KeyCode::Backspace, _) => _ = sheet.typed.pop(),
        (_, Some(c)) if matches!(sheet.command, Command::Freeze { .. }) => {
            if let Some(other) = adjusted(&sheet, c, view) {
                *sheet = other;
            }
        }
        (_, Some(c)) if sheet.type_name.is_some() => push(&mut sheet.typed, c.encode_utf8(&mut [0; 4])),
        _ => {}
    }
    state.focus = Focus::Confirm(sheet);
    vec![Effect::Draw]
}

/// The wish of a confirmed sheet.
fn confirmed(sheet: Sheet) -> Command {
    match sheet.command {
        Command::Approve { proposal, hash, .. } => {
            let typed = sheet.type_name.is_some().then_some(sheet.typed);
            Command::Approve { proposal, hash, typed }
        }
        Command::ApproveDay { workload, hash, .. } => {
            let typed = sheet.type_name.is_some().then_some(sheet.typed);
            Command::ApproveDay { workload, hash, typed }
        }
        other => other,
    }
}
