//! A simulated fleet and the whole engine in one process, on an accelerated clock: everything between the fleet's
//! ports and the view is the production path.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use weescale::approval::Mode;
use weescale::clock::Clock;
use weescale::config::{ProviderSettings, ServiceRule, Settings};
use weescale::engine::{self, EngineHandle, Options, Tuning};
use weescale::execution::Pacing;
use weescale::fleet::{Context, Objective, WorkloadId};
use weescale::proposal::Lifetimes;
use weescale::sandbox::{self, Sandbox, Scenario};
use weescale::scrape::{Credential, Secret, Target};
use weescale::view::View;

/// Poll interval of the simulated fleet, in its own time.
pub const INTERVAL: Duration = Duration::from_secs(10);

/// What the engine needs to know of a fleet, wherever it runs.
#[derive(Clone, Debug)]
pub struct Ports {
    /// `(job, URL)` of every exposition endpoint.
    pub scrape: Vec<(String, String)>,
    /// Prometheus API with the past.
    pub history: String,
    /// Platform.
    pub provider: String,
    /// Token that may write.
    pub token: String,
    /// Promises.
    pub objectives: Vec<(WorkloadId, Objective)>,
    /// Places.
    pub regions: Vec<weescale::fleet::Region>,
}

impl Ports {
    /// Of a running fleet.
    pub fn of(fleet: &Sandbox) -> Self {
        Self {
            scrape: fleet.scrape_urls.iter().map(|u| (u.job.clone(), u.url.clone())).collect(),
            history: fleet.history_url.clone(),
            provider: fleet.provider_url.clone(),
            token: fleet.token.clone(),
            objectives: fleet.objectives.clone(),
            regions: fleet.regions.clone(),
        }
    }

    /// The settings of the demo, with actions allowed.
    pub fn settings(&self, journal: Option<PathBuf>) -> Settings {
        let mut settings = weescale::config::load_without_file(&weescale::config::Given::default()).unwrap();
        settings.context = Context { name: "demo".into(), protected: false };
        settings.mode = Mode::Ask;
        settings.journal = journal;
        settings.lifetimes = Lifetimes { expiry: Duration::from_secs(1800), ..Lifetimes::default() };
        settings.regions.clone_from(&self.regions);
        for (job, url) in &self.scrape {
            let mut target = Target::exposition(url).unwrap();
            target.interval = INTERVAL;
            target.job.clone_from(job);
            settings.scrape.push(target);
        }
        let mut history = Target::new(&self.history).unwrap();
        history.interval = Duration::from_secs(60);
        settings.history.push(history);
        settings.providers.push(ProviderSettings {
            name: "sandbox".into(),
            url: self.provider.clone(),
            token: Some(Credential::Value(Secret::new(self.token.clone()))),
            ca_file: None,
        });
        settings.services = self
            .objectives
            .iter()
            .map(|(id, objective)| ServiceRule {
                name: id.to_string(),
                objective: Some(*objective),
                ..ServiceRule::default()
            })
            .collect();
        settings
    }
}

/// The times of the demo.
pub fn options(clock: Clock) -> Options {
    let tuning = Tuning { tick: INTERVAL, platforms: INTERVAL, ..Tuning::default() };
    Options { clock, tuning, pacing: Pacing::default(), simulated: "test".into() }
}

/// A fleet with an engine on it.
pub struct Rig {
    /// The clock both follow.
    pub clock: Clock,
    /// The fleet.
    pub fleet: Sandbox,
    /// The engine.
    pub engine: EngineHandle,
}

impl Rig {
    /// Starts both. `speed` times as fast as the machine.
    pub async fn start(scenario: &str, speed: f64, journal: Option<&Path>) -> Self {
        let scenario = Scenario::named(scenario).unwrap();
        let clock = Clock::accelerated(scenario.start, speed);
        let fleet = Sandbox::start(sandbox::Settings::new(7, scenario, clock.clone())).await.unwrap();
        let settings = Ports::of(&fleet).settings(journal.map(Path::to_path_buf));
        let engine = engine::start(settings, options(clock.clone())).await.unwrap();
        Self { clock, fleet, engine }
    }

    /// Seconds of simulated time since the scenario began.
    pub fn second(&self, view: &View) -> i64 {
        (view.at.as_millis() - self.fleet.start.as_millis()) / 1000
    }

    /// The next view.
    pub async fn next(&mut self) -> Arc<View> {
        let wait = tokio::time::timeout(Duration::from_secs(60), self.engine.view.changed()).await;
        wait.expect("a view within a minute").expect("the engine runs");
        self.engine.view.borrow_and_update().clone()
    }
}
