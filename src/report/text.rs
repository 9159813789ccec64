//! The view as lines of text.

use std::fmt::Write;

use crate::series::{Quantity, Unit};
use crate::view::{Exhaustion, Health, ServiceRow, View};

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

fn service(row: &ServiceRow, width: usize) -> String {
    let quantity = |q: Option<Quantity>| q.map_or_else(|| "–".to_owned(), |q| q.to_string());
    let replicas = row.replicas.map_or_else(|| "–".to_owned(), |r| format!("{}/{}", r.ready, r.desired));
    format!(
        "{:width$} {:>10} {:>9} {:>12} {:>9} {:>9} {:>8}",
        row.workload,
        quantity(row.demand.quantity()),
        quantity(row.headroom.map(|h| Quantity::new(h, Unit::Ratio))),
        exhaustion(&row.exhaustion),
        replicas,
        quantity(row.p95.quantity()),
        quantity(row.cost.quantity()),
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
