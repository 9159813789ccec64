//! Every panel in every designed state, and at every size.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::plan::Verdict;
use crate::series::Timestamp;
use crate::view::{Exhaustion, ForecastState, ProposalState, View};

use super::super::fixture;
use super::super::glyphs::GlyphSet;
use super::super::state::{PanelId, ScreenState};
use super::super::theme::Depth;
use super::super::widgets::testing::with_context;
use super::super::widgets::testing_view::{STATES, all_in};
use super::list::ALL;

/// The state of a screen that is at `panel`.
fn at(panel: PanelId) -> ScreenState {
    let mut state = ScreenState::default();
    state.route.panel = panel;
    state
}

fn panels() -> impl Iterator<Item = &'static super::Panel> {
    ALL.iter().filter(|p| p.id != PanelId::Logs)
}

/// Room for panels on a terminal: what header, strip and hints leave.
const SIZES: [(u16, u16); 2] = [(200, 46), (80, 20)];

#[test]
fn every_panel_in_every_state() {
    for panel in panels() {
        for name in STATES {
            for size in SIZES {
                let drawn = fixture::draw_with(&all_in(name), &at(panel.id), size, panel.draw);
                let file = format!("{:?}_{name}_{}x{}", panel.id, size.0, size.1).to_lowercase();
                insta::assert_snapshot!(file, drawn);
            }
        }
    }
}

fn drawn(view: &View, state: &ScreenState, panel: PanelId, size: (u16, u16)) -> String {
    let panel = panels().find(|p| p.id == panel).unwrap();
    fixture::draw_with(view, state, size, panel.draw)
}

#[test]
fn a_snoozed_proposal_says_till_when_and_is_not_counted_as_waiting() {
    let mut view = all_in("live");
    let until = view.at + Duration::from_secs(900);
    view.proposals.data.retain(|p| p.proposal.state == ProposalState::Open);
    view.proposals.data.truncate(2);
    let open = view.proposals.data.len();
    view.proposals.data[0].proposal.state = ProposalState::Snoozed { until };
    view.header.snoozed = 1;
    let text = drawn(&view, &at(PanelId::Proposals), PanelId::Proposals, (200, 46));
    let time = until.to_jiff().strftime("%H:%M").to_string();
    assert!(text.contains(&format!("{} waiting", open - 1)) && text.contains("1 snoozed"), "{text}");
    assert!(text.matches(&format!("till {time}")).count() >= 2, "state and time left:\n{text}");
}

#[test]
fn a_card_that_does_not_fit_says_so_and_z_shows_it_alone() {
    let view = all_in("live");
    let mut state = at(PanelId::Proposals);
    let text = drawn(&view, &state, PanelId::Proposals, (80, 14));
    assert!(text.contains("more below: z opens the card"), "{text}");
    state.size = (80, 24);
    let keymap = crate::screen::Keymap::default();
    let z = crate::screen::Key::parse("z").unwrap();
    let at = crate::clock::Monotonic::default();
    crate::screen::update(&mut state, &keymap, crate::screen::Event::Key { key: z, at }, &view);
    let alone = drawn(&view, &state, PanelId::Proposals, (80, 40));
    assert!(!alone.contains("more below") && !alone.contains("LEFT"), "{alone}");
}

#[test]
fn replicas_say_what_is_proposed_what_is_under_way_and_what_was_never_seen() {
    let mut view = all_in("live");
    view.services.data[0].proposed = Some(11);
    let ready = view.services.data[0].replicas.unwrap().ready;
    let text = drawn(&view, &at(PanelId::Status), PanelId::Status, (200, 46));
    assert!(text.contains(&format!("{ready} (11?)")) && !text.contains(&format!("{ready}→11")), "{text}");
    view.services.data[0].under_way = true;
    if let Some(capacity) = &mut view.services.data[0].capacity {
        capacity.tested_to = None;
    }
    let text = drawn(&view, &at(PanelId::Status), PanelId::Status, (200, 46));
    assert!(text.contains(&format!("{ready}→11")), "{text}");
    let row = text.lines().find(|l| l.contains("→11")).unwrap();
    assert!(row.contains('?'), "headroom beyond what was seen: {row}");
}

#[test]
fn demand_of_which_something_is_not_seen_is_at_least_that() {
    let mut view = all_in("live");
    let shown = |view: &View, size| drawn(view, &at(PanelId::Status), PanelId::Status, size);
    let words = "an endpoint that gave 20 rps of its demand does not answer";
    view.services.data[0].unseen = Some(words.into());
    let demand = view.services.data[0].demand.value.unwrap();
    let text = shown(&view, (200, 46));
    assert_eq!(text.matches(&format!("≥{demand}")).count(), 1, "{text}");
    view.capacity.data[0].partial = true;
    let both = shown(&view, (200, 46));
    assert_eq!(both.matches(&format!("≥{demand}")).count(), 2, "{both}");
    assert!(text.contains(words), "{text}");
    assert!(shown(&view, (80, 20)).contains(&format!("≥{demand}")), "narrow");
}

#[test]
fn room_that_a_short_list_leaves_goes_to_who_has_room_or_to_what_is_done() {
    let mut view = all_in("live");
    view.services.data.truncate(13);
    let shown = |view: &View, size| drawn(view, &at(PanelId::Status), PanelId::Status, size);
    let rows = view.services.data.len() as u16;
    let size = (120, rows + 5 + 10);
    view.operations.data.clear();
    let text = shown(&view, size);
    assert!(text.contains("DEMAND / CAPACITY") && text.contains("z opens them"), "{text}");
    let without = shown(&view, (120, size.1 - 1));
    assert!(!without.contains("DEMAND / CAPACITY"), "{without}");
    view.operations = fixture::view().operations;
    assert!(view.operations.data.iter().any(|o| !o.state.is_final()));
    let text = shown(&view, size);
    assert!(!text.contains("DEMAND / CAPACITY"), "{text}");
    insta::assert_snapshot!("status_open_120", text);
}

#[test]
fn a_service_says_the_change_that_can_be_approved() {
    let mut view = all_in("live");
    let open = view.proposals.data.iter().find(|p| p.proposal.state.is_live()).unwrap().proposal.clone();
    let mut change = open.change.clone();
    change.to = 93;
    view.services.data[0].workload = open.workload.clone();
    view.services.data[0].verdict = Verdict::Change(change);
    let shown = |view: &View| drawn(view, &at(PanelId::Status), PanelId::Status, (200, 46));
    let words = open.change.words("→");
    assert!(
        shown(&view).contains(&format!("change  {} {words}", open.change.field.name())),
        "{}",
        shown(&view)
    );
    view.proposals.data.clear();
    assert!(shown(&view).contains("→93"), "{}", shown(&view));
}

/// Every number of a view that can be set from outside becomes the next of `odd`.
fn poison(mut view: View, odd: &[f64]) -> View {
    let mut turn = odd.iter().copied().cycle();
    let mut next = || turn.next().unwrap_or(0.0);
    let long = |v: f64| Duration::try_from_secs_f64(v).unwrap_or(Duration::MAX);
    for s in &mut view.services.data {
        (s.demand.value, s.p95.value, s.cost.value) = (Some(next()), Some(next()), Some(next()));
        (s.headroom, s.burn.m5) = (Some(next()), Some(next()));
        s.exhaustion = Exhaustion::In { earliest: long(next()), median: Some(long(next())) };
        s.recent.iter_mut().for_each(|v| *v = Some(next()));
        s.ahead.iter_mut().for_each(|v| *v = next());
    }
    for c in &mut view.capacity.data {
        (c.demand, c.capacity, c.low, c.high) = (Some(next()), Some(next()), Some(next()), Some(next()));
    }
    for p in &mut view.performance.data {
        (p.goodput, p.error_ratio, p.threshold) = (Some(next()), Some(next()), next());
        (p.p50.value, p.p95.value, p.burn.h1) = (Some(next()), Some(next()), Some(next()));
    }
    view.cost.data.by_service.iter_mut().for_each(|s| s.1 = next());
    (view.cost.data.total, view.cost.data.per_thousand_good) = (Some(next()), Some(next()));
    for f in &mut view.forecasts.data {
        (f.capacity_now, f.capacity_after) = (Some(next()), Some(next()));
        f.crossing = Some((Timestamp::from_secs_f64(next()), long(next())));
        f.issued_before.iter_mut().for_each(|p| *p = (Timestamp::from_secs_f64(next()), next()));
        f.events.iter_mut().for_each(|e| e.0 = Timestamp::from_secs_f64(next()));
        if let ForecastState::Ready(fan) = &mut f.forecast {
            let fan = Arc::make_mut(fan);
            (fan.skill, fan.coverage) = (Some(next()), Some(next()));
            fan.points.iter_mut().for_each(|p| p.quantiles.iter_mut().for_each(|q| *q = next()));
        }
    }
    for p in &mut view.proposals.data {
        (p.proposal.cost.now, p.proposal.cost.after, p.left) = (Some(next()), Some(next()), long(next()));
        p.proposal.facts.iter_mut().for_each(|f| f.quantity.value = next());
    }
    for r in &mut view.resources.data {
        (r.requested, r.recommended, r.slack_dollars) = (Some(next()), Some(next()), Some(next()));
    }
    let projection = &mut view.projection.data;
    (projection.spent, projection.budget) = (Some(next()), Some(next()));
    projection.rest = Some([next(), next(), next()]);
    projection.ahead.iter_mut().for_each(|(_, q)| *q = [next(), next(), next()]);
    for s in &mut view.satisfaction.data {
        (s.apdex, s.budget_left, s.threshold) = (Some(next()), Some(next()), next());
    }
    for m in &mut view.heatmaps.data {
        (m.threshold, m.step) = (next(), long(next()));
        m.bounds.iter_mut().for_each(|b| *b = next());
        m.columns.iter_mut().flatten().for_each(|c| c.iter_mut().for_each(|r| *r = next()));
    }
    for r in &mut view.regions.data {
        (r.region.latitude, r.region.longitude) = (next(), next());
        (r.apdex, r.headroom, r.p95) = (Some(next()), Some(next()), Some(next()));
    }
    view.learning.data.decisions.decision_seconds = Some(next());
    view.learning.data.horizons.iter_mut().for_each(|h| h.skill = Some(next()));
    view.growth.data.pooled_gain = Some(next());
    view.lessons.data.iter_mut().for_each(|l| l.interval = (next(), next()));
    for k in &mut view.kpis {
        (k.value, k.target, k.trend, k.interval) =
            (Some(next()), next(), Some(next()), Some((next(), next())));
    }
    view.outcomes.iter_mut().flat_map(|o| &mut o.comparisons).for_each(|c| c.observed = Some(next()));
    view
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// No number, size, zoom or symbol set stops a drawing.
    #[test]
    fn nothing_panics(
        odd in prop::collection::vec(prop_oneof![
            any::<f64>(), Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(0.0), Just(-1.0), 0.0..2000.0
        ], 1..40),
        width in 0u16..=220,
        height in 0u16..=60,
        zoomed in prop::option::of(0u8..6),
        (pan, zoom) in (-60i32..60, -3i32..=3),
        set in prop::sample::select(vec![GlyphSet::Ascii, GlyphSet::Block, GlyphSet::Braille]),
    ) {
        let view = poison(all_in("live"), &odd);
        let area = Rect::new(0, 0, width, height);
        for panel in panels() {
            let mut state = at(panel.id);
            (state.pan, state.zoom, state.route.zoomed) = (pan, zoom, zoomed);
            let mut buf = Buffer::empty(area);
            let look = ("terminal", Depth::Ansi, set);
            with_context(&view, &state, look, area, |ctx| {
                (panel.draw)(ctx, area, &mut buf);
                // An area larger than the buffer is cut to it.
                (panel.draw)(ctx, Rect::new(0, 0, 250, 80), &mut buf);
            });
        }
    }
}

/// Writes pictures of panels as tab-separated cells, for a look: `LOOK=DIR cargo test look -- --ignored`.
#[test]
#[ignore = "writes files for people to look at"]
fn look() {
    let Ok(dir) = std::env::var("LOOK") else { return };
    for theme_name in ["dark", "terminal"] {
        for panel in panels() {
            for name in STATES {
                for (width, height) in SIZES {
                    let (view, state) = (all_in(name), at(panel.id));
                    let area = Rect::new(0, 0, width, height);
                    let look = (theme_name, Depth::True, GlyphSet::Braille);
                    let mut buf = Buffer::empty(area);
                    with_context(&view, &state, look, area, |ctx| (panel.draw)(ctx, area, &mut buf));
                    let mut text = format!("{width}\t{height}\n");
                    for cell in buf.content() {
                        text.push_str(&format!(
                            "{}\t{}\t{}\t{:?}\n",
                            cell.symbol(),
                            cell.fg,
                            cell.bg,
                            cell.modifier
                        ));
                    }
                    let file = format!("{dir}/{theme_name}_{:?}_{name}_{width}.tsv", panel.id);
                    std::fs::write(file.to_lowercase(), text).unwrap();
                }
            }
        }
    }
}
