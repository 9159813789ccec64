//! The six designed states of every widget.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::view::{Progress, Widget, WidgetState};

use super::chart::bar::meter;
use super::frame::frame;
use super::ink::Level;
use super::pen::{Pen, below, fit, put, put_line, put_wrapped, wrap};
use super::words::{span, time_span};

/// Title of a widget: its name and what it is about, and what stands at the right of the border.
#[derive(Clone, Debug, Default)]
pub struct Title {
    /// `Demand forecast`.
    pub name: &'static str,
    /// `checkout · rps`; empty if the widget is about everything.
    pub about: String,
    /// Facts at the right of the border while there is data.
    pub right: Line<'static>,
}

impl Title {
    /// A name alone.
    pub fn new(name: &'static str) -> Self {
        Self { name, ..Self::default() }
    }

    fn line(&self, pen: &Pen<'_>) -> Line<'static> {
        let mut line = Line::from(span(self.name, ratatui::style::Style::new()));
        if !self.about.is_empty() {
            let dot = pen.ink.glyph(" · ", " - ");
            line.spans.push(span(format!("{dot}{}", self.about), pen.ink.text));
        }
        line
    }
}

/// Draws border, title and state; `body` draws the data where there is any. Stale data reaches `body` with a
/// pen that greys numbers and marks them with `~`.
pub fn framed<T>(
    pen: &Pen<'_>,
    area: Rect,
    buf: &mut Buffer,
    title: &Title,
    widget: &Widget<T>,
    body: impl FnOnce(&Pen<'_>, &T, Rect, &mut Buffer),
) {
    let tag = tag(pen, &widget.state).unwrap_or_else(|| title.right.clone());
    let inner = frame(pen, area, buf, &title.line(pen), &tag);
    states(pen, inner, buf, widget, body);
}

/// The same without a border.
pub fn states<T>(
    pen: &Pen<'_>,
    area: Rect,
    buf: &mut Buffer,
    widget: &Widget<T>,
    body: impl FnOnce(&Pen<'_>, &T, Rect, &mut Buffer),
) {
    match &widget.state {
        WidgetState::Live => body(pen, &widget.data, area, buf),
        WidgetState::Stale { .. } => body(&Pen { stale: true, ..*pen }, &widget.data, area, buf),
        WidgetState::Degraded { missing } => {
            let note = format!("{} missing: {}", pen.ink.mark(Level::Warn), missing.join(", "));
            let rows = (wrap(&note, area.width).len() as u16).min(area.height / 3).max(1);
            let rows = if area.height < 2 { 0 } else { rows };
            let main = Rect { height: area.height - rows, ..area };
            body(pen, &widget.data, main, buf);
            put_wrapped(buf, below(area, main.height), main.bottom(), &note, pen.ink.warn);
        }
        WidgetState::Loading { waiting_for, progress } => loading(pen, area, buf, waiting_for, *progress),
        WidgetState::Empty { lacks, provide } => empty(pen, area, buf, lacks, provide),
        WidgetState::Error { what, next_try } => {
            let again = next_try.map_or_else(
                || "not tried again by itself".into(),
                |d| format!("next try in {}", time_span(d)),
            );
            let y = put_wrapped(
                buf,
                area,
                area.y,
                &format!("{} error: {what}", pen.ink.mark(Level::Bad)),
                pen.ink.bad,
            );
            put_wrapped(buf, area, y, &again, pen.ink.text);
        }
    }
}

fn loading(pen: &Pen<'_>, area: Rect, buf: &mut Buffer, waiting_for: &str, progress: Option<Progress>) {
    let y = put_wrapped(buf, area, area.y, &format!("waiting for {waiting_for}"), pen.ink.text);
    if let Some(p) = progress {
        let share = f64::from(p.done) / f64::from(p.total.max(1));
        let room = Rect { width: area.width.min(40), ..area };
        let count = format!(" {}/{}", p.done, p.total);
        let bar = room.width.saturating_sub(count.len() as u16);
        let x = put_line(buf, room, room.x, y, &meter(pen.ink, share, bar));
        put(buf, room, x, y, &count, pen.ink.dim);
    }
}

/// Names the metric and the exact line that would provide it, whole, so that it can be copied.
fn empty(pen: &Pen<'_>, area: Rect, buf: &mut Buffer, lacks: &str, provide: &str) {
    let mark = pen.ink.mark(Level::Unknown);
    let y = put_wrapped(buf, area, area.y, &format!("{mark} no data: lacks {lacks}"), pen.ink.text);
    if provide.is_empty() {
        return;
    }
    let roomy = area.bottom().saturating_sub(y) > wrap(provide, area.width).len() as u16 + 1;
    let y = if roomy { y + 1 } else { y };
    let y = put_wrapped(buf, area, y, "this provides it:", pen.ink.dim);
    put_wrapped(buf, area, y, provide, pen.ink.accent);
}

/// What the border says about a state; nothing while all is well.
fn tag(pen: &Pen<'_>, state: &WidgetState) -> Option<Line<'static>> {
    Some(match state {
        WidgetState::Live => return None,
        WidgetState::Loading { .. } => pen.status(Level::Active, "loading"),
        WidgetState::Empty { .. } => pen.status(Level::Unknown, "no data"),
        WidgetState::Stale { age } => pen.status(Level::Warn, format!("stale {}", time_span(*age))),
        WidgetState::Degraded { missing } => {
            pen.status(Level::Warn, format!("degraded, {} missing", missing.len()))
        }
        WidgetState::Error { .. } => pen.status(Level::Bad, "error"),
    })
}

/// One line that stands for a whole widget where there is no room for it.
pub fn summary<T>(
    pen: &Pen<'_>,
    widget: &Widget<T>,
    data: impl FnOnce(&Pen<'_>, &T) -> Line<'static>,
) -> Line<'static> {
    let mut line = match &widget.state {
        WidgetState::Live => return data(pen, &widget.data),
        WidgetState::Stale { .. } => data(&Pen { stale: true, ..*pen }, &widget.data),
        WidgetState::Degraded { .. } => data(pen, &widget.data),
        WidgetState::Loading { waiting_for, progress } => {
            let far = progress.map_or_else(String::new, |p| format!(" {}/{}", p.done, p.total));
            Line::from(span(format!("waiting for {waiting_for}{far}"), pen.ink.dim))
        }
        WidgetState::Empty { lacks, .. } => Line::from(span(format!("lacks {lacks}"), pen.ink.dim)),
        WidgetState::Error { what, .. } => Line::from(span(fit(what, 100), pen.ink.bad)),
    };
    if let Some(tag) = tag(pen, &widget.state) {
        line.spans.splice(0..0, tag.spans.into_iter().chain([span("  ", pen.ink.dim)]));
    }
    line
}
