//! What forecasts lost is known after a restart, and lengthens fans or does not.

use super::*;
use crate::journal::Journal;

const END: u32 = 15 * 288;

fn wave(slot: u32) -> f64 {
    1.0 + 0.6 * (f64::from(slot) / 288.0 * std::f64::consts::TAU).sin()
}

/// Noise that does not repeat.
fn noise(slot: u32, seed: u64) -> f64 {
    let mut random = fastrand::Rng::with_seed(seed.wrapping_mul(1_000_003) + u64::from(slot));
    1.0 + (random.f64() - 0.5) * 0.1
}

/// A pool that has followed a service of `hours`, which is as the fleet is or the other way round; and its history.
fn followed(hours: u32, like_fleet: bool) -> (Pool, History, WorkloadId, u32) {
    let (born, end) = (END, END + hours * 12);
    let mut history = History::new();
    let mut pool = Pool::default();
    let old: Vec<WorkloadId> = (0..4)
        .map(|i| fill(&mut history, &format!("old-{i}"), 0..end, |s| 50.0 * wave(s) * noise(s, i)))
        .collect();
    for id in &old {
        pool.issued(id, &own(&history, id, born), &history, false);
    }
    let shift = if like_fleet { 0 } else { 144 };
    let id = fill(&mut history, "young", born..end, |s| 40.0 * wave(s + shift) * noise(s, 9));
    let mut forecaster = Forecaster::new(Settings::default());
    for now in (born + 13..end).step_by(2) {
        let window = history.window(&id, SignalKind::Demand, at(0), at(now), STEP);
        let fan = forecaster.issue_within(&window, at(now), false).fan().cloned().unwrap();
        if now % 12 == 0 {
            pool.look_back(&history, at(now), |_| true);
        }
        pool.issued(&id, &fan, &history, false);
    }
    pool.look_back(&history, at(end), |_| true);
    (pool, history, id, end)
}

/// The pool after a restart: a new one that read the journal the old one wrote to.
fn restarted(old: &mut Pool, now: Timestamp) -> Pool {
    let mut journal = Journal::in_memory().unwrap();
    let rows = old.rows_to_keep(now);
    assert!(old.rows_to_keep(now + Duration::from_secs(60)).is_empty(), "every ten minutes");
    journal.store_remembered(&rows, now - KEEP).unwrap();
    let mut pool = Pool { shapes: old.shapes.clone(), ..Pool::default() };
    pool.remember(Past::read(&journal, now, &|_| TimeZone::UTC).unwrap(), now);
    pool
}

fn shape_share(fan: &Fan) -> f64 {
    fan.models.iter().filter(|m| m.name == OURS).map(|m| m.weight).sum()
}

#[test]
fn what_was_earned_before_a_restart_counts_after_it() {
    let (mut pool, history, id, end) = followed(10, true);
    let before = pool.record_of(&id, at(end));
    assert!(before.lost.iter().any(|l| l.told < l.own), "{before:?}");
    let fan = own(&history, &id, end - 1);
    let mut after = restarted(&mut pool, at(end));
    let read = after.record_of(&id, at(end));
    assert_eq!(read.lost.len(), before.lost.len());
    for (a, b) in read.lost.iter().zip(&before.lost) {
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(
            a.up_to == b.up_to && near(a.n, b.n) && near(a.own, b.own) && near(a.told, b.told),
            "{a:?} {b:?}"
        );
    }
    assert_eq!(after.scores().len(), 1, "and KPI 15 with it");
    let known = after.issued(&id, &fan, &history, false).unwrap();
    let share = shape_share(&known);
    assert!(share > 0.5, "{share}");
    // One that knows nothing of it may believe no more than a fifth.
    let mut blank = Pool { shapes: pool.shapes.clone(), ..Pool::default() };
    let share = shape_share(&blank.issued(&id, &fan, &history, false).unwrap());
    assert!(share <= UNSCORED + 1e-9, "{share}");
    // Twice restarted it is still there; after two days it is not.
    let again = restarted(&mut after, at(end) + SPACING);
    assert!(again.record_of(&id, at(end) + SPACING).lost.len() == before.lost.len());
    assert!(again.record_of(&id, at(end) + SPACING + SCORED).is_empty());
}

#[test]
fn shapes_that_failed_have_no_fresh_start() {
    let (mut pool, history, id, end) = followed(10, false);
    let fan = own(&history, &id, end - 1);
    let mut after = restarted(&mut pool, at(end));
    let share = after.issued(&id, &fan, &history, false).map_or(0.0, |fan| shape_share(&fan));
    assert!(share < 0.1, "{share}");
}

#[test]
fn rows_that_cannot_be_read_say_nothing() {
    let row = |name: &str, body: &str| crate::journal::Remembered {
        topic: kept::TOPIC.into(),
        name: name.into(),
        at: at(0),
        body: body.into(),
    };
    let odd = "{\"record\":{\"lost\":[{\"up_to\":{\"secs\":60,\"nanos\":0},\"n\":-1.0,\"own\":1.0,\"told\":0.0}]},\
               \"score\":[0,-3.0,1.0]}";
    let rows = vec![row("shop/a", "rubbish"), row("shop/b", "{}"), row("shop/c", odd)];
    let mut journal = Journal::in_memory().unwrap();
    journal.store_remembered(&rows, at(0)).unwrap();
    let mut pool = Pool::default();
    pool.remember(Past::read(&journal, at(1), &|_| TimeZone::UTC).unwrap(), at(1));
    assert!(pool.earlier.is_empty() && pool.scores.is_empty(), "{:?}", pool.earlier);
}

#[test]
fn a_young_service_is_forecast_for_longer_where_shapes_proved_right_and_only_there() {
    let (mut pool, history, id, end) = followed(9, true);
    let fan = own(&history, &id, end - 1);
    let hours = |fan: &Fan| fan.end().since(fan.issued).as_secs_f64() / 3600.0;
    assert!(hours(&fan) < 9.5, "{}", hours(&fan));
    let used = pool.issued(&id, &fan, &history, false).unwrap();
    assert!(hours(&used) > 15.0, "{} {:?}", hours(&used), pool.record_of(&id, at(end)));
    assert_eq!(used.own_end(), fan.end());
    assert!(used.borrowed.is_some());
    // Also at once after a restart.
    let mut after = restarted(&mut pool, at(end));
    assert_eq!(after.issued(&id, &fan, &history, false).unwrap().end(), used.end());
    // What it said of these hours is judged when they come: bands that do not hold end it.
    let band = lost::Band { up_to: Duration::from_secs(16 * 3600), n: 60.0, held: 0.3 };
    let mut record = pool.record_of(&id, at(end));
    record.bands.push(band);
    pool.earlier.insert(id.clone(), (at(end), record));
    let cut = pool.issued(&id, &fan, &history, false).unwrap();
    assert!(hours(&cut) < 12.0, "{}", hours(&cut));
    // One that lives the other way round gets nothing of it.
    let (mut pool, history, id, end) = followed(9, false);
    let fan = own(&history, &id, end - 1);
    let used = pool.issued(&id, &fan, &history, false);
    assert!(used.is_none_or(|used| used.borrowed.is_none() && used.end() == fan.end()));
}
