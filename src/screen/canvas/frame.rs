//! The frame of a widget: border, title, and the designed states.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::symbols::merge::MergeStrategy;
use ratatui::widgets::{Block, Borders, Widget as _};

use crate::view::WidgetState;

use super::super::context::PanelContext;
use super::super::theme::Role;
use super::{duration, fit, put, put_right, put_wrapped, width};

/// Word, with glyph, for a state that is not live; `None` when live.
pub fn state_word(ctx: &PanelContext<'_>, state: &WidgetState) -> Option<(String, Role)> {
    let g = ctx.glyphs;
    match state {
        WidgetState::Live => None,
        WidgetState::Loading { .. } => Some((format!("{} loading", g.info), Role::Info)),
        WidgetState::Empty { .. } => Some((format!("{} no data", g.info), Role::Dim)),
        WidgetState::Stale { age } => Some((format!("{} stale {}", g.stale, duration(*age)), Role::Stale)),
        WidgetState::Degraded { .. } => Some((format!("{} degraded", g.warn), Role::Warn)),
        WidgetState::Error { .. } => Some((format!("{} error", g.bad), Role::Bad)),
    }
}

/// Draws a border with a title (left) and a note (right) in it, merging with borders already there.
/// Returns the area inside.
pub fn frame(ctx: &PanelContext<'_>, area: Rect, buf: &mut Buffer, title: &str, note: &str) -> Rect {
    let area = area.intersection(buf.area);
    if area.width < 2 || area.height < 2 {
        return Rect { width: 0, height: 0, ..area };
    }
    let block = Block::new()
        .borders(Borders::ALL)
        .border_set(ctx.glyphs.border)
        .border_style(ctx.style(Role::Border))
        .merge_borders(MergeStrategy::Exact);
    let inner = block.inner(area);
    block.render(area, buf);
    let room = area.width.saturating_sub(4);
    let title = fit(title, room);
    if !title.is_empty() {
        put(buf, area, 1, 0, &format!(" {title} "), ctx.style(Role::Title));
    }
    let left = room.saturating_sub(width(&title)).saturating_sub(3);
    if !note.is_empty() && left >= 4 {
        put_right(buf, area, area.width - 1, 0, &format!(" {} ", fit(note, left)), ctx.style(Role::Dim));
    }
    inner
}

/// [`frame`] for a widget: the state stands in the border. Returns the area inside if there is data to draw;
/// otherwise what is missing, how to provide it, or what failed has been drawn there.
pub fn framed(
    ctx: &PanelContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    title: &str,
    note: &str,
    state: &WidgetState,
) -> Option<Rect> {
    let word = state_word(ctx, state);
    let inner = frame(ctx, area, buf, title, if word.is_some() { "" } else { note });
    if let Some((word, role)) = &word {
        let room = area.width.saturating_sub(width(title)).saturating_sub(7);
        if room >= 6 {
            put_right(buf, area, area.width - 1, 0, &format!(" {} ", fit(word, room)), ctx.style(*role));
        }
    }
    if inner.is_empty() {
        return None;
    }
    match state {
        WidgetState::Live | WidgetState::Stale { .. } => return Some(inner),
        WidgetState::Degraded { missing } => {
            let text = format!("without {}", missing.join(", "));
            put(buf, inner, 0, inner.height - 1, &text, ctx.style(Role::Warn));
            return Some(Rect { height: inner.height - 1, ..inner }).filter(|r| !r.is_empty());
        }
        WidgetState::Loading { waiting_for, progress } => {
            let of = progress.map_or_else(String::new, |p| format!(" {} of {}", p.done, p.total));
            put_wrapped(buf, inner, 0, &format!("waiting for {waiting_for}{of}"), ctx.style(Role::Info));
        }
        WidgetState::Empty { lacks, provide } => {
            let y =
                put_wrapped(buf, inner, 0, &format!("needs {lacks}. To provide it:"), ctx.style(Role::Dim));
            put_wrapped(buf, inner, y, provide, ctx.style(Role::Text));
        }
        WidgetState::Error { what, next_try } => {
            let y = put_wrapped(buf, inner, 0, what, ctx.style(Role::Bad));
            if let Some(next) = next_try {
                put_wrapped(buf, inner, y, &format!("next try in {}", duration(*next)), ctx.style(Role::Dim));
            }
        }
    }
    None
}
