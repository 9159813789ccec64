//! From the arguments to what is printed.

use std::io::{IsTerminal, Write};

use crate::backtest::policies::Rules;
use crate::backtest::{self, Aim, Report, Trace};
use crate::cli::args::Live;
use crate::cli::exit::{Failure, Outcome};
use crate::cli::out;

use super::args::{As, Backtest};
use super::{json, markdown, read, svg, table};

/// Longest lead that is replayed.
const LONGEST_LEAD: std::time::Duration = std::time::Duration::from_secs(86_400);

/// Replays what was asked for.
pub async fn run(live: &Live, args: &Backtest) -> Outcome {
    if !(args.short > 0.0 && args.short < 50.0) {
        return Err(Failure::Usage(format!(
            "--short {}: give more than 0 and less than 50 per cent",
            args.short
        )));
    }
    if args.price.is_some_and(|p| !(p.is_finite() && p >= 0.0)) {
        return Err(Failure::Usage("--price: give dollars a pod-hour, zero or more".into()));
    }
    options(args)?;
    let (name, window) = read::history(live, args).await?;
    let trace = Trace::new(window, args.pod_capacity, args.lead, args.test_fraction)
        .map_err(|e| Failure::Other(format!("{name}: {e}")))?;
    let short = args.short / 100.0;
    let decisions = usize::from(args.decisions);
    let rules = Rules::new(short);
    let rules = Rules { decisions, steps: rules.steps.min(decisions), approval: args.approval, ..rules };
    let aim = Aim { short, price: args.price, rules };
    let work = move || replay(&trace, aim);
    let report = tokio::task::spawn_blocking(work).await.map_err(Failure::other)?;
    out::print(&match args.format {
        As::Table => table::table(&name, &report),
        As::Json => json::json(&name, &report)?,
        As::Markdown => markdown::markdown(&name, &report),
        As::Svg => svg::svg(&name, &report),
    })
}

/// Refuses options that no history can be replayed with.
fn options(args: &Backtest) -> Result<(), Failure> {
    let refused = |what: String| Err(Failure::Usage(what));
    if let Some(w) = args.pod_capacity.filter(|w| !(w.is_finite() && *w > 0.0)) {
        return refused(format!("--pod-capacity {w}: give the demand that one pod holds, above zero"));
    }
    if args.lead > LONGEST_LEAD {
        return refused(format!("--lead {} s: give at most a day, 24h", args.lead.as_secs()));
    }
    if !(0.05..=0.95).contains(&args.test_fraction) {
        return refused(format!(
            "--test-fraction {}: give a share between 0.05 and 0.95",
            args.test_fraction
        ));
    }
    Ok(())
}

/// Says on a terminal how far it is; nothing elsewhere.
fn replay(trace: &Trace, aim: Aim) -> Report {
    let shown = std::io::stderr().is_terminal();
    let said = |text: &str| {
        if shown {
            // A line that cannot be shown is no reason to stop.
            let _ = write!(std::io::stderr(), "\r\u{1b}[K{text}");
        }
    };
    let report =
        backtest::run(trace, aim, &mut |what, share| said(&format!("{:3.0} % {what}", share * 100.0)));
    said("");
    report
}
