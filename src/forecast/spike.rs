//! Running bursts: a CUSUM on residuals against the forecast of some hours ago, a class, and what the next
//! hours look like if it goes on.

use serde::{Deserialize, Serialize};

use super::conformal::spread;
use super::grid::median;
use super::outlook::Ahead;
use crate::series::Timestamp;

/// Allowance and threshold of the CUSUM, in deviations (Page 1954; in-control run length about 930 samples).
const K: f64 = 0.5;
const H: f64 = 5.0;
/// One sample counts as at most this many deviations, so that a single one raises no alarm.
const CLIP: f64 = 4.0;
/// Smallest change that is called a spike.
const LEAST: f64 = 1.25;

/// The shape of a spike so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpikeClass {
    /// Reached its height at once and stays there.
    Step,
    /// Still growing.
    Ramp,
    /// Past its peak and falling.
    Pulse,
}

impl SpikeClass {
    /// Hours in which the excess shrinks to `1/e`, until spikes of this class have been measured.
    fn hours(self) -> f64 {
        match self {
            Self::Step => 3.0,
            Self::Ramp => 1.5,
            Self::Pulse => 1.0 / 3.0,
        }
    }
}

/// Demand that left its forecast and has not come back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spike {
    /// First slot of the run that raised the alarm.
    pub since: Timestamp,
    /// Its shape so far.
    pub class: SpikeClass,
    /// Demand now over demand as forecast before the spike; below 1 for a drop.
    pub factor: f64,
}

/// What [`detect`] found, in slots.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Alarm {
    /// Index of the first slot of the run.
    pub first: usize,
    /// Its shape so far.
    pub class: SpikeClass,
    /// Demand now over forecast.
    pub factor: f64,
}

/// Looks for a running spike in `actual`, which `expected` (made before all of it) forecast; `level` is the
/// series' level at that origin. A gap neither raises nor clears an alarm.
pub(crate) fn detect(actual: &[Option<f64>], expected: &[Ahead], level: f64) -> Option<Alarm> {
    let mut run: Vec<(usize, f64, f64, f64)> = Vec::with_capacity(actual.len());
    for (i, (x, ahead)) in actual.iter().zip(expected).enumerate() {
        let Some(x) = x else { continue };
        let [_, _, _, low, _, mid, _, high, ..] = spread(ahead.value, level, &ahead.offsets);
        // 2.563 deviations lie between the 10 % and the 90 % quantile of a normal distribution; a forecast
        // that never erred still allows for a hundredth.
        let sigma = ((high - low) / 2.563).max(0.01 * mid.max(level));
        let z = if sigma > 0.0 { (x - mid) / sigma } else { 0.0 };
        run.push((i, z.clamp(-CLIP, CLIP), *x, mid.max(sigma)));
    }
    let up = cusum(&run, 1.0);
    let down = cusum(&run, -1.0);
    let start = up.or(down)?;
    let run = run.get(start..)?;
    // The sum may have begun to grow by chance just before: the spike begins where its excess does.
    let excess = |r: &(usize, f64, f64, f64)| (r.2 - r.3).abs();
    let peak = run.iter().map(excess).fold(0.0, f64::max);
    let run = run.get(run.iter().take_while(|r| excess(r) < 0.15 * peak).count()..)?;
    let first = run.first()?.0;
    let mut last: Vec<f64> = run.iter().rev().take(2).map(|r| r.2 / r.3).collect();
    let factor = median(&mut last).filter(|f| f.is_finite())?;
    let changed = if up.is_some() { factor >= LEAST } else { factor <= 1.0 / LEAST };
    changed.then(|| Alarm { first, class: classify(run), factor })
}

/// Index at which the running alarm began; `None` if there is none or demand has come back.
fn cusum(run: &[(usize, f64, f64, f64)], sign: f64) -> Option<usize> {
    let (mut sum, mut start) = (0.0, 0);
    for (i, (_, z, ..)) in run.iter().enumerate() {
        if sum == 0.0 {
            start = i;
        }
        sum = f64::max(0.0, sum + sign * z - K);
    }
    let mut latest: Vec<f64> = run.iter().rev().take(2).map(|r| sign * r.1).collect();
    (sum > H && median(&mut latest)? > 1.0).then_some(start)
}

fn classify(run: &[(usize, f64, f64, f64)]) -> SpikeClass {
    let excess: Vec<f64> = run.iter().map(|(_, _, x, mid)| (x - mid).abs()).collect();
    let peak = excess.iter().copied().fold(0.0, f64::max);
    let now = median(&mut excess.iter().rev().take(2).copied().collect::<Vec<_>>()).unwrap_or(0.0);
    let rise = excess.iter().take_while(|e| **e < 0.7 * peak).count();
    match (now < 0.6 * peak, rise <= 2) {
        (true, _) => SpikeClass::Pulse,
        (false, true) => SpikeClass::Step,
        (false, false) => SpikeClass::Ramp,
    }
}

/// Lifts `ahead` towards `before` (the forecast from before the spike, same instants) times the spike's factor;
/// the lift fades with the class's time. Never lowers: a drop is left to the pool, which is slow to believe it.
pub(crate) fn follow(alarm: Alarm, ahead: &mut [Ahead], before: &[Ahead], hour: usize) {
    let slots = alarm.class.hours() * hour as f64;
    for (now, old) in ahead.iter_mut().zip(before) {
        let share = (-(now.lead as f64) / slots).exp();
        let lift = share * (old.value * alarm.factor - now.value);
        now.value += if lift.is_finite() { lift.max(0.0) } else { 0.0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::LEVELS;

    fn expected(n: usize) -> Vec<Ahead> {
        let offsets = LEVELS.map(|q| (q - 0.5) * 0.2);
        (1..=n).map(|lead| Ahead { lead, value: 100.0, offsets }).collect()
    }

    fn found(f: impl Fn(usize) -> f64) -> Option<Alarm> {
        let actual: Vec<Option<f64>> = (0..36).map(|i| (i % 10 != 4).then(|| f(i))).collect();
        detect(&actual, &expected(36), 100.0)
    }

    #[test]
    fn classes() {
        let wobble = |i: usize| 100.0 + 6.0 * (i as f64).sin();
        assert_eq!(found(wobble), None);
        let step = found(|i| if i < 30 { wobble(i) } else { 300.0 }).unwrap();
        assert_eq!((step.class, step.first), (SpikeClass::Step, 30));
        assert!((step.factor - 3.0).abs() < 0.01);
        let ramp = found(|i| wobble(i) + 12.0 * (i as f64 - 20.0).max(0.0)).unwrap();
        assert_eq!(ramp.class, SpikeClass::Ramp);
        let pulse = found(|i| wobble(i) + if i < 25 { 0.0 } else { 400.0 / (i - 24) as f64 }).unwrap();
        assert_eq!(pulse.class, SpikeClass::Pulse);
        let drop = found(|i| if i < 30 { wobble(i) } else { 30.0 }).unwrap();
        assert!(drop.factor < 0.4);
    }

    #[test]
    fn one_sample_or_a_past_burst_is_none() {
        assert_eq!(found(|i| if i == 35 { 900.0 } else { 100.0 }), None);
        assert_eq!(found(|i| if (10..20).contains(&i) { 300.0 } else { 100.0 }), None);
    }

    #[test]
    fn following_fades_and_never_lowers() {
        let alarm = Alarm { first: 0, class: SpikeClass::Step, factor: 3.0 };
        let mut ahead = expected(200);
        follow(alarm, &mut ahead, &expected(200), 12);
        assert!(ahead[0].value > 290.0 && ahead[199].value < 105.0);
        let mut ahead = expected(10);
        follow(Alarm { factor: 0.2, ..alarm }, &mut ahead, &expected(10), 12);
        assert!(ahead.iter().all(|a| a.value == 100.0));
    }
}
