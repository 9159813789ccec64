//! `weescale plan`: the coming day of every service in the few decisions that a person can make.

use crate::report;
use crate::view::View;

use super::args::{As, Format, Live};
use super::exit::Outcome;
use super::{live as looking, out, status};

/// Whether history is read back and every service with a forecast has its plan.
fn is_planned(view: &View) -> bool {
    let rows = &view.forecasts.data;
    let waits = rows.iter().any(|f| f.day.is_none() && f.forecast.fan().is_some());
    view.header.backfill.is_none() && !waits && rows.iter().any(|f| f.day.is_some())
}

/// Prints the plans of the day.
pub async fn run(live: &Live, args: &Format) -> Outcome {
    let (view, waited) = status::look(live, args, is_planned).await?;
    looking::need_answer(&view, waited)?;
    match args.format {
        As::Text => out::print(&report::days_text(&view)),
        As::Json => status::json(&report::days(&view)),
    }
}
