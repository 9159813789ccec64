//! Draws whatever lies over the panel.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::symbols::merge::MergeStrategy;
use ratatui::widgets::{Block, Borders, Clear, Widget as _};

use crate::view::RejectReason;

use super::super::canvas::{fit, put, put_right, put_wrapped, wrap};
use super::super::context::PanelContext;
use super::super::theme::Role;
use super::{Edit, Evidence, Focus, Menu, Reject, entries, evidence_lines};

/// Draws the overlay that has the focus, if one has.
pub fn draw(ctx: &PanelContext<'_>, screen: Rect, buf: &mut Buffer) {
    match ctx.state.focus() {
        Focus::Panel | Focus::Filter | Focus::Jump(_) => {}
        Focus::Menu(menu) => draw_menu(ctx, screen, buf, menu),
        Focus::Evidence(evidence) => draw_evidence(ctx, screen, buf, evidence),
        Focus::Confirm(sheet) => sheet.draw(ctx, screen, buf),
        Focus::Reject(reject) => draw_reject(ctx, screen, buf, reject),
        Focus::Edit(edit) => draw_edit(ctx, screen, buf, edit),
        Focus::Note(note) => super::note::draw(ctx, screen, buf, note),
        Focus::Mute(ask) => super::mute::draw(ctx, screen, buf, ask),
    }
}

/// Draws an empty box of this size (borders included) in the middle of the screen; returns its inside.
pub(super) fn boxed(
    ctx: &PanelContext<'_>,
    screen: Rect,
    buf: &mut Buffer,
    (w, h): (u16, u16),
    title: &str,
) -> Rect {
    let (w, h) = (w.min(screen.width), h.min(screen.height));
    let area = Rect {
        x: screen.x + (screen.width - w) / 2,
        y: screen.y + (screen.height - h) / 2,
        width: w,
        height: h,
    }
    .intersection(buf.area);
    Clear.render(area, buf);
    buf.set_style(area, ctx.style(Role::Text));
    buf.set_style(area, ctx.style(Role::Sheet));
    let block = Block::new()
        .borders(Borders::ALL)
        .border_set(ctx.glyphs.border)
        .border_style(ctx.style(Role::BorderFocus))
        .merge_borders(MergeStrategy::Replace);
    let inner = block.inner(area);
    block.render(area, buf);
    put(buf, area, 1, 0, &format!(" {} ", fit(title, area.width.saturating_sub(4))), ctx.style(Role::Title));
    Rect { x: inner.x + u16::from(inner.width > 2), width: inner.width.saturating_sub(2), ..inner }
}

fn draw_menu(ctx: &PanelContext<'_>, screen: Rect, buf: &mut Buffer, menu: &Menu) {
    let found = entries(ctx.keymap, ctx.state.panel(), &menu.query);
    let title =
        if menu.help { format!("Help: {}", ctx.state.panel().title()) } else { "Find an action".into() };
    let size = (screen.width.min(110), screen.height.saturating_sub(2).min(found.len() as u16 + 5).max(5));
    let inner = boxed(ctx, screen, buf, size, &title);
    let x = put(buf, inner, 0, 0, "search: ", ctx.style(Role::Dim));
    put(buf, inner, x, 0, &format!("{}_", menu.query), ctx.style(Role::Input));
    put_right(buf, inner, inner.width, 0, "enter does it, esc closes", ctx.style(Role::Dim));
    let rows = usize::from(inner.height.saturating_sub(2)).max(1);
    let first = menu.at.saturating_sub(rows - 1);
    for (i, info) in found.iter().enumerate().skip(first).take(rows) {
        let y = 2 + (i - first) as u16;
        let line = Rect { y: inner.y.saturating_add(y), height: 1, ..inner }.intersection(inner);
        let mark = if i == menu.at { ctx.glyphs.selected } else { " " };
        put(buf, inner, 0, y, mark, ctx.style(Role::Accent));
        put(buf, inner, 2, y, &fit(&ctx.keymap.keys(info.action), 12), ctx.style(Role::Key));
        // Names are for the configuration; where room is short, what it does matters more.
        let named = inner.width > 80;
        if named {
            put(buf, inner, 15, y, info.name, ctx.style(Role::Text));
        }
        let danger = if info.danger { format!("{} writes: ", ctx.glyphs.warn) } else { String::new() };
        put(
            buf,
            inner,
            if named { 34 } else { 15 },
            y,
            &format!("{danger}{}", info.help),
            ctx.style(Role::Dim),
        );
        if i == menu.at {
            buf.set_style(line, ctx.style(Role::Selection));
        }
    }
    if found.is_empty() {
        put(buf, inner, 2, 2, "no action matches; backspace widens the search", ctx.style(Role::Dim));
    }
}

fn draw_evidence(ctx: &PanelContext<'_>, screen: Rect, buf: &mut Buffer, evidence: &Evidence) {
    let size = (screen.width.min(120), screen.height.saturating_sub(2).max(3));
    let inner = boxed(ctx, screen, buf, size, "Evidence");
    let lines: Vec<(String, Role)> = evidence_lines(ctx.view, &evidence.row, ctx.glyphs)
        .into_iter()
        .flat_map(|(text, role)| hanging(&text, inner.width).into_iter().map(move |l| (l, role)))
        .collect();
    let rows = usize::from(inner.height.saturating_sub(1));
    let top = evidence.top.min(lines.len().saturating_sub(rows));
    for (y, (text, role)) in lines.iter().skip(top).take(rows).enumerate() {
        put(buf, inner, 0, y as u16, text, ctx.style(*role));
    }
    let below = lines.len().saturating_sub(top + rows);
    let more = if below > 0 { format!("{below} more lines: j k · ") } else { String::new() };
    let hint = format!("{more}esc closes · ? again for help");
    put(buf, inner, 0, inner.height.saturating_sub(1), &hint, ctx.style(Role::Dim));
}

/// Wraps a line and keeps its indentation.
fn hanging(text: &str, columns: u16) -> Vec<String> {
    let bare = text.trim_start();
    let indent = text.len() - bare.len();
    let room = columns.saturating_sub(indent as u16).max(1);
    wrap_keeping(bare, room).into_iter().map(|l| format!("{:indent$}{l}", "")).collect()
}

/// Wraps only if it must, so that columns made with spaces stay.
fn wrap_keeping(text: &str, columns: u16) -> Vec<String> {
    if super::super::canvas::width(text) <= columns { vec![text.to_owned()] } else { wrap(text, columns) }
}

fn draw_reject(ctx: &PanelContext<'_>, screen: Rect, buf: &mut Buffer, reject: &Reject) {
    let w = screen.width.min(70);
    let sentence = wrap(&reject.sentence, w.saturating_sub(4)).len().min(4) as u16;
    let inner = boxed(ctx, screen, buf, (w, sentence + RejectReason::ALL.len() as u16 + 4), "Reject: why?");
    let text = Rect { height: sentence.min(inner.height), ..inner };
    let mut y = put_wrapped(buf, text, 0, &reject.sentence, ctx.style(Role::Text)) + 1;
    for (_, key, text) in RejectReason::ALL {
        put(buf, inner, 1, y, &key.to_string(), ctx.style(Role::Key));
        put(buf, inner, 4, y, text, ctx.style(Role::Text));
        y += 1;
    }
    let hint = if ctx.view.role() == crate::view::Role::Learner {
        "one key is recorded beside the decision of others and does nothing; esc keeps it"
    } else {
        "one key rejects it and is learned from; esc keeps it"
    };
    put(buf, inner, 0, y, hint, ctx.style(Role::Dim));
}

fn draw_edit(ctx: &PanelContext<'_>, screen: Rect, buf: &mut Buffer, edit: &Edit) {
    let hint = match ctx.view.header.replay {
        Some(_) => "enter tells what it would have brought, by the demand that was recorded; esc closes",
        None => "enter makes a new proposal with it; nothing is written yet; esc closes",
    };
    let inner = boxed(ctx, screen, buf, (screen.width.min(66), 5), "Another value");
    let x = put(buf, inner, 0, 0, &format!("{} {} ", edit.subject, ctx.glyphs.arrow), ctx.style(Role::Text));
    put(buf, inner, x, 0, &format!("{}_", edit.text), ctx.style(Role::Input));
    put_wrapped(
        buf,
        Rect { y: inner.y.saturating_add(1), height: inner.height.saturating_sub(1), ..inner },
        0,
        hint,
        ctx.style(Role::Dim),
    );
}
