//! Wishes without a screen: sent to the running engine over its socket, carried out once, answered.

use std::path::PathBuf;

use crate::config::Settings;
use crate::session::Desk;
use crate::view::{Answer, Command, LeaseState, OperationId, ProposalId, RejectReason};

use super::args::{Approve, As, Hold, Live, Note, On, Reject, Shape};
use super::exit::{Failure, Outcome};
use super::{live, named, out};

/// The socket in force, and whether it was named rather than found.
pub fn socket(settings: &Settings) -> Result<(PathBuf, bool), Failure> {
    let none =
        || Failure::Usage("no folder for the socket: set XDG_RUNTIME_DIR or give --socket PATH".into());
    Ok((settings.socket.clone().ok_or_else(none)?, settings.socket_named))
}

/// Approves.
pub async fn approve(live: &Live, args: &Approve) -> Outcome {
    let command = Command::Approve {
        proposal: ProposalId::new(&args.id),
        hash: args.hash.clone(),
        typed: args.typed.clone(),
    };
    send(live, args.shape, command).await
}

/// Rejects.
pub async fn reject(live: &Live, args: &Reject) -> Outcome {
    let code = serde_json::Value::String(args.reason.replace('-', "_"));
    let reason: RejectReason = serde_json::from_value(code).map_err(|_| {
        let codes = "wrong-forecast, too-costly, bad-time, other-work, not-trusted";
        Failure::Usage(format!("--reason {:?} is not known; give one of {codes}", args.reason))
    })?;
    send(live, args.shape, Command::Reject { proposal: ProposalId::new(&args.id), reason }).await
}

/// Something about an operation.
pub async fn on(live: &Live, on: &On, command: fn(OperationId) -> Command) -> Outcome {
    send(live, on.shape, command(OperationId::new(&on.id))).await
}

/// Asks for a freeze.
pub async fn hold(live: &Live, args: &Hold) -> Outcome {
    let workload = named::running(live, &args.workload).await?;
    send(live, args.shape, Command::Freeze { workload, duration: args.duration, pin: args.pin }).await
}

/// Notes something.
pub async fn note(live: &Live, args: &Note) -> Outcome {
    send(live, args.shape, Command::Note { about: args.about.clone(), text: args.text.clone() }).await
}

/// Shows the leases.
pub async fn leases(live: &Live, shape: Shape) -> Outcome {
    let (path, named) = socket(&live::settings(live)?)?;
    let mut desk = Desk::to_look(&path, named).await.map_err(Failure::other)?;
    let view = desk.view().await.map_err(Failure::other)?;
    if shape.format == As::Json {
        let text = serde_json::to_string_pretty(&crate::report::leases(&view)).map_err(Failure::other)?;
        return out::print(&format!("{text}\n"));
    }
    let held = view.leases.iter().filter(|l| !matches!(l.state, LeaseState::Restored { .. }));
    let lines: Vec<String> = held
        .map(|l| {
            let (id, workload, field) = (&l.operation, &l.workload, l.field.name());
            let (floor, back) = (l.field.word(l.floor), l.field.word(l.restore));
            // What is not held is not told as if it were.
            let state = match &l.state {
                LeaseState::Held => format!("until {}, then {back}", l.expires),
                LeaseState::Foreign { .. } => l.state.words(l.field),
                other => format!("until {}, then {back}, {}", l.expires, other.words(l.field)),
            };
            format!("{id} {workload} {field} {floor} {state}: {}", l.reason)
        })
        .collect();
    let none = "no floor is held".to_owned();
    out::print(&format!("{}\n", if lines.is_empty() { none } else { lines.join("\n") }))
}

/// Exit code 0 if it is carried out, 1 if it was refused.
pub async fn send(live: &Live, shape: Shape, command: Command) -> Outcome {
    let (path, named) = socket(&live::settings(live)?)?;
    let mut desk = Desk::to_wish(&path, named).await.map_err(Failure::other)?;
    let answer: Answer = desk.wish(command).await.map_err(Failure::other)?;
    if shape.format == As::Json {
        let text = serde_json::to_string(&answer).map_err(Failure::other)?;
        out::print(&format!("{text}\n"))?;
    } else if answer.accepted {
        out::print(&format!("{}\n", answer.text))?;
    }
    if answer.accepted { Ok(()) } else { Err(Failure::Other(answer.text)) }
}
