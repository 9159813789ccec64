//! The dashboard: engine and screen in one process.

use std::io::IsTerminal;

use crate::config::Settings;
use crate::engine::{self, Options};
use crate::screen::{self, Exit};

use super::args::Live;
use super::exit::{Failure, Outcome};
use super::live;
use super::look;

/// On what the user has.
pub async fn run(live: &Live) -> Outcome {
    let settings = live::settings(live)?;
    live::need_sources(&settings)?;
    open(live, settings, Options::real()).await
}

/// Starts the engine and shows the screen until the person quits or the terminal goes away.
pub async fn open(live: &Live, settings: Settings, options: Options) -> Outcome {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(Failure::Usage(
            "the dashboard needs a terminal; without one use `weescale status --format json`".into(),
        ));
    }
    look::logs(live)?;
    let screen_options = look::options(live, &settings)?;
    let engine = engine::start(settings, options).await?;
    let exit = screen::run(engine.view.clone(), engine.commands.clone(), screen_options).await;
    engine.stop().await;
    match exit {
        Ok(Exit::EngineGone) => Err(Failure::Other("the engine has stopped; the log says why".into())),
        Ok(Exit::Quit | Exit::HangUp | Exit::Signal(_)) => Ok(()),
        Err(error) => Err(Failure::other(error)),
    }
}
