//! Notes, lessons, the wheel and pointing, by key.

use crate::clock::Monotonic;
use crate::screen::fixture;
use crate::view::{Attached, Command, Effect as Bearing, Lesson, Role, Spot, Stance, View};

use super::super::event::{Effect, Event};
use super::super::key::Key;
use super::super::keymap::Keymap;
use super::super::overlays::Focus;
use super::super::state::{RowId, ScreenState};
use super::update;

fn keys(state: &mut ScreenState, view: &View, keys: &str) -> Vec<Command> {
    let mut at = Monotonic::default();
    let mut sent = Vec::new();
    for key in keys.split(' ') {
        update(state, &Keymap::default(), Event::Painted(at), view);
        at = at.plus(std::time::Duration::from_secs(1));
        let key = Key::parse(key).unwrap();
        let effects = update(state, &Keymap::default(), Event::Key { key, at }, view);
        sent.extend(effects.into_iter().filter_map(|e| if let Effect::Send(c) = e { Some(c) } else { None }));
    }
    sent
}

fn screen(view: &View) -> ScreenState {
    let mut state = ScreenState::default();
    update(&mut state, &Keymap::default(), Event::Resize(120, 40), view);
    update(&mut state, &Keymap::default(), Event::View, view);
    state
}

fn person(screen: u64, role: Role) -> Attached {
    Attached {
        screen,
        uid: 1000,
        name: format!("user{screen}"),
        tty: "pts/1".into(),
        since: fixture::now(),
        spot: Spot::default(),
        role,
        asks: false,
    }
}

#[test]
fn a_note_is_about_the_row_its_workload_or_the_moment() {
    let view = fixture::view();
    let mut state = screen(&view);
    let id = view.proposals.data[0].proposal.id.to_string();
    let workload = view.proposals.data[0].proposal.workload.to_string();
    assert_eq!(keys(&mut state, &view, "6 m h i enter"), [Command::Note { about: id, text: "hi".into() }]);
    assert_eq!(
        keys(&mut state, &view, "m tab x enter"),
        [Command::Note { about: workload, text: "x".into() }]
    );
    let moment = keys(&mut state, &view, "m tab tab x y backspace enter");
    assert_eq!(moment, [Command::Note { about: String::new(), text: "x".into() }]);
    assert_eq!(keys(&mut state, &view, "m x esc"), [], "forgotten");
    assert_eq!(keys(&mut state, &view, "m space enter"), [], "nothing to note");
    assert_eq!(state.focus, Focus::Panel);
    keys(&mut state, &view, "m");
    update(&mut state, &Keymap::default(), Event::Paste("one\u{1b}[2J\ntwo".into()), &view);
    let sent = keys(&mut state, &view, "enter");
    let [Command::Note { text, .. }] = sent.as_slice() else { panic!("{sent:?}") };
    assert!(text.starts_with("one") && text.chars().all(crate::series::text::is_inert), "{text}");
}

fn lesson(key: &str, stance: Stance) -> Lesson {
    Lesson {
        rule: format!("rule {key}"),
        support: 9,
        success: 0.9,
        interval: (0.6, 1.0),
        counter_example: None,
        key: key.into(),
        stands_out: false,
        q: None,
        stance,
        said: None,
        source: String::new(),
        effect: Bearing::Prior,
        learnt: None,
    }
}

#[test]
fn lessons_are_adopted_muted_and_revoked_where_they_are_selected() {
    let mut view = fixture::view();
    view.lessons.data = vec![lesson("l-1", Stance::Candidate), lesson("l-2", Stance::Adopted)];
    let mut state = screen(&view);
    assert_eq!(keys(&mut state, &view, "4 T"), [], "a service is selected");
    assert!(state.toast.clone().unwrap().contains("select a lesson"));
    let wish = |key: &str, stance| Command::Lesson { key: key.into(), stance };
    assert_eq!(keys(&mut state, &view, "G T"), [wish("l-2", Stance::Candidate)], "adopted already: revoked");
    assert_eq!(keys(&mut state, &view, "M"), [wish("l-2", Stance::Muted)]);
    assert_eq!(keys(&mut state, &view, "k T"), [wish("l-1", Stance::Adopted)]);
    // Where the lessons fill the panel they are its only rows.
    assert_eq!(keys(&mut state, &view, "z z z z g M"), [wish("l-1", Stance::Muted)]);
    assert_eq!(state.selected(), Some(&RowId::Lesson("l-1".into())));
    assert_eq!(keys(&mut state, &view, "1 T"), [], "not in other panels");
}

#[test]
fn the_wheel_and_pointing_need_others() {
    let mut view = fixture::view();
    let mut state = screen(&view);
    assert_eq!(keys(&mut state, &view, "D"), []);
    let said = state.toast.clone().unwrap();
    assert!(said.contains("`weescale serve`") && said.contains("takes the wheel"), "no dead key: {said}");
    assert_eq!(keys(&mut state, &view, "o"), []);
    view.header.screen = 1;
    view.people = vec![person(1, Role::Navigator), person(2, Role::Driver)];
    assert_eq!(keys(&mut state, &view, "D"), [Command::Wheel]);
    keys(&mut state, &view, "o");
    assert_eq!(super::super::spot::spot(&state).pointed, 1);
}

#[test]
fn a_learner_may_try_what_nobody_could_approve() {
    let mut view = fixture::view();
    view.proposals.data[0].not_approvable = Some("observe mode".into());
    let mut state = screen(&view);
    keys(&mut state, &view, "a");
    assert_eq!(state.focus, Focus::Panel);
    view.header.screen = 1;
    view.people = vec![person(1, Role::Learner)];
    keys(&mut state, &view, "a");
    let Focus::Confirm(sheet) = &state.focus else { panic!("{:?}", state.focus) };
    assert_eq!((sheet.button, sheet.type_name.as_deref()), ("Record", None));
    assert!(sheet.lines.iter().any(|(label, ..)| *label == "shadow"));
}

#[test]
fn a_replay_takes_no_note_and_no_stance() {
    let mut view = fixture::view();
    view.header.replay = Some(crate::view::ReplayState {
        playing: false,
        speed: 1.0,
        frame: 1,
        frames: 2,
        from: fixture::now(),
        to: fixture::now(),
        mark: String::new(),
        what_if: Vec::new(),
    });
    let mut state = screen(&view);
    assert_eq!(keys(&mut state, &view, "m x enter D o 4 T M"), []);
}
