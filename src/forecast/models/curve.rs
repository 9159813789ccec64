//! A fitted path on a coarse grid of absolute slots, so that an expensive fit serves many origins.

use crate::forecast::grid::Past;

/// Recent slots whose distance from the curve moves it.
const RECENT: usize = 6;

/// A coarse, gap-free, standardised history and the way back.
#[derive(Debug)]
pub(crate) struct Coarse {
    /// Standardised values, no gaps.
    pub values: Vec<f64>,
    /// Coarse slots per day; 0 if unknown.
    pub day: usize,
    mean: f64,
    deviation: f64,
    stride: usize,
    end: i64,
    highest: f64,
}

impl Coarse {
    /// The last `days` days as half-hour means (or slots, if longer), standardised because MSTL computes in
    /// `f32`; gaps are filled by lines for the fit only. `None` if too much is missing or nothing varies.
    pub fn new(past: Past<'_>, days: usize) -> Option<Self> {
        let stride = (past.hour / 2).max(1);
        let n = past.values.len().min(days * past.day.max(24 * past.hour));
        let tail = past.values.get(past.values.len() - n / stride * stride..)?;
        let raw: Vec<Option<f64>> = tail.chunks(stride).map(mean).collect();
        let known: Vec<f64> = raw.iter().flatten().copied().collect();
        if known.len() < 8 || known.len() * 10 < raw.len() * 6 {
            return None;
        }
        let mean = known.iter().sum::<f64>() / known.len() as f64;
        let variance = known.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / known.len() as f64;
        let deviation = variance.sqrt();
        let highest = known.iter().copied().fold(0.0, f64::max);
        if !(deviation.is_finite() && deviation > 1e-9 * mean.abs()) {
            return None;
        }
        let values = fill(&raw).into_iter().map(|v| (v - mean) / deviation).collect();
        Some(Self { values, day: past.day / stride, mean, deviation, stride, end: past.end, highest })
    }

    /// Coarse slots for `hours` hours.
    pub fn slots(&self, hours: usize, past: Past<'_>) -> usize {
        (hours * past.hour).div_ceil(self.stride)
    }

    /// The curve of a standardised forecast that begins one coarse slot after the end. Values are capped at
    /// thrice the highest value seen: an extrapolated trend is not evidence.
    pub fn curve(&self, forecast: &[f64]) -> Option<Curve> {
        let back = |v: &f64| (v * self.deviation + self.mean).clamp(0.0, 3.0 * self.highest);
        let values: Vec<f64> = forecast.iter().map(back).collect();
        let stride = self.stride as f64;
        let first = self.end as f64 + stride - (stride - 1.0) / 2.0;
        (!values.is_empty() && values.iter().all(|v| v.is_finite())).then_some(Curve {
            first,
            stride,
            values,
        })
    }
}

fn mean(slots: &[Option<f64>]) -> Option<f64> {
    let (n, sum) = slots.iter().flatten().fold((0u32, 0.0), |(n, s), v| (n + 1, s + v));
    (n > 0).then(|| sum / f64::from(n))
}

/// Lines across gaps; the ends are held.
fn fill(raw: &[Option<f64>]) -> Vec<f64> {
    let mut out = Vec::with_capacity(raw.len());
    let mut left: Option<f64> = None;
    let mut run = 0usize;
    for value in raw {
        let Some(v) = value else {
            run += 1;
            continue;
        };
        let from = left.unwrap_or(*v);
        out.extend((1..=run).map(|k| from + (v - from) * k as f64 / (run + 1) as f64));
        out.push(*v);
        (left, run) = (Some(*v), 0);
    }
    out.extend(std::iter::repeat_n(left.unwrap_or(0.0), run));
    out
}

/// Values at `first`, `first + stride`, … (absolute slots).
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    first: f64,
    stride: f64,
    values: Vec<f64>,
}

impl Curve {
    /// The value at an absolute slot; held before the first, `None` more than a stride after the last.
    fn at(&self, slot: i64) -> Option<f64> {
        let x = ((slot as f64 - self.first) / self.stride).max(0.0);
        let left = *self.values.get(x as usize)?;
        let right = self.values.get(x as usize + 1).copied().unwrap_or(left);
        Some(left + (right - left) * x.fract())
    }

    /// The curve at `leads`, moved by how far the latest values are from it; the move halves in `hours`.
    pub fn moved(&self, past: Past<'_>, leads: &[usize], hours: f64) -> Option<Vec<f64>> {
        let (mut sum, mut weight) = (0.0, 0.0);
        for (back, value) in past.recent(RECENT, 2 * RECENT) {
            let w = 0.7f64.powi(back as i32);
            sum += w * (value - self.at(past.end - back as i64)?);
            weight += w;
        }
        let offset = if weight > 0.0 { sum / weight } else { 0.0 };
        let rate = std::f64::consts::LN_2 / (hours * past.hour as f64);
        let value =
            |lead: &usize| Some(self.at(past.end + *lead as i64)? + offset * (-rate * *lead as f64).exp());
        leads.iter().map(value).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_with_lines_and_holds_the_ends() {
        let filled = fill(&[None, Some(2.0), None, None, Some(5.0), None]);
        assert_eq!(filled, vec![2.0, 2.0, 3.0, 4.0, 5.0, 5.0]);
    }

    #[test]
    fn standardising_comes_back() {
        let values: Vec<Option<f64>> = (0..240).map(|i| Some(1e9 + f64::from(i / 6))).collect();
        let past = Past { values: &values, day: 288, hour: 12, end: 239 };
        let coarse = Coarse::new(past, 7).unwrap();
        assert_eq!(coarse.values.len(), 40);
        let curve = coarse.curve(&[coarse.values[39], coarse.values[39]]).unwrap();
        assert!((curve.at(245).unwrap() - (1e9 + 39.0)).abs() < 1e-3);
        let moved = curve.moved(past, &[1, 12], 2.0).unwrap();
        assert!((moved[0] - (1e9 + 39.0)).abs() < 1.0, "{moved:?}");
        assert_eq!(curve.at(900), None);
        assert!(Coarse::new(Past { values: &[Some(1.0); 40], ..past }, 7).is_none());
    }
}
