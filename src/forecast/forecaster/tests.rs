//! Behaviour of the whole stage: MO-05, MO-06 and what a planner relies on.

use proptest::prelude::*;

use super::*;
use crate::forecast::{LEVELS, SpikeClass};

const NOW: Timestamp = Timestamp::from_secs(1_750_000_000);
const STEP: Duration = Duration::from_secs(300);

/// A window that ends at `NOW` with the last value there.
fn window(values: Vec<Option<f64>>) -> Window {
    let start = NOW - STEP * (values.len() as u32 - 1);
    Window::new(start, STEP, values)
}

/// Daily wave with multiplicative noise, seeded.
fn noisy(n: usize, seed: u64) -> Vec<Option<f64>> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let slot = |i: usize, rng: &mut fastrand::Rng| {
        let day = (i as f64 / 288.0 * std::f64::consts::TAU).sin();
        let noise: f64 = (0..6).map(|_| rng.f64() - 0.5).sum();
        Some((200.0 + 100.0 * day) * (1.0 + 0.07 * noise))
    };
    (0..n).map(|i| slot(i, &mut rng)).collect()
}

fn fan(values: Vec<Option<f64>>) -> Arc<Fan> {
    let state = Forecaster::new(Settings::default()).issue(&window(values), NOW);
    state.fan().cloned().expect("enough history")
}

fn assert_sane(fan: &Fan) {
    for p in &fan.points {
        assert!(p.quantiles.is_sorted(), "{:?}", p.quantiles);
        assert!(p.quantiles.iter().all(|q| q.is_finite() && *q >= 0.0), "{:?}", p.quantiles);
    }
    assert!(fan.points.is_sorted_by_key(|p| p.at));
    let weights: f64 = fan.models.iter().map(|m| m.weight).sum();
    assert!((weights - 1.0).abs() < 1e-9, "{:?}", fan.models);
}

#[test]
fn three_points_are_not_enough() {
    let mut f = Forecaster::new(Settings::default());
    let state = f.issue(&window(vec![Some(1.0), Some(2.0), Some(3.0)]), NOW);
    let ForecastState::NotEnough { have, need, why } = state else { panic!("a line from three points") };
    assert_eq!((have, need), (STEP * 3, Duration::from_secs(3600)));
    assert!(!why.is_empty());
}

#[test]
fn an_hour_gives_an_hour() {
    let fan = fan(noisy(12, 1));
    assert_eq!(fan.points.len(), 12);
    assert_sane(&fan);
}

#[test]
fn a_day_ahead_from_two_weeks_with_skill_and_coverage() {
    let fan = fan(noisy(14 * 288, 2));
    assert_eq!(fan.points.len(), 288);
    assert_eq!(fan.points[0].at, NOW + STEP);
    assert_sane(&fan);
    let coverage = fan.coverage.unwrap();
    assert!((0.85..=0.95).contains(&coverage), "coverage {coverage}");
    assert!(fan.skill.unwrap() > 0.1, "{:?}", fan.skill);
    assert!(fan.scored > 30);
}

#[test]
fn constant_stays_constant() {
    let fan = fan(vec![Some(42.0); 4 * 288]);
    assert_sane(&fan);
    assert!(fan.points.iter().all(|p| p.quantiles.iter().all(|q| (q - 42.0).abs() < 1e-6)));
}

#[test]
fn same_input_same_bytes() {
    let bytes = || serde_json::to_vec(&*fan(noisy(5 * 288, 3))).unwrap();
    assert_eq!(bytes(), bytes());
}

#[test]
fn scaling_the_history_scales_the_fan() {
    let base = fan(noisy(6 * 288, 4));
    let scaled = fan(noisy(6 * 288, 4).into_iter().map(|v| v.map(|x| x * 1000.0)).collect());
    for (a, b) in base.points.iter().zip(&scaled.points) {
        for (x, y) in a.quantiles.iter().zip(&b.quantiles) {
            assert!((x * 1000.0 - y).abs() <= 1e-6 * y.abs().max(1.0), "{x} {y}");
        }
    }
}

#[test]
fn a_gap_is_not_zero() {
    let full = noisy(14 * 288, 5);
    let mut rng = fastrand::Rng::with_seed(9);
    let mut gappy: Vec<Option<f64>> = full.iter().map(|v| if rng.f64() < 0.1 { None } else { *v }).collect();
    let n = gappy.len();
    gappy[n - 76..n - 4].fill(None);
    let (full, gappy) = (fan(full), fan(gappy));
    for lead in [0, 5, 11, 71, 143, 287] {
        let (a, b) = (full.points[lead].quantile(0.5), gappy.points[lead].quantile(0.5));
        assert!(b > 0.92 * a, "lead {lead}: {b} with gaps, {a} without");
    }
}

#[test]
fn old_data_is_not_forecast_from() {
    let w = window(noisy(3 * 288, 6));
    let state = Forecaster::new(Settings::default()).issue(&w, NOW + Duration::from_secs(7 * 3600));
    assert!(state.fan().is_none());
}

#[test]
fn the_future_of_the_window_is_not_looked_at() {
    let mut values = noisy(4 * 288, 7);
    let earlier = NOW - STEP * 100;
    let issue = |v: Vec<Option<f64>>| Forecaster::new(Settings::default()).issue(&window(v), earlier);
    let before = issue(values.clone());
    let n = values.len();
    values[n - 99..].fill(Some(1e6));
    assert_eq!(issue(values), before);
}

#[test]
fn coverage_holds_on_unseen_days() {
    let values = noisy(15 * 288, 8);
    let w = window(values);
    let origin = NOW - STEP * 288;
    let mut f = Forecaster::new(Settings::default());
    let (mut inside, mut n) = (0u32, 0u32);
    for k in 0..12 {
        let now = origin - STEP * (k * 25);
        let state = f.issue(&w, now);
        for p in &state.fan().unwrap().points {
            let y = w.value_at(p.at).unwrap();
            inside += u32::from(p.quantiles[2] <= y && y <= p.quantiles[8]);
            n += 1;
        }
    }
    let coverage = f64::from(inside) / f64::from(n);
    assert!((0.86..=0.94).contains(&coverage), "coverage {coverage}");
}

fn hostile() -> impl Strategy<Value = Vec<Option<f64>>> {
    let value = prop_oneof![
        4 => (0.0..1e6f64).prop_map(Some),
        1 => Just(None),
        1 => Just(Some(f64::NAN)),
        1 => Just(Some(0.0)),
        1 => Just(Some(-5.0)),
        1 => Just(Some(f64::MAX)),
        1 => Just(Some(1e14)),
        1 => Just(Some(f64::MIN_POSITIVE)),
    ];
    let shape = (1usize..700, 1.0..1e4f64, 1usize..400, 0usize..3).prop_map(|(n, height, period, kind)| {
        let slot = |i: usize| match kind {
            0 => height,
            1 => height * (i % period) as f64,
            _ => {
                if i > period {
                    height * 10.0
                } else {
                    height
                }
            }
        };
        (0..n).map(|i| (i % 37 != 5).then(|| slot(i))).collect()
    });
    prop_oneof![proptest::collection::vec(value, 0..200), shape]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_history_gives_a_sane_fan_or_none(values in hostile()) {
        if values.is_empty() {
            return Ok(());
        }
        let mut f = Forecaster::new(Settings::default());
        if let ForecastState::Ready(fan) = f.issue(&window(values), NOW) {
            assert_sane(&fan);
            prop_assert!(fan.coverage.is_none_or(|c| (0.0..=1.0).contains(&c)));
            prop_assert!(fan.points.iter().all(|p| p.quantiles.len() == LEVELS.len()));
        }
    }
}

#[test]
fn a_lasting_shift_is_followed() {
    let mut values = noisy(14 * 288, 11);
    let n = values.len();
    for v in &mut values[n - 72..] {
        *v = v.map(|x| x * 1.8);
    }
    let (shifted, plain) = (fan(values), fan(noisy(14 * 288, 11)));
    for lead in [0, 11, 71, 143, 287] {
        let ratio = shifted.points[lead].quantile(0.5) / plain.points[lead].quantile(0.5);
        assert!((1.5..2.1).contains(&ratio), "lead {lead}: {ratio}");
    }
}

#[test]
fn a_flash_crowd_is_followed_for_an_hour_and_named() {
    let mut values = noisy(10 * 288, 12);
    let n = values.len();
    for v in &mut values[n - 4..] {
        *v = v.map(|x| x * 4.0);
    }
    let plain = fan(noisy(10 * 288, 12));
    let mut f = Forecaster::new(Settings::default());
    let state = f.issue(&window(values), NOW);
    let burst = state.fan().unwrap();
    let spike = f.spike().expect("a spike");
    assert_eq!(spike.class, SpikeClass::Step);
    assert_eq!(spike.since, NOW - STEP * 3);
    assert!((3.0..5.0).contains(&spike.factor), "{spike:?}");
    let ratio = |lead: usize| burst.points[lead].quantile(0.5) / plain.points[lead].quantile(0.5);
    assert!(ratio(0) > 3.0 && ratio(11) > 2.0, "{} {}", ratio(0), ratio(11));
    assert!(ratio(287) < 1.5, "{}", ratio(287));
    assert_sane(burst);
    assert!(Forecaster::new(Settings::default()).spike().is_none());
}

#[test]
fn calm_demand_raises_no_alarm() {
    let values = noisy(12 * 288, 13);
    let w = window(values);
    let mut f =
        Forecaster::new(Settings { refit_every: Duration::from_secs(10 * 86_400), ..Settings::default() });
    let mut alarms = 0;
    for k in (0..288).rev() {
        f.issue(&w, NOW - STEP * k);
        alarms += usize::from(f.spike().is_some());
    }
    assert!(alarms <= 1, "{alarms} alarms in a calm day");
}

#[test]
fn seasons_are_named() {
    let fan = fan(noisy(6 * 288, 14));
    assert_eq!(fan.seasons.first().map(|s| s.period), Some(Duration::from_secs(86_400)));
    assert!(fan.seasons[0].strength > 0.6);
}

#[test]
fn a_declared_event_lifts_its_hours_only() {
    use crate::forecast::calendar::{Calendar, Event};
    let event = Event { from: NOW + STEP * 48, to: NOW + STEP * 72, factor: Some(3.0) };
    let calendar = Arc::new(Calendar::new(jiff::tz::TimeZone::UTC, vec![], vec![event]));
    let settings = Settings { calendar, ..Settings::default() };
    let state = Forecaster::new(settings).issue(&window(noisy(14 * 288, 2)), NOW);
    let (lifted, plain) = (state.fan().cloned().unwrap(), fan(noisy(14 * 288, 2)));
    for (i, (a, b)) in lifted.points.iter().zip(&plain.points).enumerate() {
        let expected = if (48..72).contains(&i) { 3.0 } else { 1.0 };
        let ratio = a.quantile(0.5) / b.quantile(0.5);
        assert!((ratio / expected - 1.0).abs() < 0.05, "step {i}: {ratio}");
    }
}

/// Median forecasts with an event of which `declared` is said, that began `begun` slots ago and did `did`, over those
/// without any.
fn during_an_event(begun: usize, left: u32, declared: f64, did: f64) -> Vec<f64> {
    use crate::forecast::calendar::{Calendar, Event};
    let event = Event { from: NOW - STEP * begun as u32, to: NOW + STEP * left, factor: Some(declared) };
    let calendar = Arc::new(Calendar::new(jiff::tz::TimeZone::UTC, vec![], vec![event]));
    let plain = noisy(14 * 288, 2);
    let mut values = plain.clone();
    let n = values.len();
    values[n - begun..].iter_mut().for_each(|v| *v = v.map(|v| v * did));
    let settings = Settings { calendar, ..Settings::default() };
    let state = Forecaster::new(settings).issue(&window(values), NOW);
    let (event, plain) = (state.fan().cloned().unwrap(), fan(plain));
    assert_sane(&event);
    event.points.iter().zip(&plain.points).map(|(a, b)| a.quantile(0.5) / b.quantile(0.5)).collect()
}

#[test]
fn the_factor_of_an_event_that_runs_is_applied_for_as_long_as_it_lasts() {
    for begun in [1, 6, 48] {
        for (i, ratio) in during_an_event(begun, 24, 3.0, 3.0).into_iter().enumerate() {
            let expected = if i < 24 { 3.0 } else { 1.0 };
            assert!((ratio / expected - 1.0).abs() < 0.15, "begun {begun} slots ago, step {i}: {ratio}");
        }
    }
}

#[test]
fn what_an_event_really_does_outweighs_what_was_declared() {
    // Three times was declared; for four hours it did nothing.
    let ratios = during_an_event(48, 24, 3.0, 1.0);
    assert!(ratios[..24].iter().all(|r| (0.85..1.3).contains(r)), "{:?}", &ratios[..24]);
    assert!(ratios[24..].iter().all(|r| (0.75..1.1).contains(r)), "{:?}", &ratios[24..]);
    // It did more.
    let ratios = during_an_event(48, 24, 2.0, 4.0);
    assert!(ratios[..24].iter().all(|r| (3.3..4.6).contains(r)), "{:?}", &ratios[..24]);
    assert!(ratios[24..].iter().all(|r| (0.9..1.4).contains(r)), "{:?}", &ratios[24..]);
}

/// Median forecasts at `now` over those without any event, where one of two hours did three times the demand until an hour
/// before `NOW`.
fn after_an_event(later: Duration, declared: Option<f64>) -> Vec<f64> {
    use crate::forecast::calendar::{Calendar, Event};
    let event = Event { from: NOW - STEP * 36, to: NOW - STEP * 12, factor: declared };
    let calendar = Arc::new(Calendar::new(jiff::tz::TimeZone::UTC, vec![], vec![event]));
    let plain = noisy(14 * 288, 2);
    let mut values = plain.clone();
    let n = values.len();
    values[n - 36..n - 12].iter_mut().for_each(|v| *v = v.map(|v| v * 3.0));
    let now = NOW - STEP * 12 + later;
    let issue = |settings: Settings, values| {
        Forecaster::new(settings).issue(&window(values), now).fan().cloned().unwrap()
    };
    let (event, plain) =
        (issue(Settings { calendar, ..Settings::default() }, values), issue(Settings::default(), plain));
    assert_sane(&event);
    event.points.iter().zip(&plain.points).map(|(a, b)| a.quantile(0.5) / b.quantile(0.5)).collect()
}

#[test]
fn what_an_event_did_is_not_the_level_after_it_nor_of_the_same_time_tomorrow() {
    let worst = |ratios: &[f64]| ratios.iter().map(|r| (r - 1.0).abs()).fold(0.0, f64::max);
    for later in [Duration::ZERO, STEP, STEP * 12] {
        let ratios = after_an_event(later, Some(3.0));
        assert!(worst(&ratios) < 0.15, "{later:?} after it: {:?}", &ratios[..12]);
    }
    // What it did is measured: twice as much was declared.
    assert!(worst(&after_an_event(Duration::ZERO, Some(6.0))) < 0.25);
    // Without a declaration it is what it was: the test can tell.
    assert!(worst(&after_an_event(Duration::ZERO, None)) > 0.4);
}

#[test]
fn a_young_service_in_an_event_is_told_by_what_was_declared() {
    use crate::forecast::calendar::{Calendar, Event};
    let event = Event { from: NOW - STEP * 3, to: NOW + STEP * 6, factor: Some(3.0) };
    let calendar = Arc::new(Calendar::new(jiff::tz::TimeZone::UTC, vec![], vec![event]));
    let values = (0..36).map(|i| Some(if i < 33 { 100.0 } else { 300.0 })).collect();
    let state = Forecaster::new(Settings { calendar, ..Settings::default() }).issue(&window(values), NOW);
    let fan = state.fan().cloned().unwrap();
    let near = |i: usize, level: f64| (fan.points[i].quantile(0.5) / level - 1.0).abs() < 0.2;
    assert!(near(0, 300.0) && near(5, 300.0) && near(8, 100.0) && near(20, 100.0), "{:?}", fan.points);
}

#[test]
fn a_refit_is_put_off_for_a_while_only() {
    let values = noisy(3 * 288, 5);
    let mut f = Forecaster::new(Settings::default());
    let hour = Duration::from_secs(3600);
    let from = NOW - hour * 6;
    assert!(
        f.issue_within(&window(values.clone()), from, false).fan().is_some(),
        "the first fit never waits"
    );
    for (hours, time, fitted) in [(1, false, 0), (2, false, 0), (3, false, 3), (4, true, 4), (5, false, 4)] {
        let state = f.issue_within(&window(values.clone()), from + hour * hours, time);
        let fan = state.fan().cloned().unwrap();
        assert_sane(&fan);
        assert_eq!(fan.issued, from + hour * hours, "put off is the fit, never the fan");
        assert_eq!(f.fitted(), Some(from + hour * fitted), "after {hours} h");
    }
}
