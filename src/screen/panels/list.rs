//! The list of panels.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::context::PanelContext;
use super::super::state::PanelId;

/// A panel: a new one is one file and one line in [`ALL`].
#[derive(Clone, Copy, Debug)]
pub struct Panel {
    /// Which.
    pub id: PanelId,
    /// How many widgets `z` goes through; 1 if it is one thing.
    pub widgets: u8,
    /// Draws it. `ctx.state.zoomed()` says whether one widget fills the area.
    pub draw: fn(&PanelContext<'_>, Rect, &mut Buffer),
}

/// Every panel that can be drawn.
pub const ALL: &[Panel] = &[
    Panel { id: PanelId::Status, widgets: 4, draw: super::status::draw },
    Panel { id: PanelId::Predictive, widgets: 4, draw: super::predictive::draw },
    Panel { id: PanelId::Experience, widgets: 4, draw: super::experience::draw },
    Panel { id: PanelId::Intelligence, widgets: 4, draw: super::intelligence::draw },
    Panel { id: PanelId::Kpis, widgets: 1, draw: super::kpis::draw },
    Panel { id: PanelId::Proposals, widgets: 1, draw: super::proposals::draw },
    Panel { id: PanelId::Operations, widgets: 1, draw: super::operations::draw },
    Panel { id: PanelId::Journal, widgets: 1, draw: super::journal::draw },
    Panel { id: PanelId::Sources, widgets: 1, draw: super::sources::draw },
    Panel { id: PanelId::Logs, widgets: 1, draw: super::logs::draw },
];

impl Panel {
    /// How often `z` shows something else: the card of a proposal too is opened by it.
    pub const fn zooms(&self) -> u8 {
        match (self.id, self.widgets) {
            (PanelId::Proposals, _) => 1,
            (_, 1) => 0,
            (_, widgets) => widgets,
        }
    }
}

/// How often `z` shows something else on a panel.
pub fn zooms(id: PanelId) -> u8 {
    ALL.iter().find(|p| p.id == id).map_or(0, Panel::zooms)
}

/// Draws the panel the person is at.
pub fn draw(ctx: &PanelContext<'_>, area: Rect, buf: &mut Buffer) {
    if let Some(panel) = ALL.iter().find(|p| p.id == ctx.state.panel()) {
        (panel.draw)(ctx, area, buf);
    }
}
