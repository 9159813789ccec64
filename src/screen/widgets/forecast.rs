//! Widget 5, demand forecast: history, fan, capacity lines, crossing, what earlier fans said.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::series::{Timestamp, Unit};
use crate::view::{Burst, DaySchedule, DayStep, Fan, ForecastState, ForecastView};

use super::chart::plot::Plot;
use super::chart::spark::spark_ahead;
use super::chart::time::TimeAxis;
use super::pen::{Pen, below, put_line, put_wrapped, top};
use super::state::{Title, framed, summary as stand_in};
use super::table::flow;
use super::words::{clock, moment, named, span, time_span};

/// What members of a forecast are called that come from other services.
const SHAPE: &str = "shape ";
/// What a part of a fan is called that only shapes of other services tell.
const BORROWED: &str = "borrowed shape";
/// As in the border.
pub const TITLE: &str = "Demand forecast";

/// Draws the widget.
pub fn draw(pen: &Pen<'_>, area: Rect, buf: &mut Buffer) {
    let picked = pick(pen);
    let about = picked.map_or_else(String::new, |f| format!("{} · rps", f.workload));
    let fan = picked.and_then(|f| f.forecast.fan());
    let right = fan.map(|fan| facts_line(pen, fan)).unwrap_or_default();
    let title = Title { name: TITLE, about, right };
    framed(pen, area, buf, &title, &pen.view.forecasts, |pen, _, area, buf| {
        let Some(forecast) = pick(pen) else {
            put_wrapped(buf, area, area.y, "No workload with demand yet.", pen.ink.dim);
            return;
        };
        let facts = flow(&facts(pen, forecast), area.width);
        let rows = if area.height >= 10 { (facts.len() as u16).min(2) } else { 0 };
        chart(pen, Rect { height: area.height - rows, ..area }, buf, forecast);
        let foot = below(area, area.height - rows);
        for (i, line) in facts.iter().take(usize::from(rows)).enumerate() {
            put_line(buf, foot, foot.x, foot.y + i as u16, line);
        }
    });
}

/// The one line that stands for the widget.
pub fn summary(pen: &Pen<'_>) -> Line<'static> {
    stand_in(pen, &pen.view.forecasts, |pen, _| {
        let Some(forecast) = pick(pen) else { return Line::from(span("no workload", pen.ink.dim)) };
        let mut line = Line::from(span(format!("{} ", named(&forecast.workload)), pen.ink.strong));
        let recent: Vec<_> = forecast.history.values().iter().rev().take(36).rev().copied().collect();
        let ahead: Vec<f64> = forecast
            .forecast
            .fan()
            .map_or_else(Vec::new, |f| f.points.iter().take(36).map(|p| p.quantile(0.5)).collect());
        line.spans.extend(spark_ahead(pen, &recent, &ahead, 16).spans);
        for piece in facts(pen, forecast) {
            line.spans.push(span("  ", pen.ink.dim));
            line.spans.extend(piece.spans);
        }
        line
    })
}

/// The forecast of the picked workload, or the most urgent one.
pub fn pick<'a>(pen: &Pen<'a>) -> Option<&'a ForecastView> {
    let all = &pen.view.forecasts.data;
    pen.workload.and_then(|w| all.iter().find(|f| f.workload == *w)).or_else(|| all.first())
}

/// The chart alone: also on proposal cards.
pub fn chart(pen: &Pen<'_>, area: Rect, buf: &mut Buffer, forecast: &ForecastView) {
    let now = pen.view.at;
    let fan = forecast.forecast.fan();
    let start = forecast.history.values().iter().position(Option::is_some).unwrap_or(0);
    let from = if forecast.history.is_empty() { now } else { forecast.history.at(start) };
    let to = fan.map_or(now, |f| f.end().max(now)).max(from);
    let time = TimeAxis::new(from.min(now), to).moved(now, pen.pan, pen.zoom);
    let highest = highest(forecast);
    let area = why_no_fan(pen, area, buf, &forecast.forecast);
    let mark = Some(now);
    let Some(plot) = Plot::lay_out(pen, area, buf, time, (highest, Unit::RequestsPerSecond), mark) else {
        return;
    };
    if let Some(fan) = fan {
        plot.fan(pen, buf, fan, now.min(fan.end()));
    }
    plot.now(pen, buf, now);
    let finite = |v: &f64| v.is_finite();
    let after = forecast.capacity_after.filter(finite);
    let capacity = forecast.capacity_now.filter(finite);
    if let Some(after) = after {
        plot.capacity(pen, buf, after, pen.ink.capacity_after, Some(now));
    }
    if let Some(capacity) = capacity {
        plot.capacity(pen, buf, capacity, pen.ink.capacity, None);
    }
    let mut dots = plot.dots(pen);
    plot.dotted(&mut dots, &forecast.issued_before, pen.ink.dim);
    plot.line(&mut dots, forecast.came.iter().map(|(at, v)| (*at, Some(*v))), pen.ink.accent);
    if let Some(fan) = fan {
        plot.median(pen, &mut dots, fan, now);
    }
    let line = if pen.stale { pen.ink.stale } else { pen.ink.line };
    let history = &forecast.history;
    let points = history.values().iter().enumerate().map(|(i, v)| (history.at(i), *v));
    plot.line(&mut dots, points, line);
    dots.draw(buf);
    if let Some(after) = after {
        plot.capacity_name(pen, buf, after, ("capacity after", pen.ink.capacity_after));
    }
    if let Some(capacity) = capacity {
        plot.capacity_name(pen, buf, capacity, ("capacity now", pen.ink.capacity));
    }
    for (at, name) in &forecast.events {
        plot.event(pen, buf, *at, name);
    }
    if let Some(at) = fan.and_then(|f| f.borrowed) {
        plot.event(pen, buf, at, BORROWED);
    }
    if let Some((at, value)) = history.last() {
        plot.current(pen, buf, at, value);
    }
    if let (Some((at, early)), Some(level)) = (forecast.crossing, forecast.capacity_now) {
        plot.crossing(pen, buf, at, early, level);
    }
}

/// The top of the value axis: everything that must be seen, but capacity far above demand does not flatten it.
fn highest(forecast: &ForecastView) -> f64 {
    let finite = |v: &f64| v.is_finite();
    let history = forecast.history.values().iter().flatten().copied();
    let fan = forecast.forecast.fan().into_iter().flat_map(|f| f.points.iter().map(|p| p.quantile(0.975)));
    let demand = history.chain(fan).filter(finite).fold(0.0, f64::max);
    let lines = [forecast.capacity_now, forecast.capacity_after];
    let lines = lines.into_iter().flatten().filter(finite).filter(|c| *c <= demand * 3.0);
    lines.fold(demand, f64::max) * 1.05
}

fn why_no_fan(pen: &Pen<'_>, area: Rect, buf: &mut Buffer, forecast: &ForecastState) -> Rect {
    let ForecastState::NotEnough { have, need, why } = forecast else { return area };
    let text =
        format!("not enough history for a forecast: {} of {}. {why}", time_span(*have), time_span(*need));
    let y = put_wrapped(buf, top(area, area.height.min(2)), area.y, &text, pen.ink.warn);
    below(area, y - area.y)
}

/// `issued 03:06, skill +31 %, 90 % band held 91 %`.
fn facts_line(pen: &Pen<'_>, fan: &Fan) -> Line<'static> {
    let mut line = Line::from(span(format!("issued {}", clock(fan.issued, pen.zone)), pen.ink.dim));
    if fan.scored == 0 {
        line.spans.push(span(", not scored yet", pen.ink.dim));
        return line;
    }
    line.spans.push(span(", skill ", pen.ink.dim));
    if fan.skill.is_some_and(|s| s < -1.0) {
        // A number of thousands says no more than that the day before would have done better.
        line.spans.push(span("none yet", pen.ink.dim));
    } else {
        line.spans.extend(pen.signed(fan.skill, Unit::Ratio).spans);
    }
    line.spans.push(span(", 90 % band held ", pen.ink.dim));
    line.spans.extend(pen.number(fan.coverage, Unit::Ratio).spans);
    line
}

/// `flash crowd 82 %, 2.4x since 14:05, peak 480 (420-600), 15 min left (12-20)`; without past bursts only what is.
fn burst_text(burst: &Burst) -> String {
    let (name, share) = burst.classes.first().map_or(("burst", 1.0), |(class, share)| (class.name(), *share));
    let mut text = format!("{name} {:.0} %, {:.1}x", share * 100.0, burst.factor);
    let number = |v: f64| Unit::Count.split(v).0;
    if let Some(peak) = burst.peak {
        let (low, middle, high) = (number(peak.low), number(peak.middle), number(peak.high));
        text.push_str(&format!(", peak {middle} ({low}-{high})"));
    }
    if let Some(left) = burst.minutes_left {
        text.push_str(&format!(", {:.0} min left ({:.0}-{:.0})", left.middle, left.low, left.high));
    }
    text
}

/// `what came: 4 % off the median, 92 % within the 90 % band (n=143)`; nothing where nothing is known of it.
fn came_text(fan: &Fan, came: &[(Timestamp, f64)]) -> Option<String> {
    let (mut off, mut all, mut within, mut n) = (0.0, 0.0, 0_u32, 0_u32);
    for (at, value) in came {
        let at = |q| fan.quantile_at(q, *at);
        let (Some(low), Some(middle), Some(high)) = (at(0.05), at(0.5), at(0.95)) else { continue };
        off += (value - middle).abs();
        all += value.abs();
        within += u32::from((low..=high).contains(value));
        n += 1;
    }
    (all > 0.0).then(|| {
        let held = 100.0 * f64::from(within) / f64::from(n);
        let off = 100.0 * off / all;
        format!("what came: {off:.0} % off the median, {held:.0} % within the 90 % band (n={n})")
    })
}

/// `day plan 2 of 6 decisions: from 09:15 8, 12:00 14; few steps cost 4 %`.
fn day_text(day: &DaySchedule, at: impl Fn(Timestamp) -> String) -> String {
    let decided: Vec<&DayStep> = day.steps.iter().filter(|s| s.decision).collect();
    if decided.is_empty() {
        return format!("day plan: {} replicas hold, no decision", day.base);
    }
    let steps: Vec<String> = decided.iter().map(|s| format!("{} {}", at(s.from), s.replicas)).collect();
    format!(
        "day plan {} of {} decisions: from {}; few steps cost {:.0} %",
        decided.len(),
        day.left,
        steps.join(", "),
        day.loss() * 100.0
    )
}

/// Facts under the chart: peak, crossing, models, seasons.
fn facts(pen: &Pen<'_>, forecast: &ForecastView) -> Vec<Line<'static>> {
    let now = pen.view.at;
    let mut pieces = Vec::new();
    if let Some((at, early)) = forecast.crossing {
        let text = format!("{} crosses capacity {}", pen.ink.glyph("╳", "X"), pen.crossing(at, early));
        pieces.push(Line::from(span(text, pen.ink.bad)));
    }
    if let Some(burst) = &forecast.burst {
        pieces.push(Line::from(span(burst_text(burst), pen.ink.warn)));
    }
    if let Some(dip) = forecast.dip {
        let down = (1.0 - dip.factor) * 100.0;
        let text = format!("{down:.0} % below what is usual since {}", moment(dip.since, now, pen.zone));
        pieces.push(Line::from(span(text, pen.ink.warn)));
    }
    if let Some(day) = &forecast.approved_day {
        let text =
            format!("day approved by {} until {}, b ends it", day.by, moment(day.ends(), now, pen.zone));
        pieces.push(Line::from(span(text, pen.ink.accent)));
    }
    if let Some(day) = &forecast.day {
        pieces.push(Line::from(span(day_text(day, |at| moment(at, now, pen.zone)), pen.ink.dim)));
    }
    let words = forecast.structure.words(|at| moment(at, now, pen.zone));
    if !words.is_empty() {
        pieces.push(Line::from(span(words.join(", "), pen.ink.dim)));
    }
    let Some(fan) = forecast.forecast.fan() else { return pieces };
    if let Some(text) = came_text(fan, &forecast.came) {
        pieces.push(Line::from(span(text, pen.ink.accent)));
    }
    if let Some(at) = fan.borrowed {
        let text = format!("from {} on a {BORROWED}, with wider bands", moment(at, now, pen.zone));
        pieces.push(Line::from(span(text, pen.ink.warn)));
    }
    if let Some((at, peak)) = fan.peak(0.95, now, fan.end()) {
        let mut line = Line::from(span(format!("q95 peak {} ", moment(at, now, pen.zone)), pen.ink.dim));
        line.spans.extend(pen.number(Some(peak), Unit::RequestsPerSecond).spans);
        pieces.push(line);
    }
    // Whose shape has a part in it is said however small the part is.
    let shown = fan.models.iter().enumerate().filter(|(i, m)| *i < 3 || m.name.starts_with(SHAPE)).take(6);
    let models: Vec<String> = shown.map(|(_, m)| format!("{} {:.0} %", m.name, m.weight * 100.0)).collect();
    if !models.is_empty() {
        pieces.push(Line::from(span(format!("models {}", models.join(", ")), pen.ink.dim)));
    }
    if !forecast.issued_before.is_empty() {
        let text = format!("{} forecast an hour before", pen.ink.glyph("···", "..."));
        pieces.push(Line::from(span(text, pen.ink.dim)));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::widgets::testing::{bare, text_of, with_pen};
    use crate::view::{BurstClass, Range};

    #[test]
    fn what_is_borrowed_is_marked_and_said() {
        let mut view = crate::screen::fixture::view();
        let row = view.forecasts.data.first_mut().unwrap();
        let ForecastState::Ready(fan) = &row.forecast else { panic!("a fan") };
        let mut fan = Fan::clone(fan);
        let half = fan.points.len() / 2;
        fan.borrowed = fan.points.get(half).map(|p| p.at);
        let from = clock(fan.points[half].at, &jiff::tz::TimeZone::UTC);
        let plain = std::mem::replace(&mut row.forecast, ForecastState::Ready(std::sync::Arc::new(fan)));
        let drawn = |view: &crate::view::View| {
            let mut text = String::new();
            with_pen(view, |pen| {
                let mut buf = Buffer::empty(Rect::new(0, 0, 190, 24));
                draw(pen, buf.area, &mut buf);
                text = text_of(&buf);
                let lines = view.forecasts.data.iter().take(1).flat_map(|f| facts(pen, f));
                text.extend(lines.map(|l| format!("\n{l}")));
            });
            text
        };
        let text = drawn(&view);
        assert!(text.contains("▾borrowed shape"), "{text}");
        assert!(text.contains("on a borrowed shape, with wider bands") && text.contains(&from), "{text}");
        view.forecasts.data[0].forecast = plain;
        assert!(!drawn(&view).contains("borrowed"));
        assert!(!drawn(&bare()).contains("borrowed"));
    }

    #[test]
    fn what_came_is_told_by_how_far_it_was_from_what_was_said() {
        let view = crate::screen::fixture::view();
        let fan = view.forecasts.data[0].forecast.fan().unwrap();
        let at = |i: usize, q: f64| (fan.points[i].at, fan.points[i].quantile(q));
        let came: Vec<(Timestamp, f64)> =
            (0..10).map(|i| if i == 3 { (at(i, 0.5).0, at(i, 0.99).1 * 2.0) } else { at(i, 0.5) }).collect();
        let text = came_text(fan, &came).unwrap();
        assert!(text.contains("90 % within the 90 % band (n=10)"), "{text}");
        assert!(!text.contains(" 0 % off"), "{text}");
        assert!(came_text(fan, &came[..3]).unwrap().starts_with("what came: 0 % off the median, 100 %"));
        assert_eq!(came_text(fan, &[]), None);
        assert_eq!(came_text(fan, &[(fan.end() + fan.step, 3.0)]), None, "the fan says nothing of it");
    }

    #[test]
    fn a_burst_says_how_high_and_how_long_only_where_that_was_learned() {
        let mut burst = Burst {
            since: Timestamp::from_secs(0),
            classes: vec![(BurstClass::FlashCrowd, 0.82), (BurstClass::Step, 0.18)],
            factor: 2.43,
            peak: Some(Range { low: 420.0, middle: 480.0, high: 600.0 }),
            minutes_left: Some(Range { low: 12.0, middle: 15.0, high: 20.0 }),
            learned_from: 5,
        };
        assert_eq!(burst_text(&burst), "flash crowd 82 %, 2.4x, peak 480 (420-600), 15 min left (12-20)");
        (burst.peak, burst.minutes_left) = (None, None);
        assert_eq!(burst_text(&burst), "flash crowd 82 %, 2.4x");
    }
}
