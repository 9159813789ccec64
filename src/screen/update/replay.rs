//! Keys while a recording is replayed: they move in time, and nothing that decides does anything.

use crossterm::event::KeyCode;

use crate::view::{Command, ProposalId, ReplayWish, View};

use super::super::action::Action;
use super::super::event::Effect;
use super::super::key::Key;
use super::super::overlays::Focus;
use super::super::rows::proposal_of;
use super::super::state::ScreenState;
use super::root::push;

/// What every key that decides says in a replay.
const DEAD: &str = "replay: nothing executes";

/// What an action does in a replay; `None` if it does the same as live.
pub(super) fn act(state: &mut ScreenState, action: Action, view: &View) -> Option<Vec<Effect>> {
    let replayed = view.header.replay.is_some();
    let wish = match action {
        Action::NextMark => ReplayWish::Next,
        Action::PreviousMark => ReplayWish::Previous,
        Action::Faster => ReplayWish::Faster,
        Action::Slower => ReplayWish::Slower,
        Action::Freeze if replayed => ReplayWish::Toggle,
        Action::Jump if replayed => {
            state.focus = Focus::Jump(String::new());
            return Some(vec![Effect::Draw]);
        }
        Action::Jump => return Some(live(state)),
        // Another value is asked about, not asked for.
        Action::Edit if replayed => {
            super::decide::edit_any(state, view);
            return Some(vec![Effect::Draw]);
        }
        Action::Approve
        | Action::Reject
        | Action::Snooze
        | Action::Pause
        | Action::Resume
        | Action::Abort
        | Action::Release
        | Action::HandOver
        | Action::Note
        | Action::Adopt
        | Action::Mute
        | Action::MuteProposals
        | Action::Wheel
        | Action::Point
        | Action::PollNow
            if replayed =>
        {
            let shown = proposal_of(view, state).filter(|_| action == Action::Approve);
            let verdict = shown.and_then(|p| verdict(view, &p.proposal.id));
            state.toast = Some(verdict.map_or_else(|| DEAD.into(), |text| format!("{DEAD}; {text}")));
            return Some(vec![Effect::Draw]);
        }
        _ => return None,
    };
    if !replayed {
        return Some(live(state));
    }
    Some(vec![Effect::Send(Command::Replay(wish)), Effect::Draw])
}

/// What the recording says came of a proposal, or would have.
fn verdict(view: &View, id: &ProposalId) -> Option<String> {
    let replay = view.header.replay.as_ref()?;
    replay.what_if.iter().find(|(known, _)| known == id).map(|(_, text)| text.clone())
}

fn live(state: &mut ScreenState) -> Vec<Effect> {
    state.toast = Some("this is live: only a replay moves in time".into());
    vec![Effect::Draw]
}

/// A key in the prompt for a time or text.
pub(super) fn prompt(state: &mut ScreenState, mut text: String, key: Key) -> Vec<Effect> {
    match (key.code, key.typed()) {
        (KeyCode::Esc, _) => return vec![Effect::Draw],
        (KeyCode::Enter, _) => {
            return vec![Effect::Send(Command::Replay(ReplayWish::Jump(text))), Effect::Draw];
        }
        (KeyCode::Backspace, _) => _ = text.pop(),
        (_, Some(c)) => push(&mut text, c.encode_utf8(&mut [0; 4])),
        _ => {}
    }
    state.focus = Focus::Jump(text);
    vec![Effect::Draw]
}
