//! `weescale handover`: what the next shift must know, and handing it over.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::clock::Clock;
use crate::engine::{current_person, current_tty};
use crate::journal::{Entry, Journal, Kind};
use crate::replay::Recording;
use crate::series::text::clean;
use crate::session::{Desk, SessionError};
use crate::view::{Caller, Command, Handover, Shift};

use super::args::{As, Live, Shape};
use super::exit::{Failure, Outcome};
use super::{journal, live, out, wish};

/// Longest name.
const NAME: usize = 64;

/// `weescale handover`.
#[derive(Clone, Debug, Args)]
pub struct HandoverArgs {
    /// Write the card to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Take the shift over, under your login name; where no engine runs, write this name into the journal
    #[arg(long, value_name = "NAME")]
    pub ack: Option<String>,
    /// Hand the shift over to this person, who is asked to take it over
    #[arg(long, value_name = "NAME", conflicts_with = "ack")]
    pub to: Option<String>,
    /// Output
    #[command(flatten)]
    pub shape: Shape,
}

/// Prints the card of the running engine, or of the latest frame of the journal; hands over or takes over.
pub async fn run(live: &Live, args: &HandoverArgs) -> Outcome {
    // Who names a journal means what is in it, whatever runs.
    let named_only = live.journal.is_some() && live.socket.is_none();
    let running = if named_only { None } else { of_engine(live).await? };
    let (card, shift) = match running {
        Some((card, shift)) => {
            if let Some(name) = &args.ack {
                take_over(live, &shift, name).await?;
            }
            if let Some(name) = &args.to {
                wished(live, Command::HandOver(clean(name.trim(), NAME))).await?;
            }
            // As it is after that, where the engine still answers.
            let acted = args.ack.is_some() || args.to.is_some();
            let after = if acted { of_engine(live).await? } else { None };
            let (card, shift) = after.unwrap_or((card, shift));
            (card, Some(shift))
        }
        None if args.to.is_some() => {
            let why = "no engine runs that could ask them: use --ack NAME, which goes into the journal";
            return Err(Failure::Usage(format!("--to: {why}")));
        }
        None => (of_journal(live, args.ack.as_deref())?, None),
    };
    let text = match args.shape.format {
        As::Json => {
            let body = serde_json::json!({ "card": card, "shift": shift });
            format!("{}\n", serde_json::to_string_pretty(&body).map_err(Failure::other)?)
        }
        As::Text => card.markdown(),
    };
    put(args.output.as_deref(), &text)
}

/// The card of the engine that answers on the socket, if one does.
async fn of_engine(live: &Live) -> Result<Option<(Handover, Shift)>, Failure> {
    let (path, named) = wish::socket(&live::settings(live)?)?;
    match Desk::to_look(&path, named).await {
        Ok(mut desk) => {
            let view = desk.view().await.map_err(Failure::other)?;
            Ok(Some((Handover::of(&view), view.teams.shift)))
        }
        Err(SessionError::Absent { .. }) if !named => Ok(None),
        Err(error) => Err(Failure::other(error)),
    }
}

/// Takes over what somebody else handed over.
async fn take_over(live: &Live, shift: &Shift, name: &str) -> Outcome {
    let me = current_person();
    if name.trim() != me.name {
        return Err(Failure::Usage(format!(
            "--ack {}: an engine runs, which takes the shift over under the name the system knows you by: {}",
            clean(name, NAME),
            me.name
        )));
    }
    if !shift.open.as_ref().is_some_and(|open| open.waits_for(me.uid, &me.name)) {
        return Err(Failure::Other("nobody else has handed a shift over that waits for you".into()));
    }
    wished(live, Command::TakeOver).await
}

async fn wished(live: &Live, command: Command) -> Outcome {
    let (path, named) = wish::socket(&live::settings(live)?)?;
    let mut desk = Desk::to_wish(&path, named).await.map_err(Failure::other)?;
    let answer = desk.wish(command).await.map_err(Failure::other)?;
    if answer.accepted { Ok(()) } else { Err(Failure::Other(answer.text)) }
}

/// The card of the latest frame of the journal, acknowledged by `ack` in it.
fn of_journal(live: &Live, ack: Option<&str>) -> Result<Handover, Failure> {
    let path = journal::path(live)?;
    // A recording that cannot be used is a wrong argument.
    let refused = |e: crate::replay::ReplayError| Failure::Usage(e.to_string());
    let mut recording = Recording::journal(&path, None, None).map_err(refused)?;
    let last = recording.frames().len().saturating_sub(1);
    let card = Handover::of(&*recording.view(last).map_err(refused)?);
    if let Some(name) = ack {
        let name = clean(name.trim(), NAME);
        let by = current_person();
        let mut journal = Journal::open(&path).map_err(Failure::other)?;
        let text = format!("handed over to {name}: {}", card.summary());
        let caller = Caller { person: by.clone(), tty: current_tty(), company: None };
        let body = serde_json::json!({ "acknowledged_by": name, "card": card, "caller": caller });
        let entry = Entry::new(Kind::Handover, text, body).by(&by.name);
        journal.append(Clock::real().now(), &[entry]).map_err(Failure::other)?;
    }
    Ok(card)
}

/// To a file that is made or replaced, or to standard output.
pub fn put(to: Option<&Path>, text: &str) -> Outcome {
    let Some(path) = to else { return out::print(text) };
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|e| Failure::Other(format!("{}: {e}", path.display())))
}
