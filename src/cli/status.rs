//! `weescale status` and `weescale proposals`.

use crate::report;

use super::args::{As, Format, Live};
use super::exit::{Failure, Outcome};
use super::{live, out};

/// The state of everything.
pub async fn run(live: &Live, args: &Format) -> Outcome {
    let view = live::look(live::settings(live)?, args.wait, true).await?;
    match args.format {
        As::Text => out::print(&report::status_text(&view)),
        As::Json => json(&report::status(&view)),
    }
}

/// Open proposals.
pub async fn proposals(live: &Live, args: &Format) -> Outcome {
    let view = live::look(live::settings(live)?, args.wait, true).await?;
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

fn json(value: &serde_json::Value) -> Outcome {
    let text = serde_json::to_string_pretty(value).map_err(Failure::other)?;
    out::print(&format!("{text}\n"))
}
