//! Keys and what they do.

use std::time::Duration;

use proptest::prelude::*;

use crate::clock::Monotonic;
use crate::fleet::Field;
use crate::screen::fixture;
use crate::view::{
    Command, DayApproval, Mode, OperationState, Person, ProposalId, ProposalState, RejectReason, Target,
    View, corridors, day_hash,
};

use super::super::event::{Effect, Event};
use super::super::key::Key;
use super::super::keymap::Keymap;
use super::super::overlays::{Focus, Sheet};
use super::super::state::{PanelId, RowId, ScreenState};
use super::update;

struct Screen {
    state: ScreenState,
    keymap: Keymap,
    view: View,
    at: Monotonic,
}

impl Screen {
    fn new(size: (u16, u16)) -> Self {
        let mut screen = Self {
            state: ScreenState::default(),
            keymap: Keymap::default(),
            view: fixture::view(),
            at: Monotonic::default(),
        };
        screen.event(Event::Resize(size.0, size.1));
        screen.event(Event::View);
        screen
    }

    fn event(&mut self, event: Event) -> Vec<Effect> {
        update(&mut self.state, &self.keymap, event, &self.view)
    }

    /// A frame is painted and the person reads it for a second.
    fn read(&mut self) {
        self.event(Event::Painted(self.at));
        self.at = self.at.plus(Duration::from_secs(1));
    }

    fn key(&mut self, key: &str) -> Vec<Effect> {
        let key = Key::parse(key).unwrap();
        self.event(Event::Key { key, at: self.at })
    }

    /// Types keys with time to read between them; gives the wishes sent.
    fn keys(&mut self, keys: &str) -> Vec<Command> {
        let mut sent = Vec::new();
        for key in keys.split(' ') {
            self.read();
            sent.extend(wishes(self.key(key)));
        }
        sent
    }

    fn toast(&self) -> &str {
        self.state.toast.as_deref().unwrap_or("")
    }
}

fn wishes(effects: Vec<Effect>) -> Vec<Command> {
    effects.into_iter().filter_map(|e| if let Effect::Send(c) = e { Some(c) } else { None }).collect()
}

fn approval(view: &View, typed: &str) -> Command {
    let p = &view.proposals.data[0];
    Command::Approve { proposal: p.proposal.id.clone(), hash: p.hash.clone(), typed: Some(typed.into()) }
}

#[test]
fn approving_takes_the_sheet_the_name_and_the_button() {
    let mut s = Screen::new((120, 40));
    assert_eq!(s.keys("a"), []);
    assert!(matches!(s.state.focus, Focus::Confirm(_)));
    assert_eq!(s.keys("enter"), [], "cancel has the focus");
    assert_eq!(s.state.focus, Focus::Panel);
    assert_eq!(s.keys("a tab enter"), [], "the name is missing");
    assert_eq!(s.keys("p r o d - e u enter"), [approval(&s.view, "prod-eu")]);
    assert_eq!(s.state.focus, Focus::Panel);
}

#[test]
fn a_wrong_name_does_not_approve() {
    let mut s = Screen::new((120, 40));
    assert_eq!(s.keys("a tab P r o d - e u enter enter"), []);
    assert!(matches!(s.state.focus, Focus::Confirm(_)));
}

#[test]
fn keys_from_before_the_sheet_could_be_read_are_discarded() {
    let mut s = Screen::new((120, 40));
    s.view.proposals.data[0].type_name = None;
    s.read();
    s.key("a");
    // Not painted yet.
    s.key("tab");
    assert_eq!(wishes(s.key("enter")), []);
    s.event(Event::Painted(s.at));
    s.at = s.at.plus(Duration::from_millis(149));
    s.key("tab");
    assert_eq!(wishes(s.key("enter")), []);
    assert!(matches!(&s.state.focus, Focus::Confirm(sheet) if !sheet.on_button));
    s.at = s.at.plus(Duration::from_millis(1));
    s.key("tab");
    assert_eq!(wishes(s.key("enter")).len(), 1);
}

#[test]
fn reject_sheet_discards_type_ahead_too() {
    let mut s = Screen::new((120, 40));
    s.read();
    s.key("r");
    assert_eq!(wishes(s.key("c")), []);
    let id = s.view.proposals.data[0].proposal.id.clone();
    assert_eq!(s.keys("z"), []);
    assert_eq!(s.keys("c"), [Command::Reject { proposal: id, reason: RejectReason::TooCostly }]);
}

#[test]
fn pasted_text_never_acts() {
    let mut s = Screen::new((120, 40));
    s.view.proposals.data[0].type_name = None;
    s.read();
    assert_eq!(s.event(Event::Paste("a\ty\r\n\t\r\n".into())), [Effect::Draw]);
    assert_eq!(s.state.focus, Focus::Panel);
    s.view.proposals.data[0].type_name = Some("prod-eu".into());
    s.keys("a tab");
    s.event(Event::Paste("prod-eu\r".into()));
    assert!(matches!(&s.state.focus, Focus::Confirm(sheet) if sheet.typed.is_empty()));
    assert_eq!(s.keys("enter"), []);
    s.keys("esc /");
    s.event(Event::Paste("chk\u{1b}[2J\na".into()));
    assert_eq!(s.state.filter(), "chk\\u{1b}[2J");
    s.event(Event::Paste("x".repeat(10_000)));
    assert!(s.state.filter().chars().count() <= 201);
}

#[test]
fn what_changed_after_the_sheet_opened_cannot_be_approved() {
    let changes: [fn(&mut View); 3] = [
        |v| v.proposals.data.clear(),
        |v| v.proposals.data[0].not_approvable = Some("data is stale".into()),
        |v| v.proposals.data[0].proposal.state = ProposalState::Expired { at: v.at },
    ];
    for change in changes {
        let mut s = Screen::new((120, 40));
        s.view.proposals.data[0].type_name = None;
        s.keys("a tab");
        change(&mut s.view);
        s.event(Event::View);
        assert_eq!(s.keys("enter enter"), []);
        assert!(matches!(s.state.focus, Focus::Confirm(_)), "it stays, and says why");
    }
}

#[test]
fn what_took_the_place_of_a_shown_proposal_is_opened_anew_not_approved() {
    let supersede: fn(&mut View) = |v| {
        let mut newer = v.proposals.data[0].clone();
        newer.proposal.id = ProposalId::new("p-99");
        newer.proposal.change.to += 2;
        newer.hash = "newer".into();
        v.proposals.data[0].proposal.state = ProposalState::Superseded { by: ProposalId::new("p-99") };
        v.proposals.data.push(newer);
    };
    let rewrite: fn(&mut View) = |v| v.proposals.data[0].hash = "newer".into();
    for change in [supersede, rewrite] {
        let mut s = Screen::new((120, 40));
        s.view.proposals.data[0].type_name = None;
        s.keys("a tab");
        change(&mut s.view);
        s.event(Event::View);
        let screen = fixture::draw_with(&s.view, &s.state, (120, 40), crate::screen::draw);
        assert!(
            screen.contains("cannot be confirmed") && screen.contains("[ Show the new one ]"),
            "{screen}"
        );
        assert_eq!(s.keys("enter"), [], "what was never shown is not approved");
        let Focus::Confirm(sheet) = &s.state.focus else { panic!("{:?}", s.state.focus) };
        assert!(!sheet.on_button && sheet.painted.is_none(), "it is to be read first");
        let sent = s.keys("tab enter");
        assert!(matches!(&sent[..], [Command::Approve { hash, .. }] if hash == "newer"), "{sent:?}");
    }
}

#[test]
fn a_day_is_approved_as_shown_and_ended_by_the_same_key() {
    let mut s = Screen::new((120, 40));
    s.view.header.context.protected = false;
    let hash = day_hash(s.view.forecasts.data[0].day.as_ref().unwrap());
    let workload = s.view.forecasts.data[0].workload.clone();
    s.keys("2");
    assert_eq!(s.keys("b"), []);
    assert!(matches!(&s.state.focus, Focus::Confirm(sheet) if sheet.title == "Approve the day"));
    assert_eq!(s.keys("enter"), [], "cancel has the focus");
    let approve = Command::ApproveDay { workload: workload.clone(), hash, typed: None };
    assert_eq!(s.keys("b tab enter"), [approve]);
    // Another plan than the one that was read is not approved.
    s.keys("b tab");
    s.view.forecasts.data[0].day.as_mut().unwrap().steps[0].replicas += 1;
    s.event(Event::View);
    assert_eq!(s.keys("enter"), []);
    let anew = |sheet: &Sheet| !sheet.on_button && sheet.painted.is_none();
    assert!(
        matches!(&s.state.focus, Focus::Confirm(sheet) if anew(sheet)),
        "the new plan is to be read first"
    );
    s.keys("esc");
    s.view.header.context.protected = true;
    assert_eq!(s.keys("b tab enter"), [], "the name is missing");
    let sent = s.keys("p r o d - e u enter");
    assert!(matches!(&sent[..], [Command::ApproveDay { typed: Some(name), .. }] if name == "prod-eu"));
    let day = s.view.forecasts.data[0].day.clone().unwrap();
    s.view.forecasts.data[0].approved_day = Some(DayApproval {
        workload: workload.clone(),
        target: Target { provider: "p".into(), uid: "u".into() },
        field: Field::MinReplicas,
        context: "prod-eu".into(),
        corridors: corridors(&day, s.view.at),
        by: Person { uid: 1, name: "ann".into() },
        at: s.view.at,
        typed: None,
    });
    assert_eq!(s.keys("b"), [Command::EndDay(workload)]);
    let mut s = Screen::new((120, 40));
    s.view.header.mode = Mode::Observe;
    assert_eq!(s.keys("2 b"), []);
    assert!(s.toast().contains("observe mode"), "{}", s.toast());
    let mut s = Screen::new((120, 40));
    s.view.forecasts.data[0].day = None;
    assert_eq!(s.keys("2 b"), []);
    assert!(s.toast().contains("nothing to approve"), "{}", s.toast());
}

#[test]
fn says_why_a_sheet_does_not_open() {
    let mut s = Screen::new((60, 8));
    s.keys("a");
    assert!(s.toast().starts_with("needs 60x"), "{}", s.toast());
    let mut s = Screen::new((120, 40));
    s.view.proposals.data[0].not_approvable = Some("observe mode".into());
    s.keys("a");
    assert_eq!(s.toast(), "p-17 cannot be approved: observe mode");
    let mut s = Screen::new((120, 40));
    s.keys("space a");
    assert!(s.toast().contains("frozen"));
    s.keys("space");
    s.view.proposals.data.clear();
    s.keys("a");
    assert_eq!(s.toast(), "there is no proposal to approve");
    let mut s = Screen::new((120, 40));
    s.keys("a");
    s.event(Event::Resize(60, 8));
    assert_eq!(s.state.focus, Focus::Panel, "a sheet that no longer fits closes");
}

#[test]
fn selection_stays_on_its_object() {
    let mut s = Screen::new((120, 40));
    s.keys("j j");
    let selected = s.state.selected().cloned().unwrap();
    s.view.services.data.reverse();
    s.event(Event::View);
    assert_eq!(s.state.selected(), Some(&selected));
    // Gone: nothing else is selected in its place until the person moves.
    let RowId::Workload(id) = &selected else { panic!() };
    s.view.services.data.retain(|r| r.workload != *id);
    s.event(Event::View);
    assert_eq!(s.state.selected(), Some(&selected));
    s.keys("j");
    assert_ne!(s.state.selected(), Some(&selected));
    assert!(s.state.selected().is_some());
}

#[test]
fn a_selected_proposal_that_is_gone_is_not_replaced_by_another() {
    let mut s = Screen::new((120, 40));
    s.keys("6");
    assert!(matches!(s.state.selected(), Some(RowId::Proposal(_))));
    s.view.proposals.data[0].proposal.id = crate::view::ProposalId::new("p-18");
    s.event(Event::View);
    s.keys("a");
    assert_eq!(s.toast(), "there is no proposal to approve");
}

#[test]
fn g_writes_the_patch_where_git_owns_the_field_and_goes_up_elsewhere() {
    let mut s = Screen::new((120, 40));
    s.keys("6");
    assert_eq!(s.key("g"), [Effect::Draw], "nobody's manifest");
    let patch = crate::view::ManifestPatch { name: "web.yaml".into(), text: "kind: X\n".into() };
    s.view.proposals.data[0].patch = Some(patch);
    assert_eq!(s.key("g"), [Effect::Patch("web.yaml".into(), "kind: X\n".into()), Effect::Draw]);
    s.keys("1");
    assert_eq!(s.key("g"), [Effect::Draw], "not a proposal's row");
}

#[test]
fn operations_are_stopped_only_from_a_sheet() {
    let mut s = Screen::new((120, 40));
    s.keys("7 g");
    let id = s.view.operations.data[0].id.clone();
    assert_eq!(s.keys("p"), [Command::Pause(id.clone())]);
    assert_eq!(s.keys("c"), []);
    assert_eq!(s.toast(), "op-3 is not paused");
    assert_eq!(s.keys("x enter"), []);
    assert_eq!(s.keys("x tab enter"), [Command::Abort(id.clone())]);
    s.view.operations.data[0].state = OperationState::Paused { why: "inconclusive".into() };
    assert_eq!(s.keys("c tab enter"), [Command::Resume(id.clone())]);
    assert_eq!(s.keys("R tab enter"), [Command::Release(id)]);
}

#[test]
fn moving_around() {
    let mut s = Screen::new((120, 40));
    s.keys("2 tab");
    assert_eq!(s.state.panel(), PanelId::Experience);
    s.keys("q q");
    assert_eq!(s.state.panel(), PanelId::Status);
    assert_eq!(s.key("q"), [Effect::Quit]);
    assert_eq!(s.key("ctrl-z"), [Effect::Suspend]);
    s.keys("/ s e a r c h enter");
    assert_eq!(s.state.filter(), "search");
    let Some(RowId::Workload(id)) = s.state.selected() else { panic!() };
    assert_eq!(&*id.name, "search");
    s.keys("esc enter");
    assert!(matches!(s.state.focus, Focus::Evidence(_)));
    s.keys("?");
    assert!(matches!(&s.state.focus, Focus::Menu(m) if m.help));
    s.keys("f r e e z e enter");
    assert!(s.state.is_frozen());
    assert_eq!(s.keys("F5"), [Command::PollNow]);
    assert_eq!(s.keys("ctrl-l"), []);
    s.keys("/");
    assert_eq!(s.key("ctrl-c"), [Effect::Quit], "from anywhere");
}

#[test]
fn edit_and_snooze_ask_for_no_write() {
    let mut s = Screen::new((120, 40));
    let id = s.view.proposals.data[0].proposal.id.clone();
    assert_eq!(s.keys("e backspace backspace x 9 enter"), [Command::Edit { proposal: id.clone(), to: 9 }]);
    assert_eq!(s.keys("e backspace backspace enter"), [], "no number, no wish");
    let snoozed = s.keys("6 s");
    assert_eq!(snoozed, [Command::Snooze { proposal: id, duration: Duration::from_secs(900) }]);
}

fn any_key() -> impl Strategy<Value = String> {
    let special = [
        "enter",
        "esc",
        "tab",
        "shift-tab",
        "backspace",
        "up",
        "down",
        "pgdn",
        "space",
        "F1",
        "F5",
        "ctrl-d",
    ];
    prop_oneof![
        3 => prop::sample::select(special.map(String::from).to_vec()),
        4 => "[a-zA-Z0-9:/?+=.-]",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever is typed: an approval leaves only a sheet that has been on the screen, with the button chosen and
    /// the name typed; and every state can be drawn at every size.
    #[test]
    fn a_monkey_cannot_approve(keys in prop::collection::vec(any_key(), 1..60), size in prop::sample::select(vec![(1u16, 1u16), (40, 10), (80, 24), (500, 300)])) {
        let mut s = Screen::new(size);
        for key in keys {
            s.read();
            let armed = matches!(&s.state.focus, Focus::Confirm(sheet)
                if sheet.on_button && sheet.obstacle(&s.view).is_none() && key == "enter");
            for wish in wishes(s.key(&key)) {
                let writes = matches!(wish, Command::Approve { .. } | Command::Abort(_) | Command::Release(_) | Command::Resume(_));
                prop_assert!(!writes || armed, "{:?} by {}", wish, key);
            }
        }
        fixture::draw_with(&s.view, &s.state, size, crate::screen::draw);
    }

    /// 140 keys a millisecond apart: no sheet has been up long enough for any of them to be an answer.
    #[test]
    fn typing_blindly_decides_nothing(keys in prop::collection::vec(any_key(), 1..140)) {
        let mut s = Screen::new((120, 40));
        s.view.proposals.data[0].type_name = None;
        for key in keys {
            s.event(Event::Painted(s.at));
            s.at = s.at.plus(Duration::from_millis(1));
            for wish in wishes(s.key(&key)) {
                let harmless = matches!(
                    wish,
                    Command::PollNow | Command::HandOver(_) | Command::Pause(_) | Command::Snooze { .. } | Command::Edit { .. }
                        | Command::Note { .. } | Command::Lesson { .. } | Command::Wheel
                );
                prop_assert!(harmless, "{:?} by {}", wish, key);
            }
        }
    }
}

#[test]
fn a_prompt_that_nobody_has_seen_mutes_nothing() {
    let mut s = Screen::new((120, 40));
    s.keys("6 M");
    for key in ["x", "enter"] {
        assert_eq!(wishes(s.key(key)), [], "not painted yet");
    }
    s.event(Event::Painted(s.at));
    s.at = s.at.plus(Duration::from_millis(149));
    assert_eq!(wishes(s.key("enter")), []);
    s.at = s.at.plus(Duration::from_millis(1));
    let sent = wishes(s.key("enter"));
    assert!(matches!(sent.as_slice(), [Command::Mute { reason, .. }] if reason == "x"), "{sent:?}");
}

#[test]
fn withdrawn_proposals_are_not_listed_unless_selected_or_searched_for() {
    let mut s = Screen::new((120, 40));
    let (template, at) = (s.view.proposals.data[0].clone(), s.view.at);
    s.view.proposals.data.truncate(1);
    for n in 0..14 {
        let mut p = template.clone();
        p.proposal.id = crate::view::ProposalId::new(&format!("p-9{n}"));
        p.proposal.state = match n % 2 {
            0 => ProposalState::Withdrawn { at, why: "enough".into() },
            _ => ProposalState::Expired { at },
        };
        s.view.proposals.data.push(p);
    }
    s.keys("6");
    let rows = |s: &Screen| super::super::rows::rows(&s.view, &s.state);
    assert_eq!(rows(&s).len(), 1 + 5, "one live, the latest five decided");
    assert_eq!(super::super::rows::withdrawn(&s.view.proposals.data), 7);
    s.view.proposals.data[0].proposal.state = ProposalState::Withdrawn { at, why: "enough".into() };
    s.event(Event::View);
    assert_eq!(rows(&s).len(), 6, "what is being read does not go away");
    s.state.filter = template.proposal.workload.name.to_string();
    assert_eq!(rows(&s).len(), 15);
}

#[test]
fn an_autoscaler_is_held_through_a_sheet_and_the_same_command_as_from_a_shell() {
    use crate::fleet::Owner;
    let mut s = Screen::new((80, 24));
    let scaled = |row: &crate::view::ServiceRow| matches!(row.owner, Owner::Autoscaler { .. });
    let at = s.view.services.data.iter().position(scaled).unwrap();
    s.view.services.data.swap(0, at);
    let workload = s.view.services.data[0].workload.clone();
    s.event(Event::View);
    s.keys("1 home");
    let asked = |hours: u64, pin| Command::Freeze {
        workload: workload.clone(),
        duration: Duration::from_secs(3600 * hours),
        pin,
    };
    assert_eq!(s.keys("K enter"), [], "cancel has the focus");
    assert_eq!(s.keys("K tab enter"), [asked(2, false)]);
    assert_eq!(s.keys("K + + - tab enter"), [asked(4, false)]);
    assert_eq!(s.keys("K tab + enter"), [], "what changed has to be read again");
    assert_eq!(s.keys("K p tab enter"), [asked(2, false)], "an HPA cannot be pinned");
    s.view.services.data[0].owner = Owner::Autoscaler { name: "keda/checkout".into() };
    assert_eq!(s.keys("K p tab enter"), [asked(2, true)]);
    assert_eq!(s.keys("K p p tab enter"), [asked(2, false)]);
    assert_eq!(s.keys("K + + + + + + + tab enter"), [asked(48, false)], "no longer than two days");
    // Its owner changes while the sheet is open: nothing is sent.
    s.keys("K tab");
    s.view.services.data[0].owner = Owner::Autoscaler { name: "hpa/checkout".into() };
    assert_eq!(s.keys("enter"), [], "shown was KEDA");
    s.keys("esc");
    s.keys("K tab");
    s.view.services.data[0].owner = Owner::Nobody;
    assert_eq!(s.keys("enter"), []);
    s.keys("esc");
    assert_eq!(s.keys("K"), []);
    assert!(s.toast().contains("no autoscaler that could be held"), "{}", s.toast());
    s.view.header.mode = Mode::Observe;
    s.keys("K");
    assert!(s.toast().contains("observe mode"), "{}", s.toast());
}
