//! Days by the clock on the wall: over a change of clocks, and of a service elsewhere.

use super::*;

/// Monday 2026-10-12, 00:00 in Berlin, 13 days before clocks go back there.
const BEFORE: Timestamp = Timestamp::from_secs(1_791_756_000);

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

/// Office hours by the clocks of `zone`: as much at nine as at noon, and hardly anything at eight.
fn office(at: Timestamp, zone: &TimeZone) -> f64 {
    let local = zone.to_datetime(at.to_jiff());
    let weekend = matches!(local.weekday(), jiff::civil::Weekday::Saturday | jiff::civil::Weekday::Sunday);
    match local.hour() {
        9..=17 if !weekend => 100.0,
        7 | 8 | 18 | 19 => 30.0,
        _ => 10.0,
    }
}

fn days(from: Timestamp, slots: u32, zone: &TimeZone) -> Window {
    let noise = |i: u32| 1.0 + f64::from((i * 7919) % 101).mul_add(0.001, -0.05);
    Window::new(from, STEP, (0..slots).map(|i| Some(office(from + STEP * i, zone) * noise(i))))
}

/// Three services whose days are `shape`.
fn three(shape: &Shape, zone: &TimeZone) -> Vec<Known> {
    let known =
        Known { shape: Arc::new(shape.clone()), zone: zone.clone(), source: "".into(), stands_for: 1 };
    vec![known; 3]
}

/// How far what the shapes tell of the hours after `now` is from what comes, as a share of it.
fn off(young: &Window, now: Timestamp, home: &TimeZone, known: &[Known]) -> f64 {
    let own = Forecaster::new(Settings::default()).issue(young, now).fan().cloned().unwrap();
    let told = like(young, now, home, &known.iter()).unwrap().told(young, &own).unwrap();
    let (mut off, mut all) = (0.0, 0.0);
    for p in &told.points {
        let came = office(p.at, home);
        off += (p.quantile(0.5) - came).abs();
        all += came;
    }
    off / all
}

#[test]
fn when_clocks_change_the_shape_goes_with_the_people() {
    let berlin = zone("Europe/Berlin");
    let past = days(BEFORE, 13 * 288, &berlin);
    let (by_clock, by_utc) = (Shape::of(&past, &berlin).unwrap(), Shape::of(&past, &TimeZone::UTC).unwrap());
    // Born on the Tuesday after, five hours before the doors open, which was at seven UTC and is at eight now.
    let born = BEFORE + Duration::from_secs(15 * 86_400 + 5 * 3600);
    let young = days(born, 50, &berlin);
    let now = young.end() - STEP;
    let (good, bad) = (
        off(&young, now, &berlin, &three(&by_clock, &berlin)),
        off(&young, now, &berlin, &three(&by_utc, &TimeZone::UTC)),
    );
    assert!(good < 0.15, "{good}");
    assert!(bad > 2.0 * good, "an hour early: {bad} against {good}");
    // The shape itself: nothing of the day is smeared over two hours by a change within it.
    let over = days(BEFORE + Duration::from_secs(7 * 86_400), 13 * 288, &berlin);
    let over_both = Shape::of(&over, &berlin).unwrap();
    assert!(by_clock.distance(&over_both) < 0.02, "{}", by_clock.distance(&over_both));
    let smeared = Shape::of(&over, &TimeZone::UTC).unwrap();
    assert!(by_utc.distance(&smeared) > 0.05, "{}", by_utc.distance(&smeared));
}

#[test]
fn a_service_elsewhere_lives_by_its_own_clocks_or_by_those_who_call_it() {
    let (berlin, york) = (zone("Europe/Berlin"), zone("America/New_York"));
    let shape = Shape::of(&days(BEFORE, 13 * 288, &berlin), &berlin).unwrap();
    let known = three(&shape, &berlin);
    // Its users are in New York: at midnight there it is six in Berlin.
    let born = BEFORE + Duration::from_secs(8 * 86_400 + 6 * 3600);
    let young = days(born, 124, &york);
    let now = young.end() - STEP;
    assert!(off(&young, now, &york, &known) < 0.15, "{}", off(&young, now, &york, &known));
    // It stands in New York, and those who call it are in Berlin.
    let called = days(born, 124, &berlin);
    let own = Forecaster::new(Settings::default()).issue(&called, now).fan().cloned().unwrap();
    let told = like(&called, now, &york, &known.iter()).unwrap().told(&called, &own).unwrap();
    let errors = told.points.iter().map(|p| (p.quantile(0.5) / office(p.at, &berlin) - 1.0).abs());
    let mean = errors.sum::<f64>() / told.points.len() as f64;
    assert!(mean < 0.15, "{mean}");
}
