//! What keeping forecasts fresh takes: CPU time a fit and a fan, of ten thousand services, and beside `AutoETS` of
//! statsforecast on the same series in the same run.
//!
//! `cargo bench --bench forecast`. statsforecast is found by `WEESCALE_STATSFORECAST` (a Python that has it) or in
//! `target/peers/statsforecast`: `python3 -m venv target/peers/statsforecast && target/peers/statsforecast/bin/pip
//! install statsforecast`. Without it that line says SKIPPED.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it finds")]

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use weescale::clock::Meter;
use weescale::forecast::{Forecaster, Settings};
use weescale::series::{Timestamp, Window};

const STEP: Duration = Duration::from_secs(300);
/// Slots of 28 days, as the yardstick has them.
const SLOTS: u32 = 28 * 288;
const SERIES: u64 = 20;
const SERVICES: f64 = 10_000.0;
/// Fits an hour and seconds between fans.
const FITS: f64 = 1.0;
const FANS: f64 = 300.0;

fn main() {
    let histories: Vec<Vec<f64>> = (0..SERIES).map(history).collect();
    let windows: Vec<Window> = histories.iter().map(|h| window(h)).collect();
    let now = windows.first().map_or(Timestamp::from_secs(0), |w| w.end() - STEP);
    let meter = Meter::start();
    let mut forecasters: Vec<Forecaster> =
        windows.iter().map(|_| Forecaster::new(Settings::default())).collect();
    let begun = meter.spent();
    for (forecaster, window) in forecasters.iter_mut().zip(&windows) {
        assert!(forecaster.issue(window, now).fan().is_some(), "every series has enough history");
    }
    let fitted = meter.spent();
    for (forecaster, window) in forecasters.iter_mut().zip(&windows) {
        assert!(!forecaster.needs_refit(now));
        assert!(forecaster.issue(window, now).fan().is_some());
    }
    let issued = meter.spent();
    let each = |took: Duration| took.as_secs_f64() / SERIES as f64;
    let (fit, fan) = (each(fitted.saturating_sub(begun)), each(issued.saturating_sub(fitted)));
    let share = SERVICES * ((fit - fan).max(0.0) * FITS / 3600.0 + fan / FANS);
    println!("{SERIES} series of 28 days by 5 minutes, 24 hours ahead, CPU time:");
    println!("  a full fit with its fan  {:8.2} ms", fit * 1000.0);
    println!("  a fan                    {:8.2} ms", fan * 1000.0);
    println!(
        "  {SERVICES:.0} services, a fit an hour and a fan every 5 minutes: {:.1} % of a core",
        share * 100.0
    );
    for budget in [0.1, 0.25, 0.5] {
        let left = budget - SERVICES * (fit - fan).max(0.0) * FITS / 3600.0;
        let every = SERVICES * fan / left;
        let told =
            if left > 0.0 { format!("every {every:.0} s") } else { "late: fits are put off".to_owned() };
        println!("  within {:.0} % of a core (forecast.cpu = {budget}): fans {told}", budget * 100.0);
    }
    beside("without a season", auto_ets(&histories, 1), fit);
    // It takes its time: one is enough for a ratio.
    beside("with a season of a day", auto_ets(histories.get(..1).unwrap_or_default(), 288), fit);
}

/// What statsforecast told, as a ratio to the seconds of our fit.
fn beside(kind: &str, told: Result<String, String>, fit: f64) {
    let told = match told {
        Ok(told) => told,
        Err(why) => return println!("  SKIPPED: statsforecast AutoETS {kind}: {why}"),
    };
    let seconds: f64 = told.split_whitespace().next().and_then(|s| s.parse().ok()).unwrap_or(f64::NAN);
    let ratio = seconds / fit;
    println!("  statsforecast AutoETS {kind}: {told}; a fit with its fan is {ratio:.0} times as fast");
}

/// Daily and weekly waves, noise that grows with level, a few bursts; seeded.
fn history(seed: u64) -> Vec<f64> {
    let mut random = fastrand::Rng::with_seed(seed);
    let (level, depth) = (20.0 + 500.0 * random.f64(), 0.2 + 0.6 * random.f64());
    let mut burst = 0.0;
    (0..SLOTS)
        .map(|slot| {
            let day = f64::from(slot) / 288.0;
            let wave = 1.0 + depth * (day * std::f64::consts::TAU).sin();
            let weekend = if (day as u64) % 7 >= 5 { 0.6 } else { 1.0 };
            burst = if random.f64() < 0.001 { 1.0 + random.f64() } else { burst * 0.9 };
            let noise: f64 = (0..6).map(|_| random.f64() - 0.5).sum();
            (level * wave * weekend * (1.0 + burst) * (1.0 + 0.1 * noise)).max(0.0)
        })
        .collect()
}

fn window(values: &[f64]) -> Window {
    Window::new(Timestamp::from_secs(1_780_272_000), STEP, values.iter().map(|v| Some(*v)))
}

/// CPU seconds a series and the version, as the script beside this file prints them.
fn auto_ets(histories: &[Vec<f64>], season: u32) -> Result<String, String> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let python = std::env::var_os("WEESCALE_STATSFORECAST")
        .map_or_else(|| root.join("target/peers/statsforecast/bin/python"), PathBuf::from);
    let mut text = String::from("[");
    for (i, values) in histories.iter().enumerate() {
        let _ = write!(text, "{}{values:?}", if i > 0 { "," } else { "" });
    }
    text.push(']');
    let input = std::env::temp_dir().join(format!("weescale-bench-{}.json", std::process::id()));
    std::fs::write(&input, text).map_err(|e| e.to_string())?;
    let script = root.join("benches/forecast/auto_ets.py");
    let run = Command::new(&python).arg(script).arg(&input).arg(season.to_string()).output();
    let _ = std::fs::remove_file(&input);
    let run = run.map_err(|e| format!("{}: {e}", python.display()))?;
    if !run.status.success() {
        let why = String::from_utf8_lossy(&run.stderr);
        return Err(why.trim().lines().last().unwrap_or("it failed without a word").to_owned());
    }
    Ok(String::from_utf8_lossy(&run.stdout).trim().to_owned())
}
