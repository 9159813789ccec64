//! A simulated fleet and the whole engine in one process, on an accelerated clock: everything between the fleet's
//! ports and the view is the production path.

use std::path::PathBuf;
use std::time::Duration;

use weescale::approval::Mode;
use weescale::clock::Clock;
use weescale::config::{ProviderSettings, ServiceRule, Settings};
use weescale::engine::{Options, Tuning};
use weescale::execution::Pacing;
use weescale::fleet::{Context, Objective, WorkloadId};
use weescale::proposal::Lifetimes;
use weescale::scrape::{Credential, Secret, Target};

/// Poll interval of the simulated fleet, in its own time.
pub const INTERVAL: Duration = Duration::from_secs(10);

/// What the engine needs to know of a fleet, wherever it runs.
#[derive(Clone, Debug)]
pub struct Ports {
    /// `(job, URL)` of every exposition endpoint.
    pub scrape: Vec<(String, String)>,
    /// Prometheus API with the past, if there is one.
    pub history: Option<String>,
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
        if let Some(url) = &self.history {
            let mut history = Target::new(url).unwrap();
            history.interval = Duration::from_secs(60);
            settings.history.push(history);
        }
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
