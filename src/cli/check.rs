//! `weescale check`: what is reachable, what is missing, and how to add it.

use std::fmt::Write;

use crate::config::{ServiceRule, Settings};
use crate::engine;
use crate::signals::{Catalogue, SignalKind};
use crate::view::{Health, Mode, View};

use super::args::Live;
use super::exit::{Failure, Outcome};
use super::{live, out};

/// Signals a dashboard is poor without, in order of importance.
const WANTED: [SignalKind; 9] = [
    SignalKind::Demand,
    SignalKind::Errors,
    SignalKind::LatencyP95,
    SignalKind::ReplicasReady,
    SignalKind::CpuUsed,
    SignalKind::CpuRequested,
    SignalKind::MemoryUsed,
    SignalKind::AutoscalerMin,
    SignalKind::Cost,
];

/// Longest wait for every source to answer or to fail.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);
/// What fails and is named in the last sentence.
const NAMED: usize = 5;

/// Polls everything twice and says what came of it. Fails if anything that is configured does.
pub async fn run(live: &Live) -> Outcome {
    let settings = live::settings(live)?;
    let catalogue = engine::catalogue(settings.recipes.as_deref())?;
    let (platforms, mut failing) = platforms(&settings).await?;
    if let Err(failure) = live::need_sources(&settings) {
        out::print(&platforms)?;
        return Err(failure);
    }
    let rules: Vec<ServiceRule> = settings.services.clone();
    let view = live::look_until(settings, PATIENCE, false, |view| {
        !view.sources.iter().any(|s| s.health == Health::Starting)
    })
    .await?;
    let mut text = platforms;
    text.push_str(&sources(&view));
    let silent = view.sources.iter().filter(|s| s.health != Health::Healthy).map(|s| s.id.to_string());
    let (silent, known): (Vec<String>, usize) = (silent.collect(), view.sources.len());
    if known > 0 && silent.len() == known {
        // What they would have is not known: nothing is said to be missing.
        out::print(&text)?;
        return Err(Failure::Other("no source is reachable".into()));
    }
    text.push('\n');
    text.push_str(&signals(&view, &catalogue));
    text.push_str(&unused(&rules, &view));
    out::print(&text)?;
    failing.extend(silent);
    verdict(&failing)
}

/// Which signals there are, and the line that would provide each that is missing.
fn signals(view: &View, catalogue: &Catalogue) -> String {
    let mut text = String::new();
    for kind in WANTED {
        let have = view
            .services
            .data
            .iter()
            .filter(|r| r.signals.iter().any(|s| s.kind == kind && s.value.is_some()));
        let n = have.count();
        let name = kind.name().replace('_', " ");
        // Writing to a string cannot fail.
        let _ = if n > 0 {
            writeln!(text, "ok       {name}: {n} of {} workloads", view.services.data.len())
        } else {
            let hint = catalogue.hint(kind);
            writeln!(
                text,
                "missing  {name}: looked for {}\n         {} — {}",
                hint.metrics.join(", "),
                hint.line,
                hint.place
            )
        };
    }
    text
}

/// `[[service]]` rules that are about nothing that was seen: misspelt, or of what does not run.
fn unused(rules: &[ServiceRule], view: &View) -> String {
    let rows = &view.services.data;
    let idle = rules.iter().filter(|rule| !rows.iter().any(|r| rule.applies_to(&r.workload, &r.service)));
    let seen: Vec<String> = rows.iter().take(NAMED).map(|r| r.workload.to_string()).collect();
    let seen = if seen.is_empty() { "nothing".to_owned() } else { seen.join(", ") };
    let more = if rows.len() > NAMED { format!(" and {} more", rows.len() - NAMED) } else { String::new() };
    idle.map(|rule| {
        format!(
            "warning  service.name {:?} of the configuration is about nothing; seen: {seen}{more}\n",
            rule.name
        )
    })
    .collect()
}

/// Good if nothing that is configured fails.
fn verdict(failing: &[String]) -> Outcome {
    if failing.is_empty() {
        return Ok(());
    }
    let shown: Vec<&str> = failing.iter().take(NAMED).map(String::as_str).collect();
    let more = failing.len() - shown.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Err(Failure::Other(format!("not all that is configured answers: {}{more}", shown.join(", "))))
}

/// The mode a dashboard with the same arguments would be in, whether what it would write through answers, and the names
/// of those that do not.
async fn platforms(settings: &Settings) -> Result<(String, Vec<String>), Failure> {
    let mut failing = Vec::new();
    let mut text = match settings.mode {
        Mode::Observe => {
            "mode     observe: nothing is ever written; --allow-actions asks before each write\n".to_owned()
        }
        Mode::Ask => "mode     ask: every write is asked for first\n".to_owned(),
    };
    if settings.providers.is_empty() && settings.kubernetes.is_empty() && settings.aws.is_empty() {
        text.push_str(
            "missing  provider: proposals stay advice; add a [[provider]], [[kubernetes]] or [[aws]] to the \
             configuration\n",
        );
    }
    for (name, answer) in engine::ask_providers(settings).await? {
        let _ = match answer {
            Ok((n, notes)) => {
                let _ = writeln!(text, "ok       provider {name}: {n} workloads");
                notes.iter().try_for_each(|note| writeln!(text, "limited  provider {name}: {note}"))
            }
            Err(why) => {
                failing.push(format!("provider {name}"));
                writeln!(text, "failing  provider {name}: {why}")
            }
        };
    }
    for (name, answer) in engine::ask_load_balancers(settings).await? {
        let _ = match answer {
            Ok((works, notes)) => {
                let _ = writeln!(text, "ok       {name}: {works}");
                notes.iter().try_for_each(|note| writeln!(text, "limited  {name}: {note}"))
            }
            Err(why) => {
                failing.push(name.clone());
                writeln!(text, "failing  {name}: {why}")
            }
        };
    }
    Ok((text, failing))
}

fn sources(view: &View) -> String {
    let mut text = String::new();
    for s in &view.sources {
        let _ = match &s.health {
            Health::Healthy => writeln!(text, "ok       {}: {} samples, {} bytes", s.id, s.samples, s.bytes),
            Health::Failing { error, .. } => writeln!(text, "failing  {error}"),
            Health::Stopped { reason } => writeln!(text, "stopped  {}: {reason}", s.id),
            Health::Starting => writeln!(text, "waiting  {}: no answer yet", s.id),
        };
        for limit in &s.limits_hit {
            let _ = writeln!(text, "limit    {}: {limit}", s.id);
        }
        for warning in &s.warnings {
            let _ = writeln!(text, "warning  {}: {warning}", s.id);
        }
    }
    text
}
