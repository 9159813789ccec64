//! A burst that is over, measured.

use super::class::BurstClass;

/// Share of the peak's excess below which a burst is over.
pub(super) const OVER: f64 = 0.2;
/// Longest burst that is followed, in hours; what lasts longer is a new level.
pub(super) const LONGEST_HOURS: usize = 6;

/// What a past burst was like.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Episode {
    /// Its shape.
    pub class: BurstClass,
    /// Demand over usual demand, slot by slot from the start, less one; a gap repeats the slot before.
    pub excess: Vec<f64>,
    /// Greatest excess.
    pub peak: f64,
    /// Slots from the peak on in which the excess falls to `1/e`; `None` if it did not fall while it was followed.
    pub decay: Option<f64>,
}

impl Episode {
    /// Measures the burst that begins at `start`. `None` if nothing above zero is there.
    pub fn measured(
        values: &[Option<f64>],
        usual: &[Option<f64>],
        start: usize,
        hour: usize,
    ) -> Option<Self> {
        let mut excess: Vec<f64> = Vec::new();
        let (mut peak, mut below) = (0.0_f64, 0);
        for i in (start..values.len().min(usual.len())).take(LONGEST_HOURS * hour) {
            let now = match (values.get(i).copied().flatten(), usual.get(i).copied().flatten()) {
                (Some(value), Some(usual)) if usual > 0.0 => value / usual - 1.0,
                _ => excess.last().copied().unwrap_or(0.0),
            };
            excess.push(now);
            peak = peak.max(now);
            below = if now < OVER * peak { below + 1 } else { 0 };
            if peak > 0.0 && below >= 2 {
                break;
            }
        }
        (peak > 0.0).then(|| Self {
            class: class(&excess, peak, hour),
            decay: decay(&excess, peak),
            peak,
            excess,
        })
    }

    /// Excess `age` slots after the start.
    pub fn at(&self, age: usize) -> Option<f64> {
        self.excess.get(age).copied()
    }

    /// Slots from `age` until it was over; zero if it was over by then.
    pub fn left(&self, age: usize) -> usize {
        let end = self.excess.iter().rposition(|e| *e >= OVER * self.peak).map_or(0, |i| i + 1);
        end.saturating_sub(age)
    }
}

/// The shape: how fast it rose and whether it fell.
pub(super) fn class(excess: &[f64], peak: f64, hour: usize) -> BurstClass {
    let rise = excess.iter().position(|e| *e >= 0.9 * peak).unwrap_or(0);
    let above = excess.iter().filter(|e| **e >= 0.5 * peak).count();
    let fell = excess.last().is_some_and(|e| *e < 0.5 * peak);
    // A quarter of an hour is up and down at once; half an hour of growth is a ramp.
    match (fell, rise * 2 > hour.max(4), above * 4 <= hour.max(8)) {
        (_, true, _) => BurstClass::Ramp,
        (true, false, true) => BurstClass::Pulse,
        (true, false, false) => BurstClass::FlashCrowd,
        (false, false, _) => BurstClass::Step,
    }
}

/// Slots of decay to `1/e`: the least squares line through the peak in the logarithm of what follows it.
fn decay(excess: &[f64], peak: f64) -> Option<f64> {
    let top = excess.iter().position(|e| *e >= peak)?;
    let after = excess.iter().skip(top + 1).enumerate().take_while(|(_, e)| **e > 0.05 * peak);
    let (mut squares, mut products, mut n) = (0.0, 0.0, 0.0);
    for (i, e) in after {
        let t = (i + 1) as f64;
        squares += t * t;
        products += t * (e / peak).ln();
        n += 1.0;
    }
    if n == 0.0 {
        // Gone with the next slot.
        return (top + 1 < excess.len()).then_some(0.5);
    }
    let slope = -products / squares;
    (slope > 0.01 / n).then(|| 1.0 / slope)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(shape: impl Fn(usize) -> f64) -> Episode {
        let values: Vec<Option<f64>> = (0..100).map(|i| Some(100.0 * (1.0 + shape(i)))).collect();
        Episode::measured(&values, &vec![Some(100.0); 100], 10, 12).unwrap()
    }

    #[test]
    fn shapes_and_their_decay() {
        let crowd = of(|i| if i < 10 { 0.0 } else { 3.0 * (-((i - 10) as f64) / 9.0).exp() });
        assert_eq!(crowd.class, BurstClass::FlashCrowd);
        assert!((crowd.decay.unwrap() - 9.0).abs() < 0.2 && (crowd.peak - 3.0).abs() < 1e-9, "{crowd:?}");
        // ln 5 decay times until a fifth is left.
        assert!((13..=16).contains(&crowd.left(0)) && crowd.left(50) == 0, "{}", crowd.left(0));
        let pulse = of(|i| if (10..12).contains(&i) { 4.0 } else { 0.0 });
        assert_eq!((pulse.class, pulse.left(0)), (BurstClass::Pulse, 2));
        let step = of(|i| if i < 10 { 0.0 } else { 1.0 });
        assert_eq!((step.class, step.decay), (BurstClass::Step, None));
        let ramp = of(|i| (i as f64 - 9.0).max(0.0) / 20.0);
        assert_eq!(ramp.class, BurstClass::Ramp);
    }

    #[test]
    fn gaps_repeat_and_nothing_is_none() {
        let values = [Some(100.0), Some(300.0), None, Some(280.0), Some(100.0), Some(100.0)];
        let found = Episode::measured(&values, &[Some(100.0); 6], 0, 12).unwrap();
        let expected = [0.0, 2.0, 2.0, 1.8];
        assert!(found.excess.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?}");
        assert!(Episode::measured(&[Some(50.0); 6], &[Some(100.0); 6], 0, 12).is_none());
        assert!(Episode::measured(&[None; 6], &[None; 6], 0, 12).is_none());
    }
}
