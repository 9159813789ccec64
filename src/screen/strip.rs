//! The strip: what must be done now that is no approval, and the proposal that approve and reject are about, as one
//! sentence with its cost.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::fleet::Owner;
use crate::series::{Quantity, Unit};
use crate::view::{ProposalState, ProposalView};

use super::action::Action;
use super::canvas::{clause, duration, fit, line, money_delta, put, width, wrap};
use super::context::{PanelContext, SizeClass};
use super::state::PanelId;
use super::theme::Role;

/// Rows of text at most, the row of the owner and the keys left out.
const MAX_TEXT: usize = 3;
/// Columns before the text.
const INDENT: u16 = 14;

/// Rows of the alarm at most: where a terminal is short, all that is below it is what the alarm is about.
const MAX_ALARM: usize = 2;

/// Rows the strip wants on a terminal this wide.
pub fn height(ctx: &PanelContext<'_>, width: u16) -> u16 {
    // The proposals panel shows the card itself, with its owner and its time: saying it twice costs the rows it needs.
    let proposal = match ctx.proposal() {
        Some(_) if has_card(ctx) => 0,
        Some(proposal) => text(proposal, width).len() as u16 + 1,
        None => 1,
    };
    proposal + alarm(ctx, width).len() as u16
}

/// What must be done now, in rows.
fn alarm(ctx: &PanelContext<'_>, width: u16) -> Vec<String> {
    let alarm = &ctx.view.header.alarm;
    if alarm.text.is_empty() {
        return Vec::new();
    }
    let others = match alarm.others {
        0 => String::new(),
        n => format!(" (+{n} more)"),
    };
    let columns = width.saturating_sub(3).max(10);
    let mut rows = wrap(&format!("{}{others}", alarm.text), columns);
    if rows.len() > MAX_ALARM {
        rows.truncate(MAX_ALARM);
        if let Some(last) = rows.last_mut() {
            let room = columns.saturating_sub(super::canvas::width(&others) + 2);
            *last = format!("{} …{others}", fit(last, room).trim_end());
        }
    }
    rows
}

fn draw_alarm(ctx: &PanelContext<'_>, rows: &[String], area: Rect, buf: &mut Buffer) {
    for (y, row) in rows.iter().enumerate() {
        let mark = if y == 0 { ctx.glyphs.warn } else { " " };
        put(buf, area, 0, y as u16, &format!("{mark} {row}"), ctx.style(Role::Warn));
    }
}

fn has_card(ctx: &PanelContext<'_>) -> bool {
    ctx.state.panel() == PanelId::Proposals
}

/// Draws it.
pub fn draw(ctx: &PanelContext<'_>, area: Rect, buf: &mut Buffer) {
    let alarm = alarm(ctx, area.width);
    draw_alarm(ctx, &alarm, area, buf);
    let used = (alarm.len() as u16).min(area.height);
    draw_proposal(ctx, Rect { y: area.y.saturating_add(used), height: area.height - used, ..area }, buf);
}

fn draw_proposal(ctx: &PanelContext<'_>, area: Rect, buf: &mut Buffer) {
    let Some(proposal) = ctx.proposal() else {
        // What is selected may be advice while proposals wait above it.
        let why = match ctx.view.header.waiting {
            0 => "no proposal is waiting",
            _ => "advice: nothing to approve here",
        };
        put(buf, area, 1, 0, why, ctx.style(Role::Dim));
        return;
    };
    if area.height == 0 || has_card(ctx) {
        return;
    }
    draw_sentence(ctx, proposal, area, buf);
    let last =
        Rect { y: area.y.saturating_add(area.height.saturating_sub(1)), height: area.height.min(1), ..area };
    draw_keys(ctx, proposal, last, buf);
}

fn draw_sentence(ctx: &PanelContext<'_>, proposal: &ProposalView, area: Rect, buf: &mut Buffer) {
    let live = proposal.proposal.state.is_live();
    let label = match (&proposal.proposal.state, ctx.view.header.waiting) {
        _ if !live => "decided".to_owned(),
        (ProposalState::Snoozed { .. }, _) => "snoozed".to_owned(),
        _ if proposal.routed.is_muted() => "muted".to_owned(),
        (_, 1) => "1 proposal".to_owned(),
        (_, n) => format!("{n} proposals"),
    };
    let mark = ctx.style(if live { Role::Accent } else { Role::Dim });
    put(
        buf,
        Rect { width: INDENT.min(area.width), ..area },
        0,
        0,
        &format!("{} {label}", ctx.glyphs.selected),
        mark,
    );
    let rest = indent(area.width);
    for (y, row) in text(proposal, area.width).iter().enumerate() {
        put(buf, area, if y == 0 { INDENT } else { rest }, y as u16, row, ctx.style(Role::Text));
    }
}

/// Where rows after the first begin: below the text, or further left where each column is needed.
const fn indent(columns: u16) -> u16 {
    if columns < 120 { 2 } else { INDENT }
}

/// The sentence, then what it does; the sentence gives way if there is too much.
fn text(proposal: &ProposalView, columns: u16) -> Vec<String> {
    let rest = columns.saturating_sub(indent(columns) + 1).max(10);
    let first = columns.saturating_sub(INDENT + 1).max(10);
    let effects = effects(proposal);
    let effects = if effects.is_empty() { Vec::new() } else { wrap(&effects, rest) };
    let room = MAX_TEXT.saturating_sub(effects.len()).max(1);
    // The first row is shorter by what stands before it.
    let lead = "\u{a0}".repeat(usize::from(rest - first));
    let mut rows = wrap(&format!("{lead}{}", proposal.proposal.sentence), rest);
    if let Some(row) = rows.first_mut() {
        *row = row.trim_start_matches('\u{a0}').to_owned();
    }
    if rows.len() > room {
        rows.truncate(room);
        if let Some(last) = rows.last_mut() {
            *last = fit(&format!("{last} …"), rest);
        }
    }
    rows.extend(effects);
    rows.truncate(MAX_TEXT);
    rows
}

fn draw_keys(ctx: &PanelContext<'_>, proposal: &ProposalView, area: Rect, buf: &mut Buffer) {
    let note = match &proposal.not_approvable {
        Some(why) if !proposal.proposal.state.is_live() => why.clone(),
        Some(why) => format!("{} not approvable: {why}", ctx.glyphs.warn),
        None => owner(&proposal.proposal.owner.label(), &proposal.proposal.owner_note),
    };
    let role = if proposal.not_approvable.is_some() { Role::Warn } else { Role::Dim };
    let mut pieces: Vec<(String, Style)> = Vec::new();
    // Where room is short, the hint bar alone names the keys: the owner's part matters more.
    let live = proposal.proposal.state.is_live();
    if ctx.size >= SizeClass::Normal && live {
        for action in [Action::Approve, Action::Reject, Action::Edit, Action::Evidence] {
            // A key that would only be refused is not offered; the note says why.
            if action == Action::Approve && proposal.not_approvable.is_some() {
                continue;
            }
            let (Some(key), Some(info)) = (ctx.keymap.key(action), super::action::info(action)) else {
                continue;
            };
            pieces.push((key, ctx.style(Role::Key)));
            pieces.push((format!(" {}  ", info.hint), ctx.style(Role::Dim)));
        }
    }
    if live {
        pieces.push((format!("{} left", duration(proposal.left)), ctx.style(Role::Dim)));
    }
    let keys: u16 = pieces.iter().map(|(t, _)| width(t)).sum();
    let start = area.width.saturating_sub(keys + 1);
    put(buf, area, 2, 0, &clause(&note, start.saturating_sub(4)), ctx.style(role));
    let borrowed: Vec<(&str, Style)> = pieces.iter().map(|(t, s)| (t.as_str(), *s)).collect();
    line(buf, area, start, 0, &borrowed);
}

/// Who owns the field and what they do, the name once.
fn owner(label: &str, note: &str) -> String {
    let said = note.starts_with(label) || label == Owner::Nobody.label();
    if said { format!("owner: {note}") } else { format!("owner: {label}. {note}") }
}

/// What the sentence leaves out: `p95 180 ms instead of 410 ms; 41 min short avoided`.
fn effects(proposal: &ProposalView) -> String {
    let p = &proposal.proposal;
    let said = |word: &str| p.sentence.contains(word);
    let mut parts = Vec::new();
    if !said("$") {
        parts.push(money_delta(p.cost.per_hour()));
    }
    if let (Some(with), Some(without)) = (p.experience.p95_with, p.experience.p95_without) {
        let [with, without] = [with, without].map(|v| Quantity::new(v, Unit::Seconds).to_string());
        if with != without && !said("p95") {
            parts.push(format!("p95 {with} instead of {without}"));
        }
    }
    if let (Some(with), Some(without)) = (p.experience.minutes_short_with, p.experience.minutes_short_without)
        && without - with >= 0.5
        && !said("min short")
    {
        parts.push(format!("{} min short avoided", Quantity::new(without - with, Unit::Count)));
    }
    parts.join("; ")
}
