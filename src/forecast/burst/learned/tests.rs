use super::*;

const STEP: Duration = Duration::from_secs(60);
const DAY: usize = 1440;

/// Days of a daily wave with noise, times what `burst` says for a slot.
fn series(slots: usize, seed: u64, burst: impl Fn(usize) -> f64) -> Window {
    let mut rng = fastrand::Rng::with_seed(seed);
    let wave = |i: usize| 100.0 + 40.0 * (i as f64 / DAY as f64 * std::f64::consts::TAU).sin();
    let value = |i: usize| wave(i) * (0.97 + 0.06 * rng.f64()) * (1.0 + burst(i));
    Window::new(Timestamp::from_secs(0), STEP, (0..slots).map(value).map(Some).collect::<Vec<_>>())
}

/// A flash crowd at `start`: five minutes up to `height`, then down with `tau` minutes.
fn crowd(i: usize, start: usize, height: f64, tau: f64) -> f64 {
    match i.checked_sub(start) {
        None => 0.0,
        Some(t) if t < 5 => height * (t + 1) as f64 / 5.0,
        Some(t) => height * (-((t - 4) as f64) / tau).exp(),
    }
}

/// Nine days with a crowd on each from the third day on, not at the same time, and one that runs at the end.
fn crowds(slots: usize) -> Window {
    let starts: Vec<usize> = (3..9).map(|d| d * DAY + 300 + 131 * d).collect();
    series(slots, 1, move |i| {
        let past: f64 = starts.iter().map(|s| crowd(i, *s, 2.0, 20.0)).sum();
        past + crowd(i, 9 * DAY + 200, 3.0, 20.0)
    })
}

fn now(window: &Window) -> Timestamp {
    window.at(window.len() - 1)
}

#[test]
fn a_flash_crowd_is_known_from_earlier_ones_with_its_peak_and_its_end() {
    let learned = Bursts::learn(&crowds(9 * DAY), Timestamp::from_secs(9 * 86_400), 1.2).unwrap();
    assert_eq!(learned.past(), 6);
    let decay = learned.decay_minutes(STEP).unwrap();
    assert!((14.0..26.0).contains(&decay.middle), "{decay:?}");
    assert!(learned.alarms_per_day() <= 1.2, "{}", learned.alarms_per_day());

    let rising = crowds(9 * DAY + 204);
    let burst = learned.running(&rising, now(&rising), None).expect("it rises");
    assert!(burst.since >= Timestamp::from_secs((9 * DAY as i64 + 195) * 60), "{burst:?}");
    let peak = burst.peak.unwrap();
    // 2.4 of an excess of 3 is reached; the wave is at about 130.
    assert!(peak.high >= burst.factor * 100.0 && peak.middle > 420.0 && peak.low < 600.0, "{burst:?}");

    let falling = crowds(9 * DAY + 225);
    let burst = learned.running(&falling, now(&falling), None).expect("it falls");
    assert_eq!(burst.classes[0].0, BurstClass::FlashCrowd, "{burst:?}");
    assert!((burst.classes.iter().map(|c| c.1).sum::<f64>() - 1.0).abs() < 1e-9);
    // Twenty minutes after the peak 1.1 is left of 3; a fifth of it, 0.6, comes twelve minutes later.
    let left = burst.minutes_left.unwrap();
    assert!(
        (6.0..20.0).contains(&left.middle) && left.low <= left.middle && left.middle <= left.high,
        "{left:?}"
    );

    let over = crowds(9 * DAY + 400);
    assert_eq!(learned.running(&over, now(&over), None), None, "it is over");
}

#[test]
fn errors_make_it_a_retry_storm() {
    let history = crowds(9 * DAY + 225);
    let learned = Bursts::learn(&history, Timestamp::from_secs(9 * 86_400), 1.0).unwrap();
    let first = |errors| learned.running(&history, now(&history), errors).unwrap().classes[0].0;
    assert_eq!(first(Some((0.01, 0.4))), BurstClass::RetryStorm);
    assert_eq!(first(Some((0.01, 0.02))), BurstClass::FlashCrowd);
}

#[test]
fn without_bursts_nothing_runs_and_nothing_is_made_up() {
    let quiet = series(9 * DAY, 2, |_| 0.0);
    let learned = Bursts::learn(&quiet, now(&quiet), 1.0).unwrap();
    assert_eq!((learned.past(), learned.decay_minutes(STEP)), (0, None));
    let mut alarms = 0;
    for hour in 4 * 24..9 * 24 {
        alarms += usize::from(learned.running(&quiet, Timestamp::from_secs(hour * 3600), None).is_some());
    }
    assert!(alarms <= 2, "{alarms}");
    let step = series(9 * DAY, 2, |i| if i >= 9 * DAY - 40 { 1.5 } else { 0.0 });
    let burst = learned.running(&step, now(&step), None).expect("it runs");
    assert_eq!((burst.classes[0].0, burst.peak, burst.minutes_left), (BurstClass::Step, None, None));
    let short = series(600, 2, |_| 0.0);
    assert!(Bursts::learn(&short, now(&short), 1.0).is_none());
    let coarse = Window::new(Timestamp::from_secs(0), Duration::from_secs(3600), vec![Some(1.0); 999]);
    assert!(Bursts::learn(&coarse, now(&coarse), 1.0).is_none());
    let empty = Window::new(Timestamp::from_secs(0), STEP, vec![None; 5000]);
    assert!(Bursts::learn(&empty, now(&empty), 1.0).is_none());
}

#[test]
fn what_comes_later_changes_nothing() {
    let (short, long) = (crowds(9 * DAY + 225), crowds(9 * DAY + 300));
    let at = now(&short);
    let (a, b) = (Bursts::learn(&short, at, 1.0).unwrap(), Bursts::learn(&long, at, 1.0).unwrap());
    assert_eq!(a.running(&short, at, None), b.running(&long, at, None));
    assert_eq!(a.alarms_per_day(), b.alarms_per_day());
}
