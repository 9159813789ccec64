//! `weescale what-if`: four questions to every service that is seen.

use std::time::Duration;

use clap::{ArgGroup, Args};

use crate::view::{Question, ServiceRow, what_if};

use super::args::{As, Format, Live};
use super::exit::{Failure, Outcome};
use super::table::columns;
use super::{live, out, status};

/// `weescale what-if`.
#[derive(Clone, Copy, Debug, Args)]
#[command(group = ArgGroup::new("question").required(true).args(["times", "zone_gone", "replicas", "cold_caches"]))]
pub struct WhatIf {
    /// Demand is this many times what it is
    #[arg(long, value_name = "K")]
    pub times: Option<f64>,
    /// The fullest of so many zones is gone, replicas being spread evenly
    #[arg(long, value_name = "ZONES", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub zone_gone: Option<u32>,
    /// So many replicas serve
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub replicas: Option<u32>,
    /// Caches are empty; a hit is taken to cost nothing, a miss a whole request
    #[arg(long)]
    pub cold_caches: bool,
    /// Wait at most this long for the first signals
    #[arg(long, value_name = "DURATION", default_value = "90s", value_parser = wait)]
    pub wait: Duration,
}

fn wait(text: &str) -> Result<Duration, String> {
    crate::config::parse_duration(text)
}

/// Answers for every service, as a table.
pub async fn run(live: &Live, args: &WhatIf) -> Outcome {
    let question = match (args.times, args.zone_gone, args.replicas) {
        (Some(k), ..) if !(k.is_finite() && k >= 0.0) => {
            return Err(Failure::Usage(format!("--times {k}: give a number of zero or more")));
        }
        (Some(k), ..) => Question::DemandTimes(k),
        (_, Some(zones), _) => Question::ZoneGone(zones),
        (_, _, Some(n)) => Question::Replicas(n),
        _ => Question::ColdCaches,
    };
    let format = Format { format: As::Text, wait: args.wait };
    let (view, waited) = status::look(live, &format, |_| true).await?;
    live::need_answer(&view, waited)?;
    let head =
        ["workload", "demand", "replicas", "needed", "headroom", "lost/s", "extra $/h"].map(str::to_owned);
    let rows: Vec<Vec<String>> = view.services.data.iter().map(|r| row(r, question)).collect();
    out::print(&columns(&head, &rows))
}

fn row(service: &ServiceRow, question: Question) -> Vec<String> {
    let name = service.workload.to_string();
    let a = match what_if(service, question) {
        Ok(answer) => answer,
        Err(lacking) => return vec![name, lacking.to_owned()],
    };
    vec![
        name,
        format!("{:.1}", a.demand),
        a.replicas.to_string(),
        a.need.to_string(),
        a.headroom.map_or_else(|| "–".into(), |h| format!("{:.0} %", h * 100.0)),
        format!("{:.1}", a.lost),
        a.extra_dollars.map_or_else(|| "–".into(), |d| format!("{d:+.2}")),
    ]
}
