//! What is always visible: where, what can be written, how the data is, what waits.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::view::{Mode, OLD, Role as Seat, urgent};

use super::canvas::{clock_minute, clock_second, duration, line, put, put_right, put_wrapped, span, width};
use super::context::{PanelContext, SizeClass};
use super::state::PanelId;
use super::theme::Role;

/// Rows the header takes.
pub const HEIGHT: u16 = 2;

/// Draws the facts on the first row, the panels on the second.
pub fn draw(ctx: &PanelContext<'_>, area: Rect, buf: &mut Buffer) {
    let right = right_side(ctx);
    let right_width: u16 = right.iter().map(|(t, _)| width(t)).sum();
    let left = Rect { width: area.width.saturating_sub(right_width + 1), ..area };
    let mut pieces = left_side(ctx);
    let taken: u16 = pieces.iter().map(|(t, _)| width(t)).sum();
    pieces.extend(kpi_pieces(ctx, left.width.saturating_sub(taken)));
    let borrowed: Vec<(&str, Style)> = pieces.iter().map(|(t, s)| (t.as_str(), *s)).collect();
    line(buf, left, 0, 0, &borrowed);
    let borrowed: Vec<(&str, Style)> = right.iter().map(|(t, s)| (t.as_str(), *s)).collect();
    line(buf, area, area.width.saturating_sub(right_width), 0, &borrowed);
    draw_tabs(ctx, area, buf);
}

/// One line for terminals that are too small for anything else.
pub fn draw_tiny(ctx: &PanelContext<'_>, area: Rect, buf: &mut Buffer) {
    let h = &ctx.view.header;
    // Of recordings of earlier versions.
    let first = if h.urgent.is_empty() { urgent(&ctx.view.services.data) } else { h.urgent.clone() };
    let halted = if h.halted.is_some() { "HALTED " } else { "" };
    let text =
        format!("{halted}{} {} {}w {}f {first}", h.context.name, h.mode.label(), h.waiting, h.in_flight);
    put(buf, area, 0, 0, &text, ctx.style(Role::Header));
    // Why something was refused must be said here too.
    if let Some(toast) = &ctx.state.toast {
        let y = u16::from(area.height > 1);
        put_wrapped(buf, area, y, toast, ctx.style(Role::Accent));
    }
}

fn left_side(ctx: &PanelContext<'_>) -> Vec<(String, Style)> {
    let h = &ctx.view.header;
    let roomy = ctx.size >= SizeClass::Normal;
    let mut out = Vec::new();
    if let Some(r) = &h.replay {
        let state = if r.playing { "playing" } else { "paused" };
        let text = if roomy {
            format!(" REPLAY {state} ×{}  {}/{} ", r.speed, r.frame, r.frames)
        } else {
            " REPLAY ".to_owned()
        };
        out.push((text, ctx.style(Role::Simulated)));
    }
    if roomy {
        out.push((" weescale ".to_owned(), ctx.style(Role::Dim)));
    }
    out.push((format!(" {} ", h.context.name), ctx.style(Role::Header)));
    if h.context.protected {
        out.push((" PROTECTED ".to_owned(), ctx.style(Role::Protected)));
    }
    let (word, role) = match h.mode {
        Mode::Observe => ("OBSERVE", Role::Info),
        Mode::Ask => ("ASK", Role::Accent),
    };
    let read_only = if h.mode == Mode::Observe && roomy { " (read-only)" } else { "" };
    out.push((format!(" {word}{read_only} "), ctx.style(role)));
    if !h.simulated.is_empty() {
        let text = if roomy { format!(" SIMULATED: {} ", h.simulated) } else { " SIMULATED ".to_owned() };
        out.push((text, ctx.style(Role::Simulated)));
    }
    out
}

/// What fits of the count of KPIs: all of it, else what needs a look, else nothing. Half a count says nothing.
fn kpi_pieces(ctx: &PanelContext<'_>, room: u16) -> Vec<(String, Style)> {
    if ctx.size < SizeClass::Compact {
        return Vec::new();
    }
    let fits = |pieces: &Vec<(String, Style)>| pieces.iter().map(|(t, _)| width(t)).sum::<u16>() <= room;
    let choices = [all_kpis(ctx, true), all_kpis(ctx, false), pressing_kpis(ctx)];
    let skip = usize::from(ctx.size < SizeClass::Wide);
    choices.into_iter().skip(skip).find(fits).unwrap_or_default()
}

/// Those that are bad or nearly so, if any is.
fn pressing_kpis(ctx: &PanelContext<'_>) -> Vec<(String, Style)> {
    let (k, g) = (&ctx.view.header.kpis, ctx.glyphs);
    let counts = [(k.warn, g.warn, Role::Warn), (k.bad, g.bad, Role::Bad)];
    let mut out: Vec<(String, Style)> = counts
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, glyph, role)| (format!("{glyph}{count} "), ctx.style(role)))
        .collect();
    if !out.is_empty() {
        out.insert(0, (" KPI ".to_owned(), ctx.style(Role::Dim)));
    }
    out
}

fn all_kpis(ctx: &PanelContext<'_>, roomy: bool) -> Vec<(String, Style)> {
    let (k, g) = (&ctx.view.header.kpis, ctx.glyphs);
    let total = u16::from(k.ok) + u16::from(k.warn) + u16::from(k.bad) + u16::from(k.no_data);
    let quiet = ctx.style(Role::Dim);
    // Colour only where there is something to look at.
    let lit = |count: u8, role| if count > 0 { ctx.style(role) } else { quiet };
    let label = if roomy { format!("  {total} KPIs: ") } else { " KPI ".to_owned() };
    let words =
        if roomy { [" ok ", " warn ", " bad ", " no data"] } else { ["ok ", "warn ", "bad ", " n/a"] };
    let [ok, warn, bad, none] = words;
    vec![
        (label, quiet),
        (format!("{}{}{ok}", g.ok, k.ok), lit(k.ok, Role::Ok)),
        (format!("{}{}{warn}", g.warn, k.warn), lit(k.warn, Role::Warn)),
        (format!("{}{}{bad}", g.bad, k.bad), lit(k.bad, Role::Bad)),
        (format!("{}{}{none}", g.info, k.no_data), quiet),
    ]
}

fn right_side(ctx: &PanelContext<'_>) -> Vec<(String, Style)> {
    let h = &ctx.view.header;
    let frozen = ctx.state.is_frozen();
    let (age, role) = match h.data_age {
        _ if !h.link.is_empty() => ("NOT LIVE".to_owned(), Role::Bad),
        _ if h.replay.is_some() => ("recorded".to_owned(), Role::Info),
        _ if frozen => ("FROZEN".to_owned(), Role::Warn),
        None => ("no data yet".to_owned(), Role::Stale),
        Some(age) if age > OLD => (stale(ctx, age), Role::Bad),
        Some(age) => (format!("live {}", span(age)), Role::Ok),
    };
    let waiting = ctx.style(if h.waiting > 0 { Role::Accent } else { Role::Dim });
    let flight = ctx.style(if h.in_flight > 0 { Role::Accent } else { Role::Dim });
    let mut out = Vec::new();
    if h.screen > 0 && ctx.size >= SizeClass::Normal {
        let followed = ctx.view.people.iter().find(|a| Some(a.screen) == ctx.state.following);
        if let Some((text, role)) = seat(ctx) {
            out.push((text, ctx.style(role)));
        }
        out.push(match followed {
            Some(person) => (format!(" following {} ", person.name), ctx.style(Role::Accent)),
            None => (format!(" {} here ", ctx.view.people.len()), ctx.style(Role::Dim)),
        });
    }
    if ctx.size >= SizeClass::Normal {
        out.push((format!(" {} waiting", h.waiting), waiting));
        if h.blind > 0 {
            out.push((format!("  {} {} blind", ctx.glyphs.stale, h.blind), ctx.style(Role::Warn)));
        }
        if h.muted > 0 {
            out.push((format!("  {} muted", h.muted), ctx.style(Role::Dim)));
        }
        if h.snoozed > 0 {
            out.push((format!("  {} snoozed", h.snoozed), ctx.style(Role::Dim)));
        }
        out.push((format!("  {} in flight  ", h.in_flight), flight));
    }
    let clock = if ctx.size >= SizeClass::Compact {
        format!("{} UTC ", clock_second(ctx.now))
    } else {
        format!("{} ", clock_minute(ctx.now))
    };
    out.push((clock, ctx.style(Role::Text)));
    out.push((age, ctx.style(role)));
    out
}

/// `~ 2 of 14 sources stale 7 min`; the count only where there is room for what it counts (the row below has it too), not
/// every source is stale, and the record says. On a narrow terminal the services that are not seen stand there instead:
/// they are what the numbers below leave out.
fn stale(ctx: &PanelContext<'_>, oldest: Duration) -> String {
    let h = &ctx.view.header;
    let count = match h.stale {
        _ if ctx.size < SizeClass::Normal && h.blind > 0 => {
            return format!("{} {} blind {}", ctx.glyphs.stale, h.blind, duration(oldest));
        }
        n if n > 0 && n < h.live && ctx.size >= SizeClass::Wide => format!("{n} of {} sources ", h.live),
        _ => String::new(),
    };
    format!("{} {count}stale {}", ctx.glyphs.stale, duration(oldest))
}

/// What the person at this screen may do, where that is not everything; who asks for their wheel, or hands them the shift.
fn seat(ctx: &PanelContext<'_>) -> Option<(String, Role)> {
    let people = &ctx.view.people;
    let asks = people.iter().find(|a| a.asks);
    match ctx.view.role() {
        Seat::Partner => {
            let by = handed_by_another(ctx)?;
            Some((format!(" {by} handed over: H takes over "), Role::Warn))
        }
        Seat::Learner => Some((" LEARNER: nothing executes ".into(), Role::Warn)),
        Seat::Driver => Some(match asks {
            Some(person) => (format!(" {} asks for the wheel: D ", person.name), Role::Warn),
            None => (" you drive ".into(), Role::Accent),
        }),
        Seat::Navigator => {
            let driver = people.iter().find(|a| a.role == Seat::Driver);
            driver.map(|d| (format!(" {} drives ", d.name), Role::Info))
        }
    }
}

/// Who handed the shift over, if it waits for the person at this screen.
fn handed_by_another<'a>(ctx: &'a PanelContext<'_>) -> Option<&'a str> {
    let h = &ctx.view.header;
    let open = ctx.view.teams.shift.open.as_ref()?;
    let me = ctx.view.people.iter().find(|a| a.screen == h.screen)?;
    open.waits_for(me.uid, &me.name).then_some(open.by.name.as_str())
}

fn draw_tabs(ctx: &PanelContext<'_>, area: Rect, buf: &mut Buffer) {
    let h = &ctx.view.header;
    let waiting = if h.waiting + h.in_flight > 0 { Role::Accent } else { Role::Dim };
    let note = if !h.link.is_empty() {
        (format!("{} {}", ctx.glyphs.bad, h.link), Role::Bad)
    } else if let Some(why) = &h.halted {
        (format!("{} HALTED: {why}", ctx.glyphs.bad), Role::Bad)
    } else if h.journal != "ok" {
        (format!("{} journal: {}", ctx.glyphs.bad, h.journal), Role::Bad)
    } else if let Some(p) = h.backfill {
        (format!("backfill {}/{}", p.done, p.total), Role::Info)
    } else if h.sources.0 < h.sources.1 {
        (format!("{} {}/{} sources", ctx.glyphs.warn, h.sources.0, h.sources.1), Role::Warn)
    } else if ctx.size >= SizeClass::Normal {
        (format!("{}/{} sources", h.sources.0, h.sources.1), Role::Dim)
    } else if ctx.size == SizeClass::Compact {
        (format!("{} waiting {} in flight", h.waiting, h.in_flight), waiting)
    } else {
        (format!("{} wait {} fly", h.waiting, h.in_flight), waiting)
    };
    // What stopped weescale matters more than the names of panels.
    let need = (width(&note.0) + 1).min(area.width);
    let serious = note.1 == Role::Bad || ctx.size < SizeClass::Normal;
    let room = if serious { area.width - need } else { area.width };
    let tabs = Rect { width: room, ..area };
    let mut x = 1u16;
    for (panel, key, title) in PanelId::ALL {
        let here = panel == ctx.state.panel();
        let title = title.split(' ').next().unwrap_or(title);
        // Where room is short, only the panel shown is named in full.
        let text = match (ctx.size, here) {
            (SizeClass::Tiny | SizeClass::Narrow, false) => key.to_string(),
            (SizeClass::Compact, false) => format!("{key}{}", title.chars().take(2).collect::<String>()),
            _ => format!("{key} {title}"),
        };
        let (text, style) = if here {
            (format!(" {text} "), ctx.style(Role::Selection))
        } else {
            (format!(" {text} "), ctx.style(Role::Dim))
        };
        if x.saturating_add(width(&text)) > room {
            break;
        }
        x = put(buf, tabs, x, 1, &text, style);
    }
    if serious || x.saturating_add(need) < area.width {
        put_right(buf, area, area.width, 1, &note.0, ctx.style(note.1));
    }
}
