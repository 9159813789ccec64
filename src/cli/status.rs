//! `weescale status` and `weescale proposals`.

use std::sync::Arc;

use crate::report;
use crate::session::{Desk, SessionError};
use crate::view::View;

use super::args::{As, Format, Live};
use super::exit::{Failure, Outcome};
use super::{live, out, wish};

/// What a running engine knows; where none answers, or sources are named, a look of our own. And whether it was waited for the
/// first answers of sources.
pub(super) async fn look(
    live: &Live,
    args: &Format,
    enough: fn(&View) -> bool,
) -> Result<(Arc<View>, bool), Failure> {
    let settings = live::settings(live)?;
    let asked = live.socket.is_some();
    if asked || (live.prometheus.is_empty() && live.scrape.is_empty()) {
        let (path, named) = wish::socket(&settings)?;
        match Desk::to_look(&path, named).await {
            Ok(mut desk) => return Ok((Arc::new(desk.view().await.map_err(Failure::other)?), false)),
            Err(SessionError::Absent { .. }) if !asked => {}
            Err(error) => return Err(Failure::other(error)),
        }
    }
    Ok((live::look_until(settings, args.wait, true, enough).await?, true))
}

/// The state of everything.
pub async fn run(live: &Live, args: &Format) -> Outcome {
    let (view, waited) = look(live, args, |_| true).await?;
    match args.format {
        As::Text => {
            live::need_answer(&view, waited)?;
            out::print(&report::status_text(&view))
        }
        As::Json => {
            let mut status = report::status(&view);
            if let (Some(why), Some(error)) = (live::silence(&view, waited), status.get_mut("error"))
                && error.is_null()
            {
                *error = why.into();
            }
            json(&status)?;
            live::need_answer(&view, waited)
        }
    }
}

/// Open proposals.
pub async fn proposals(live: &Live, args: &Format) -> Outcome {
    let (view, waited) = look(live, args, |_| true).await?;
    live::need_answer(&view, waited)?;
    match args.format {
        As::Json => json(&report::proposals(&view)),
        As::Text => {
            let open = view.proposals.data.iter().filter(|p| p.proposal.state.is_live());
            let lines: Vec<String> =
                open.map(|p| format!("{} {}", p.proposal.id, p.proposal.sentence)).collect();
            let none = "no proposal is open".to_owned();
            out::print(&format!("{}\n", if lines.is_empty() { none } else { lines.join("\n") }))
        }
    }
}

pub(super) fn json(value: &serde_json::Value) -> Outcome {
    let text = serde_json::to_string_pretty(value).map_err(Failure::other)?;
    out::print(&format!("{text}\n"))
}
