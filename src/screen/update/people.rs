//! What people do beside deciding: notes, lessons, the wheel, pointing.

use crossterm::event::KeyCode;

use crate::view::{Command, Stance, View};

use super::super::event::Effect;
use super::super::key::Key;
use super::super::overlays::{Focus, Note};
use super::super::rows::lesson_of;
use super::super::state::{RowId, ScreenState};
use super::root::push;

/// What the wheel would do, and what to start instead; what to start comes first, as narrow terminals cut the rest.
const ALONE: &str = "nobody can join this dashboard: start `weescale serve`, then `weescale attach`; there D takes the \
                     wheel, so that only you decide";

/// A key in the prompt for a note.
pub(super) fn note(state: &mut ScreenState, mut note: Note, key: Key) -> Vec<Effect> {
    match (key.code, key.typed()) {
        (KeyCode::Esc, _) => return vec![Effect::Draw],
        (KeyCode::Enter, _) if note.text.trim().is_empty() => return vec![Effect::Draw],
        (KeyCode::Enter, _) => {
            let about = note.target().0.to_owned();
            return vec![Effect::Send(Command::Note { about, text: note.text }), Effect::Draw];
        }
        (KeyCode::Tab, _) => note.turn(),
        (KeyCode::Backspace, _) => _ = note.text.pop(),
        (_, Some(c)) => push(&mut note.text, c.encode_utf8(&mut [0; 4])),
        _ => {}
    }
    state.focus = Focus::Note(note);
    vec![Effect::Draw]
}

/// Adopts or mutes the selected lesson; revokes that, if it is so already.
pub(super) fn lesson(state: &mut ScreenState, view: &View, wanted: Stance) -> Vec<Effect> {
    let selected = match state.selected() {
        Some(RowId::Lesson(key)) => lesson_of(view, key),
        _ => None,
    };
    let Some(lesson) = selected else {
        state.toast = Some("select a lesson first: they are the last rows of this panel (G)".into());
        return vec![Effect::Draw];
    };
    let stance = if lesson.stance == wanted { Stance::Candidate } else { wanted };
    let command = Command::Lesson { key: lesson.key.clone(), stance };
    state.toast = Some(format!("{}: {}", stance.word(), lesson.rule));
    vec![Effect::Send(command), Effect::Draw]
}

/// Takes the wheel, asks for it, or hands it over: the engine's end knows which.
pub(super) fn wheel(state: &mut ScreenState, view: &View) -> Vec<Effect> {
    if view.header.screen == 0 {
        state.toast = Some(ALONE.into());
        return vec![Effect::Draw];
    }
    vec![Effect::Send(Command::Wheel), Effect::Draw]
}

/// Points at what is selected.
pub(super) fn point(state: &mut ScreenState, view: &View) {
    let others = view.people.iter().filter(|a| a.screen != view.header.screen).count();
    if others == 0 {
        state.toast = Some("nobody else is attached".into());
        return;
    }
    state.pointed = state.pointed.wrapping_add(1);
    state.toast = Some(format!("{others} others are told where you point"));
}
