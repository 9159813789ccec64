//! Behaviour of the blend: causal, exact where the history is, bounded where it is hostile.

use super::inputs::row;
use super::learn::Lessons;
use super::regress::Blend;
use super::ridge::{Sample, dot, fit};
use super::tracks::Tracks;
use crate::forecast::grid::Past;

fn tracks(values: &[Option<f64>]) -> Tracks {
    Tracks::new(Past { values, day: 288, hour: 12, end: 0 })
}

fn wave(n: usize) -> Vec<Option<f64>> {
    let mut rng = fastrand::Rng::with_seed(3);
    let slot = |i: usize| 100.0 + 40.0 * (i as f64 / 288.0 * std::f64::consts::TAU).sin();
    (0..n).map(|i| (i % 41 != 7).then(|| slot(i) + 4.0 * rng.f64())).collect()
}

#[test]
fn a_row_does_not_change_with_its_future() {
    let mut values = wave(15 * 288);
    let leads = [1, 2, 12, 100, 285, 287, 288, 576];
    let rows = |values: &[Option<f64>], at: usize| -> Vec<String> {
        let t = tracks(values);
        leads.iter().map(|l| format!("{:?}", row(&t, at, *l))).collect()
    };
    for origin in [300, 2000, 9 * 288, 15 * 288 - 2] {
        let before = rows(&values, origin);
        let kept = values.clone();
        for v in &mut values[origin + 1..] {
            *v = v.map(|x| x * 3.0 + 50.0);
        }
        assert_eq!(rows(&values, origin), before, "at {origin}");
        assert_eq!(rows(&values[..=origin], origin), before, "at {origin}, cut off");
        values = kept;
    }
}

#[test]
fn no_coefficients_take_a_forecast_far_beyond_all_that_was_seen() {
    let t = tracks(&wave(3 * 288));
    for lead in [1, 12, 288] {
        let row = row(&t, 3 * 288 - 1, lead).unwrap();
        let value = |factor: f64| {
            let mut coefficients = [0.0; super::inputs::PLACES];
            coefficients[6] = factor;
            row.anchor + row.unit * row.told(&coefficients)
        };
        // The wave is between 60 and 144: half of that beyond it, and one usual departure, are believed.
        for wild in [50.0, -50.0, 1e6] {
            assert!((10.0..200.0).contains(&value(wild)), "{} at {lead}", value(wild));
        }
        let usual = row.anchor + row.unit * row.place[6];
        assert!((value(1.0) - usual).abs() < 1e-9, "what was seen is believed as it is");
    }
}

#[test]
fn a_season_is_followed_with_honest_bands() {
    let values = wave(21 * 288);
    let known = &values[..20 * 288];
    let t = tracks(known);
    let blend = Blend::learn(&t, 5.0, 288);
    let (mut inside, mut n) = (0.0, 0.0);
    for lead in 1..=288 {
        let Some(actual) = values[20 * 288 - 1 + lead] else { continue };
        let told = blend.tell(&t, known.len() - 1, lead, &super::recent(&t, known.len() - 1)).unwrap();
        assert!((told.value - actual).abs() < 8.0, "lead {lead}: {} for {actual}", told.value);
        assert!(told.offsets.is_sorted());
        inside += f64::from(u8::from((told.offsets[3]..=told.offsets[7]).contains(&(actual - told.value))));
        n += 1.0;
    }
    assert!((0.6..0.95).contains(&(inside / n)), "{}", inside / n);
    let scored = blend.scored();
    assert!(scored.skill().unwrap() > 0.2, "{scored:?}");
    assert!((0.8..1.0).contains(&scored.coverage().unwrap()), "{scored:?}");
    let shares = blend.shares(&t, known.len() - 1, 12);
    assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
}

#[test]
fn a_young_history_keeps_the_general_law() {
    let values = wave(30);
    let t = tracks(&values);
    let general = super::prior::general(5.0, 2.5, 6).unwrap();
    let law = Lessons::new(&t, 5.0).learn(6).unwrap().law;
    assert_eq!(law, *general);
}

#[test]
fn regression_finds_the_line_and_the_prior_holds_without_evidence() {
    let samples: Vec<Sample<2>> = (0..200)
        .map(|i| {
            let x = [f64::from(i % 7) - 3.0, f64::from(i % 5) - 2.0];
            let glitch = if i % 40 == 0 { 500.0 } else { 0.0 };
            Sample { x, y: 2.0 * x[0] - x[1] + glitch, weight: 1.0 }
        })
        .collect();
    let found = fit(&samples, &[0.0; 2], 0.0, 12);
    assert!((found[0] - 2.0).abs() < 0.15 && (found[1] + 1.0).abs() < 0.15, "{found:?}");
    let trusted = fit(&samples, &[0.5; 2], 1e9, 3);
    assert!(trusted.iter().all(|b| (b - 0.5).abs() < 1e-3), "{trusted:?}");
    assert_eq!(fit(&[], &[0.5; 2], 10.0, 3), [0.5; 2]);
    assert_eq!(dot(&[1.0, 2.0], &[3.0, 4.0]), 11.0);
}
