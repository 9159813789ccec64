//! Sources: started, described, asked for history.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::config::Settings;
use crate::scrape::{
    self, BackfillRequest, Delivery, Handle, Poller, QuerySpec, SourceId, SourceKind, SourceStatus,
};
use crate::series::Timestamp;
use crate::signals::{Catalogue, History};

use super::state::SourceFacts;
use super::{EngineError, State};

/// Largest recipe file read.
const MAX_RECIPE: u64 = 256 << 10;
/// Most recipe files read.
const MAX_RECIPES: usize = 200;

/// Sources that poll, and what is known of them.
type Started = (Poller, Vec<Handle>, BTreeMap<SourceId, SourceFacts>);

/// Starts every source; deliveries arrive at `out`.
pub fn start(
    settings: &Settings,
    clock: &Clock,
    out: &mpsc::Sender<Delivery>,
) -> Result<Started, EngineError> {
    let poller = Poller::start()
        .map_err(|source| EngineError::Io { what: "cannot start the polling thread".into(), source })?;
    let inside = poller.enter();
    let wires = scrape::Wires::default();
    let mut handles = Vec::new();
    let mut facts = BTreeMap::new();
    let mut note = |id: &SourceId, interval, kind, history_only| {
        let status = SourceStatus::starting(id.clone(), kind, interval);
        facts.insert(id.clone(), SourceFacts::of(status, history_only));
    };
    for target in &settings.scrape {
        note(target.id(), target.interval, SourceKind::Exposition, false);
        handles.push(scrape::spawn_exposition_over(&wires, target.clone(), clock.clone(), out.clone())?);
    }
    for (target, history_only) in
        settings.prometheus.iter().map(|t| (t, false)).chain(settings.history.iter().map(|t| (t, true)))
    {
        note(target.id(), target.interval, SourceKind::PromqlServer, history_only);
        handles.push(scrape::spawn_promql(target.clone(), clock.clone(), out.clone())?);
    }
    for source in &settings.cloudwatch {
        note(&source.id(), source.interval, SourceKind::CloudWatch, false);
        handles.push(scrape::spawn_cloudwatch(source.clone(), clock.clone(), out.clone())?);
    }
    drop(inside);
    Ok((poller, handles, facts))
}

/// The shipped recipes and those in the user's folder.
pub fn catalogue(folder: Option<&Path>) -> Result<Catalogue, EngineError> {
    let Some(folder) = folder else { return Ok(Catalogue::embedded()?) };
    let io = |source| EngineError::Io { what: format!("recipes {}", folder.display()), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)?.take(MAX_RECIPES) {
        let path = entry.map_err(io)?.path();
        if path.extension().is_some_and(|e| e == "toml") {
            let named =
                |e: std::io::Error| io(std::io::Error::new(e.kind(), format!("{}: {e}", path.display())));
            let text = scrape::read_plain_text(&path, MAX_RECIPE).map_err(named)?;
            files.push((path.display().to_string(), text));
        }
    }
    files.sort();
    Ok(Catalogue::with_overrides(&files)?)
}

/// History asked of kinds that are kept for a short time only.
const SHORT_BACKFILL: Duration = Duration::from_secs(86_400);

/// Separate spans asked of one signal at most, where some of it is known from before a restart.
const MAX_GAPS: usize = 4;

/// How often a target is asked to announce series again that were refused.
const ANNOUNCE_EVERY: Duration = Duration::from_secs(300);

/// Asks a target for the labels of series that were refused when it announced them: there may be room now.
pub fn announce(state: &mut State, handles: &[Handle], source: &SourceId, now: Timestamp) {
    let Some(facts) = state.sources.get_mut(source) else { return };
    let first = *facts.refused.get_or_insert(now);
    if now.since(first) < ANNOUNCE_EVERY {
        return;
    }
    facts.refused = None;
    if let Some(handle) = handles.iter().find(|h| h.id() == source) {
        handle.announce();
    }
}

/// Has a server asked, at every poll, for its signals and for `pods`. What is scraped is asked of the store instead.
pub fn ask(state: &mut State, handles: &[Handle], source: &SourceId, pods: Vec<QuerySpec>) {
    let Some(facts) = state.sources.get(source) else { return };
    let Some(handle) = handles.iter().find(|h| h.id() == source) else { return };
    let has = |name: &str| facts.names.contains(name);
    let mut queries = state.resolver.queries(source, &has, facts.status.interval);
    queries.extend(pods);
    if !facts.history_only
        && let Err(error) = handle.set_queries(queries)
    {
        tracing::error!("{source}: {error}");
    }
}

/// A server told its metric names: choose its queries, `pods` among them, and ask it for history, once.
pub fn named(state: &mut State, handles: &[Handle], source: &SourceId, pods: Vec<QuerySpec>, now: Timestamp) {
    ask(state, handles, source, pods);
    let Some(facts) = state.sources.get_mut(source) else { return };
    let Some(handle) = handles.iter().find(|h| h.id() == source) else { return };
    let names = facts.names.clone();
    let has = |name: &str| names.contains(name);
    if facts.backfill_asked || names.is_empty() {
        return;
    }
    facts.backfill_asked = true;
    let step = state.tuning.backfill_step;
    for query in state.resolver.backfill_queries(source, &has, step) {
        let to = now.floor_to(step);
        let span = state.tuning.backfill;
        let span = if History::is_long(query.kind) { span } else { span.min(SHORT_BACKFILL) };
        for (from, to) in state.history.gaps(query.kind, (to - span, to), step, MAX_GAPS) {
            let request = BackfillRequest { expr: Arc::clone(&query.expr), from, to, step };
            if let Err(error) = handle.backfill(request) {
                tracing::warn!("{source}: no history of {}: {error}", query.kind.name());
            }
        }
    }
}
