//! The sheet that asks for scale-in to be held, or for a count to be pinned, for a time.

use std::time::Duration;

use crate::fleet::{Owner, WorkloadId};
use crate::view::{Command, ServiceRow, View};

use super::super::canvas::clock_minute;
use super::super::theme::Role;
use super::approve::{context, plain};
use super::{Line, Sheet, Subject};

/// How long a hold may last, in minutes; `+` and `-` go from one to the next.
const LENGTHS: [u64; 9] = [15, 30, 60, 120, 240, 480, 720, 1440, 2880];
/// Where it begins.
const FIRST: u64 = 120;

/// The sheet for the autoscaler of `workload`. The error says why there is nothing to hold, in one sentence.
pub fn hold_sheet(view: &View, workload: &WorkloadId) -> Result<Sheet, String> {
    let name = autoscaler(view, workload)?;
    Ok(sheet(view, workload, name, false, FIRST))
}

/// Another length, or a pin instead of a hold, by a key; `None` if the key is about neither, or nothing can be held any
/// more. What is shown anew has to be read: Cancel has the focus again.
pub fn adjusted(shown: &Sheet, key: char, view: &View) -> Option<Sheet> {
    let Command::Freeze { workload, duration, pin } = &shown.command else { return None };
    let name = autoscaler(view, workload).ok()?;
    let minutes = duration.as_secs() / 60;
    let (pin, minutes) = match key {
        '+' => (*pin, LENGTHS.into_iter().find(|l| *l > minutes).unwrap_or(minutes)),
        '-' => (*pin, LENGTHS.into_iter().rev().find(|l| *l < minutes).unwrap_or(minutes)),
        'p' if can_pin(name) => (!*pin, minutes),
        _ => return None,
    };
    Some(sheet(view, workload, name, pin, minutes))
}

/// Why nothing can be held, in one sentence; for what a sheet is bound to.
pub(super) fn obstacle(view: &View, workload: &WorkloadId, shown: &str) -> Option<String> {
    match autoscaler(view, workload) {
        Ok(name) if name == shown => None,
        Ok(name) => Some(format!("its autoscaler is {name} now, shown was {shown}")),
        Err(why) => Some(why),
    }
}

fn autoscaler<'v>(view: &'v View, workload: &WorkloadId) -> Result<&'v str, String> {
    let row: Option<&ServiceRow> = view.services.data.iter().find(|s| s.workload == *workload);
    match row.map(|row| &row.owner) {
        Some(Owner::Autoscaler { name }) => Ok(name),
        Some(owner) => {
            Err(format!("{workload} has no autoscaler that could be held: its owner is {}", owner.label()))
        }
        None => Err(format!("{workload} is not there any more")),
    }
}

/// Only KEDA can keep a count.
fn can_pin(autoscaler: &str) -> bool {
    autoscaler.starts_with("keda/")
}

fn sheet(view: &View, workload: &WorkloadId, name: &str, pin: bool, minutes: u64) -> Sheet {
    let duration = Duration::from_secs(minutes * 60);
    let replicas = view.services.data.iter().find(|s| s.workload == *workload).and_then(|s| s.replicas);
    let count = replicas.map_or_else(String::new, |r| format!(" at {} replicas", r.desired));
    let what = if pin {
        format!("pin {name}{count}: it neither adds nor takes away, whatever the load")
    } else {
        format!("hold scale-in of {name}: it goes on adding replicas and takes none away")
    };
    let length = if minutes < 60 { format!("{minutes} min") } else { format!("{} h", minutes / 60) };
    let keys = if can_pin(name) {
        "+ longer, - shorter, p pins the count or holds scale-in only"
    } else {
        "+ longer, - shorter; only KEDA can pin a count"
    };
    let lines: Vec<Line> = vec![
        ("workload", workload.to_string(), Role::Title),
        ("change", what, if pin { Role::Warn } else { Role::Title }),
        ("for", format!("{length}, until {} UTC", clock_minute(view.at + duration)), Role::Title),
        ("keys", keys.into(), Role::Dim),
        ("context", context(view), if view.header.context.protected { Role::Protected } else { Role::Text }),
        (
            "means",
            "a proposal with its guardrails and its hash follows; it is approved like any other, and given back at its end"
                .into(),
            Role::Text,
        ),
    ];
    let command = Command::Freeze { workload: workload.clone(), duration, pin };
    let (title, button) = if pin { ("Pin the count", "Ask for it") } else { ("Hold scale-in", "Ask for it") };
    plain(title, button, lines, Subject::Autoscaler(workload.clone(), name.to_owned()), command)
}
