//! `weescale plan`: the coming day of every service in the few decisions that a person can make.

use crate::report;

use super::args::{As, Format, Live};
use super::exit::Outcome;
use super::{out, status};

/// Prints the plans of the day.
pub async fn run(live: &Live, args: &Format) -> Outcome {
    let view = status::look(live, args).await?;
    match args.format {
        As::Text => out::print(&report::days_text(&view)),
        As::Json => status::json(&report::days(&view)),
    }
}
