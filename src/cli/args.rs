//! What can be typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// A terminal real-time scaling dashboard for site reliability engineers.
///
/// Without a command: the dashboard. Sources come from the command line, then the configuration file, then
/// PROMETHEUS_URL. Nothing is ever written unless --allow-actions (or mode = "ask") is set and a person approves.
#[expect(clippy::doc_markdown, reason = "the text is shown as help")]
#[derive(Clone, Debug, Parser)]
#[command(name = "weescale", version, max_term_width = 110)]
pub struct Cli {
    /// What to look at.
    #[command(flatten)]
    pub live: Live,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to look at, for every command that looks at something.
#[expect(clippy::doc_markdown, reason = "the text is shown as help")]
#[derive(Clone, Debug, Default, Args)]
pub struct Live {
    /// Configuration file [default: weescale/config.toml in the user's configuration folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// A server that answers PromQL: Prometheus, Thanos, Mimir, VictoriaMetrics (repeatable)
    #[arg(long, global = true, value_name = "URL")]
    pub prometheus: Vec<String>,
    /// An endpoint that exposes metrics as text (repeatable)
    #[arg(long, global = true, value_name = "URL")]
    pub scrape: Vec<String>,
    /// A context of the kubeconfig: its cluster is shown, and scaled where that is allowed
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Poll interval, for example 5s
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration)]
    pub interval: Option<Duration>,
    /// Let approved proposals be executed; without it weescale only observes
    #[arg(long, global = true)]
    pub allow_actions: bool,
    /// Theme: terminal, dark, light, high-contrast, colour-blind, or a file
    #[arg(long, global = true, value_name = "NAME")]
    pub theme: Option<String>,
    /// Colours: auto, never, 16, 256, truecolor
    #[arg(long, global = true, value_name = "DEPTH", default_value = "auto")]
    pub color: Color,
    /// Where decisions, signals and forecasts are kept
    #[arg(long, global = true, value_name = "FILE")]
    pub journal: Option<PathBuf>,
    /// Socket that `serve` makes and `attach`, `approve` and the like use [default: in the user's runtime folder]
    #[arg(long, global = true, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Log file [default: weescale.log in the user's state folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub log: Option<PathBuf>,
}

/// How many colours to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// What the environment says.
    #[default]
    Auto,
    /// None: attributes only.
    Never,
    /// The terminal's own sixteen.
    #[value(name = "16")]
    Ansi,
    /// 256.
    #[value(name = "256")]
    Indexed,
    /// 24 bit.
    Truecolor,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// The dashboard on a simulated fleet with real HTTP on loopback
    Demo(Demo),
    /// The engine without a screen, as a service that `attach` joins; SIGTERM stops it
    Serve,
    /// The dashboard on an engine that runs as a service; leaving it changes nothing
    Attach(Attach),
    /// What is reachable, which metrics are missing, and how to add them
    Check,
    /// The state of everything, once, without a terminal
    Status(Format),
    /// Open proposals, once, without a terminal
    Proposals(Format),
    /// The coming day of every service, in at most six decisions each
    Plan(Format),
    /// Floors that are held, until when and for what, of the running engine
    Leases(Shape),
    /// Approve exactly what was shown, by its hash
    Approve(Approve),
    /// Day plans of the running engine; approve or end one
    Day(super::day::Day),
    /// Reject a proposal, with a reason
    Reject(Reject),
    /// Stop an operation and roll it back
    Abort(On),
    /// Stop an operation before its next stage
    Pause(On),
    /// Let a paused operation go on
    Resume(On),
    /// Give a floor back now
    Release(On),
    /// Propose that an autoscaler takes nothing away for a time, or pin KEDA's count
    Hold(Hold),
    /// Mute proposals of a service for a time, hear them again, or list what is muted
    Mute(super::mute::MuteArgs),
    /// Say that a region, or a service in one, was removed on purpose
    Gone(super::asides::GoneArgs),
    /// Set a lease aside that another weescale noted on a service's object
    Claim(super::asides::ClaimArgs),
    /// Put a note about a proposal, an operation or a service into the journal
    Note(Note),
    /// What demand is coming: of one history a picture and quantiles, of a folder of them a file
    Forecast(super::forecast::Forecast),
    /// What is unusual: scores of one series, or of a folder of them
    Anomalies(super::anomalies::Anomalies),
    /// What weescale and other autoscalers would have done on a history
    Backtest(super::backtest::Backtest),
    /// What a service would need: demand times k, a zone gone, other replicas, cold caches
    WhatIf(super::what_if::WhatIf),
    /// Share lessons as a signed file, or take those of others in
    Lessons(super::lessons::Lessons),
    /// Write, show or check the configuration
    Config(Config),
    /// Export, verify or measure the journal
    Journal(Journal),
    /// The dashboard on a recording: a bundle, or an interval of the journal; nothing executes
    Replay(super::travel::Replay),
    /// Cut an interval of the journal into one portable file, secrets removed
    Bundle(super::travel::Bundle),
    /// Write an incident up, with pictures
    Report(super::travel::Report),
    /// What the next shift must know, from the latest record
    Handover(super::handover::HandoverArgs),
    /// Completions for a shell
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// The manual page
    Man,
    /// The keys, as a table
    Keys,
}

/// Output of a command to a running engine.
#[derive(Clone, Copy, Debug, Args)]
pub struct Shape {
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: As,
}

/// `weescale attach`.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Attach {
    /// Learn along: what you approve or reject is recorded beside the decision of others, and does nothing
    #[arg(long)]
    pub shadow: bool,
}

/// `weescale approve`.
#[derive(Clone, Debug, Args)]
pub struct Approve {
    /// The proposal: p-4
    pub id: String,
    /// Its hash as shown by `weescale proposals --format json`
    #[arg(long, value_name = "HASH")]
    pub hash: String,
    /// The context's name, where it is protected
    #[arg(long, value_name = "NAME")]
    pub typed: Option<String>,
    /// Output
    #[command(flatten)]
    pub shape: Shape,
}

/// `weescale reject`.
#[derive(Clone, Debug, Args)]
pub struct Reject {
    /// The proposal: p-4
    pub id: String,
    /// wrong-forecast, too-costly, bad-time, other-work or not-trusted
    #[arg(long, value_name = "CODE")]
    pub reason: String,
    /// Output
    #[command(flatten)]
    pub shape: Shape,
}

/// `weescale abort`, `pause`, `resume` and `release`.
#[derive(Clone, Debug, Args)]
pub struct On {
    /// The operation: op-2
    pub id: String,
    /// Output
    #[command(flatten)]
    pub shape: Shape,
}

/// `weescale hold`.
#[derive(Clone, Debug, Args)]
pub struct Hold {
    /// The workload: shop/checkout, shop/checkout@eu-west
    pub workload: String,
    /// For how long, up to 7d
    #[arg(long = "for", value_name = "DURATION", default_value = "1h", value_parser = duration)]
    pub duration: Duration,
    /// Let none be added either: KEDA pauses at the present count
    #[arg(long)]
    pub pin: bool,
    /// Output
    #[command(flatten)]
    pub shape: Shape,
}

/// `weescale note`.
#[derive(Clone, Debug, Args)]
pub struct Note {
    /// What it is about: p-4, op-2, a service
    pub about: String,
    /// The note
    pub text: String,
    /// Output
    #[command(flatten)]
    pub shape: Shape,
}

/// `weescale demo`.
#[derive(Clone, Debug, Args)]
pub struct Demo {
    /// calm, morning-ramp, flash-crowd, retry-storm, cold-cache, db-bound, region-loss, metrics-outage,
    /// controller-fight, month-end, wear or bad-deploy
    #[arg(long, value_name = "NAME", default_value = "morning-ramp")]
    pub scenario: String,
    /// How many times faster than the machine's clock simulated time runs
    #[arg(long, value_name = "N", default_value_t = 10.0)]
    pub speed: f64,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Only observe: no approvals
    #[arg(long)]
    pub observe: bool,
    /// Run as a service without a screen, for `weescale attach`
    #[arg(long)]
    pub serve: bool,
    /// Changes that add more than this, $/h, take two people
    #[arg(long, value_name = "DOLLARS")]
    pub second_person_above: Option<f64>,
}

/// Output format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum As {
    /// For people.
    #[default]
    Text,
    /// For scripts; documented, fields are only ever added.
    Json,
}

/// Commands with an output format.
#[derive(Clone, Copy, Debug, Args)]
pub struct Format {
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: As,
    /// Wait at most this long for the first signals
    #[arg(long, value_name = "DURATION", default_value = "90s", value_parser = duration)]
    pub wait: Duration,
}

/// `weescale config`.
#[derive(Clone, Debug, Args)]
pub struct Config {
    /// What to do with it.
    #[command(subcommand)]
    pub action: ConfigAction,
}

/// What to do with the configuration.
#[derive(Clone, Debug, Subcommand)]
pub enum ConfigAction {
    /// Write a commented configuration (to the default place, unless given; - for standard output)
    Init {
        /// Where to.
        file: Option<PathBuf>,
    },
    /// What is in force, and where each value comes from
    Show,
    /// Check a configuration; exit code 2 and every problem at once if it cannot be used
    Check {
        /// Which; the default one if absent.
        file: Option<PathBuf>,
    },
}

/// `weescale journal`.
#[derive(Clone, Debug, Args)]
pub struct Journal {
    /// What to do with it.
    #[command(subcommand)]
    pub action: JournalAction,
}

/// What to do with the journal.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum JournalAction {
    /// Every record as one JSON object a line
    Export,
    /// Check the chain: exit code 0 whole, 3 last write unfinished, 4 corrupt
    Verify,
    /// What it holds, and how much room each part takes
    Size,
}

fn duration(text: &str) -> Result<Duration, String> {
    crate::config::parse_duration(text)
}
