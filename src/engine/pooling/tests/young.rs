//! Young services of our own making, forecast with and without the shapes of a fleet.

use super::*;

/// A service: its hour of the peak, how much the day swings, its weekend; `None` for one that is like nothing else.
struct Made {
    name: &'static str,
    level: f64,
    day: Option<(f64, f64, f64)>,
    /// Shapes of no kind beside those of the fleet: with many, one fits any beginning by chance.
    strangers: usize,
}

const FLEET: [(f64, f64, f64); 9] = [
    (13.0, 0.6, 0.5),
    (14.0, 0.5, 0.6),
    (15.0, 0.7, 0.5),
    (20.0, 0.5, 1.2),
    (20.5, 0.6, 1.1),
    (21.0, 0.6, 1.3),
    (3.0, 0.7, 1.0),
    (2.0, 0.8, 1.0),
    (3.5, 0.6, 1.0),
];

fn day(slot: u32, (hour, swing, weekend): (f64, f64, f64)) -> f64 {
    let hours = f64::from(slot) / 12.0;
    let wave = ((hours - hour) / 24.0 * std::f64::consts::TAU).cos();
    let weekday = (hours / 24.0) as u64 % 7 < 5;
    (1.0 + swing * wave + 0.2 * swing * (wave * wave - 0.5)) * if weekday { 1.0 } else { weekend }
}

/// Noise of a tenth that does not repeat.
fn noise(slot: u32, seed: u64) -> f64 {
    let mut random = fastrand::Rng::with_seed(seed.wrapping_mul(1_000_003) + u64::from(slot));
    (0..4).map(|_| random.f64() - 0.5).sum::<f64>() * 0.1
}

/// A walk that knows no day: like no shape.
fn walk(slots: std::ops::Range<u32>, level: f64, seed: u64) -> BTreeMap<u32, f64> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut height = 0.0_f64;
    slots
        .map(|s| {
            height = height * 0.995 + (random.f64() - 0.5) * 0.12;
            (s, level * height.exp())
        })
        .collect()
}

/// What of the fans was borrowed: the most hours at once, the points that came, and those within the 90 % band.
#[derive(Clone, Copy, Debug, Default)]
struct Borrowed {
    most: f64,
    came: u32,
    held: u32,
}

impl Borrowed {
    fn share(self) -> f64 {
        f64::from(self.held) / f64::from(self.came.max(1))
    }
}

/// Losses without and with shapes of a service from its second to its last hour.
fn measured(made: &Made, seed: u64, hours: u32, every: u32) -> (Pooled, Borrowed) {
    let born = 15 * 288 + 6 * 12;
    let end = born + hours * 12;
    let mut history = History::new();
    let mut pool = Pool::default();
    for (i, shape) in FLEET.iter().enumerate() {
        let i = i as u64;
        let id = fill(&mut history, &format!("old-{i}"), 0..end, |s| {
            30.0 * (i + 1) as f64 * (day(s, *shape) + noise(s, 100 + i))
        });
        let (now, window) = (at(born), history.window(&id, SignalKind::Demand, at(0), at(born), STEP));
        pool.shapes.insert(id, (now, ours(Shape::of(&window, &TimeZone::UTC).unwrap(), TimeZone::UTC)));
    }
    let mut random = fastrand::Rng::with_seed(5);
    for i in 0..made.strangers {
        let odd = (random.f64() * 24.0, random.f64() * 0.9, 0.4 + random.f64());
        let id = WorkloadId::new("odd", &i.to_string(), "");
        let values: Vec<u32> =
            (0..192u32).map(|q| (1000.0 * day(q * 3 + 4 * 288 * u32::from(q >= 96), odd)) as u32).collect();
        pool.shapes.insert(id, (at(born), ours(Shape::from_per_mille(&values).unwrap(), TimeZone::UTC)));
    }
    let walked = walk(born..end, made.level, seed);
    let id = fill(&mut history, made.name, born..end, |s| match made.day {
        Some(shape) => made.level * (day(s, shape) + noise(s, seed)).max(0.0),
        None => walked[&s],
    });
    let mut borrowed = Borrowed::default();
    let mut forecaster = Forecaster::new(Settings::default());
    for now in (born + 13..end).step_by(every as usize) {
        let known = history.window(&id, SignalKind::Demand, at(0), at(now), STEP);
        let fan = forecaster.issue_within(&known, at(now), false).fan().cloned().unwrap();
        pool.look_back(&history, at(now), |_| true);
        let used = pool.issued(&id, &fan, &history, false).unwrap();
        let beyond = used.points.iter().filter(|p| p.at > fan.end());
        borrowed.most = borrowed.most.max(used.end().since(fan.end()).as_secs_f64() / 3600.0);
        for p in beyond {
            let came =
                history.window(&id, SignalKind::Demand, p.at - STEP, p.at, STEP).last().map(|(_, v)| v);
            let Some(came) = came else { continue };
            borrowed.came += 1;
            borrowed.held += u32::from((p.quantile(0.05)..=p.quantile(0.95)).contains(&came));
        }
    }
    pool.look_back(&history, at(end), |_| true);
    (pool.scores()[0], borrowed)
}

fn table(made: &[Made], hours: u32, every: u32) -> Vec<(&'static str, f64, Borrowed)> {
    made.iter()
        .enumerate()
        .map(|(i, m)| {
            let (Pooled { pooled, own }, borrowed) = measured(m, 7 + i as u64, hours, every);
            let gain = 1.0 - pooled / own;
            println!(
                "{:<28}{:>8.0} {own:>8.4} {pooled:>8.4} {:>6.1} %   {:>4.1} h {:>6} {:>4.0} %",
                m.name,
                m.level,
                gain * 100.0,
                borrowed.most,
                borrowed.came,
                borrowed.share() * 100.0
            );
            (m.name, gain, borrowed)
        })
        .collect()
}

#[test]
fn shapes_help_who_is_like_them_and_hardly_hurt_who_is_not() {
    let like = |name, level, shape| Made { name, level, day: Some(shape), strangers: 0 };
    let walk = |name, level| Made { name, level, day: None, strangers: 0 };
    let mut made = vec![like("office hours", 40.0, (14.2, 0.55, 0.5)), walk("a walk, like nothing", 100.0)];
    // WEESCALE_YOUNG=1: the whole table.
    let whole = std::env::var_os("WEESCALE_YOUNG").is_some();
    if whole {
        made.extend([
            like("office hours, large", 9000.0, (13.5, 0.65, 0.6)),
            like("evening", 12.0, (20.2, 0.55, 1.2)),
            like("evening, large", 3000.0, (20.8, 0.6, 1.1)),
            like("night batch", 5.0, (2.5, 0.7, 1.0)),
            like("between two kinds", 200.0, (17.0, 0.5, 0.8)),
            like("flat", 60.0, (12.0, 0.0, 1.0)),
            like("the other way round", 60.0, (8.5, 0.6, 1.0)),
            walk("another walk", 7.0),
            walk("a third walk", 900.0),
            Made { strangers: 400, ..walk("a walk among 400 shapes", 100.0) },
            Made { strangers: 400, ..like("office hours among 400", 40.0, (14.2, 0.55, 0.5)) },
        ]);
    }
    println!(
        "{:<28}{:>8} {:>8} {:>8}     gain   borrowed, points of it that came, within 90 %",
        "service", "level", "own", "pooled"
    );
    let (hours, every) = if whole { (48, 4) } else { (16, 12) };
    for (name, gain, borrowed) in table(&made, hours, every) {
        assert!(borrowed.came < 500 || borrowed.share() > 0.7, "{name}: {borrowed:?}");
        match name {
            "office hours" => assert!(gain > 0.05, "{name}: {gain}"),
            _ => assert!(gain > -0.05, "{name}: {gain}"),
        }
    }
}
