//! Events in, effects out.

use crate::clock::Monotonic;
use crate::series::text::clean;
use crate::view::View;

use super::super::action::Action;
use super::super::event::{Effect, Event};
use super::super::key::Key;
use super::super::keymap::Keymap;
use super::super::overlays::Focus;
use super::super::spot;
use super::super::state::ScreenState;
use super::{act, fresh, overlay, select};

/// Longest search text.
const MAX_QUERY: usize = 200;

/// Changes the state by one event and says what it asks for. Never sends a wish that writes without a sheet that
/// was on the screen and was confirmed there.
pub fn update(state: &mut ScreenState, keymap: &Keymap, event: Event, view: &View) -> Vec<Effect> {
    match event {
        Event::Key { key, at } => on_key(state, keymap, key, at, view),
        Event::Paste(text) => on_paste(state, &text, view),
        Event::Resize(w, h) => {
            state.size = (w, h);
            overlay::close_if_too_small(state);
            vec![Effect::Redraw]
        }
        Event::View => {
            mirror(state, view);
            if let Some(said) = spot::pointing(state, view) {
                state.toast = Some(said);
            }
            select::pin(state, view);
            let mut effects = fresh::came(state, view);
            effects.push(Effect::Draw);
            effects
        }
        Event::Painted(at) => {
            match &mut state.focus {
                Focus::Confirm(sheet) => _ = sheet.painted.get_or_insert(at),
                Focus::Reject(reject) => _ = reject.painted.get_or_insert(at),
                Focus::Mute(ask) => _ = ask.painted.get_or_insert(at),
                _ => {}
            }
            Vec::new()
        }
    }
}

fn on_key(state: &mut ScreenState, keymap: &Keymap, key: Key, at: Monotonic, view: &View) -> Vec<Effect> {
    // Interrupting works whatever has the focus.
    let ctrl_c = Key { ctrl: true, ..Key::plain(crossterm::event::KeyCode::Char('c')) };
    if key == ctrl_c {
        return vec![Effect::Quit];
    }
    state.toast = None;
    state.wanted = None;
    state.notice_seen = view.notices.last().map_or(state.notice_seen, |n| n.seq);
    if state.focus != Focus::Panel {
        return overlay::on_key(state, keymap, key, at, view);
    }
    let Some(action) = keymap.action(state.panel(), key) else { return Vec::new() };
    if action != Action::Follow {
        state.following = None;
    }
    act::act(state, keymap, action, view)
}

/// Stays where the person is who is followed. A sheet that is open stays as it is.
fn mirror(state: &mut ScreenState, view: &View) {
    let Some(screen) = state.following.filter(|_| state.focus == Focus::Panel) else { return };
    if let Some(person) = view.people.iter().find(|a| a.screen == screen) {
        spot::go_to(state, view, &person.spot);
    } else {
        state.following = None;
        state.toast = Some("the person you followed has left".into());
    }
}

/// Pasted text never acts: it goes to the text of a search, up to its first line break, or nowhere.
fn on_paste(state: &mut ScreenState, text: &str, view: &View) -> Vec<Effect> {
    let line = text.split(['\n', '\r']).next().unwrap_or_default();
    let line = clean(line, MAX_QUERY);
    match &mut state.focus {
        Focus::Filter => {
            push(&mut state.filter, &line);
            select::reselect(state, view);
        }
        Focus::Menu(menu) => {
            push(&mut menu.query, &line);
            menu.at = 0;
        }
        // A note is text that a person confirms; nothing is decided by it.
        Focus::Note(note) => push(&mut note.text, &line),
        Focus::Mute(ask) => push(&mut ask.text, &line),
        _ => {
            state.toast = Some("pasted text was ignored: nothing here takes pasted text".into());
        }
    }
    vec![Effect::Draw]
}

/// Appends what still fits.
pub(super) fn push(text: &mut String, more: &str) {
    let room = MAX_QUERY.saturating_sub(text.chars().count());
    text.extend(more.chars().take(room));
}
