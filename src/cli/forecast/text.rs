//! A forecast as a table, as JSON and as CSV.

use std::time::Duration;

use crate::cli::exit::Failure;
use crate::cli::printed::Look;
use crate::cli::table::{QUANTILES, columns, six};
use crate::forecast::{Fan, FanPoint, Settings, structure};
use crate::series::{Unit, Window};

use super::bursts::Known;
use super::one::History;
use super::picture::picture;

/// Leads in the table, in minutes; the last point is always there.
const LEADS: [u64; 13] = [5, 15, 30, 60, 120, 240, 480, 720, 1440, 2880, 4320, 7200, 10_080];

/// `90s`, `5m`, `24h`, `28d`.
pub fn span(span: Duration) -> String {
    match span.as_secs() {
        0 => format!("{}ms", span.as_millis()),
        s if s >= 2 * 86_400 && s.is_multiple_of(3600) => {
            let days = format!("{:.1}", s as f64 / 86_400.0);
            format!("{}d", days.trim_end_matches(".0"))
        }
        s if s.is_multiple_of(3600) => format!("{}h", s / 3600),
        s if s.is_multiple_of(60) && s < 6 * 3600 => format!("{}m", s / 60),
        s if s >= 3600 => format!("{:.1}h", s as f64 / 3600.0),
        s => format!("{s}s"),
    }
}

/// For people: what was read, a picture, the quantiles at some leads, and how far they can be trusted.
pub fn table(history: &History, fan: &Fan, bursts: &Known, look: Look) -> String {
    let window = &history.window;
    let behind = window.step().saturating_mul(u32::try_from(window.len()).unwrap_or(u32::MAX));
    let mut out = format!(
        "{}: {} values in {}, every {}\n",
        history.name,
        window.present(),
        span(behind),
        span(window.step())
    );
    for note in &history.notes {
        out.push_str(&format!("note: {note}\n"));
    }
    let reach = fan.end().since(fan.issued);
    out.push_str(&format!("forecast from {} on, {} ahead\n\n", fan.issued, span(reach)));
    out.push_str(&picture(window, fan, look));
    out.push('\n');
    out.push_str(&quantiles(fan));
    out.push('\n');
    out.push_str(&trust(window, fan));
    out.push_str(&bursts.text());
    out
}

fn quantiles(fan: &Fan) -> String {
    let mut head = vec!["ahead".to_owned(), "at (UTC)".to_owned()];
    head.extend(QUANTILES.map(|q| format!("{} %", six(q * 100.0))));
    let chosen = |p: &&FanPoint| {
        let lead = p.at.since(fan.issued);
        LEADS.iter().any(|m| Duration::from_secs(m * 60) == lead) || p.at == fan.end()
    };
    let rows = fan.points.iter().filter(chosen).map(|p| {
        let mut row = vec![span(p.at.since(fan.issued)), p.at.to_jiff().strftime("%m-%d %H:%M").to_string()];
        row.extend(QUANTILES.map(|q| Unit::Count.split(p.quantile(q)).0));
        row
    });
    columns(&head, &rows.collect::<Vec<_>>())
}

fn trust(window: &Window, fan: &Fan) -> String {
    let mut out = String::new();
    let found = structure(window, fan.issued, &Settings { step: window.step(), ..Settings::default() });
    let words = found.words(|at| at.to_jiff().strftime("%A %H:%M (%m-%d UTC)").to_string());
    let words = if words.is_empty() { "nothing regular".to_owned() } else { words.join(", ") };
    out.push_str(&format!("made of  {words}\n"));
    let models: Vec<String> = fan
        .models
        .iter()
        .filter(|m| m.weight >= 0.05)
        .map(|m| format!("{} {:.0} %", m.name, m.weight * 100.0))
        .collect();
    out.push_str(&format!("models   {}\n", models.join(", ")));
    let told = |share: Option<f64>| share.map_or("not measured".into(), |s| format!("{:.0} %", s * 100.0));
    out.push_str(&format!(
        "record   {} better than seasonal naive, {} inside the 90 % band, over {} past forecasts\n",
        told(fan.skill),
        told(fan.coverage),
        fan.scored
    ));
    out
}

/// A row for every point and quantile.
pub fn csv(fan: &Fan) -> String {
    let mut out = String::from("unix_seconds,horizon_step,quantile,value\n");
    for (i, point) in fan.points.iter().enumerate() {
        for q in QUANTILES {
            let at = point.at.as_millis() as f64 / 1000.0;
            out.push_str(&format!("{at},{},{q},{}\n", i + 1, six(point.quantile(q))));
        }
    }
    out
}

/// One object.
pub fn json(history: &History, fan: &Fan, bursts: &Known) -> Result<String, Failure> {
    let points: Vec<serde_json::Value> = fan
        .points
        .iter()
        .enumerate()
        .map(|(i, p)| {
            let values: serde_json::Map<String, serde_json::Value> =
                QUANTILES.iter().map(|q| (q.to_string(), p.quantile(*q).into())).collect();
            serde_json::json!({
                "at": p.at.to_string(),
                "unix_seconds": p.at.as_millis() as f64 / 1000.0,
                "horizon_step": i + 1,
                "quantiles": values,
            })
        })
        .collect();
    let whole = serde_json::json!({
        "history": history.name,
        "values": history.window.present(),
        "notes": history.notes,
        "origin": fan.issued.to_string(),
        "step_seconds": fan.step.as_secs_f64(),
        "seasons": fan.seasons.iter().map(|s| serde_json::json!({
            "period_seconds": s.period.as_secs(),
            "strength": s.strength,
        })).collect::<Vec<_>>(),
        "structure": structure(
            &history.window,
            fan.issued,
            &Settings { step: fan.step, ..Settings::default() },
        ),
        "models": fan.models,
        "skill": fan.skill,
        "coverage_90": fan.coverage,
        "scored": fan.scored,
        "bursts": bursts.json(),
        "points": points,
    });
    Ok(serde_json::to_string_pretty(&whole).map_err(Failure::other)? + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_short() {
        for (seconds, text) in [
            (90, "90s"),
            (300, "5m"),
            (5400, "90m"),
            (86_400, "24h"),
            (28 * 86_400, "28d"),
            (60 * 3600, "2.5d"),
            (28_980, "8.1h"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
    }
}
