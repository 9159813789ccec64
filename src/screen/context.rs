//! What every panel and widget draws with.

use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::fleet::WorkloadId;
use crate::series::Timestamp;
use crate::view::{ProposalView, View};

use super::glyphs::Glyphs;
use super::keymap::Keymap;
use super::state::{RowId, ScreenState};
use super::theme::{Role, Theme};

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SizeClass {
    /// Below 40 columns or 10 rows: one status line only.
    Tiny,
    /// Below 80 columns: one column, short words.
    Narrow,
    /// 80 columns and more: every fact, tightly.
    Compact,
    /// 120 and more.
    Normal,
    /// 160 and more.
    Wide,
}

impl SizeClass {
    /// The class of a terminal.
    pub const fn of(area: Rect) -> Self {
        match (area.width, area.height) {
            (..40, _) | (_, ..10) => Self::Tiny,
            (..80, _) => Self::Narrow,
            (..120, _) => Self::Compact,
            (..160, _) => Self::Normal,
            _ => Self::Wide,
        }
    }
}

/// Everything a panel may look at. Drawing changes nothing and never fails.
#[derive(Clone, Copy, Debug)]
pub struct PanelContext<'a> {
    /// What is known.
    pub view: &'a View,
    /// What the person chose.
    pub state: &'a ScreenState,
    /// Colours.
    pub theme: &'a Theme,
    /// Characters.
    pub glyphs: &'a Glyphs,
    /// Which key does what.
    pub keymap: &'a Keymap,
    /// The instant drawn: the view's.
    pub now: Timestamp,
    /// Room of the whole terminal.
    pub size: SizeClass,
}

impl PanelContext<'_> {
    /// The style of a role.
    pub fn style(&self, role: Role) -> Style {
        self.theme.style(role)
    }

    /// Rows of the current panel, filtered and sorted: the order in which they must be drawn.
    pub fn rows(&self) -> Vec<RowId> {
        super::rows::rows(self.view, self.state)
    }

    /// Whether this row is the selected one.
    pub fn is_selected(&self, row: &RowId) -> bool {
        self.state.selected() == Some(row)
    }

    /// The workload that the selection is about, for charts of one workload; the most urgent if none is selected.
    pub fn workload(&self) -> Option<&WorkloadId> {
        super::rows::workload_of(self.view, self.state)
    }

    /// The proposal that approve and reject are about.
    pub fn proposal(&self) -> Option<&ProposalView> {
        super::rows::proposal_of(self.view, self.state)
    }

    /// Rows to leave out at the top so that the selection stays in sight of `height` rows.
    pub fn scroll(&self, rows: &[RowId], height: u16) -> usize {
        let height = usize::from(height).max(1);
        let at = rows.iter().position(|r| self.is_selected(r)).unwrap_or(0);
        at.saturating_sub(height - 1)
    }
}
