//! The prompt for a note: about the selected row, its workload, or this moment.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::view::View;

use super::super::canvas::{clock_second, put, put_wrapped, wrap};
use super::super::context::PanelContext;
use super::super::rows::workload_of;
use super::super::state::{RowId, ScreenState};
use super::super::theme::Role;
use super::draw::boxed;

/// Rows of text shown: the end of it, where one types.
const ROWS: usize = 4;

/// A note that is being written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What it can be about: identity for the record, and words for the person.
    pub targets: Vec<(String, String)>,
    /// Which of them it is.
    pub at: usize,
    /// What is typed so far.
    pub text: String,
}

impl Note {
    /// About what is selected first, then its workload, then this moment.
    pub fn about(view: &View, state: &ScreenState) -> Self {
        let mut targets: Vec<(String, String)> = Vec::new();
        match state.selected() {
            Some(RowId::Proposal(id)) => targets.push((id.to_string(), format!("proposal {id}"))),
            Some(RowId::Operation(id) | RowId::Lease(id)) => {
                targets.push((id.to_string(), format!("operation {id}")));
            }
            Some(RowId::Lesson(key)) => targets.push((key.clone(), "this lesson".into())),
            Some(RowId::Journal(seq)) => targets.push((format!("record {seq}"), format!("record {seq}"))),
            _ => {}
        }
        if let Some(workload) = workload_of(view, state) {
            targets.push((workload.to_string(), workload.to_string()));
        }
        targets.push((String::new(), format!("this moment, {} UTC", clock_second(view.at))));
        Self { targets, at: 0, text: String::new() }
    }

    /// What it is about: identity and words.
    pub fn target(&self) -> (&str, &str) {
        self.targets.get(self.at).map_or(("", ""), |(id, words)| (id.as_str(), words.as_str()))
    }

    /// The next thing it can be about.
    pub fn turn(&mut self) {
        self.at = (self.at + 1) % self.targets.len().max(1);
    }
}

/// Draws the prompt.
pub(super) fn draw(ctx: &PanelContext<'_>, screen: Rect, buf: &mut Buffer, note: &Note) {
    let inner = boxed(ctx, screen, buf, (screen.width.min(76), ROWS as u16 + 5), "Note");
    put(buf, inner, 0, 0, &format!("about {}", note.target().1), ctx.style(Role::Accent));
    let lines = wrap(&format!("{}_", note.text), inner.width.max(1));
    let first = lines.len().saturating_sub(ROWS);
    for (y, line) in lines.iter().skip(first).enumerate() {
        put(buf, inner, 0, 1 + y as u16, line, ctx.style(Role::Input));
    }
    let hint = "enter writes it into the journal, under your name; tab: about something else; esc forgets it";
    let below = Rect {
        y: inner.y.saturating_add(1 + ROWS as u16),
        height: inner.height.saturating_sub(1 + ROWS as u16),
        ..inner
    };
    put_wrapped(buf, below, 0, hint, ctx.style(Role::Dim));
}
