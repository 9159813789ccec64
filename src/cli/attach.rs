//! `weescale attach`: the dashboard on an engine that runs as a service.

use std::io::IsTerminal;

use crate::screen::{self, ScreenOptions};
use crate::session;

use super::args::{Attach, Live};
use super::exit::{Failure, Outcome};
use super::{live, look, wish};

/// Shows the screen until the person leaves. The engine, and whatever is in flight, goes on.
pub async fn run(live: &Live, args: &Attach) -> Outcome {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(Failure::Usage(
            "attach needs a terminal (over SSH: ssh -t); without one use `weescale status --format json`"
                .into(),
        ));
    }
    let settings = live::settings(live)?;
    let (path, named) = wish::socket(&settings)?;
    look::logs(live)?;
    let options = look::options(live, &settings)?;
    let link = session::attach_as(&path, named, args.shadow).await.map_err(Failure::other)?;
    let options = ScreenOptions { spot: Some(link.spot), answers: Some(link.answers), ..options };
    screen::run(link.view, link.commands, options).await.map(|_| ()).map_err(Failure::other)
}
