//! The last row: a prompt, a notice, or what can be pressed here.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::view::{Mode, Notice, NoticeLevel, ReplayState};

use super::action::{Action, ActionInfo};
use super::canvas::{clause, fit, line, put, put_right, width, wrap};
use super::context::PanelContext;
use super::overlays::Focus;
use super::theme::Role;

/// Notices that are no error go away after this long.
const NOTICE_FOR: Duration = Duration::from_secs(60);

/// Rows that what is said may take.
const MOST: usize = 3;

/// What was just said to the person, if nothing is being typed in its place.
fn said<'v>(ctx: &PanelContext<'v>) -> Option<&'v str> {
    let typing = matches!(ctx.state.focus(), Focus::Filter | Focus::Jump(_));
    ctx.state.toast.as_deref().filter(|_| !typing)
}

/// In rows, cut only where it is far too long.
fn toast_rows(text: &str, columns: u16) -> Vec<String> {
    let columns = columns.saturating_sub(4).max(10);
    let mut rows = wrap(text, columns);
    if rows.len() > MOST {
        rows.truncate(MOST);
        if let Some(last) = rows.last_mut() {
            *last = fit(&format!("{last} …"), columns);
        }
    }
    rows
}

/// Rows wanted: what answers a key is read whole.
pub fn height(ctx: &PanelContext<'_>, columns: u16) -> u16 {
    said(ctx).map_or(1, |text| toast_rows(text, columns).len().max(1) as u16)
}

/// Draws it.
pub fn draw(ctx: &PanelContext<'_>, area: Rect, buf: &mut Buffer) {
    if *ctx.state.focus() == Focus::Filter {
        let x = put(buf, area, 1, 0, "filter: ", ctx.style(Role::Dim));
        put(buf, area, x, 0, &format!("{}_", ctx.state.filter()), ctx.style(Role::Input));
        put_right(buf, area, area.width, 0, "enter keeps, esc clears ", ctx.style(Role::Dim));
    } else if let Focus::Jump(text) = ctx.state.focus() {
        let x = put(buf, area, 1, 0, "jump to: ", ctx.style(Role::Dim));
        put(buf, area, x, 0, &format!("{text}_"), ctx.style(Role::Input));
        put_right(buf, area, area.width, 0, "19:05, +10m, -1h, start, end, or a text ", ctx.style(Role::Dim));
    } else if let Some(text) = said(ctx) {
        put(buf, area, 1, 0, ctx.glyphs.info, ctx.style(Role::Accent));
        for (y, row) in toast_rows(text, area.width).iter().enumerate() {
            put(buf, area, 3, y as u16, row, ctx.style(Role::Accent));
        }
    } else if let Some(notice) = notice(ctx) {
        let (glyph, role) = match notice.level {
            NoticeLevel::Info => (ctx.glyphs.info, Role::Info),
            NoticeLevel::Warning => (ctx.glyphs.warn, Role::Warn),
            NoticeLevel::Error => (ctx.glyphs.bad, Role::Bad),
        };
        let text = clause(&notice.text, area.width.saturating_sub(4));
        put(buf, area, 1, 0, &format!("{glyph} {text}"), ctx.style(role));
    } else {
        match &ctx.view.header.replay {
            Some(replay) => draw_replay(ctx, replay, area, buf),
            None => draw_hints(ctx, area, buf),
        }
    }
}

/// What moves in time, and the decision or gate that is shown.
fn draw_replay(ctx: &PanelContext<'_>, replay: &ReplayState, area: Rect, buf: &mut Buffer) {
    let keys = [
        (Action::Freeze, if replay.playing { "pause" } else { "play" }),
        (Action::NextMark, "next decision"),
        (Action::PreviousMark, "previous"),
        (Action::Faster, "faster"),
        (Action::Slower, "slower"),
        (Action::Jump, "jump"),
    ];
    let mut x = 1;
    for (action, word) in keys {
        let Some(key) = ctx.keymap.key(action) else { continue };
        if x + width(&key) + width(word) + 3 > area.width {
            return;
        }
        let text = format!(" {word}  ");
        x = line(buf, area, x, 0, &[(key.as_str(), ctx.style(Role::Key)), (&text, ctx.style(Role::Dim))]);
    }
    put(buf, area, x, 0, &replay.mark, ctx.style(Role::Accent));
}

/// The most urgent notice not seen yet; of equals, the latest.
fn notice<'v>(ctx: &PanelContext<'v>) -> Option<&'v Notice> {
    ctx.view
        .notices
        .iter()
        .filter(|n| n.seq > ctx.state.notice_seen)
        .filter(|n| n.level == NoticeLevel::Error || ctx.now.since(n.at) < NOTICE_FOR)
        .max_by_key(|n| (n.level, n.seq))
}

fn draw_hints(ctx: &PanelContext<'_>, area: Rect, buf: &mut Buffer) {
    let mut x = 1;
    if !ctx.state.filter().is_empty() {
        x = line(
            buf,
            area,
            x,
            0,
            &[
                ("filter ", ctx.style(Role::Dim)),
                (ctx.state.filter(), ctx.style(Role::Accent)),
                ("  ", Style::new()),
            ],
        );
    }
    let observes = ctx.view.header.mode == Mode::Observe;
    let zooms = super::panels::zooms(ctx.state.panel()) > 0;
    let idle = |action| match action {
        Action::Approve => observes,
        Action::Zoom => !zooms,
        _ => false,
    };
    let offered = |i: &&ActionInfo| !i.hint.is_empty() && !idle(i.action);
    for info in ctx.keymap.actions(ctx.state.panel()).filter(offered) {
        let Some(key) = ctx.keymap.key(info.action) else { continue };
        // Whole hints only: half a word helps nobody.
        if x + width(&key) + width(info.hint) + 3 > area.width {
            break;
        }
        let text = format!(" {}  ", info.hint);
        x = line(buf, area, x, 0, &[(key.as_str(), ctx.style(Role::Key)), (&text, ctx.style(Role::Dim))]);
    }
}
