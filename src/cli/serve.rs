//! `weescale serve`: the engine without a screen.

use tokio::signal::unix::{SignalKind, signal};

use crate::config::Settings;
use crate::engine::{self, Options};
use crate::session::{self, ServiceOptions};
use crate::{config, telemetry};

use super::args::Live;
use super::exit::{Failure, Outcome};
use super::{live, out, wish};

/// Serves what the user has.
pub async fn run(live: &Live) -> Outcome {
    let settings = live::settings(live)?;
    live::need_sources(&settings)?;
    let sources = settings.prometheus.len() + settings.scrape.len();
    hold(live, settings, Options::real(), &format!("{sources} sources")).await
}

/// Runs until it is asked to stop. A hang-up is no such request: the service outlives the session it was started in.
pub async fn hold(live: &Live, settings: Settings, options: Options, what: &str) -> Outcome {
    let log = live.log.clone().or_else(config::log_path);
    telemetry::init(false, log.as_deref()).map_err(Failure::other)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::other)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::other)?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(Failure::other)?;
    let service = ServiceOptions {
        socket: wish::socket(&settings)?.0,
        groups: settings.session_groups.clone(),
        clock: options.clock.clone(),
        name_of: engine::name_of,
        learners: engine::learners(&settings)?,
    };
    let mut engine = engine::start(settings, options).await?;
    let service = match session::serve(service, engine.view.clone(), engine.wishes.clone()) {
        Ok(service) => service,
        Err(error) => {
            engine.stop().await;
            return Err(Failure::other(error));
        }
    };
    if let Some(text) = service.warning() {
        out::print(&format!("warning: {text}\n"))?;
    }
    let socket = service.socket().display();
    out::print(&format!(
        "weescale serves: {what}; join with `weescale attach --socket {socket}`; stop it with SIGTERM or Ctrl-C\n"
    ))?;
    let outcome = loop {
        tokio::select! {
            _ = terminate.recv() => break Ok(()),
            _ = interrupt.recv() => break Ok(()),
            _ = hang_up.recv() => {}
            changed = engine.view.changed() => if changed.is_err() {
                break Err(Failure::Other("the engine has stopped; the log says why".into()));
            }
        }
    };
    drop(service);
    engine.stop().await;
    outcome
}
