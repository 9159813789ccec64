//! What planners advise that nobody can approve here, and what each of them found.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::series::Unit;
use crate::view::{Advice, Report, Urgency};

use super::ink::Level;
use super::pen::{Pen, fit_line, put_line, put_wrapped, wrap};
use super::table::flow;
use super::words::{moment, named, span};

/// How soon, as word, glyph and colour; always with the word that tells it from a proposal.
pub fn state(pen: &Pen<'_>, advice: &Advice) -> Line<'static> {
    match advice.urgency {
        Urgency::Now => pen.status(Level::Warn, "advice, now"),
        Urgency::Soon => pen.status(Level::Active, "advice, soon"),
        Urgency::Eventually => pen.status(Level::Unknown, "advice"),
    }
}

/// `vertical shop/checkout@eu-west  cpu 2 cores → 1.4 cores a replica`.
pub fn headline(pen: &Pen<'_>, advice: &Advice) -> Line<'static> {
    let what = if pen.ink.ascii() { advice.what.replace('→', "->") } else { advice.what.clone() };
    Line::from(vec![
        span(format!("{} ", advice.dimension.name()), pen.ink.dim),
        span(advice.subject.clone(), pen.ink.strong),
        span(format!("  {what}"), pen.ink.text),
    ])
}

/// `checkout@eu-west  cpu 2 cores → 1.4 cores a replica`: where its kind stands beside it.
pub fn listed(pen: &Pen<'_>, advice: &Advice) -> Line<'static> {
    let mut line = headline(pen, advice);
    let subject = advice.workload.as_ref().map_or_else(|| advice.subject.clone(), named);
    if let [kind, name, ..] = line.spans.as_mut_slice() {
        name.content = subject.into();
        if advice.workload.is_some() {
            kind.content = "".into();
        }
    }
    line
}

/// $/h, the effect and the numbers, each with its unit.
pub fn numbers(pen: &Pen<'_>, advice: &Advice) -> Vec<Line<'static>> {
    let mut pieces = Vec::new();
    if let Some(saving) = advice.saving.filter(|s| s.is_finite()) {
        pieces.push(pen.signed(Some(-saving), Unit::DollarsPerHour));
    }
    for fact in advice.effect.iter().chain(&advice.evidence) {
        let mut line = Line::from(span(format!("{} ", fact.label), pen.ink.dim));
        line.spans.extend(pen.number(Some(fact.quantity.value), fact.quantity.unit).spans);
        if let Some(at) = fact.at {
            line.spans.push(span(format!(" {}", moment(at, pen.view.at, pen.zone)), pen.ink.dim));
        }
        pieces.push(line);
    }
    pieces
}

/// One entry of a list: what, then how soon and the strongest numbers. Returns the next free row.
pub fn entry(pen: &Pen<'_>, area: Rect, y: u16, buf: &mut Buffer, advice: &Advice) -> u16 {
    put_line(buf, area, area.x, y, &fit_line(&headline(pen, advice), area.width));
    let y = y + 1;
    if y >= area.bottom() {
        return y;
    }
    let inner = Rect { x: area.x + 2.min(area.width), width: area.width.saturating_sub(2), ..area };
    let mut pieces = vec![state(pen, advice)];
    pieces.extend(numbers(pen, advice).into_iter().take(3));
    // One line: the rest is on the card.
    if let Some(line) = flow(&pieces, inner.width).first() {
        put_line(buf, inner, inner.x, y, line);
    }
    y + 1
}

/// One line a planner: what it found, or what it lacks. Returns the next free row.
pub fn reports(pen: &Pen<'_>, area: Rect, mut y: u16, buf: &mut Buffer, reports: &[Report]) -> u16 {
    for report in reports {
        if y >= area.bottom() {
            break;
        }
        let name = span(format!("{:<14}", report.dimension.name()), pen.ink.dim);
        let line = Line::from(vec![name, span(sentence(report, pen), pen.ink.dim)]);
        put_line(buf, area, area.x, y, &fit_line(&line, area.width));
        y += 1;
    }
    y
}

fn sentence(report: &Report, pen: &Pen<'_>) -> String {
    let given = pen.view.advice.iter().filter(|a| a.dimension == report.dimension).count();
    match given {
        0 => report.sentence(),
        n => format!("{n} to consider, {} {} judged", report.judged, report.of),
    }
}

/// Everything about one advice, for the card. Stays within `area`.
pub fn card(pen: &Pen<'_>, area: Rect, buf: &mut Buffer, advice: &Advice) {
    let what = if pen.ink.ascii() { advice.what.replace('→', "->") } else { advice.what.clone() };
    let mut y = put_wrapped(buf, area, area.y, &what, pen.ink.strong);
    let why = format!("cannot be approved here: {}", advice.not_approvable);
    if y < area.bottom() {
        put_wrapped(buf, area, y, &why, pen.ink.warn);
        y += wrap(&why, area.width).len() as u16;
    }
    for line in flow(&numbers(pen, advice), area.width) {
        put_line(buf, area, area.x, y, &line);
        y += 1;
    }
    let sure = format!("{:.0} % sure: {}", advice.confidence * 100.0, advice.confidence_why);
    if y < area.bottom() {
        y = put_wrapped(buf, area, y, &sure, pen.ink.text);
    }
    if y < area.bottom() {
        let since = format!("given since {}", moment(advice.since, pen.view.at, pen.zone));
        put_line(buf, area, area.x, y, &Line::from(span(since, pen.ink.dim)));
    }
    if let Some(saving) = advice.saving.filter(|_| y + 1 < area.bottom()) {
        // 730 hours: the month that cloud price lists use.
        let mut line = pen.signed(Some(-saving * 730.0), Unit::Dollars);
        line.spans.push(span(" a month", pen.ink.dim));
        put_line(buf, area, area.x, y + 1, &line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::widgets::testing::{bare, text_of, with_pen};
    use crate::series::Quantity;
    use crate::view::{Dimension, Fact, Lack, Widget};

    fn view() -> crate::view::View {
        let mut view = bare();
        view.proposals = Widget::live(Vec::new());
        let id = "shop/checkout@eu-west".parse().unwrap();
        let mut advice = Advice::on(Dimension::Vertical, &id, "cpu 2 → 1.4 cores a replica".into(), view.at);
        advice.saving = Some(1.1);
        advice.evidence.push(Fact {
            label: "of periods throttled".into(),
            quantity: Quantity::new(0.0, Unit::Ratio),
            at: None,
        });
        advice.not_approvable = "requests are in the pod template".into();
        view.advice = vec![advice.sure(0.8, "14 days of samples")];
        let mut report = Report::new(Dimension::Caching, "caches");
        report
            .lacks
            .push(Lack { what: "cache hit ratio (redis_keyspace_hits_total)".into(), provide: "x".into() });
        view.reports = vec![report];
        view
    }

    #[test]
    fn the_list_marks_advice_and_says_what_planners_lack() {
        with_pen(&view(), |pen| {
            let area = Rect::new(0, 0, 90, 12);
            let mut buf = Buffer::empty(area);
            super::super::recommendations::draw(pen, area, &mut buf);
            let text = text_of(&buf);
            assert!(text.contains("vertical shop/checkout@eu-west  cpu 2 → 1.4 cores a replica"), "{text}");
            assert!(text.contains("advice") && text.contains("−$1.10/h"), "{text}");
            assert!(text.contains("caching       cannot tell: lacks cache hit ratio"), "{text}");
            assert!(!text.contains("Nothing to propose"), "{text}");
        });
    }

    #[test]
    fn the_card_says_why_it_cannot_be_approved_and_holds_at_any_size() {
        with_pen(&view(), |pen| {
            let area = Rect::new(0, 0, 60, 12);
            let mut buf = Buffer::empty(area);
            card(pen, area, &mut buf, &pen.view.advice[0]);
            let text = text_of(&buf);
            assert!(text.contains("cannot be approved here: requests are in the pod template"), "{text}");
            assert!(text.contains("80 % sure: 14 days of samples") && text.contains("a month"), "{text}");
            for (width, height) in [(1, 1), (3, 2), (10, 4), (200, 1)] {
                let area = Rect::new(0, 0, width, height);
                let mut buf = Buffer::empty(area);
                card(pen, area, &mut buf, &pen.view.advice[0]);
                super::super::recommendations::draw(pen, area, &mut buf);
            }
        });
    }
}
