//! `weescale replay`, `bundle` and `report`: what was, from the journal or a bundle.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::clock::Clock;
use crate::replay::{Recording, ReplayError};
use crate::report::{Incident, Weekly, html, incident_json, markdown, weekly_html, weekly_markdown};
use crate::screen::{self, Exit};
use crate::series::Timestamp;
use crate::view::JournalLine;

use super::args::Live;
use super::exit::{Failure, Outcome};
use super::handover::put;
use super::samples::instant;
use super::{live, look, out};

/// An interval of the record.
#[derive(Clone, Debug, Default, Args)]
pub struct Interval {
    /// First moment, for example 2026-03-02T19:00:00Z (without a zone: UTC)
    #[arg(long, value_name = "TIME", value_parser = when)]
    pub from: Option<Timestamp>,
    /// Last moment
    #[arg(long, value_name = "TIME", value_parser = when)]
    pub to: Option<Timestamp>,
}

/// `weescale replay`.
#[derive(Clone, Debug, Args)]
pub struct Replay {
    /// A bundle; without one, the journal
    pub file: Option<PathBuf>,
    /// Which part of the journal.
    #[command(flatten)]
    pub interval: Interval,
}

/// `weescale bundle`.
#[derive(Clone, Debug, Args)]
pub struct Bundle {
    /// Which part of the journal.
    #[command(flatten)]
    pub interval: Interval,
    /// The bundle to make; a file that is there already is not touched
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// About how large it may become; frames between decisions are thinned for it
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = clap::value_parser!(u64).range(1..=4000))]
    pub max_mib: u64,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ReportAs {
    /// Text with tables; pictures go beside it.
    #[default]
    Markdown,
    /// One page with its pictures in it.
    Html,
    /// For scripts.
    Json,
}

/// `weescale report`.
#[derive(Clone, Debug, Args)]
pub struct Report {
    /// A bundle; without one, the journal
    pub file: Option<PathBuf>,
    /// Which part of the journal.
    #[command(flatten)]
    pub interval: Interval,
    /// Only this operation and its workload
    #[arg(long, value_name = "ID")]
    pub operation: Option<String>,
    /// The last seven days (or --from and --to) instead of an incident: KPIs, savings, forecast skill, autonomy
    #[arg(long, conflicts_with = "operation")]
    pub weekly: bool,
    /// How it is written
    #[arg(long, value_name = "FORMAT", default_value = "markdown")]
    pub format: ReportAs,
    /// Where to; without one, to standard output and without pictures
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

fn when(text: &str) -> Result<Timestamp, String> {
    instant(text).ok_or_else(|| "give a time such as 2026-03-02T19:00:00Z".to_owned())
}

/// A recording that cannot be used is a wrong argument.
fn refused(error: impl Into<ReplayError>) -> Failure {
    Failure::Usage(error.into().to_string())
}

fn recording(live: &Live, file: Option<&Path>, interval: &Interval) -> Result<Recording, Failure> {
    if let (Some(from), Some(to)) = (interval.from, interval.to)
        && from > to
    {
        return Err(Failure::Usage(format!("--from {from} is later than --to {to}; exchange them")));
    }
    match file {
        Some(_) if interval.from.is_some() || interval.to.is_some() => {
            Err(Failure::Usage("--from and --to are for the journal; a bundle is read whole".into()))
        }
        Some(file) => Recording::bundle(file).map_err(refused),
        None => Recording::journal(&journal(live)?, interval.from, interval.to).map_err(refused),
    }
}

fn journal(live: &Live) -> Result<PathBuf, Failure> {
    super::journal::path(live)
}

/// The dashboard on a recording.
pub async fn replay(live: &Live, args: &Replay) -> Outcome {
    let recording = recording(live, args.file.as_deref(), &args.interval)?;
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(Failure::Usage(
            "replay needs a terminal; without one use `weescale report FILE --format json`".into(),
        ));
    }
    let options = look::options(live, &live::settings(live)?)?;
    let replay = crate::replay::play(recording, Clock::real()).map_err(refused)?;
    match screen::run(replay.view, replay.commands, options).await {
        Ok(Exit::EngineGone) => Err(Failure::Other("the replay has stopped unexpectedly".into())),
        Ok(Exit::Quit | Exit::HangUp | Exit::Signal(_)) => Ok(()),
        Err(error) => Err(Failure::other(error)),
    }
}

/// Cuts an interval out of the journal.
pub fn bundle(live: &Live, args: &Bundle) -> Outcome {
    if args.output.symlink_metadata().is_ok() {
        let name = args.output.display();
        return Err(Failure::Other(format!("{name} exists already; name another with -o")));
    }
    let mut file = recording(live, None, &args.interval)?.into_file();
    let cut = file.cut(&args.output, args.max_mib << 20, &mut |_| {}).map_err(Failure::other)?;
    let thinned =
        if cut.thinned > 0 { format!(", {} left out for the size", cut.thinned) } else { String::new() };
    let redacted =
        if cut.redacted > 0 { format!(", {} texts redacted", cut.redacted) } else { String::new() };
    let fewer = if cut.issued_left > 0 {
        format!(" ({} earlier ones left out for the size)", cut.issued_left)
    } else {
        String::new()
    };
    out::print(&format!(
        "{}: {} frames{thinned}, {} forecasts{fewer}, {} records{redacted}, {:.1} MiB\nlook at it with: weescale replay {}\n",
        args.output.display(),
        cut.frames,
        cut.issued,
        cut.records,
        cut.bytes as f64 / 1_048_576.0,
        args.output.display()
    ))
}

/// Frames that a week is told from, beside its first and last: what happened between them is in each of them.
const SAMPLES: usize = 200;

/// Writes a week up.
fn weekly(live: &Live, args: &Report) -> Outcome {
    let mut interval = args.interval.clone();
    if args.file.is_none() && interval.from.is_none() {
        let to = interval.to.unwrap_or_else(|| Clock::real().now());
        interval.from = Some(to - Duration::from_secs(7 * 86_400));
    }
    let mut recording = recording(live, args.file.as_deref(), &interval)?;
    let count = recording.frames().len();
    let mut weekly = Weekly::default();
    for index in (0..count).step_by((count / SAMPLES).max(1)).chain([count.saturating_sub(1)]) {
        weekly.frame(&recording.view(index).map_err(refused)?);
    }
    let text = match args.format {
        ReportAs::Json => serde_json::to_string_pretty(&weekly.json()).map_err(Failure::other)? + "\n",
        ReportAs::Html => weekly_html(&weekly),
        ReportAs::Markdown => weekly_markdown(&weekly),
    };
    put(args.output.as_deref(), &text)
}

/// Writes an incident up.
pub fn report(live: &Live, args: &Report) -> Outcome {
    if args.weekly {
        return weekly(live, args);
    }
    let mut recording = recording(live, args.file.as_deref(), &args.interval)?;
    let records: Vec<JournalLine> = recording
        .records()
        .iter()
        .map(|l| JournalLine {
            seq: l.seq,
            at: l.at,
            kind: l.kind.clone(),
            user: l.user.clone(),
            text: l.text.clone(),
        })
        .collect();
    let mut incident = Incident::new(records, args.operation.clone());
    for index in 0..recording.frames().len() {
        incident.frame(&recording.told(index).map_err(refused)?);
    }
    let incident = incident.finish().map_err(Failure::Usage)?;
    match (args.format, &args.output) {
        (ReportAs::Json, to) => {
            let text = serde_json::to_string_pretty(&incident_json(&incident)).map_err(Failure::other)?;
            put(to.as_deref(), &format!("{text}\n"))
        }
        (ReportAs::Html, to) => put(to.as_deref(), &html(&incident)),
        (ReportAs::Markdown, None) => out::print(&markdown(&incident, &[])),
        (ReportAs::Markdown, Some(to)) => {
            let mut names = Vec::new();
            let stem = to.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            for (i, picture) in incident.pictures().into_iter().enumerate() {
                let name = format!("{stem}-{}.svg", i + 1);
                put(Some(&to.with_file_name(&name)), &picture)?;
                names.push(name);
            }
            put(Some(to), &markdown(&incident, &names))
        }
    }
}
