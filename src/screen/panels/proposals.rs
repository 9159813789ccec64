//! Panel 6, proposals: the list, and the card of the selected one.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::view::ProposalView;

use super::super::context::PanelContext;
use super::super::rows::withdrawn;
use super::super::state::RowId;
use super::super::widgets::{
    Column, Ink, Pen, Row, Title, countdown, framed, left, put_wrapped, recommendations, right, span, table,
};
use super::card;

const COLUMNS: [Column; 4] = [
    left("PROPOSAL", 26, 0).growing(14),
    left("STATE", 14, 0).growing(6),
    right("LEFT", 7, 0),
    right("COST", 9, 1),
];

/// Draws the panel.
pub fn draw(ctx: &PanelContext<'_>, area: Rect, buf: &mut Buffer) {
    let area = area.intersection(buf.area);
    let ink = Ink::new(ctx.theme, ctx.glyphs);
    let pen = Pen::new(ctx, &ink);
    let rows = ctx.rows();
    let views: Vec<&ProposalView> = rows.iter().filter_map(|row| find(ctx, row)).collect();
    let cursor = rows.iter().position(|r| ctx.is_selected(r));
    let picked = views.get(cursor.unwrap_or(0)).copied();
    let alone = !ctx.view.proposals.state.has_data() || views.is_empty();
    if let (Some(view), Some(_)) = (picked, ctx.state.zoomed()) {
        card::draw(&pen, area, buf, view);
        return;
    }
    let (list, card) = if alone {
        (area, Rect { height: 0, ..area })
    } else if area.width >= 150 {
        // Beside each other, sharing a border.
        let width = area.width * 2 / 5;
        let x = area.x + width - 1;
        (Rect { width, ..area }, Rect { x, width: area.right() - x, ..area })
    } else {
        let height = (views.len() as u16 + 3).min((area.height / 3).max(5)).min(area.height);
        let y = area.y + height.saturating_sub(1);
        (Rect { height, ..area }, Rect { y, height: area.bottom().saturating_sub(y), ..area })
    };
    draw_list(&pen, list, buf, &views, cursor);
    if let Some(view) = picked.filter(|_| card.height >= 3) {
        card::draw(&pen, card, buf, view);
    }
}

fn find<'a>(ctx: &PanelContext<'a>, row: &RowId) -> Option<&'a ProposalView> {
    match row {
        RowId::Proposal(id) => ctx.view.proposals.data.iter().find(|p| p.proposal.id == *id),
        _ => None,
    }
}

fn draw_list(pen: &Pen<'_>, area: Rect, buf: &mut Buffer, views: &[&ProposalView], cursor: Option<usize>) {
    let live = views.iter().filter(|v| v.proposal.state.is_live()).count();
    let gone = match withdrawn(&pen.view.proposals.data) {
        0 => String::new(),
        n => format!(", {n} withdrawn in the last hour"),
    };
    let waiting = Line::from(span(format!("{live} waiting{gone}"), pen.ink.dim));
    let title = Title { right: waiting, ..Title::new("Proposals") };
    framed(pen, area, buf, &title, &pen.view.proposals, |pen, _, area, buf| {
        if views.is_empty() {
            let text = "Nothing to propose: what is there holds what is coming.";
            put_wrapped(buf, area, area.y, text, pen.ink.dim);
            return;
        }
        let rows: Vec<Row> = views.iter().map(|v| row(pen, v)).collect();
        // The card shows the rest; the list stays a list.
        let pen = Pen { cursor: cursor.or(Some(0)), ..*pen };
        table(&pen, area, buf, &COLUMNS, &rows);
    });
}

fn row(pen: &Pen<'_>, view: &ProposalView) -> Row {
    let live = view.proposal.state.is_live();
    let change = &view.proposal.change;
    let arrow = pen.ink.glyph("→", "->");
    let style = if live { pen.ink.strong } else { pen.ink.dim };
    let name = format!("{} {}{arrow}{}", view.proposal.workload, change.from, change.to);
    let left = if live { countdown(view.left) } else { String::new() };
    let cost = view.proposal.cost.per_hour();
    Row::new(vec![
        Line::from(span(name, style)),
        recommendations::state(pen, view),
        Line::from(span(left, pen.ink.text)),
        pen.signed(cost, crate::series::Unit::DollarsPerHour),
    ])
}
