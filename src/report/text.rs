//! The view as lines of text.

use std::fmt::Write;

use crate::series::{Quantity, Unit};
use crate::view::{Exhaustion, Health, Reading, ServiceRow, View, WidgetState};

/// One line a service, then proposals, operations and troubled sources.
pub fn status(view: &View) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let h = &view.header;
    let _ = writeln!(
        out,
        "{} {} {}  {}  sources {}/{}  journal {}",
        h.context.name,
        h.mode.label(),
        h.simulated,
        view.at,
        h.sources.0,
        h.sources.1,
        h.journal
    );
    if let Some(why) = &h.halted {
        let _ = writeln!(out, "HALTED: {why}");
    }
    if !h.alarm.text.is_empty() {
        let others = match h.alarm.others {
            0 => String::new(),
            n => format!(" (and {n} more)"),
        };
        let _ = writeln!(out, "NOW: {}{others}", h.alarm.text);
    }
    if let Some(why) = none(view) {
        let _ = writeln!(out, "{why}");
    }
    let width =
        view.services.data.iter().map(|r| r.workload.to_string().chars().count()).max().unwrap_or(0).max(8);
    let _ = writeln!(
        out,
        "{:width$} {:>10} {:>9} {:>12} {:>9} {:>9} {:>8}",
        "WORKLOAD", "DEMAND", "HEADROOM", "RUNS OUT IN", "REPLICAS", "p95", "$/h"
    );
    for row in &view.services.data {
        let _ = writeln!(out, "{}", service(row, width));
    }
    for p in view.proposals.data.iter().filter(|p| p.proposal.state.is_live()) {
        let _ = writeln!(out, "proposal {}: {}", p.proposal.id, p.proposal.sentence);
    }
    for a in &view.advice {
        let saving =
            a.saving.map_or_else(String::new, |s| format!(" ({})", Quantity::new(-s, Unit::DollarsPerHour)));
        let _ = writeln!(out, "advice {} {}: {}{saving}", a.dimension.name(), a.subject, a.what);
    }
    for r in view.reports.iter().filter(|r| r.advice.is_empty()) {
        let _ = writeln!(out, "{}: {}", r.dimension.name(), r.sentence());
    }
    for o in &view.operations.data {
        let _ =
            writeln!(out, "operation {} {} {}: {}", o.id, o.workload, o.change.words("→"), o.state.label());
    }
    for s in &view.sources {
        if let Health::Failing { error, .. } = &s.health {
            let _ = writeln!(out, "source {}: {error}", s.id);
        }
    }
    out
}

/// Why there is no service to show, if there is none.
fn none(view: &View) -> Option<String> {
    if !view.services.data.is_empty() {
        return None;
    }
    Some(match &view.services.state {
        WidgetState::Loading { waiting_for, .. } => format!("no service yet: waiting for {waiting_for}"),
        WidgetState::Empty { lacks, provide } if provide.is_empty() => format!("no service: lacks {lacks}"),
        WidgetState::Empty { lacks, provide } => format!("no service: lacks {lacks}; {provide}"),
        _ => "no service: no metric is one that a recipe knows; `weescale check` lists what was found".into(),
    })
}

/// A reading; `~` before it where it is not of now.
fn reading(reading: &Reading) -> String {
    match reading.quantity() {
        None => "–".into(),
        Some(q) if reading.is_fresh() => q.to_string(),
        Some(q) => format!("~{q}"),
    }
}

fn service(row: &ServiceRow, width: usize) -> String {
    let quantity = |q: Option<Quantity>| q.map_or_else(|| "–".to_owned(), |q| q.to_string());
    let replicas = row.replicas.map_or_else(|| "–".to_owned(), |r| format!("{}/{}", r.ready, r.desired));
    format!(
        "{:width$} {:>10} {:>9} {:>12} {:>9} {:>9} {:>8}",
        row.workload,
        reading(&row.demand),
        quantity(row.headroom.map(|h| Quantity::new(h, Unit::Ratio))),
        exhaustion(&row.exhaustion),
        replicas,
        reading(&row.p95),
        reading(&row.cost),
    )
}

fn exhaustion(e: &Exhaustion) -> String {
    match e {
        Exhaustion::Now => "now".into(),
        Exhaustion::In { earliest, median } => format!("{} min", median.unwrap_or(*earliest).as_secs() / 60),
        Exhaustion::Beyond { horizon } => format!("> {} h", horizon.as_secs() / 3600),
        Exhaustion::Unknown => "–".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::fixture;

    #[test]
    fn what_must_be_done_what_is_old_and_why_nothing_is_there_is_said() {
        let mut view = fixture::view();
        let row = &mut view.services.data[0];
        row.demand.freshness = crate::signals::Freshness::Stale;
        let demand = row.demand.quantity().unwrap();
        view.header.alarm.text = "shop/cart is not a scaling problem".into();
        view.header.alarm.others = 2;
        view.header.halted = Some("the journal cannot be written".into());
        let text = status(&view);
        assert!(text.contains("NOW: shop/cart is not a scaling problem (and 2 more)\n"), "{text}");
        assert!(text.contains("HALTED: the journal cannot be written\n"), "{text}");
        assert!(text.contains(&format!("~{demand}")) && !text.contains("no service"), "{text}");
        view.services.data.clear();
        view.services.state =
            WidgetState::Empty { lacks: "demand".into(), provide: "add --prometheus".into() };
        assert!(status(&view).contains("no service: lacks demand; add --prometheus\n"), "{}", status(&view));
        let waiting_for = "the first scrape".into();
        view.services.state = WidgetState::Loading { waiting_for, progress: None };
        assert!(
            status(&view).contains("no service yet: waiting for the first scrape\n"),
            "{}",
            status(&view)
        );
    }
}
