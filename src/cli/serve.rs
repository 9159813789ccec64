//! `weescale serve`: the engine without a screen.

use tokio::signal::unix::{SignalKind, signal};

use crate::engine::{self, Options};
use crate::{config, telemetry};

use super::args::Live;
use super::exit::{Failure, Outcome};
use super::{live, out};

/// Runs until it is asked to stop. A hang-up is no such request: the service outlives the session it was started in.
pub async fn run(live: &Live) -> Outcome {
    let settings = live::settings(live)?;
    live::need_sources(&settings)?;
    let log = live.log.clone().or_else(config::log_path);
    telemetry::init(false, log.as_deref()).map_err(Failure::other)?;
    let sources = settings.prometheus.len() + settings.scrape.len();
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::other)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::other)?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(Failure::other)?;
    let mut engine = engine::start(settings, Options::real()).await?;
    out::print(&format!("weescale serves: {sources} sources; stop it with SIGTERM or Ctrl-C\n"))?;
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hang_up.recv() => {}
            changed = engine.view.changed() => if changed.is_err() {
                return Err(Failure::Other("the engine has stopped; the log says why".into()));
            }
        }
    }
    engine.stop().await;
    Ok(())
}
