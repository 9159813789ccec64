//! Keys that rest on what the panel in sight may not show. An attached screen is sent the rest once an hour only: it asks
//! the engine for what is now first, so that nothing is offered or refused by what is long over.

use crate::view::View;

use super::super::action::Action;
use super::super::event::Effect;
use super::super::overlays::Focus;
use super::super::state::ScreenState;
use super::decide;

/// Does what rests on all of the view: at once where all of it is of now, else as soon as it is.
pub(super) fn ask(state: &mut ScreenState, view: &View, action: Action) -> Vec<Effect> {
    if is_whole(view) {
        return now(state, view, action);
    }
    state.wanted = Some(action);
    state.toast = Some("asking the engine for what is now".into());
    vec![Effect::Draw]
}

/// A view came: does what waited for it, if this is the one.
pub(super) fn came(state: &mut ScreenState, view: &View) -> Vec<Effect> {
    if state.focus != Focus::Panel || !is_whole(view) {
        return Vec::new();
    }
    let Some(action) = state.wanted.take() else { return Vec::new() };
    state.toast = None;
    now(state, view, action)
}

fn now(state: &mut ScreenState, view: &View, action: Action) -> Vec<Effect> {
    match action {
        Action::Day => decide::day(state, view),
        Action::Hold => {
            decide::hold(state, view);
            vec![Effect::Draw]
        }
        _ => Vec::new(),
    }
}

/// Whether every part of the view is of now: of an engine in this process always; of another one once it knows that this
/// screen looks at everything.
fn is_whole(view: &View) -> bool {
    let me = view.people.iter().find(|a| a.screen == view.header.screen);
    view.header.screen == 0 || (view.header.link.is_empty() && me.is_some_and(|me| me.spot.evidence))
}

#[cfg(test)]
mod tests {
    use crate::clock::Monotonic;
    use crate::fleet::Owner;
    use crate::screen::fixture;
    use crate::view::{Attached, Spot};

    use super::super::super::event::Event;
    use super::super::super::key::Key;
    use super::super::super::keymap::Keymap;
    use super::super::super::spot::spot;
    use super::super::update;
    use super::*;

    fn attached(evidence: bool) -> View {
        let mut view = fixture::view();
        view.header.screen = 1;
        view.people = vec![Attached {
            screen: 1,
            uid: 1000,
            name: "ann".into(),
            tty: "pts/1".into(),
            since: fixture::now(),
            spot: Spot { evidence, ..Spot::default() },
            role: crate::view::Role::default(),
            asks: false,
        }];
        view
    }

    fn press(state: &mut ScreenState, key: &str, view: &View) {
        let key = Key::parse(key).unwrap();
        update(state, &Keymap::default(), Event::Key { key, at: Monotonic::default() }, view);
    }

    #[test]
    fn a_far_screen_asks_for_what_is_now_before_it_offers_a_hold() {
        let mut old = attached(false);
        // What it was an hour ago: nobody owned the count.
        old.services.data.iter_mut().for_each(|row| row.owner = Owner::Nobody);
        let mut state = ScreenState::default();
        for event in [Event::Resize(120, 40), Event::View] {
            update(&mut state, &Keymap::default(), event, &old);
        }
        press(&mut state, "4", &old);
        press(&mut state, "K", &old);
        assert_eq!(state.focus, Focus::Panel, "neither offered nor refused by that");
        assert!(spot(&state).evidence, "the engine sends everything to who looks at everything");
        update(&mut state, &Keymap::default(), Event::View, &old);
        assert_eq!(state.focus, Focus::Panel);
        let mut now = attached(true);
        now.header.link = "of 40 min ago at the most".into();
        now.services.data.iter_mut().for_each(|row| row.owner = Owner::Autoscaler { name: "hpa/a".into() });
        update(&mut state, &Keymap::default(), Event::View, &now);
        assert_eq!(state.focus, Focus::Panel, "not all of it is there");
        now.header.link.clear();
        update(&mut state, &Keymap::default(), Event::View, &now);
        assert!(matches!(state.focus, Focus::Confirm(_)), "{:?}", state.toast);
    }

    #[test]
    fn another_key_ends_the_waiting() {
        let old = attached(false);
        let mut state = ScreenState::default();
        for event in [Event::Resize(120, 40), Event::View] {
            update(&mut state, &Keymap::default(), event, &old);
        }
        press(&mut state, "b", &old);
        press(&mut state, "j", &old);
        update(&mut state, &Keymap::default(), Event::View, &attached(true));
        assert_eq!(state.focus, Focus::Panel);
        assert!(!spot(&state).evidence);
    }
}
