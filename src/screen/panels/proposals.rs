//! Panel 6, proposals: the list, and the card of the selected one.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::view::{Advice, ProposalState, ProposalView};

use super::super::context::PanelContext;
use super::super::rows::{advice_of, withdrawn};
use super::super::state::RowId;
use super::super::widgets::{
    Column, Ink, Pen, Row, Title, advice, countdown, fit_line, frame, framed, left, moment, put_wrapped,
    recommendations, right, span, table, width_of,
};
use super::card;

const COLUMNS: [Column; 4] = [
    left("PROPOSAL", 26, 0).growing(34).naming(),
    left("STATE", 14, 0).growing(10),
    right("LEFT", 7, 0).growing(7),
    right("COST", 9, 1),
];

/// Draws the panel.
pub fn draw(ctx: &PanelContext<'_>, area: Rect, buf: &mut Buffer) {
    let area = area.intersection(buf.area);
    let ink = Ink::new(ctx.theme, ctx.glyphs);
    let pen = Pen::new(ctx, &ink);
    let rows = ctx.rows();
    let items: Vec<Item<'_>> = rows.iter().filter_map(|row| find(ctx, row)).collect();
    let cursor = rows.iter().position(|r| ctx.is_selected(r));
    let picked = items.get(cursor.unwrap_or(0)).copied();
    let alone = !ctx.view.proposals.state.has_data() || items.is_empty();
    if let (Some(item), Some(_)) = (picked, ctx.state.zoomed()) {
        draw_card(&pen, area, buf, item);
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
        let height = (items.len() as u16 + 3).min((area.height / 3).max(5)).min(area.height);
        let y = area.y + height.saturating_sub(1);
        (Rect { height, ..area }, Rect { y, height: area.bottom().saturating_sub(y), ..area })
    };
    draw_list(&pen, list, buf, &items, cursor);
    if let Some(item) = picked.filter(|_| card.height >= 3) {
        draw_card(&pen, card, buf, item);
    }
}

/// What the list holds: what a person can approve, then what can only be advised.
#[derive(Clone, Copy)]
enum Item<'a> {
    Proposal(&'a ProposalView),
    Advice(&'a Advice),
}

fn find<'a>(ctx: &PanelContext<'a>, row: &RowId) -> Option<Item<'a>> {
    match row {
        RowId::Proposal(id) => {
            ctx.view.proposals.data.iter().find(|p| p.proposal.id == *id).map(Item::Proposal)
        }
        RowId::Advice(key) => advice_of(ctx.view, key).map(Item::Advice),
        _ => None,
    }
}

fn draw_card(pen: &Pen<'_>, area: Rect, buf: &mut Buffer, item: Item<'_>) {
    match item {
        Item::Proposal(view) => card::draw(pen, area, buf, view),
        Item::Advice(given) => {
            let title = Line::from(format!("{} {}", given.dimension.name(), given.subject));
            let inner = frame(pen, area, buf, &title, &advice::state(pen, given));
            advice::card(pen, inner, buf, given);
        }
    }
}

fn draw_list(pen: &Pen<'_>, area: Rect, buf: &mut Buffer, items: &[Item<'_>], cursor: Option<usize>) {
    let open = |i: &&Item<'_>| matches!(i, Item::Proposal(v) if v.proposal.state == ProposalState::Open && !v.routed.is_muted());
    let live = items.iter().filter(open).count();
    let counted = |n: usize, word: &str| if n > 0 { format!(", {n} {word}") } else { String::new() };
    let header = &pen.view.header;
    let aside = counted(header.muted, "muted") + &counted(header.snoozed, "snoozed");
    let gone = match withdrawn(&pen.view.proposals.data) {
        0 => String::new(),
        n => format!(", {n} withdrawn in the last hour"),
    };
    let advised = match items.iter().filter(|i| matches!(i, Item::Advice(_))).count() {
        0 => String::new(),
        n => format!(", {n} advised"),
    };
    let waiting = Line::from(span(format!("{live} waiting{aside}{advised}{gone}"), pen.ink.dim));
    let title = Title { right: waiting, ..Title::new("Proposals") };
    framed(pen, area, buf, &title, &pen.view.proposals, |pen, _, area, buf| {
        if items.is_empty() {
            let text = "Nothing to propose: what is there holds what is coming.";
            put_wrapped(buf, area, area.y, text, pen.ink.dim);
            return;
        }
        let mut rows: Vec<Row> = items
            .iter()
            .map(|item| match item {
                Item::Proposal(view) => row(pen, view),
                Item::Advice(given) => advice_row(pen, given),
            })
            .collect();
        // The card shows the rest; the list stays a list.
        let pen = Pen { cursor: cursor.or(Some(0)), ..*pen };
        // Whom an advice is about stands at its beginning, so it is cut at its end; names of proposals are cut before
        // their region.
        let room = width_of(&pen, area, &COLUMNS, &rows, 0).unwrap_or(26);
        for (row, item) in rows.iter_mut().zip(items) {
            if let (Item::Advice(_), Some(cell)) = (item, row.cells.first_mut()) {
                *cell = fit_line(cell, room);
            }
        }
        table(&pen, area, buf, &COLUMNS, &rows);
    });
}

fn row(pen: &Pen<'_>, view: &ProposalView) -> Row {
    let live = view.proposal.state.is_live();
    let change = &view.proposal.change;
    let arrow = pen.ink.glyph("→", "->");
    let style = if live { pen.ink.strong } else { pen.ink.dim };
    let name = format!("{} {}", view.proposal.workload, change.words(arrow));
    let left = match view.proposal.state {
        ProposalState::Snoozed { until } => format!("till {}", moment(until, pen.view.at, pen.zone)),
        _ if live => countdown(view.left),
        _ => String::new(),
    };
    let cost = view.proposal.cost.per_hour();
    Row::new(vec![
        Line::from(span(name, style)),
        recommendations::state(pen, view),
        Line::from(span(left, pen.ink.text)),
        pen.signed(cost, crate::series::Unit::DollarsPerHour),
    ])
}

fn advice_row(pen: &Pen<'_>, given: &Advice) -> Row {
    let cost = given.saving.map(|s| -s);
    Row::new(vec![
        advice::listed(pen, given),
        advice::state(pen, given),
        Line::default(),
        pen.signed(cost, crate::series::Unit::DollarsPerHour),
    ])
}
