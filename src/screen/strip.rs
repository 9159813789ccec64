//! The proposal strip: the proposal that approve and reject are about, as one sentence with its cost.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::series::{Quantity, Unit};
use crate::view::ProposalView;

use super::action::Action;
use super::canvas::{duration, fit, line, money_delta, put, put_right, width, wrap};
use super::context::PanelContext;
use super::theme::Role;

/// Rows the strip wants.
pub fn height(ctx: &PanelContext<'_>) -> u16 {
    if ctx.proposal().is_some() { 3 } else { 1 }
}

/// Draws it.
pub fn draw(ctx: &PanelContext<'_>, area: Rect, buf: &mut Buffer) {
    let Some(proposal) = ctx.proposal() else {
        put(buf, area, 1, 0, "no proposal is waiting", ctx.style(Role::Dim));
        return;
    };
    let live = proposal.proposal.state.is_live();
    let label = match (live, ctx.view.header.waiting) {
        (false, _) => "decided".to_owned(),
        (true, 1) => "1 proposal".to_owned(),
        (true, n) => format!("{n} proposals"),
    };
    let mark = ctx.style(if live { Role::Accent } else { Role::Dim });
    let x = put(buf, area, 0, 0, &format!("{} {label}  ", ctx.glyphs.selected), mark);
    let text = Rect { x: area.x + x.min(area.width), width: area.width.saturating_sub(x), ..area };
    let rows = wrap(&proposal.proposal.sentence, text.width);
    let mut rows = rows.iter();
    if let Some(first) = rows.next() {
        put(buf, text, 0, 0, first, ctx.style(Role::Text));
    }
    let rest: Vec<&str> = rows.map(String::as_str).collect();
    let second =
        if rest.is_empty() { effects(proposal) } else { format!("{} {}", rest.join(" "), effects(proposal)) };
    put(buf, text, 0, 1, &second, ctx.style(Role::Text));
    draw_keys(ctx, proposal, area, buf);
}

fn draw_keys(ctx: &PanelContext<'_>, proposal: &ProposalView, area: Rect, buf: &mut Buffer) {
    let note = match &proposal.not_approvable {
        Some(why) => format!("{} not approvable: {why}", ctx.glyphs.warn),
        None => format!("{}. {}", proposal.proposal.owner.label(), proposal.proposal.owner_note),
    };
    let role = if proposal.not_approvable.is_some() { Role::Warn } else { Role::Dim };
    let mut pieces: Vec<(String, Style)> = Vec::new();
    for action in [Action::Approve, Action::Reject, Action::Edit, Action::Evidence] {
        let (Some(key), Some(info)) = (ctx.keymap.key(action), super::action::info(action)) else { continue };
        pieces.push((key, ctx.style(Role::Key)));
        pieces.push((format!(" {}  ", info.hint), ctx.style(Role::Dim)));
    }
    pieces.push((format!("{} left", duration(proposal.left)), ctx.style(Role::Dim)));
    let keys: u16 = pieces.iter().map(|(t, _)| width(t)).sum();
    let start = area.width.saturating_sub(keys + 1);
    put(buf, area, 2, 2, &fit(&note, start.saturating_sub(4)), ctx.style(role));
    let borrowed: Vec<(&str, Style)> = pieces.iter().map(|(t, s)| (t.as_str(), *s)).collect();
    if start > 2 {
        line(buf, area, start, 2, &borrowed);
    } else {
        put_right(buf, area, area.width, 2, "a approve  r reject", ctx.style(Role::Key));
    }
}

/// `+$2.31/h; p95 180 ms instead of 410 ms; 41 min short avoided`.
fn effects(proposal: &ProposalView) -> String {
    let p = &proposal.proposal;
    let mut parts = vec![money_delta(p.cost.per_hour())];
    if let (Some(with), Some(without)) = (p.experience.p95_with, p.experience.p95_without) {
        let q = |v| Quantity::new(v, Unit::Seconds);
        parts.push(format!("p95 {} instead of {}", q(with), q(without)));
    }
    if let (Some(with), Some(without)) = (p.experience.minutes_short_with, p.experience.minutes_short_without)
    {
        parts.push(format!("{} min short avoided", Quantity::new(without - with, Unit::Count)));
    }
    parts.join("; ")
}
