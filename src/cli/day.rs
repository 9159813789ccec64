//! `weescale day`: day plans of the running engine, and approving or ending one by its hash.

use std::fmt::Write as _;

use clap::Args;
use serde_json::json;

use crate::series::Timestamp;
use crate::session::Desk;
use crate::view::{Command, DaySchedule, ForecastView, View, corridors, day_hash};

use super::args::{As, Live, Shape};
use super::exit::{Failure, Outcome};
use super::{live, named, out, wish};

const LACKING: &str = "no day is planned yet: it takes a forecast, a capacity and a replica count\n";

/// `weescale day`.
#[derive(Clone, Debug, Args)]
pub struct Day {
    /// One workload: shop/checkout, shop/checkout@eu-west
    pub workload: Option<String>,
    /// Approve its day exactly as shown, by its hash: raises within its steps then run without asking
    #[arg(long, value_name = "HASH", requires = "workload", conflicts_with = "end")]
    pub approve: Option<String>,
    /// The context's name, where it is protected
    #[arg(long, value_name = "NAME", requires = "approve")]
    pub typed: Option<String>,
    /// End what was approved of its day: each step asks again
    #[arg(long, requires = "workload")]
    pub end: bool,
    /// Output
    #[command(flatten)]
    pub shape: Shape,
}

/// Shows day plans, or decides about one.
pub async fn run(live: &Live, args: &Day) -> Outcome {
    match (args.workload.as_deref(), &args.approve) {
        (Some(workload), Some(hash)) => {
            let (hash, typed) = (hash.clone(), args.typed.clone());
            let workload = named::running(live, workload).await?;
            wish::send(live, args.shape, Command::ApproveDay { workload, hash, typed }).await
        }
        (Some(workload), None) if args.end => {
            let approved = |view: &View| {
                let days = view.forecasts.data.iter().filter(|f| f.approved_day.is_some());
                days.map(|f| f.workload.clone()).collect()
            };
            let workload = named::ending(live, workload, approved).await?;
            wish::send(live, args.shape, Command::EndDay(workload)).await
        }
        (workload, _) => show(live, args.shape, workload).await,
    }
}

async fn show(live: &Live, shape: Shape, workload: Option<&str>) -> Outcome {
    let (path, named) = wish::socket(&live::settings(live)?)?;
    let mut desk = Desk::to_look(&path, named).await.map_err(Failure::other)?;
    let view = desk.view().await.map_err(Failure::other)?;
    let workload = workload.map(|text| named::one(text, named::workloads(&view))).transpose()?;
    let planned: Vec<(&ForecastView, &DaySchedule)> = view
        .forecasts
        .data
        .iter()
        .filter(|f| workload.as_ref().is_none_or(|w| *w == f.workload))
        .filter_map(|f| Some((f, f.day.as_ref()?)))
        .collect();
    if shape.format == As::Json {
        let all: Vec<serde_json::Value> = planned.iter().map(|(f, day)| row(f, day, view.at)).collect();
        let text = serde_json::to_string_pretty(&all).map_err(Failure::other)?;
        return out::print(&format!("{text}\n"));
    }
    out::print(&if planned.is_empty() { LACKING.to_owned() } else { text(&planned, view.at) })
}

fn row(forecast: &ForecastView, day: &DaySchedule, now: Timestamp) -> serde_json::Value {
    // Only what has a step that takes a decision can be approved.
    let hash = (!corridors(day, now).is_empty()).then(|| day_hash(day));
    json!({ "workload": day.workload, "hash": hash, "plan": day, "approved": forecast.approved_day })
}

fn text(planned: &[(&ForecastView, &DaySchedule)], now: Timestamp) -> String {
    let mut text = String::new();
    for (forecast, day) in planned {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}: {}", day.workload, day.sentence());
        for step in day.steps.iter().filter(|s| s.decision && s.to > now) {
            let _ = writeln!(text, "  {} to {}: up to {} replicas", step.from, step.to, step.replicas);
        }
        let _ = match &forecast.approved_day {
            Some(approved) => writeln!(text, "  approved until {}", approved.ends()),
            None if corridors(day, now).is_empty() => writeln!(text, "  nothing to decide"),
            None => writeln!(text, "  hash {}", day_hash(day)),
        };
    }
    text
}
