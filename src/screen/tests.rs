//! Whole frames, with their styles.

use super::fixture::{draw_with, empty, encode, now, view};
use super::glyphs::{GlyphSet, Glyphs};
use super::overlays::{Evidence, Focus, Menu, Reject, approve_sheet};
use super::state::{PanelId, Route, RowId, ScreenState};
use super::theme::{Depth, Theme};
use super::{Event, Keymap, PanelContext, SizeClass, draw, header, hints, strip, update};
use crate::view::{Alarm, Mode, Notice, NoticeLevel, Progress, ProposalState, View};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// A state at a panel without widgets, its first row selected.
fn state(view: &View, size: (u16, u16)) -> ScreenState {
    let mut state = ScreenState { size, ..ScreenState::default() };
    update(&mut state, &Keymap::default(), Event::View, view);
    state
}

fn header_at(view: &View, width: u16) -> String {
    let state = state(view, (width, 24));
    draw_with(view, &state, (width, 24), |ctx, area, buf| {
        header::draw(ctx, Rect { height: header::HEIGHT, ..area }, buf);
    })
    .lines()
    .take(4)
    .collect::<Vec<_>>()
    .join("\n")
}

#[test]
fn header_by_width_and_trouble() {
    let full = view();
    insta::assert_snapshot!("header_160", header_at(&full, 160));
    insta::assert_snapshot!("header_120", header_at(&full, 120));
    insta::assert_snapshot!("header_80", header_at(&full, 80));
    insta::assert_snapshot!("header_40", header_at(&full, 40));
    insta::assert_snapshot!("header_empty", header_at(&empty(), 120));
    let mut trouble = view();
    trouble.header.halted = Some("invariant I2 was violated".into());
    trouble.header.data_age = Some(std::time::Duration::from_secs(90));
    trouble.header.simulated = "demo morning-ramp ×10".into();
    trouble.header.backfill = Some(Progress { done: 3, total: 9 });
    insta::assert_snapshot!("header_trouble", header_at(&trouble, 120));
}

#[test]
fn every_fact_is_in_the_header_at_80_columns() {
    let shown = header_at(&view(), 80);
    for fact in [
        "prod-eu",
        "PROTECTED",
        "ASK",
        "11ok",
        "2warn",
        "1bad",
        "2 n/a",
        "1 waiting",
        "1 in flight",
        "UTC",
        "live 4s",
    ] {
        assert!(shown.contains(fact), "{fact} is missing:\n{shown}");
    }
}

#[test]
fn what_is_old_or_hidden_is_counted_in_the_header() {
    let mut old = view();
    old.header.data_age = Some(std::time::Duration::from_secs(420));
    old.header.sources = (12, 14);
    (old.header.stale, old.header.live) = (2, 14);
    old.header.snoozed = 1;
    old.header.blind = 3;
    let shown = header_at(&old, 160);
    assert!(shown.contains("2 of 14 sources stale 7 min") && shown.contains("1 snoozed"), "{shown}");
    assert!(shown.contains("3 blind"), "{shown}");
    old.header.stale = 14;
    assert!(header_at(&old, 160).contains("~ stale 7 min"), "{}", header_at(&old, 160));
}

#[test]
fn where_room_is_short_the_header_says_who_is_blind_and_no_count_is_cut() {
    let mut old = view();
    old.header.simulated = "demo".into();
    old.header.data_age = Some(std::time::Duration::from_secs(1_020));
    (old.header.stale, old.header.live, old.header.blind) = (2, 14, 3);
    let shown = header_at(&old, 80);
    let first = shown.lines().next().unwrap();
    assert!(first.contains("~ 3 blind 17 min"), "{shown}");
    assert!(!first.contains('…') && !first.contains("ok"), "{shown}");
    old.header.kpis.bad = 0;
    old.header.kpis.warn = 0;
    assert!(!header_at(&old, 80).contains("KPI "), "nothing needs a look:\n{}", header_at(&old, 80));
}

#[test]
fn a_snoozed_proposal_is_called_so_and_what_answers_a_key_is_read_whole() {
    let mut v = view();
    v.header.waiting = 0;
    v.proposals.data.truncate(1);
    v.proposals.data[0].proposal.state = crate::view::ProposalState::Snoozed { until: v.at };
    let mut s = state(&v, (80, 24));
    s.route.selected = Some(RowId::Proposal(v.proposals.data[0].proposal.id.clone()));
    let shown = draw_with(&v, &s, (80, 5), strip::draw);
    assert!(shown.contains("snoozed") && !shown.contains("0 proposals"), "{shown}");
    s.toast = Some(format!("journal {}/default.db: another weescale is writing to it", "long/".repeat(16)));
    let shown = draw_with(&v, &s, (80, 24), super::draw::draw);
    assert!(shown.contains("another weescale is writing to it"), "{shown}");
}

#[test]
fn zoom_is_hinted_where_it_does_something() {
    let v = view();
    let hinted = |panel| {
        let mut s = state(&v, (200, 24));
        s.route = Route { panel, ..s.route };
        draw_with(&v, &s, (200, 1), hints::draw).contains("zoom")
    };
    assert!(hinted(PanelId::Status) && hinted(PanelId::Proposals));
    assert!(!hinted(PanelId::Journal) && !hinted(PanelId::Operations));
}

#[test]
fn strip_and_hints() {
    let full = view();
    for (name, width) in [("strip_160", 160), ("strip_80", 80)] {
        let state = state(&full, (width, 5));
        insta::assert_snapshot!(
            name,
            draw_with(&full, &state, (width, 5), |ctx, area, buf| {
                let ctx = PanelContext { size: SizeClass::of(Rect { height: 24, ..area }), ..*ctx };
                strip::draw(&ctx, Rect { height: strip::height(&ctx, area.width), ..area }, buf);
                hints::draw(&ctx, Rect { y: 4, height: 1, ..area }, buf);
            })
        );
    }
}

#[test]
fn what_no_approval_helps_stands_above_the_proposals() {
    let mut v = view();
    let text = "shop/cart@eu-west is not a scaling problem. v142 costs +42 % CPU a request against v141: roll it back";
    let strip_of = |v: &View, panel, width| {
        let state = ScreenState { route: Route { panel, ..Route::default() }, ..state(v, (width, 40)) };
        draw_with(v, &state, (width, 40), |ctx, area, buf| {
            strip::draw(ctx, Rect { height: strip::height(ctx, area.width), ..area }, buf);
        })
    };
    let without = strip_of(&v, PanelId::Status, 160);
    v.header.alarm = Alarm { text: text.into(), others: 2 };
    for panel in [PanelId::Status, PanelId::Proposals, PanelId::Journal] {
        let first = strip_of(&v, panel, 160);
        assert!(first.lines().next().unwrap().contains(&format!("{text} (+2 more)")), "{first}");
    }
    let shown = strip_of(&v, PanelId::Status, 160);
    assert_eq!(shown.lines().nth(2), without.lines().next(), "the proposal follows");
    let narrow = strip_of(&v, PanelId::Status, 44);
    let rows: Vec<&str> = narrow.lines().step_by(2).take(2).collect();
    assert!(rows[0].contains("not a scaling") && rows[1].contains("… (+2 more)"), "{narrow}");
}

#[test]
fn notices_are_shown_until_seen_or_old() {
    let mut v = view();
    let notice = |seq, level, text: &str| Notice { seq, at: now(), level, text: text.into() };
    v.notices =
        vec![notice(1, NoticeLevel::Error, "journal is full"), notice(2, NoticeLevel::Info, "p-17 approved")];
    let shown = |v: &View, s: &ScreenState| draw_with(v, s, (80, 1), hints::draw);
    let mut s = state(&v, (80, 24));
    assert!(shown(&v, &s).contains("journal is full"), "the most urgent first");
    v.at = v.at + std::time::Duration::from_secs(61);
    assert!(shown(&v, &s).contains("journal is full"), "errors stay");
    s.notice_seen = 1;
    assert!(!shown(&v, &s).contains("approved"), "others do not");
    s.notice_seen = 2;
    assert!(shown(&v, &s).contains("approve"), "then hints");
}

#[test]
fn overlays_at_two_sizes() {
    let v = view();
    let proposal = &v.proposals.data[0];
    let focuses = [
        ("confirm", Focus::Confirm(Box::new(approve_sheet(&v, proposal, &Glyphs::new(GlyphSet::Block))))),
        (
            "reject",
            Focus::Reject(Reject {
                id: proposal.proposal.id.clone(),
                sentence: proposal.proposal.sentence.clone(),
                painted: None,
            }),
        ),
        ("help", Focus::Menu(Menu { help: true, ..Menu::default() })),
        ("palette", Focus::Menu(Menu { query: "panel".into(), at: 1, help: false })),
        (
            "evidence",
            Focus::Evidence(Evidence { row: RowId::Workload(v.services.data[0].workload.clone()), top: 0 }),
        ),
    ];
    for (name, focus) in focuses {
        for size in [(200, 50), (80, 24)] {
            let mut s = state(&v, size);
            s.focus = focus.clone();
            let shown = draw_with(&v, &s, size, super::overlays::draw);
            insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), shown);
        }
    }
}

#[test]
fn the_sheet_shows_everything_that_is_approved() {
    let v = view();
    let mut s = state(&v, (80, 24));
    s.focus =
        Focus::Confirm(Box::new(approve_sheet(&v, &v.proposals.data[0], &Glyphs::new(GlyphSet::Block))));
    let shown = draw_with(&v, &s, (80, 24), draw);
    for fact in [
        "shop/checkout@eu-west",
        "min_replicas 6 → 11",
        "prod-eu PROTECTED",
        "uid-checkout-1",
        "$3.10/h → $5.41/h (+$2.31/h)",
        "p95 180 ms instead of 410 ms",
        "argocd shop, self-heal",
        "max step: +5 ≤ +6 allowed",
        "Type prod-eu to confirm",
        "▸[ Cancel ]",
        "type prod-eu first",
    ] {
        assert!(shown.contains(fact), "{fact} is missing:\n{shown}");
    }
}

#[test]
fn every_panel_draws_at_every_size() {
    for v in [view(), empty()] {
        for (panel, ..) in PanelId::ALL {
            for size in [(1, 1), (2, 3), (39, 9), (40, 10), (60, 8), (80, 24), (160, 50), (500, 300)] {
                let mut s = state(&v, size);
                s.route = Route { panel, ..Route::default() };
                draw_with(&v, &s, size, draw);
                s.focus = Focus::Menu(Menu { help: true, ..Menu::default() });
                draw_with(&v, &s, size, draw);
            }
        }
    }
}

#[test]
fn tiny_terminals_get_one_line() {
    let v = view();
    let shown = draw_with(&v, &state(&v, (39, 9)), (39, 9), draw);
    assert!(shown.contains("prod-eu ASK 1w 1f checkout 9min"), "{shown}");
    let mut refused = state(&v, (60, 8));
    refused.toast = Some("needs 60x25 to show it in full; the terminal is 60x8".into());
    assert!(draw_with(&v, &refused, (60, 8), draw).contains("needs 60x25"), "why a sheet did not open");
}

#[test]
fn ascii_frames_are_ascii_and_mono_frames_have_no_colour() {
    let v = view();
    let s = state(&v, (120, 40));
    let area = Rect::new(0, 0, 120, 40);
    let (theme, glyphs, keymap) = (Theme::mono(), Glyphs::new(GlyphSet::Ascii), Keymap::default());
    let size = SizeClass::of(area);
    let ctx = PanelContext {
        view: &v,
        state: &s,
        theme: &theme,
        glyphs: &glyphs,
        keymap: &keymap,
        now: v.at,
        size,
    };
    let mut buf = Buffer::empty(area);
    draw(&ctx, area, &mut buf);
    let colour = ratatui::style::Color::Reset;
    for cell in &buf.content {
        assert!(cell.symbol().is_ascii(), "{:?}", cell.symbol());
        assert_eq!((cell.fg, cell.bg), (colour, colour));
    }
    assert!(encode(&buf).contains("prod-eu"));
    assert_eq!(theme.depth(), Depth::Mono);
}

#[test]
fn whole_frames() {
    let v = view();
    for size in [(200, 50), (80, 24)] {
        let shown = draw_with(&v, &state(&v, size), size, draw);
        insta::assert_snapshot!(format!("frame_{}x{}", size.0, size.1), shown);
    }
}

#[test]
fn nothing_is_offered_that_would_be_refused_nor_said_twice() {
    let strip_of = |view: &View, panel| {
        let state = ScreenState { route: Route { panel, ..Route::default() }, ..state(view, (160, 40)) };
        draw_with(view, &state, (160, 40), |ctx, area, buf| {
            let height = strip::height(ctx, area.width);
            strip::draw(ctx, Rect { height, ..area }, buf);
            hints::draw(ctx, Rect { y: 39, height: 1, ..area }, buf);
        })
    };
    let mut view = view();
    let sentence: String = view.proposals.data[0].proposal.sentence.chars().take(20).collect();
    let shown = strip_of(&view, PanelId::Status);
    assert!(shown.contains(&sentence) && shown.contains("a approve") && shown.contains(" left"), "{shown}");
    let beside_card = strip_of(&view, PanelId::Proposals);
    assert!(!beside_card.contains(&sentence) && beside_card.contains("a approve"), "{beside_card}");

    view.header.mode = Mode::Observe;
    view.proposals.data[0].not_approvable = Some("observe mode".into());
    let shown = strip_of(&view, PanelId::Status);
    assert!(!shown.contains("approve  ") && shown.contains("not approvable: observe mode"), "{shown}");

    view.proposals.data[0].proposal.state = ProposalState::Expired { at: view.at };
    let mut chosen = state(&view, (160, 40));
    let id = view.proposals.data[0].proposal.id.clone();
    chosen.route =
        Route { panel: PanelId::Proposals, selected: Some(RowId::Proposal(id)), ..Route::default() };
    let shown = draw_with(&view, &chosen, (160, 40), |ctx, area, buf| {
        strip::draw(ctx, Rect { height: 1, ..area }, buf);
    });
    assert!(!shown.contains(" left"), "what is decided runs out no more: {shown}");
}
