//! A sheet that asks before something is written: what it shows is what is sent.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::clock::Monotonic;
use crate::view::{Command, View};

use super::super::canvas::{put, width, wrap};
use super::super::context::PanelContext;
use super::super::theme::Role;
use super::Subject;

/// A key counts on a sheet only this long after the sheet was first on the screen: what was typed before
/// anyone could read it is not an answer.
pub const FRESH_AFTER: Duration = Duration::from_millis(150);

/// Widest sheet, borders included.
const MAX_WIDTH: u16 = 78;
/// Columns of the labels.
const LABELS: u16 = 10;

/// A line of a sheet: label, text, look.
pub type Line = (&'static str, String, Role);

/// A sheet. Cancel has the focus when it opens.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    /// Title in the border.
    pub title: &'static str,
    /// What is shown.
    pub lines: Vec<Line>,
    /// What it is bound to.
    pub subject: Subject,
    /// What is sent when it is confirmed; an approval gets the typed name.
    pub command: Command,
    /// The word on the button that confirms.
    pub button: &'static str,
    /// What must be typed first.
    pub type_name: Option<String>,
    /// What was typed so far.
    pub typed: String,
    /// Whether the confirming button has the focus, not Cancel.
    pub on_button: bool,
    /// When it was first on the screen.
    pub painted: Option<Monotonic>,
}

impl Sheet {
    /// Whether a key pressed at `at` was pressed by someone who could see the sheet.
    pub fn is_fresh(&self, at: Monotonic) -> bool {
        is_fresh(self.painted, at)
    }

    /// Why it cannot be confirmed now; `None` if it can.
    pub fn obstacle(&self, view: &View) -> Option<String> {
        let changed = self.subject.obstacle(view);
        if changed.is_some() {
            return changed;
        }
        let name = self.type_name.as_ref().filter(|name| **name != self.typed)?;
        Some(format!("type {name} first"))
    }

    /// Size it needs on a terminal this wide, borders included; `None` if the terminal is too narrow for any text.
    pub fn needs(&self, terminal_width: u16) -> (u16, u16) {
        let outer = terminal_width.clamp(40, MAX_WIDTH);
        let text = outer - 4 - LABELS;
        let lines: usize = self.lines.iter().map(|(_, t, _)| wrap(t, text).len()).sum();
        // Borders, the text field, the obstacle, the buttons, and a free line above them.
        let fixed = 2 + usize::from(self.type_name.is_some()) + 3;
        (outer, u16::try_from(lines + fixed).unwrap_or(u16::MAX))
    }

    /// Draws it, if it fits.
    pub fn draw(&self, ctx: &PanelContext<'_>, screen: Rect, buf: &mut Buffer) {
        let (w, h) = self.needs(screen.width);
        if w > screen.width || h > screen.height {
            return;
        }
        let inner = super::draw::boxed(ctx, screen, buf, (w, h), self.title);
        let mut y = 0;
        for (label, text, role) in &self.lines {
            put(buf, inner, 0, y, label, ctx.style(Role::Dim));
            for line in wrap(text, inner.width.saturating_sub(LABELS)) {
                put(buf, inner, LABELS, y, &line, ctx.style(*role));
                y += 1;
            }
        }
        if let Some(name) = &self.type_name {
            let x = put(buf, inner, 0, y, &format!("Type {name} to confirm: "), ctx.style(Role::Text));
            put(buf, inner, x, y, &format!("{}_", self.typed), ctx.style(Role::Input));
            y += 1;
        }
        let obstacle = self.obstacle(ctx.view);
        if let Some(why) = &obstacle {
            let text = format!("{} cannot be confirmed: {why}", ctx.glyphs.warn);
            put(buf, inner, 0, y, &text, ctx.style(Role::Warn));
        }
        let button = if self.subject.is_renewed(ctx.view) { "Show the new one" } else { self.button };
        let enabled = obstacle.is_none() || button != self.button;
        self.draw_buttons(ctx, inner, buf, y + 1, (button, enabled));
    }

    fn draw_buttons(
        &self,
        ctx: &PanelContext<'_>,
        inner: Rect,
        buf: &mut Buffer,
        y: u16,
        (button, enabled): (&str, bool),
    ) {
        let selected = ctx.style(Role::Selection);
        let cancel = if self.on_button { ctx.style(Role::Text) } else { selected };
        let confirm = match (self.on_button, enabled) {
            (true, true) => ctx.style(Role::Danger).patch(selected),
            (false, true) => ctx.style(Role::Accent),
            (on, false) => {
                let dim = ctx.style(Role::Dim);
                if on { dim.patch(selected) } else { dim }
            }
        };
        let mark = |on: bool| if on { ctx.glyphs.selected } else { " " };
        let x = put(buf, inner, 0, y, &format!("{}[ Cancel ]", mark(!self.on_button)), cancel);
        let text = format!("{}[ {} ]", mark(self.on_button), button);
        let x = put(buf, inner, x + 3, y, &text, confirm);
        let hint = "tab to choose, enter, esc";
        if x.saturating_add(width(hint)).saturating_add(3) <= inner.width {
            put(buf, inner, x + 3, y, hint, ctx.style(Role::Dim));
        }
    }
}

/// Whether a key pressed at `at` was pressed by someone who could see what was painted first at `painted`.
pub(super) fn is_fresh(painted: Option<Monotonic>, at: Monotonic) -> bool {
    painted.is_some_and(|painted| at >= painted.plus(FRESH_AFTER))
}

impl super::Reject {
    /// Whether a key pressed at `at` was pressed by someone who could see the sheet.
    pub fn is_fresh(&self, at: Monotonic) -> bool {
        is_fresh(self.painted, at)
    }
}
