//! `weescale mute`: proposals that are to call nobody for a while, and which are muted.

use std::time::Duration;

use clap::Args;

use crate::learning::Why;
use crate::session::Desk;
use crate::view::{Command, Dimension, Mute, Muted, View};

use super::args::{As, Live, Shape};
use super::exit::{Failure, Outcome};
use super::{live, named, out, wish};

/// `weescale mute`.
#[derive(Clone, Debug, Args)]
pub struct MuteArgs {
    /// The service: shop/checkout, or one region of it: shop/checkout@eu-west; without one, what is muted
    pub service: Option<String>,
    /// For how long, up to 30d
    #[arg(long = "for", value_name = "DURATION", default_value = "4h", value_parser = duration)]
    pub duration: Duration,
    /// Why, for those who come after you
    #[arg(long, value_name = "TEXT", conflicts_with = "end")]
    pub reason: Option<String>,
    /// Proposals of this dimension: horizontal, vertical
    #[arg(long, value_name = "NAME", default_value = "horizontal")]
    pub dimension: String,
    /// Only what is proposed for this: present, peak, spare, use
    #[arg(long, value_name = "WHY")]
    pub only: Option<String>,
    /// End it: they are heard again
    #[arg(long, requires = "service")]
    pub end: bool,
    /// Output
    #[command(flatten)]
    pub shape: Shape,
}

fn duration(text: &str) -> Result<Duration, String> {
    crate::config::parse_duration(text)
}

/// Mutes, ends a mute, or lists those that stand.
pub async fn run(live: &Live, args: &MuteArgs) -> Outcome {
    let Some(service) = &args.service else { return list(live, args.shape).await };
    let mut muted = Muted {
        service: named::typed(service),
        dimension: named::<Dimension>("--dimension", &args.dimension, "horizontal, vertical")?,
        why: args
            .only
            .as_deref()
            .map(|text| named::<Why>("--only", text, "present, peak, spare, use"))
            .transpose()?,
    };
    let command = if args.end {
        let standing = |view: &View| view.mutes.iter().map(|m| m.muted.service.clone()).collect();
        muted.service = named::ending(live, service, standing).await?;
        Command::Unmute(muted)
    } else {
        let Some(reason) = args.reason.clone() else {
            return Err(Failure::Usage(
                "a mute needs a reason, for those who come after you: give --reason TEXT".into(),
            ));
        };
        muted.service = named::service(live, service).await?;
        Command::Mute { muted, duration: args.duration, reason }
    };
    wish::send(live, args.shape, command).await
}

fn named<T: serde::de::DeserializeOwned>(option: &str, text: &str, known: &str) -> Result<T, Failure> {
    serde_json::from_value(serde_json::Value::String(text.to_owned()))
        .map_err(|_| Failure::Usage(format!("{option} {text:?} is not known; give one of {known}")))
}

async fn list(live: &Live, shape: Shape) -> Outcome {
    let (path, is_named) = wish::socket(&live::settings(live)?)?;
    let mut desk = Desk::to_look(&path, is_named).await.map_err(Failure::other)?;
    let view = desk.view().await.map_err(Failure::other)?;
    if shape.format == As::Json {
        let text = serde_json::to_string_pretty(&view.mutes).map_err(Failure::other)?;
        return out::print(&format!("{text}\n"));
    }
    let lines: Vec<String> = view.mutes.iter().map(Mute::words).collect();
    let none = "nothing is muted".to_owned();
    out::print(&format!("{}\n", if lines.is_empty() { none } else { lines.join("\n") }))
}
