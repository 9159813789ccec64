//! By whose clocks services live.

use super::*;
use crate::journal::{Journal, SignalPoint};

const END: u32 = 15 * 288;

fn berlin() -> TimeZone {
    TimeZone::get("Europe/Berlin").unwrap()
}

fn wave(slot: u32) -> f64 {
    1.0 + 0.5 * (f64::from(slot) / 288.0 * std::f64::consts::TAU).sin()
}

#[test]
fn a_shape_is_told_with_its_clock_and_made_anew_by_another() {
    let mut history = History::new();
    let mut pool = Pool::default();
    let id = fill(&mut history, "old", 0..END, wave);
    let fan = own(&history, &id, END - 1);
    pool.issued(&id, &fan, &history, false);
    assert_eq!(pool.shared()[0].zone, "", "nothing is known of its place");
    let utc = Arc::clone(&pool.shapes[&id].1.shape);
    pool.lives_by(&id, berlin());
    assert_eq!(pool.shapes(), 0, "by other clocks it is another shape");
    pool.issued(&id, &fan, &history, false);
    let shared = pool.shared();
    assert_eq!(shared[0].zone, "Europe/Berlin");
    assert_eq!(pool.tallies[&id].1.zone(), &berlin());
    // In June two hours later by the clocks of Berlin: the same instants.
    let (by_clock, noon) = (&pool.shapes[&id].1.shape, at(12 * 12));
    assert!((by_clock.at(noon, &berlin()) - utc.at(noon, &TimeZone::UTC)).abs() < 0.02);
    assert!((by_clock.at(noon, &TimeZone::UTC) - utc.at(noon, &TimeZone::UTC)).abs() > 0.1);
    pool.lives_by(&id, berlin());
    assert_eq!(pool.shapes(), 1, "the same clock changes nothing");
    // Another team takes it in as it is; a zone that is not known here is left out.
    let mut theirs = Pool::default();
    let strange = SharedShape { zone: "Mars/Olympus".into(), ..shared[0].clone() };
    assert_eq!(theirs.take_in("k", "x", &[shared[0].clone(), strange]), 1);
    assert_eq!(theirs.theirs[0].1[0].zone, berlin());
}

#[test]
fn the_configuration_says_by_whose_clocks_a_restart_reads_the_past() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = "[[region]]\nname = \"eu\"\ntime_zone = \"Europe/Berlin\"\nlatitude = 52.5\nlongitude = 13.4
        [[region]]\nname = \"us\"\ntime_zone = \"America/New_York\"\nlatitude = 40.7\nlongitude = -74.0
        [[team]]\nname = \"search\"\nservices = [\"find*\"]\ntime_zone = \"Asia/Kolkata\"\n";
    std::fs::write(file.path(), text).unwrap();
    let given =
        crate::config::Given { config: Some(file.path().to_owned()), ..crate::config::Given::default() };
    let settings = crate::config::load(&given).unwrap();
    let zone = |id: &str| settings.zone_for(&id.parse().unwrap()).iana_name().unwrap_or_default().to_owned();
    assert_eq!(zone("shop/cart@eu"), "Europe/Berlin");
    assert_eq!(zone("shop/cart@us"), "America/New_York");
    assert_eq!(zone("shop/find-api"), "Asia/Kolkata", "its team's, where no region is known");
    assert_eq!(zone("shop/find-api@us"), "America/New_York", "its users are there");
    assert_eq!(zone("shop/cart"), "UTC");

    let mut journal = Journal::in_memory().unwrap();
    let point = |s: u32| SignalPoint {
        workload: "shop/cart@eu".into(),
        kind: SignalKind::Demand.name().into(),
        minute: at(s).as_millis() / 60_000,
        value: 100.0 * wave(s),
    };
    journal.store_signals(&(0..END).step_by(3).map(point).collect::<Vec<_>>(), 0).unwrap();
    let past = Past::read(&journal, at(END), &|id| settings.zone_for(id)).unwrap();
    let mut pool = Pool::default();
    pool.remember(past, at(END));
    assert_eq!(pool.shared()[0].zone, "Europe/Berlin");
    let id: WorkloadId = "shop/cart@eu".parse().unwrap();
    pool.lives_by(&id, settings.zone_for(&id));
    assert_eq!(pool.shapes(), 1, "it was made by them already");
}
