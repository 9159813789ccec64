//! The prompt for muting proposals: for how long, and why.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::clock::Monotonic;
use crate::view::Muted;

use super::super::canvas::{put, put_wrapped, wrap};
use super::super::context::PanelContext;
use super::super::theme::Role;
use super::draw::boxed;
use super::sheet::is_fresh;

/// What tab goes through: hours, and words for them.
const SPANS: [(u64, &str); 5] =
    [(1, "1 hour"), (4, "4 hours"), (12, "12 hours"), (24, "1 day"), (168, "7 days")];
/// Rows of text shown: the end of it, where one types.
const ROWS: usize = 3;

/// A mute that is being asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MuteAsk {
    /// What is to be muted.
    pub muted: Muted,
    /// Which span.
    pub at: usize,
    /// The reason as far as it is typed.
    pub text: String,
    /// When the prompt was first on the screen.
    pub painted: Option<Monotonic>,
}

impl MuteAsk {
    /// For the four hours that an incident or a deploy takes, at first.
    pub const fn new(muted: Muted) -> Self {
        Self { muted, at: 1, text: String::new(), painted: None }
    }

    /// Whether a key pressed at `at` was pressed by someone who could see the prompt.
    pub fn is_fresh(&self, at: Monotonic) -> bool {
        is_fresh(self.painted, at)
    }

    /// The next span.
    pub const fn turn(&mut self) {
        self.at = (self.at + 1) % SPANS.len();
    }

    fn span(&self) -> (u64, &'static str) {
        SPANS.get(self.at).copied().unwrap_or((1, "1 hour"))
    }

    /// How long it is to last.
    pub fn duration(&self) -> Duration {
        Duration::from_secs(self.span().0 * 3600)
    }
}

/// Draws the prompt.
pub(super) fn draw(ctx: &PanelContext<'_>, screen: Rect, buf: &mut Buffer, ask: &MuteAsk) {
    let inner = boxed(ctx, screen, buf, (screen.width.min(76), ROWS as u16 + 7), "Mute");
    let y = put_wrapped(buf, inner, 0, &ask.muted.words(), ctx.style(Role::Accent));
    put(
        buf,
        inner,
        0,
        y,
        &format!("for {} (tab: another time), because:", ask.span().1),
        ctx.style(Role::Text),
    );
    let lines = wrap(&format!("{}_", ask.text), inner.width.max(1));
    let first = lines.len().saturating_sub(ROWS);
    for (i, line) in lines.iter().skip(first).enumerate() {
        put(buf, inner, 0, y + 1 + i as u16, line, ctx.style(Role::Input));
    }
    let used = y + 1 + ROWS as u16;
    let hint = "enter mutes them, under your name: they call nobody, are not approved, and stay listed and counted; approved \
                days go on, what users are short of now is never muted; esc leaves it";
    let below = Rect { y: inner.y.saturating_add(used), height: inner.height.saturating_sub(used), ..inner };
    put_wrapped(buf, below, 0, hint, ctx.style(Role::Dim));
}
