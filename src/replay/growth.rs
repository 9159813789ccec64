//! How a journal grows: thirty days of a fleet of two hundred workloads, simulated. Takes minutes, so it runs when asked
//! for:
//!
//! ```sh
//! cargo test --release --lib replay::growth -- --ignored --nocapture
//! ```
//!
//! `WEESCALE_GROWTH_WORKLOADS` and `WEESCALE_GROWTH_DAYS` change the fleet and the time.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::fleet::WorkloadId;
use crate::journal::{Encoded, Encoder, FrameFile, Journal, Keep, NewFrame, SignalPoint, StoredFan, sizes};
use crate::screen::fixture;
use crate::series::{Finite, Timestamp, Window};
use crate::view::{Fan, ForecastState, View, slim};

/// Frames a day: one a minute, and one every ten seconds for two hours in which something is in flight or waits.
const FRAMES: usize = 22 * 60 + 2 * 360;
/// Signals a workload has, as the demo's do.
const SIGNALS: usize = 20;
const MINUTE: Duration = Duration::from_secs(60);

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

/// A fleet as a view, made of the rows of the sample.
fn fleet(workloads: usize) -> View {
    let mut view = fixture::view();
    let name = |i: usize, w: &WorkloadId| -> WorkloadId { format!("{w}-{i:03}").parse().unwrap() };
    macro_rules! grow {
        ($rows:expr) => {{
            let sample = std::mem::take(&mut $rows);
            for (i, row) in
                sample.iter().cycle().take(if sample.is_empty() { 0 } else { workloads }).enumerate()
            {
                let mut row = row.clone();
                row.workload = name(i, &row.workload);
                $rows.push(row);
            }
        }};
    }
    grow!(view.services.data);
    grow!(view.capacity.data);
    grow!(view.performance.data);
    grow!(view.forecasts.data);
    grow!(view.satisfaction.data);
    grow!(view.continuity.data);
    grow!(view.heatmaps.data);
    grow!(view.knowledge.data);
    grow!(view.resources.data);
    view
}

fn moved(window: &Window, now: Timestamp, random: &mut fastrand::Rng) -> Window {
    let start = window.start() + Duration::from_millis(now.millis_since(window.end()).max(0) as u64);
    let start = start.floor_to(window.step());
    let values = (0..window.len()).map(|i| {
        let at = start + window.step() * i as u32;
        Some(curve(at) * (1.0 + jitter(at.as_millis() as u64 ^ (random.u64(..8) / 8))))
    });
    Window::new(start, window.step(), values.collect::<Vec<_>>())
}

/// A day of demand.
fn curve(at: Timestamp) -> f64 {
    let phase = at.as_secs_f64() / 86_400.0 * std::f64::consts::TAU;
    1000.0 + 600.0 * phase.sin() + 150.0 * (phase * 2.0).cos()
}

/// Noise of an instant, ±3 %, the same whenever it is asked for.
fn jitter(seed: u64) -> f64 {
    (fastrand::Rng::with_seed(seed).f64() - 0.5) * 0.06
}

/// The fleet a moment later: every measurement is new.
fn at(view: &mut View, now: Timestamp, random: &mut fastrand::Rng) {
    let minute = now.floor_to(MINUTE) != view.at.floor_to(MINUTE);
    view.at = now;
    view.tick += 1;
    let scale = curve(now) / 1000.0;
    for (i, row) in view.services.data.iter_mut().enumerate() {
        let noise = |random: &mut fastrand::Rng| 1.0 + (random.f64() - 0.5) * 0.06;
        let demand = (200.0 + i as f64 * 7.0) * scale * noise(random);
        row.demand.value = Some(demand);
        row.p95.value = row.p95.value.map(|_| 0.18 * noise(random));
        row.headroom = row.headroom.map(|_| 1.0 - demand / 3000.0);
        if minute {
            row.recent.rotate_left(1);
        }
        if let Some(last) = row.recent.last_mut() {
            *last = Some(demand);
        }
        for signal in &mut row.signals {
            signal.at = now;
            signal.value = signal.value.and_then(|v| Finite::new(v.get().abs().max(0.01) * noise(random)));
        }
    }
    for (row, service) in view.capacity.data.iter_mut().zip(&view.services.data) {
        row.demand = service.demand.value;
    }
    for row in &mut view.performance.data {
        for reading in [&mut row.p50, &mut row.p95, &mut row.p99] {
            reading.value = reading.value.map(|v| v * (1.0 + (random.f64() - 0.5) * 0.02));
        }
        if minute {
            row.p95_recent.rotate_left(1);
        }
    }
    for row in &mut view.forecasts.data {
        row.history = moved(&row.history, now, random);
    }
    if minute {
        for row in &mut view.heatmaps.data {
            row.start = row.start + row.step;
            row.columns.rotate_left(1);
            let fresh: Vec<f64> = row.bounds.iter().map(|_| random.f64() * 50.0).chain([0.1]).collect();
            row.columns.last_mut().into_iter().for_each(|last| *last = Some(fresh.clone()));
        }
    }
}

/// A fan issued at `now`, as noisy as real ones.
fn fan(now: Timestamp, sample: &Fan, random: &mut fastrand::Rng) -> Fan {
    let mut fan = sample.clone();
    fan.issued = now;
    for (i, point) in fan.points.iter_mut().enumerate() {
        point.at = now + fan.step * (i as u32 + 1);
        let middle = curve(point.at) * (1.0 + (random.f64() - 0.5) * 0.02);
        let width = middle * (0.05 + i as f64 / 4000.0);
        for (level, quantile) in point.quantiles.iter_mut().enumerate() {
            *quantile = (middle + width * (level as f64 - 5.0) / 5.0).max(0.0);
        }
    }
    fan
}

/// Groups of frames as they are at twelve times of the day: recorded ones, of which a month is made.
fn groups(workloads: usize) -> Vec<Vec<(Duration, Encoded)>> {
    let mut random = fastrand::Rng::with_seed(3);
    let mut view = fleet(workloads);
    let start = view.at.floor_to(Duration::from_secs(86_400));
    let mut groups = Vec::new();
    for group in 0..12_u32 {
        let pause = if group == 6 { Duration::from_secs(10) } else { MINUTE };
        let begin = start + Duration::from_secs(7200) * group;
        for row in &mut view.forecasts.data {
            if let Some(sample) = row.forecast.fan() {
                row.forecast = ForecastState::Ready(Arc::new(fan(begin, &Arc::clone(sample), &mut random)));
            }
        }
        let mut encoder = Encoder::new(1);
        let mut frames = Vec::new();
        for i in 0..60 {
            at(&mut view, begin + pause * i, &mut random);
            let encoded = encoder.encode(slim(&view).unwrap()).unwrap();
            frames.push((pause * i, encoded));
        }
        groups.push(frames);
    }
    groups
}

fn written(path: &Path, groups: &[Vec<(Duration, Encoded)>], days: usize, keep: Keep) -> u64 {
    let mut journal = Journal::open(path).unwrap();
    let start = fixture::view().at.floor_to(Duration::from_secs(86_400));
    let (mut number, mut offered) = (0, 0);
    for day in 0..days {
        let midnight = start + Duration::from_secs(86_400) * day as u32;
        let count = FRAMES.div_ceil(60);
        for group in 0..count {
            number += 1;
            let begin = midnight + Duration::from_secs(86_400) * group as u32 / count as u32;
            for (after, encoded) in &groups[group % groups.len()] {
                offered += encoded.body.len() as u64;
                let encoded = Encoded { group: number, ..encoded.clone() };
                let frame = NewFrame { at: begin + *after, mark: String::new(), encoded };
                journal.store_frame(&frame, keep).unwrap();
            }
        }
    }
    offered
}

/// What signals and fans of a workload take.
fn others(workloads: usize) -> (f64, f64) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let mut journal = Journal::open(&path).unwrap();
    let mut random = fastrand::Rng::with_seed(5);
    for minute in 0..180_i64 {
        let points = (0..workloads.min(20)).flat_map(|w| (0..SIGNALS).map(move |s| (w, s)));
        let points: Vec<SignalPoint> = points
            .map(|(w, s)| {
                // Half of them are settings and counts that stand still.
                let value = if s % 2 == 0 { 8.0 } else { 100.0 + random.f64() };
                let (workload, kind) = (format!("shop/checkout-{w:03}"), format!("signal_kind_{s:02}"));
                SignalPoint { workload, kind, minute, value }
            })
            .collect();
        journal.store_signals(&points, 0).unwrap();
    }
    let view = fixture::view();
    let sample = view.forecasts.data.iter().find_map(|f| f.forecast.fan()).unwrap();
    let body = serde_json::to_string(&fan(view.at, sample, &mut random)).unwrap();
    journal.store_fan(&StoredFan { workload: "a".into(), issued: view.at, body }, view.at).unwrap();
    drop(journal);
    let sizes = sizes(&path).unwrap();
    (sizes.hour_bytes as f64 / sizes.hours as f64, sizes.fan_bytes as f64)
}

#[test]
#[ignore = "takes minutes: run it by name"]
fn thirty_days_of_two_hundred_workloads() {
    let workloads = number("WEESCALE_GROWTH_WORKLOADS", 200);
    let days = number("WEESCALE_GROWTH_DAYS", 30);
    let groups = groups(workloads);
    let folder = tempfile::tempdir().unwrap();
    let [all, kept, beside] = ["all.db", "kept.db", "beside.db"].map(|name| folder.path().join(name));
    let clock = Clock::real();
    let key = groups.iter().map(|g| g[0].1.body.len()).sum::<usize>() / groups.len();
    let deltas = groups.iter().flat_map(|g| &g[1..]).map(|(_, e)| e.body.len()).sum::<usize>();
    println!("{workloads} workloads: a key {key} bytes, a difference {} bytes", deltas / (groups.len() * 59));
    let mebi = |bytes: f64| bytes / f64::from(1 << 20);
    let unbounded = Keep { days: 366, bytes: u64::MAX };
    let offered = written(&all, &groups, days, unbounded);
    println!(
        "{days} days of frames, none thinned: {:.0} MiB, {:.1} MiB a day",
        mebi(offered as f64),
        mebi(offered as f64 / days as f64)
    );
    let (hour, fan) = others(workloads);
    let signals = (workloads * SIGNALS * 24 * 15) as f64 * (hour + 12.0);
    let fans = workloads as f64 * (2.0 * 144.0 + 28.0 * 24.0) * fan;
    let most = Keep::default().bytes as f64;
    // What signals of fifteen days and forecasts of thirty leave.
    let left = most - signals.min(most * 3.0 / 8.0) - fans.min(most / 4.0);
    written(&kept, &groups, days, Keep::default());
    written(&beside, &groups, days, Keep { bytes: left as u64, ..Keep::default() });
    for (name, path) in [("all", &all), ("within 512 MiB", &kept), ("beside signals and forecasts", &beside)]
    {
        let sizes = sizes(path).unwrap();
        let begin = clock.monotonic();
        let mut file = FrameFile::journal(path, None, None).unwrap();
        let opened = clock.monotonic().since(begin);
        let frames = file.frames().len();
        let mut random = fastrand::Rng::with_seed(1);
        let mut seeks: Vec<Duration> = (0..60)
            .map(|_| {
                let begin = clock.monotonic();
                file.frame(random.usize(..frames)).unwrap();
                clock.monotonic().since(begin)
            })
            .collect();
        seeks.sort();
        let span = sizes.to.unwrap().since(sizes.from.unwrap()).as_secs_f64() / 86_400.0;
        let end = file.frames().last().unwrap().at;
        let of = |days: f64| {
            let from = end - Duration::from_secs_f64(days * 86_400.0);
            file.frames().iter().filter(|f| f.at > from).count()
        };
        println!(
            "{name}: the last day has {} frames of {FRAMES}, the last week {}, the rest {}",
            of(1.0),
            of(7.0),
            frames - of(7.0)
        );
        println!(
            "{name}: {frames} frames of {span:.1} days, file {:.0} MiB; opened in {opened:.2?}, a frame found in {:.2?} \
             (median), {:.2?} (worst of 60)",
            mebi(sizes.file as f64),
            seeks[30],
            seeks[59]
        );
        assert!(span > days as f64 - 2.0, "{name} holds {span} days");
    }
    println!(
        "beside them, if nothing bounded them: signals of 15 days {:.0} MiB ({hour:.0} bytes an hour each), forecasts of 30 \
         days {:.0} MiB ({fan:.0} bytes each); kept are at most {:.0} and {:.0} MiB, and the frames get what is left, {:.0}",
        mebi(signals),
        mebi(fans),
        mebi(Keep::default().bytes as f64 * 3.0 / 8.0),
        mebi(Keep::default().bytes as f64 / 4.0),
        mebi(left)
    );
}
