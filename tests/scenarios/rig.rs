//! A simulated fleet with an engine on it, in one process.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use weescale::clock::Clock;
use weescale::engine::{self, EngineHandle};
use weescale::sandbox::{self, Sandbox, Scenario};
use weescale::view::View;

use super::fleet::options;
use super::ports::ports;

/// A fleet with an engine on it.
pub struct Rig {
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
        let settings = ports(&fleet).settings(journal.map(Path::to_path_buf));
        let engine = engine::start(settings, options(clock)).await.unwrap();
        Self { fleet, engine }
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
