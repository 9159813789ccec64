//! Fans made longer.

use super::*;

/// A young service of eight hours, its own fan, and what is told of it.
fn young() -> (Window, Fan, Fan, Like) {
    let mature = known(&[(400.0, 14.0), (90.0, 14.5), (2000.0, 13.5)], "");
    let born = MONDAY + Duration::from_secs(15 * 86_400 + 6 * 3600);
    let young = history(born, 96, 30.0, 14.0);
    let now = young.end() - STEP;
    let own =
        Forecaster::new(Settings::default()).issue(&young, now).fan().cloned().unwrap().as_ref().clone();
    let near = like(&young, now, &TimeZone::UTC, &mature.iter()).unwrap();
    let told = near.told(&young, &own).unwrap();
    (young, own, told, near)
}

#[test]
fn a_longer_fan_begins_where_the_other_ended_and_is_wider_the_farther() {
    let (young, own, told, near) = young();
    let used = mix(&own, &told, &near.sources(), |_| 0.6);
    let until = used.issued + Duration::from_secs(86_400);
    let longer = near.longer(&young, &told, used.clone(), until, 0.02);
    assert_eq!(longer.points[..used.points.len()], used.points[..], "what was told before stays as it was");
    assert_eq!(longer.borrowed, Some(used.end() + used.step));
    assert_eq!((longer.own_end(), longer.end()), (used.end(), until));
    assert!(longer.points.windows(2).all(|w| w[1].at.since(w[0].at) == used.step));
    assert!(longer.points.iter().all(|p| p.quantiles.is_sorted() && p.quantiles[0] >= 0.0));
    // It knows tomorrow morning.
    let came = |p: &FanPoint| demand(p.at, 30.0, 14.0);
    let beyond = &longer.points[used.points.len()..];
    let off =
        beyond.iter().map(|p| (p.quantile(0.5) / came(p) - 1.0).abs()).sum::<f64>() / beyond.len() as f64;
    assert!(off < 0.25, "{off}");
    let held = beyond.iter().filter(|p| (p.quantile(0.05)..=p.quantile(0.95)).contains(&came(p))).count();
    assert!(held * 10 > beyond.len() * 9, "{held} of {}", beyond.len());
    // Of two points as high, the later one is the wider one.
    let width = |p: &FanPoint| p.quantile(0.95) - p.quantile(0.05);
    let low = |p: &&FanPoint| (p.quantile(0.5) - 15.0).abs() < 1.5;
    let (first, last) = (beyond.iter().find(low).unwrap(), beyond.iter().rev().find(low).unwrap());
    assert!(last.at.since(first.at) > Duration::from_secs(3600), "{} {}", first.at, last.at);
    assert!(width(last) > width(first), "{} {}", width(first), width(last));
    // Nothing jumps where it begins.
    let (a, b) = (used.points.last().unwrap(), &beyond[0]);
    assert!((a.quantile(0.5) - b.quantile(0.5)).abs() < 1.5, "{} {}", a.quantile(0.5), b.quantile(0.5));
}

#[test]
fn a_fan_that_reaches_as_far_stays_as_it_is() {
    let (young, _, told, near) = young();
    for until in [told.issued, told.end(), told.end() + told.step / 2] {
        assert_eq!(near.longer(&young, &told, told.clone(), until, 0.02), told);
    }
    let ages =
        near.longer(&young, &told, told.clone(), told.issued + Duration::from_secs(86_400 * 4000), 0.02);
    assert_eq!(ages.points.len(), 4096);
    let late = Fan { issued: told.issued + Duration::from_secs(86_400 * 9), ..told.clone() };
    let asked = late.issued + Duration::from_secs(86_400);
    assert_eq!(near.longer(&young, &told, late.clone(), asked, 0.02), late, "nothing was seen for days");
}
