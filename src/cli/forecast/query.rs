//! A history from a server that answers PromQL.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::cli::args::Live;
use crate::cli::exit::Failure;
use crate::cli::live;
use crate::clock::Clock;
use crate::scrape::{BackfillRequest, Delivery, GIVEN_UP, Health, Target, spawn_promql};
use crate::series::text::clean;
use crate::series::{Timestamp, Window};

use super::one::History;
use super::text;

/// Longest wait for the whole history.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often the server is asked whether it lives meanwhile, and failures in a row that end the wait.
const ALIVE: Duration = Duration::from_secs(1);
const FAILURES: u32 = 3;
/// Most points asked for.
const MAX_POINTS: u128 = 500_000;

/// The series that `expr` gives over the last `back`, at `step`.
pub async fn history(live: &Live, expr: &str, back: Duration, step: Duration) -> Result<History, Failure> {
    if back.as_millis() / step.as_millis().max(1) > MAX_POINTS {
        return Err(Failure::Usage(format!(
            "--history has more than {MAX_POINTS} times --step; ask for less or give a longer step"
        )));
    }
    let settings = live::settings(live)?;
    let target = match settings.prometheus.as_slice() {
        [target] => target.clone(),
        [] => return Err(Failure::Usage("say which server with --prometheus http://HOST:9090".into())),
        _ => return Err(Failure::Usage("--query asks one server; give --prometheus once".into())),
    };
    let clock = Clock::real();
    let to = clock.now().floor_to(step);
    let asked = BackfillRequest { expr: Arc::from(expr), from: to - back, to, step };
    let points = tokio::time::timeout(PATIENCE, collected(target.clone(), clock, asked)).await;
    let points = points.map_err(|_| {
        Failure::Other(format!("{}: no whole answer within {}", target.id(), text::span(PATIENCE)))
    })??;
    let Some(first) = points.keys().next().copied() else {
        return Err(Failure::Other(format!(
            "{}: the expression gave no points at any whole {} of the last {}; of a server that is younger a shorter --step \
             finds some, and its own page shows what the expression gives",
            target.id(),
            text::span(step),
            text::span(back)
        )));
    };
    let count = usize::try_from(to.since(first).as_millis() / step.as_millis().max(1)).unwrap_or(0) + 1;
    let at = |i: usize| first + step.saturating_mul(u32::try_from(i).unwrap_or(u32::MAX));
    let window = Window::new(first, step, (0..count).map(|i| points.get(&at(i)).copied()));
    Ok(History { name: clean(expr, 120), window, notes: Vec::new() })
}

async fn collected(
    mut target: Target,
    clock: Clock,
    asked: BackfillRequest,
) -> Result<BTreeMap<Timestamp, f64>, Failure> {
    let (out, mut deliveries) = mpsc::channel(16);
    let expr = Arc::clone(&asked.expr);
    target.interval = ALIVE;
    let handle = spawn_promql(target, clock, out).map_err(Failure::other)?;
    handle.backfill(asked).map_err(Failure::other)?;
    let (mut points, mut labels, mut over) = (BTreeMap::new(), None, false);
    while let Some(delivery) = deliveries.recv().await {
        match delivery {
            // A failed request ends with an empty part, and its reason comes with the next status.
            Delivery::Status(status) if over => {
                let why = status.warnings.iter().find_map(|w| w.strip_prefix(GIVEN_UP));
                return why.map_or(Ok(points), |why| Err(Failure::Other(why.to_owned())));
            }
            Delivery::Status(status) => {
                if let Health::Failing { error, failures: FAILURES.., .. } = status.health {
                    return Err(Failure::Other(error));
                }
            }
            Delivery::Backfilled { answer, .. } if answer.expr == expr => {
                for (found, samples) in answer.series {
                    let known = labels.get_or_insert_with(|| found.clone());
                    if *known != found {
                        let why = "the expression gives several series; make it one, for example with sum(…)";
                        return Err(Failure::Usage(format!("{}: {why}", clean(&expr, 120))));
                    }
                    let sane = samples.iter().filter(|s| s.value.is_finite());
                    points.extend(sane.map(|s| (s.at, s.value)));
                }
                over = answer.last;
            }
            _ => {}
        }
    }
    Ok(points)
}
