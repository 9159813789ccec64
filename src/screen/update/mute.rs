//! Muting of proposals by key.

use crossterm::event::KeyCode;

use crate::clock::Monotonic;
use crate::view::{Command, Muted, View};

use super::super::event::Effect;
use super::super::key::Key;
use super::super::overlays::{Focus, MuteAsk};
use super::super::rows::proposal_of;
use super::super::state::ScreenState;
use super::root::push;

/// Asks for how long and why; what is muted is heard again at once.
pub(super) fn ask(state: &mut ScreenState, view: &View) -> Vec<Effect> {
    let Some(proposal) = proposal_of(view, state).filter(|p| p.proposal.state.is_live()) else {
        state.toast = Some("there is no open proposal to mute; mutes that stand are in the hand-over".into());
        return vec![Effect::Draw];
    };
    if let Some(by) = &proposal.routed.muted {
        return vec![Effect::Send(Command::Unmute(by.muted.clone())), Effect::Draw];
    }
    state.focus = Focus::Mute(MuteAsk::new(Muted::of(&proposal.proposal)));
    vec![Effect::Draw]
}

/// A key in the prompt. Who cannot have seen it yet may type a reason, and mutes nothing.
pub(super) fn prompt(state: &mut ScreenState, mut ask: MuteAsk, key: Key, at: Monotonic) -> Vec<Effect> {
    match (key.code, key.typed()) {
        (KeyCode::Esc, _) => return vec![Effect::Draw],
        (KeyCode::Enter, _) if !ask.is_fresh(at) => {}
        (KeyCode::Enter, _) if ask.text.trim().is_empty() => {
            state.toast = Some("say why: those who come after you read it".into());
        }
        (KeyCode::Enter, _) => {
            let duration = ask.duration();
            return vec![
                Effect::Send(Command::Mute { muted: ask.muted, duration, reason: ask.text }),
                Effect::Draw,
            ];
        }
        (KeyCode::Tab, _) => ask.turn(),
        (KeyCode::Backspace, _) => _ = ask.text.pop(),
        (_, Some(c)) => push(&mut ask.text, c.encode_utf8(&mut [0; 4])),
        _ => {}
    }
    state.focus = Focus::Mute(ask);
    vec![Effect::Draw]
}
