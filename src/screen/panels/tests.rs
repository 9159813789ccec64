//! Every panel in every designed state, and at every size.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::context::{PanelContext, SizeClass};
use super::super::fixture;
use super::super::glyphs::{GlyphSet, Glyphs};
use super::super::state::{PanelId, ScreenState};
use super::super::theme::{Depth, Theme};
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
                    let theme = Theme::built_in(theme_name, Depth::True).unwrap();
                    let glyphs = Glyphs::new(GlyphSet::Braille);
                    let area = Rect::new(0, 0, width, height);
                    let size = SizeClass::of(area);
                    let ctx = PanelContext {
                        view: &view,
                        state: &state,
                        theme: &theme,
                        glyphs: &glyphs,
                        now: view.at,
                        size,
                    };
                    let mut buf = Buffer::empty(area);
                    (panel.draw)(&ctx, area, &mut buf);
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
