//! `weescale demo`: a simulated fleet; everything between its ports and the screen is the production code.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::approval::Mode;
use crate::clock::Clock;
use crate::config::{ProviderSettings, ServiceRule, Settings};
use crate::engine::{Options, Tuning};
use crate::execution::Pacing;
use crate::fleet::Context;
use crate::proposal::Lifetimes;
use crate::sandbox::{self, Sandbox, Scenario};
use crate::scrape::{Credential, Target};

use super::args::{Demo, Live};
use super::exit::{Failure, Outcome};
use super::{dashboard, serve};

/// Shortest and longest poll interval of the simulated fleet, in its own time.
const INTERVALS: (f64, f64) = (5.0, 60.0);

/// Poll interval of the simulated fleet: about once a second of the machine's time, so that a slow machine does
/// not make data look stale that is only late.
fn interval(speed: f64) -> Duration {
    Duration::from_secs_f64(speed.clamp(INTERVALS.0, INTERVALS.1))
}

/// A folder of our own that goes away with the demo.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Starts fleet and dashboard.
pub async fn run(live: &Live, args: &Demo) -> Outcome {
    let scenario = Scenario::named(&args.scenario).map_err(|e| Failure::Usage(e.to_string()))?;
    if !(args.speed >= 0.1 && args.speed <= 1000.0) {
        return Err(Failure::Usage("--speed must be between 0.1 and 1000".into()));
    }
    let clock = Clock::accelerated(scenario.start, args.speed);
    let simulated = format!("demo {} ×{}", scenario.name, args.speed);
    let fleet = Sandbox::start(sandbox::Settings::new(args.seed, scenario, clock.clone()))
        .await
        .map_err(Failure::other)?;
    let scratch = scratch()?;
    let settings = settings(live, args, &fleet, &scratch.0)?;
    let options = Options { clock, tuning: tuning(args.speed), pacing: Pacing::default(), simulated };
    let outcome = if args.serve {
        let what = format!("a simulated fleet, {}", args.scenario);
        serve::hold(live, settings, options, &what).await
    } else {
        dashboard::open(live, settings, options).await
    };
    drop(fleet);
    outcome
}

/// Shortest time that a card stays as it is, in seconds of whoever reads it.
const READING: u64 = 15;

/// People read and decide in real time: what waits for them is stretched by the speed.
fn lifetimes(speed: f64) -> Lifetimes {
    let default = Lifetimes::default();
    let stretch = speed.max(1.0);
    let reading = Duration::from_secs(READING).mul_f64(stretch);
    Lifetimes {
        expiry: default.expiry.mul_f64(stretch),
        settle: default.settle.max(reading),
        withdraw: default.withdraw.max(reading),
        ..default
    }
}

fn tuning(speed: f64) -> Tuning {
    let interval = interval(speed);
    Tuning { tick: interval / 2, platforms: interval, ..Tuning::default() }
}

fn settings(live: &Live, args: &Demo, fleet: &Sandbox, scratch: &Path) -> Result<Settings, Failure> {
    // The user's own configuration file is about their own fleet; only theme and keys of the command line count.
    let blank = crate::config::Given {
        theme: live.theme.clone(),
        journal: live.journal.clone(),
        socket: live.socket.clone(),
        ..Default::default()
    };
    let mut settings = crate::config::load_without_file(&blank)?;
    settings.context = Context { name: "demo".into(), protected: false };
    settings.mode = if args.observe { Mode::Observe } else { Mode::Ask };
    settings.journal = Some(live.journal.clone().unwrap_or_else(|| scratch.join("journal.db")));
    settings.lifetimes = lifetimes(args.speed);
    settings.regions.clone_from(&fleet.regions);
    for url in &fleet.scrape_urls {
        let mut target = Target::exposition(&url.url).map_err(Failure::other)?;
        target.interval = interval(args.speed);
        target.job.clone_from(&url.job);
        settings.scrape.push(target);
    }
    let mut history = Target::new(&fleet.history_url).map_err(Failure::other)?;
    history.interval = Duration::from_secs(60);
    settings.history.push(history);
    let token = scratch.join("token");
    private_file(&token, &fleet.token)?;
    settings.providers.push(ProviderSettings {
        name: "sandbox".into(),
        url: fleet.provider_url.clone(),
        token: Some(Credential::File(token)),
        ca_file: None,
    });
    settings.services = fleet
        .objectives
        .iter()
        .map(|(id, objective)| ServiceRule {
            name: id.to_string(),
            objective: Some(*objective),
            ..ServiceRule::default()
        })
        .collect();
    settings.services.push(ServiceRule {
        name: "shop/*".into(),
        optional_routes: vec!["/v1/recommendations".into()],
        ..ServiceRule::default()
    });
    settings.budget_month = Some(5_000.0);
    settings.second_person_above = args.second_person_above.filter(|limit| limit.is_finite());
    Ok(settings)
}

fn scratch() -> Result<Scratch, Failure> {
    let nonce = fastrand::u64(..);
    let path = std::env::temp_dir().join(format!("weescale-demo-{}-{nonce:016x}", std::process::id()));
    std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o700)
        .create(&path)
        .map_err(|e| Failure::Other(format!("{}: {e}", path.display())))?;
    Ok(Scratch(path))
}

fn private_file(path: &Path, text: &str) -> Result<(), Failure> {
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|e| Failure::Other(format!("{}: {e}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_stays_long_enough_to_be_read_at_any_speed() {
        assert_eq!(lifetimes(1.0), Lifetimes::default());
        assert_eq!(lifetimes(0.5), Lifetimes::default());
        let fast = lifetimes(20.0);
        assert_eq!(fast.settle, Duration::from_secs(300));
        assert_eq!(fast.withdraw, Duration::from_secs(300));
        assert_eq!(fast.expiry, Duration::from_secs(6000));
    }
}
