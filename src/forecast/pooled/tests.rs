use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::like::thinned;
use super::*;
use crate::forecast::{Fan, FanPoint, Forecaster, Settings};
use crate::series::{Timestamp, Window};

const STEP: Duration = Duration::from_secs(300);
/// Monday 2026-06-01, 00:00 UTC.
const MONDAY: Timestamp = Timestamp::from_secs(1_780_272_000);

/// `level` with a day that peaks at `hour`, and half as much on weekends.
fn demand(at: Timestamp, level: f64, hour: f64) -> f64 {
    let hours = at.since(MONDAY).as_secs_f64() / 3600.0;
    let day = ((hours - hour) / 24.0 * std::f64::consts::TAU).cos();
    let weekend = if (hours / 24.0) as u64 % 7 >= 5 { 0.5 } else { 1.0 };
    level * (1.0 + 0.6 * day) * weekend
}

fn history(from: Timestamp, slots: u32, level: f64, hour: f64) -> Window {
    let noise = |i: u32| 1.0 + f64::from((i * 7919) % 101).mul_add(0.002, -0.1);
    let values = (0..slots).map(|i| Some(demand(from + STEP * i, level, hour) * noise(i)));
    Window::new(from, STEP, values)
}

fn shape(level: f64, hour: f64) -> Shape {
    Shape::of(&history(MONDAY, 14 * 288, level, hour), &TimeZone::UTC).unwrap()
}

fn known(shapes: &[(f64, f64)], source: &str) -> Vec<Known> {
    let one = |(level, hour): &(f64, f64)| Known {
        shape: Arc::new(shape(*level, *hour)),
        zone: TimeZone::UTC,
        source: source.into(),
        stands_for: 1,
    };
    shapes.iter().map(one).collect()
}

#[test]
fn few_values_are_compared_and_the_latest_is_one() {
    let seen: Vec<(Timestamp, f64)> = (0..3744).map(|i| (MONDAY + STEP * i, f64::from(i))).collect();
    let few = thinned(&seen);
    assert!((48..=96).contains(&few.len()) && few.first() == seen.last(), "{}", few.len());
    assert_eq!(thinned(&seen[..48]).len(), 48);
}

#[test]
fn a_young_service_is_told_by_those_that_are_like_it() {
    let mature = known(&[(400.0, 14.0), (90.0, 14.5), (2000.0, 13.5), (100.0, 2.0), (50.0, 3.0)], "");
    assert!(Shape::of(&history(MONDAY, 8 * 288, 1.0, 14.0), &TimeZone::UTC).is_none(), "a week is no shape");
    // Four hours old on a Tuesday morning; the peak is three hours away.
    let born = MONDAY + Duration::from_secs((14 + 1) * 86_400 + 7 * 3600);
    let young = history(born, 48, 30.0, 14.0);
    let now = young.end() - STEP;
    let own = Forecaster::new(Settings::default()).issue(&young, now).fan().cloned().unwrap();
    let near = like(&young, now, &TimeZone::UTC, &mature.iter()).unwrap();
    let told = near.told(&young, &own).unwrap();
    let off = |fan: &Fan| {
        let errors = fan.points.iter().map(|p| (p.quantile(0.5) / demand(p.at, 30.0, 14.0) - 1.0).abs());
        errors.sum::<f64>() / fan.points.len() as f64
    };
    assert!(off(&told) < 0.1 && off(&told) < off(&own), "{} against {}", off(&told), off(&own));
    assert!(told.points.iter().all(|p| p.quantiles.is_sorted()));
    assert!(like(&young, now, &TimeZone::UTC, &mature.iter().take(2)).is_none(), "two are no fleet");
    assert!(near.belief() > 0.3, "chosen by two hours, they told the next two: {}", near.belief());
    let mixed = mix(&own, &told, &near.sources(), |_| share(near.belief(), None));
    assert!(off(&mixed) < off(&own) && mixed.points.iter().all(|p| p.quantiles.is_sorted()));
    let ours = mixed.models.iter().find(|m| m.name == OURS).unwrap();
    assert!((ours.weight - near.belief()).abs() < 1e-9, "{:?}", mixed.models);
    assert!((mixed.models.iter().map(|m| m.weight).sum::<f64>() - 1.0).abs() < 1e-9);
}

#[test]
fn nothing_after_the_moment_of_issue_is_looked_at() {
    let mature = known(&[(1.0, 14.0), (1.0, 8.0), (1.0, 20.0), (1.0, 2.0)], "");
    let born = MONDAY + Duration::from_secs(86_400 + 6 * 3600);
    let whole = history(born, 96, 30.0, 14.0);
    let now = born + STEP * 47;
    let spoiled = Window::new(
        born,
        STEP,
        whole.values().iter().enumerate().map(|(i, v)| if i > 47 { Some(9e9) } else { *v }),
    );
    let own = Forecaster::new(Settings::default()).issue(&whole, now).fan().cloned().unwrap();
    let (a, b) = (
        like(&whole, now, &TimeZone::UTC, &mature.iter()).unwrap(),
        like(&spoiled, now, &TimeZone::UTC, &mature.iter()).unwrap(),
    );
    assert_eq!((a.belief(), a.sources()), (b.belief(), b.sources()));
    assert_eq!(a.told(&whole, &own).unwrap().points, b.told(&spoiled, &own).unwrap().points);
}

#[test]
fn one_that_is_like_none_believes_them_hardly_and_losses_decide() {
    let mature = known(&[(1.0, 14.0), (1.0, 13.0), (1.0, 15.0)], "");
    // Sawtooth of three hours.
    let values = (0..72u32).map(|i| Some(50.0 + 40.0 * f64::from(i % 36) / 36.0));
    let odd = Window::new(MONDAY + Duration::from_secs(9 * 3600), STEP, values);
    let near = like(&odd, odd.end() - STEP, &TimeZone::UTC, &mature.iter()).unwrap();
    assert!(near.belief() < 0.2, "{}", near.belief());
    let lost = |own, told, stretches| share(0.5, Some(Losses { own, told, stretches }));
    assert!((share(0.5, None) - 0.5).abs() < 1e-12);
    assert!(lost(0.2, 0.1, 2.0) > 0.85 && lost(0.1, 0.2, 2.0) < 0.07);
    assert!(lost(0.1, 0.2, 0.1) > 0.4, "little was scored");
    assert_eq!(lost(0.0, 0.0, 5.0), share(0.5, None));
    assert!(share(0.0, None) > 0.0, "who is not believed at all could never earn it");
}

#[test]
fn a_shape_of_a_file_is_what_it_was_and_a_strange_one_is_none() {
    let own = shape(80.0, 14.0);
    let back = Shape::from_per_mille(&own.per_mille()).unwrap();
    assert!(own.distance(&back) < 0.01, "{}", own.distance(&back));
    // The noise of a tenth moves the highest quarter of an hour by a few.
    assert!(
        ["peaks 13:", "peaks 14:"].iter().any(|peak| own.words("").starts_with(peak)),
        "{}",
        own.words("")
    );
    assert!(own.words("").ends_with("weekends at 50 % of weekdays"), "{}", own.words(""));
    assert!(Shape::from_per_mille(&[1000; QUARTERS - 1]).is_none());
    assert!(Shape::from_per_mille(&[0; QUARTERS]).is_none());
    assert!(Shape::from_per_mille(&[u32::MAX; QUARTERS]).is_none());
    let mut spike = [0; QUARTERS];
    spike[40] = 100_000;
    // However steep: what is told stays within what was seen a few times over.
    let steep = Known {
        shape: Arc::new(Shape::from_per_mille(&spike).unwrap()),
        zone: TimeZone::UTC,
        source: "x".into(),
        stands_for: usize::MAX,
    };
    let young = history(MONDAY, 60, 30.0, 14.0);
    let now = young.end() - STEP;
    let fan = Forecaster::new(Settings::default()).issue(&young, now).fan().cloned().unwrap();
    let told = like(&young, now, &TimeZone::UTC, &[steep.clone(), steep].iter())
        .unwrap()
        .told(&young, &fan)
        .unwrap();
    let most = young.points().map(|(_, v)| v).fold(0.0, f64::max);
    let own = fan.points.iter().map(|p| p.quantiles[10]).fold(0.0, f64::max);
    assert!(told.points.iter().all(|p| p.quantiles[10] <= (4.0 * most).max(own) + 1e-9));
}

/// A fan of fourteen hours whose middle is `middle` throughout, its outer quantiles `wide` away.
fn fixed(now: Timestamp, middle: f64, wide: f64) -> Fan {
    let young = history(now - STEP * 47, 48, 30.0, 14.0);
    let mut fan =
        Forecaster::new(Settings::default()).issue(&young, now).fan().cloned().unwrap().as_ref().clone();
    fan.issued = now;
    let quantiles = std::array::from_fn(|k| (middle + wide * (k as f64 - 5.0) / 5.0).max(0.0));
    fan.points = (1..=168).map(|i| FanPoint { at: now + STEP * i, quantiles }).collect();
    fan
}

#[test]
fn a_spread_that_is_nearly_additive_is_not_multiplied() {
    let mature = known(&[(400.0, 14.0), (90.0, 14.5), (2000.0, 13.5)], "");
    // Born on a Monday at 8, it peaks at 14 with 1.6 times the level, and is at a low of 0.4 at 2.
    let born = MONDAY + Duration::from_secs(14 * 86_400 + 8 * 3600);
    let young = history(born, 12 * 17, 60.0, 14.0);
    let at_night = young.end() - STEP;
    let near = like(&young, at_night, &TimeZone::UTC, &mature.iter()).unwrap();
    let seen = young.points().map(|(_, v)| v).fold(0.0, f64::max);
    // It does not know the day: at night it tells 25 for ever, with 30 more at the outside.
    let own = fixed(at_night, 25.0, 30.0);
    let told = near.told(&young, &own).unwrap();
    let highest = told.points.iter().max_by(|a, b| a.quantile(0.5).total_cmp(&b.quantile(0.5))).unwrap();
    let (middle, outer) = (highest.quantile(0.5), highest.quantile(0.98));
    assert!(middle > 45.0, "the shapes say that it rises: {middle}");
    assert!(
        outer < middle + 2.0 * 30.0 && outer > middle + 0.9 * 24.0,
        "{middle} and {outer} of 30 more at most"
    );
    assert!(highest.quantile(0.95) < 1.5 * seen, "{} of {seen}", highest.quantile(0.95));
    // And at the peak it tells 95 for ever, where the shapes say that it falls: still as unsure, or nearly.
    let noon = born + STEP * 72;
    let near = like(&young, noon, &TimeZone::UTC, &mature.iter()).unwrap();
    let told = near.told(&young, &fixed(noon, 95.0, 30.0)).unwrap();
    let lowest = told.points.iter().min_by(|a, b| a.quantile(0.5).total_cmp(&b.quantile(0.5))).unwrap();
    let (middle, outer) = (lowest.quantile(0.5), lowest.quantile(0.95));
    assert!(middle < 50.0, "{middle}");
    assert!((0.5 * 18.0..=30.0).contains(&(outer - middle)), "{middle} and {outer}");
    assert!(told.points.iter().all(|p| p.quantiles.is_sorted() && p.quantiles[0] >= 0.0));
}

#[test]
fn nothing_is_demand_too() {
    // Empty for half the day, as one of the fleet is.
    let half = |level: f64, slots: u32| {
        let value = move |i: u32| {
            if (i / 144).is_multiple_of(2) { level * (1.0 + f64::from(i % 7) * 0.01) } else { 0.0 }
        };
        Window::new(MONDAY, STEP, (0..slots).map(move |i| Some(value(i))))
    };
    let shape = Arc::new(Shape::of(&half(90.0, 14 * 288), &TimeZone::UTC).unwrap());
    let steady = known(&[(10.0, 14.0), (10.0, 13.0), (10.0, 15.0)], "");
    let own = Known { shape, zone: TimeZone::UTC, source: "half".into(), stands_for: 3 };
    let all: Vec<Known> = std::iter::once(own).chain(steady).collect();
    let young = half(40.0, 300);
    let now = MONDAY + STEP * 280;
    let near = like(&young, now, &TimeZone::UTC, &all.iter()).unwrap();
    let first = near.sources().into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
    assert!(&*first.0 == "half" && first.1 > 0.9, "{:?}", near.sources());
    assert!(near.belief() > 0.3, "it told that there would be nothing: {}", near.belief());
    let told = near.told(&young, &fixed(now, 0.4, 0.2)).unwrap();
    let day = told.points.iter().find(|p| p.at >= MONDAY + STEP * 300).unwrap().quantile(0.5);
    assert!(day > 1.0, "the level of the last hours is nothing, not what there was before: {day}");
    let nothing = Window::new(MONDAY, STEP, (0..100).map(|_| Some(0.0)));
    assert!(
        like(&nothing, MONDAY + STEP * 99, &TimeZone::UTC, &all.iter()).is_none(),
        "all of it is nothing"
    );
}

#[test]
fn the_middle_and_the_counts_are_of_the_whole_fleet() {
    let (early, late) = (shape(10.0, 2.0), shape(10.0, 14.0));
    // By name, those of the night come first, and are fewer.
    let (berlin, utc) = (TimeZone::get("Europe/Berlin").unwrap(), TimeZone::UTC);
    let night = (0..160).map(|i| (&early, if i % 3 == 0 { &berlin } else { &utc }));
    let kinds = representatives(night.chain((0..240).map(|_| (&late, &berlin))), 12);
    assert_eq!(kinds.iter().map(|(.., n)| *n).collect::<Vec<_>>(), [240, 160]);
    assert_eq!((&kinds[0].1, &kinds[1].1), (&berlin, &utc), "by whose clocks most of them are");
    assert!(kinds[0].0.distance(&late) < 0.05);
}

#[test]
fn a_few_kinds_stand_for_a_fleet() {
    let hours = [14.0, 14.1, 14.2, 13.9, 14.0, 2.0, 2.1, 20.0];
    let fleet: Vec<Shape> = hours.iter().map(|h| shape(10.0, *h)).collect();
    let utc = TimeZone::UTC;
    let all = || fleet.iter().map(|s| (s, &utc));
    let kinds = representatives(all(), 12);
    assert_eq!(kinds.iter().map(|(.., n)| *n).collect::<Vec<_>>(), [5, 2, 1]);
    assert!(kinds[0].0.distance(&fleet[0]) < 0.05);
    assert_eq!(representatives(all(), 2).len(), 2);
    assert!(representatives(all().take(0), 12).is_empty());
}

mod beyond;
mod zones;
