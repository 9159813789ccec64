//! Command line, file and environment become settings; every problem is collected.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::approval::Mode;
use crate::fleet::{Context, Objective, Region};
use crate::journal::Keep;
use crate::proposal::{LONGEST_WAIT, Lifetimes, Staging};
use crate::scrape::{Auth, Target, open_plain, read_bounded};
use crate::series::Timestamp;
use crate::series::text::clean;

use super::file::{self, File};
use super::malformed;
use super::place;
use super::settings::{FreezeWindow, Override, ProviderSettings, ServiceRule, Settings};
use super::sources::Sources;
use super::{ConfigError, Problem};

/// A configuration file larger than this is refused.
const MAX_FILE: u64 = 1 << 20;
/// Problems told of one configuration; of further ones the number.
const MOST_PROBLEMS: usize = 50;
/// Sources of one kind.
const MOST_SOURCES: usize = 10_000;
/// Platforms, accounts and load balancers of one kind.
const MOST_PLATFORMS: usize = 1_000;
/// Longest name taken from a file.
pub(super) const NAME_CHARS: usize = 128;
/// Share of a core that renewing forecasts may take: ten thousand services have fans of two minutes by it.
const FORECAST_CPU: f64 = 0.25;
/// Routes and regions taken from one list.
pub(super) const LISTED: usize = 50;

/// Fields that come from the file or not at all, as [`super::show()`] names them.
const WRITTEN: [&str; 18] = [
    "mode",
    "context.protected",
    "aws",
    "provider",
    "service",
    "team",
    "session.learners",
    "lessons.trust",
    "region",
    "region.holidays",
    "event",
    "record.days",
    "record.max_mib",
    "proposals.expiry",
    "proposals.quiet",
    "budget.month",
    "budget.held",
    "budget.second_person_above",
];

/// What was given outside the file.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--prometheus`.
    pub prometheus: Vec<String>,
    /// `--scrape`.
    pub scrape: Vec<String>,
    /// `--interval`.
    pub interval: Option<Duration>,
    /// `--allow-actions`.
    pub allow_actions: bool,
    /// `--theme`.
    pub theme: Option<String>,
    /// `--journal`.
    pub journal: Option<PathBuf>,
    /// `--socket`.
    pub socket: Option<PathBuf>,
    /// `PROMETHEUS_URL`.
    pub prometheus_env: Option<String>,
    /// `--context`.
    pub kube_context: Option<String>,
    /// Whether `KUBECONFIG` is set, or this is a pod with a service account.
    pub kube_found: bool,
}

/// Reads and merges. Without `--config` the default file is read if it exists.
pub fn load(given: &Given) -> Result<Settings, ConfigError> {
    let path = place_of(given);
    let (file, text) = path.as_deref().map(read).transpose()?.unwrap_or_default();
    merged(given, file, named(path.as_deref()), &text)
}

/// The file that is read.
fn place_of(given: &Given) -> Option<PathBuf> {
    given.config.clone().or_else(|| super::default_path().filter(|p| p.exists()))
}

fn named(path: Option<&Path>) -> String {
    path.map_or_else(|| "command line".to_owned(), |p| p.display().to_string())
}

/// What others find wrong with the values of a configuration that is read, told as [`load`] tells its own.
pub fn refused(given: &Given, problems: Vec<Problem>) -> ConfigError {
    let path = place_of(given);
    let text = path.as_deref().and_then(|p| read(p).ok()).map(|(_, text)| text).unwrap_or_default();
    invalid(named(path.as_deref()), problems, &place::Places::of(&text))
}

/// Merges what was given with no file at all.
pub fn load_without_file(given: &Given) -> Result<Settings, ConfigError> {
    merged(given, File::default(), "command line".to_owned(), "")
}

fn merged(given: &Given, file: File, origin: String, text: &str) -> Result<Settings, ConfigError> {
    let mut merge = Merge { origin, problems: Vec::new(), origins: Vec::new() };
    let places = place::Places::of(text);
    merge.counts(&file);
    if merge.problems.is_empty() {
        let settings = merge.settings(given, file);
        if merge.problems.is_empty() {
            merge.note_written(&places);
            return Ok(Settings { origins: merge.origins, ..settings });
        }
    }
    Err(invalid(merge.origin, merge.problems, &places))
}

fn invalid(origin: String, mut problems: Vec<Problem>, places: &place::Places<'_>) -> ConfigError {
    let more = problems.len().saturating_sub(MOST_PROBLEMS);
    problems.truncate(MOST_PROBLEMS);
    for problem in &mut problems {
        problem.line = places.of_field(&problem.field).unwrap_or(0);
    }
    ConfigError::Invalid { origin, problems, more }
}

fn read(path: &Path) -> Result<(File, String), ConfigError> {
    let unreadable = |why: String| ConfigError::Unreadable { path: path.to_owned(), why };
    let (opened, meta) = open_plain(path).map_err(|e| unreadable(e.to_string()))?;
    // Whoever can write it can loosen every guardrail.
    if meta.mode() & 0o022 != 0 {
        return Err(unreadable("others may write to it; take that away with chmod go-w".into()));
    }
    let me = rustix::process::geteuid().as_raw();
    if meta.uid() != me && meta.uid() != 0 {
        return Err(unreadable(format!("it belongs to uid {}, neither you nor root", meta.uid())));
    }
    let bytes = read_bounded(opened, MAX_FILE).map_err(|e| unreadable(e.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|e| {
        unreadable(format!("not UTF-8 at byte {}; save it as UTF-8", e.utf8_error().valid_up_to()))
    })?;
    match toml::from_str(&text) {
        Ok(file) => Ok((file, text)),
        Err(error) => {
            let mut all = malformed::every(&text, error).into_iter();
            let (byte, mut why) = all.next().unwrap_or_default();
            let (line, column) = place::of_byte(&text, byte);
            for (byte, other) in all {
                let (line, column) = place::of_byte(&text, byte);
                why.push_str(&format!("\n  {}:{line}:{column}: {other}", path.display()));
            }
            Err(ConfigError::Malformed { path: path.to_owned(), line, column, why })
        }
    }
}

pub(super) struct Merge {
    pub(super) origin: String,
    problems: Vec<Problem>,
    origins: Vec<Override>,
}

impl Merge {
    pub(super) fn note(&mut self, field: &str, value: impl Into<String>, origin: &str) {
        self.origins.push(Override { field: field.into(), value: value.into(), origin: origin.into() });
    }

    pub(super) fn problem(&mut self, field: impl Into<String>, what: impl Into<String>) {
        self.problems.push(Problem::new(field, what));
    }

    /// Notes what the file says and nobody noted with its value.
    fn note_written(&mut self, places: &place::Places<'_>) {
        let origin = self.origin.clone();
        for field in WRITTEN {
            let known = self.origins.iter().any(|o| o.field == field);
            // Holidays stand with their regions.
            let place = if field == "region.holidays" { "region" } else { field };
            if !known && places.has(place) {
                self.note(field, "", &origin);
            }
        }
    }

    /// More of what is polled than one machine can follow is a mistake, and each is held against all others.
    fn counts(&mut self, file: &File) {
        for (name, count, most) in [
            ("prometheus", file.prometheus.len(), MOST_SOURCES),
            ("scrape", file.scrape.len(), MOST_SOURCES),
            ("cloudwatch", file.cloudwatch.len(), MOST_PLATFORMS),
            ("provider", file.provider.len(), MOST_PLATFORMS),
            ("kubernetes", file.kubernetes.len(), MOST_PLATFORMS),
            ("aws", file.aws.len(), MOST_PLATFORMS),
            ("haproxy", file.haproxy.len(), MOST_PLATFORMS),
        ] {
            if count > most {
                self.problem(name, format!("{count} of them are more than the {most} that are taken"));
            }
        }
    }

    fn settings(&mut self, given: &Given, file: File) -> Settings {
        let from_file = self.origin.clone();
        let context = self.context(given, &file.context);
        let mode = self.mode(given, file.mode.as_deref());
        let Sources { prometheus, history, scrape } = self.sources(given, &file);
        let journal = given.journal.clone().or_else(|| file.journal.clone());
        if let Some(path) = &journal {
            let origin = if given.journal.is_some() { "command line" } else { &from_file };
            self.note("journal", path.display().to_string(), origin);
        }
        let theme = given.theme.clone().or_else(|| file.theme.clone());
        if let Some(theme) = &theme {
            let origin = if given.theme.is_some() { "command line" } else { &from_file };
            self.note("theme", theme.clone(), origin);
        }
        let days = self.days(&file);
        let providers = self.providers(&file.provider);
        let kubernetes = self.kubernetes(given, &file.kubernetes, &providers);
        let socket = given.socket.clone().or_else(|| file.session.socket.clone());
        if let Some(path) = &socket {
            let origin = if given.socket.is_some() { "command line" } else { &from_file };
            self.note("session.socket", path.display().to_string(), origin);
        }
        Settings {
            socket_named: socket.is_some(),
            socket: socket.or_else(super::default_socket),
            session_groups: self.groups(&file.session),
            learners: file.session.learners.iter().map(|l| clean(l, NAME_CHARS)).collect(),
            teams: self.teams(&file.team),
            trusted_keys: self.trusted(&file.lessons),
            journal: journal.or_else(|| super::default_journal(&context.name)),
            context,
            mode,
            theme,
            keys: file.keys,
            prometheus,
            history,
            scrape,
            providers,
            kubernetes,
            aws: self.aws(&file.aws),
            cloudwatch: self.cloudwatch(&file.cloudwatch),
            haproxy: self.haproxy(&file.haproxy),
            services: file.service.iter().enumerate().map(|(i, s)| self.service(i, s)).collect(),
            regions: self.regions(&file.region),
            days,
            freezes: file.freeze.iter().enumerate().filter_map(|(i, f)| self.freeze(i, f)).collect(),
            budget_month: self.positive("budget.month", file.budget.month),
            second_person_above: self.positive("budget.second_person_above", file.budget.second_person_above),
            budget_held: self.positive("budget.held", file.budget.held),
            lifetimes: self.lifetimes(&file.proposals),
            forecast_cpu: self.forecast_cpu(&file.forecast),
            record: self.record(&file.record),
            recipes: self.recipes(file.recipes),
            origins: Vec::new(),
        }
    }

    fn forecast_cpu(&mut self, forecast: &file::Forecast) -> f64 {
        let share = forecast.cpu.unwrap_or(FORECAST_CPU);
        if !(0.01..=1.0).contains(&share) {
            self.problem("forecast.cpu", "must be a share of one core between 0.01 and 1, for example 0.25");
        }
        if forecast.cpu.is_some() {
            let origin = self.origin.clone();
            self.note("forecast.cpu", share.to_string(), &origin);
        }
        share
    }

    fn record(&mut self, record: &file::Record) -> Option<Keep> {
        let default = Keep::default();
        let days = record.days.unwrap_or(default.days);
        if !(1..=3650).contains(&days) {
            self.problem("record.days", "must be between 1 and 3650");
        }
        let bytes = record.max_mib.map_or(default.bytes, |mib| u64::from(mib) << 20);
        if bytes > 0 && bytes < 16 << 20 {
            self.problem("record.max_mib", "must be 0 to keep nothing, or at least 16");
        }
        (bytes > 0).then_some(Keep { days, bytes })
    }

    fn context(&mut self, given: &Given, context: &file::Context) -> Context {
        let origin = self.origin.clone();
        let asked = given.kube_context.as_ref().filter(|_| context.name.is_none());
        if let Some(asked) = asked {
            let name = clean(asked, NAME_CHARS);
            self.note("context.name", name.clone(), "command line");
            return Context { name, protected: context.protected.unwrap_or(false) };
        }
        let name = context.name.as_deref().map(|n| clean(n, NAME_CHARS));
        if let Some(name) = &name {
            self.note("context.name", name.clone(), &origin);
            if name.trim().is_empty() {
                self.problem("context.name", "must not be empty");
            }
        }
        Context {
            name: name.unwrap_or_else(|| "default".into()),
            protected: context.protected.unwrap_or(false),
        }
    }

    fn mode(&mut self, given: &Given, written: Option<&str>) -> Mode {
        let origin = self.origin.clone();
        if given.allow_actions {
            self.note("mode", "ask", "command line");
            return Mode::Ask;
        }
        match written {
            None | Some("observe") => Mode::Observe,
            Some("ask") => {
                self.note("mode", "ask", &origin);
                Mode::Ask
            }
            Some(other) => {
                self.problem("mode", format!("{other:?} is not a mode; write \"observe\" or \"ask\""));
                Mode::Observe
            }
        }
    }

    fn providers(&mut self, providers: &[file::Provider]) -> Vec<ProviderSettings> {
        let mut made: Vec<ProviderSettings> = Vec::new();
        for (i, p) in providers.iter().enumerate() {
            let field = format!("provider[{i}]");
            if p.kind.as_deref().unwrap_or("http") != "http" {
                self.problem(format!("{field}.type"), "only \"http\" is known");
            }
            match Target::new(&p.url) {
                Err(error) => self.problem(format!("{field}.url"), error.to_string()),
                // The address is shown; a secret in it would be too.
                Ok(target) if target.auth != Auth::None || p.url.contains(['?', '#']) => self.problem(
                    format!("{field}.url"),
                    "must hold no user, query or fragment; give a token with token_file or token_env",
                ),
                Ok(_) => {}
            }
            let name = clean(&p.name, NAME_CHARS);
            if name.is_empty() || made.iter().any(|m| m.name == name) {
                self.problem(format!("{field}.name"), "must be given and unlike any other provider's");
            }
            let token =
                self.credential(&format!("{field}.token"), p.token_file.as_ref(), p.token_env.as_ref());
            self.authorities(&format!("{field}.ca_file"), p.ca_file.as_deref());
            made.push(ProviderSettings { name, url: p.url.clone(), token, ca_file: p.ca_file.clone() });
        }
        made
    }

    fn service(&mut self, i: usize, s: &file::Service) -> ServiceRule {
        let field = |name: &str| format!("service[{i}].{name}");
        if s.name.trim().is_empty() {
            self.problem(
                field("name"),
                "must be given: a workload or service name, `*` at its end for any rest",
            );
        }
        if let (Some(min), Some(max)) = (s.min, s.max)
            && min > max
        {
            self.problem(field("min"), format!("minimum {min} is above maximum {max}"));
        }
        if s.step_up.is_some_and(|r| !(r > 0.0 && r <= 10.0)) {
            self.problem(field("step_up"), "must be above 0 and at most 10, for example 0.3");
        }
        let staging = self.staging(i, s);
        let objective = s.slo.as_ref().and_then(|slo| {
            let window = slo.window.map_or(Duration::from_secs(30 * 86_400), |w| w.0);
            Objective::declared(slo.target, slo.latency.0, slo.quantile.unwrap_or(0.95), window)
                .map_err(|e| self.problem(field("slo"), e.to_string()))
                .ok()
        });
        ServiceRule {
            name: clean(&s.name, NAME_CHARS),
            team: s.team.as_deref().map(|t| clean(t, NAME_CHARS)),
            objective,
            capacity: self.positive(&field("capacity"), s.capacity),
            short_cost: self.positive(&field("short_cost"), s.short_cost),
            price: self.positive(&field("price"), s.price),
            min: s.min,
            max: s.max,
            step_up: s.step_up,
            cooldown: s.cooldown.map(|c| c.0),
            staging,
            optional_routes: s.optional_routes.iter().take(LISTED).map(|r| clean(r, NAME_CHARS)).collect(),
            residency: s.residency.iter().take(LISTED).map(|r| clean(r, NAME_CHARS)).collect(),
        }
    }

    fn staging(&mut self, i: usize, s: &file::Service) -> Option<Staging> {
        let wait = s.stage_wait.map_or(Duration::ZERO, |w| w.0);
        let shares = s.stages.as_deref().or_else(|| s.stage_wait.is_some().then_some(&[]))?;
        let staging = Staging::configured(shares, wait);
        let at = |name: &str| format!("service[{i}].{name}");
        if wait > LONGEST_WAIT {
            self.problem(at("stage_wait"), "must be at most 5m: what is needed comes too late otherwise");
        } else if staging.is_none() && s.stages.is_none() {
            self.problem(at("stage_wait"), "needs stages, for example stages = [25, 50, 100]");
        } else if staging.is_none() {
            let example = "must ascend to 100 in at most 8 steps, for example stages = [25, 50, 100]";
            self.problem(at("stages"), example);
        }
        staging
    }

    fn positive(&mut self, field: &str, value: Option<f64>) -> Option<f64> {
        if value.is_some_and(|v| !(v.is_finite() && v > 0.0)) {
            self.problem(field, "must be a number above 0");
            return None;
        }
        value
    }

    fn regions(&mut self, regions: &[file::Region]) -> Vec<Region> {
        let mut seen = std::collections::BTreeSet::new();
        for (i, r) in regions.iter().enumerate() {
            if !seen.insert(r.name.as_str()) {
                let what = format!("{:?} is given twice; remove one", clean(&r.name, NAME_CHARS));
                self.problem(format!("region[{i}].name"), what);
            }
        }
        regions.iter().enumerate().filter_map(|(i, r)| self.region(i, r)).collect()
    }

    fn groups(&mut self, session: &file::Session) -> Vec<String> {
        if session.groups.len() > 1 {
            let what = "a socket can be given to one group only; name one, with all who may attach in it";
            self.problem("session.groups", what);
        }
        session.groups.clone()
    }

    fn recipes(&mut self, folder: Option<PathBuf>) -> Option<PathBuf> {
        if let Some(path) = &folder
            && let Err(error) = std::fs::read_dir(path)
        {
            let what = format!("cannot read the folder {}: {error}", path.display());
            self.problem("recipes", what);
        }
        folder
    }

    fn region(&mut self, i: usize, r: &file::Region) -> Option<Region> {
        if jiff::tz::TimeZone::get(&r.time_zone).is_err() {
            self.problem(
                format!("region[{i}].time_zone"),
                format!("{:?} is no IANA time zone, for example \"Europe/Dublin\"", r.time_zone),
            );
            return None;
        }
        if !(-90.0..=90.0).contains(&r.latitude) || !(-180.0..=180.0).contains(&r.longitude) {
            self.problem(format!("region[{i}]"), "latitude must be in -90..90 and longitude in -180..180");
            return None;
        }
        Some(Region {
            name: clean(&r.name, NAME_CHARS),
            time_zone: r.time_zone.clone(),
            latitude: r.latitude,
            longitude: r.longitude,
        })
    }

    fn freeze(&mut self, i: usize, f: &file::Freeze) -> Option<FreezeWindow> {
        let mut at = |name: &str, text: &str| -> Option<Timestamp> {
            let parsed: Result<jiff::Timestamp, _> = text.parse();
            if parsed.is_err() {
                self.problem(format!("freeze[{i}].{name}"), "write it with its offset: 2026-12-24T00:00:00Z");
            }
            parsed.ok().map(Timestamp::from)
        };
        let (from, to) = (at("from", &f.from)?, at("to", &f.to)?);
        if from >= to {
            self.problem(format!("freeze[{i}]"), "must end after it begins");
            return None;
        }
        Some(FreezeWindow { from, to, reason: clean(&f.reason, 200) })
    }

    fn lifetimes(&mut self, p: &file::Proposals) -> Lifetimes {
        let default = Lifetimes::default();
        let expiry = p.expiry.map_or(default.expiry, |w| w.0);
        if expiry < Duration::from_secs(30) {
            self.problem("proposals.expiry", "must be at least 30s, or nobody can read the card");
        }
        Lifetimes { expiry, quiet: p.quiet.map_or(default.quiet, |w| w.0), ..default }
    }
}
