//! Settings from the command line and file; an engine that only looks.

use std::sync::Arc;
use std::time::Duration;

use crate::approval::Mode;
use crate::config::{Given, Settings, load};
use crate::engine::{EngineHandle, Options, start};
use crate::signals::Freshness;
use crate::view::{Health, View, WidgetState};

use super::args::Live;
use super::exit::Failure;

/// Settings as given.
pub fn settings(live: &Live) -> Result<Settings, Failure> {
    Ok(load(&given(live))?)
}

/// What was given outside the file.
pub fn given(live: &Live) -> Given {
    Given {
        config: live.config.clone(),
        prometheus: live.prometheus.clone(),
        scrape: live.scrape.clone(),
        interval: live.interval,
        allow_actions: live.allow_actions,
        theme: live.theme.clone(),
        journal: live.journal.clone(),
        socket: live.socket.clone(),
        prometheus_env: std::env::var("PROMETHEUS_URL").ok().filter(|v| !v.is_empty()),
        kube_context: live.context.clone(),
        kube_found: ["KUBECONFIG", "KUBERNETES_SERVICE_HOST"]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|v| !v.is_empty())),
    }
}

/// Refuses to look at nothing.
pub fn need_sources(settings: &Settings) -> Result<(), Failure> {
    let measured =
        !(settings.prometheus.is_empty() && settings.scrape.is_empty() && settings.cloudwatch.is_empty());
    if !measured && settings.kubernetes.is_empty() {
        return Err(Failure::Usage(
            "nothing to look at: give --prometheus http://HOST:9090, or --scrape http://HOST:PORT/metrics, or set \
             PROMETHEUS_URL, or give --context NAME of a kubeconfig, or write a configuration with `weescale config init`; to see a simulated fleet: \
             `weescale demo`"
                .into(),
        ));
    }
    Ok(())
}

/// Refuses a view that nothing stands behind: an outage of every source must not look like a quiet fleet.
pub fn need_answer(view: &View, waited: bool) -> Result<(), Failure> {
    silence(view, waited).map_or(Ok(()), |why| Err(Failure::Other(why)))
}

/// Why there is nothing to see, where no source has answered: one sentence with the source, what failed and the fix. Where
/// nobody `waited` for the first answers, as of an engine that has just begun, only a source that fails is a reason.
pub fn silence(view: &View, waited: bool) -> Option<String> {
    let answered = view.sources.iter().any(|s| s.health == Health::Healthy || s.last_success.is_some());
    let first = view.sources.first()?;
    if answered || !view.services.data.is_empty() {
        return None;
    }
    let failing = view.sources.iter().find_map(|s| match &s.health {
        Health::Failing { error, .. } => Some(error.clone()),
        Health::Stopped { reason } => Some(format!("{}: {reason}", s.id)),
        Health::Starting | Health::Healthy => None,
    });
    let unheard = || format!("{}: no answer yet; check that it answers, or give a longer --wait", first.id);
    let why = failing.or_else(|| waited.then(unheard))?;
    let others = match view.sources.len() - 1 {
        0 => String::new(),
        n => format!("; nor has any of the {n} others: `weescale check` lists them"),
    };
    Some(format!("no source has answered: {why}{others}"))
}

/// Looks until the first signals are there (or `wait` is over) and the view is `enough`, then stops. Keeps nothing and writes
/// nothing. With `settled`, also until demand can be trusted: endpoints must be read for a whole window of rates.
pub async fn look_until(
    mut settings: Settings,
    wait: Duration,
    settled: bool,
    enough: fn(&View) -> bool,
) -> Result<Arc<View>, Failure> {
    need_sources(&settings)?;
    settings.mode = Mode::Observe;
    settings.journal = None;
    // There is no need to wait the usual interval for the polls that make a rate.
    for target in settings.scrape.iter_mut().chain(&mut settings.prometheus) {
        target.interval = target.interval.min(Duration::from_secs(5));
    }
    let mut engine = start(settings, Options::real()).await?;
    // What is there when the time is over is shown all the same; its state says what it is.
    let _ = tokio::time::timeout(wait, first(&mut engine, settled, enough)).await;
    let view = engine.view.borrow().clone();
    engine.stop().await;
    Ok(view)
}

/// Waits for a view with services; with `settled`, for one whose demand, where there is any, is fresh somewhere.
async fn first(engine: &mut EngineHandle, settled: bool, enough: fn(&View) -> bool) {
    let trusted = |view: &View| {
        let mut demand =
            view.services.data.iter().map(|r| r.demand.freshness).filter(|f| *f != Freshness::Missing);
        demand.clone().next().is_none() || demand.any(|f| f == Freshness::Fresh)
    };
    let complete = |view: &Arc<View>| match &view.services.state {
        WidgetState::Loading { .. } => false,
        WidgetState::Error { .. } => true,
        _ => view.tick > 5 && (!settled || trusted(view)) && enough(view),
    };
    let _ = engine.view.wait_for(complete).await;
}
