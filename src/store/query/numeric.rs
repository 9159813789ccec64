//! Sums, means, variances and quantiles with Prometheus's precision.

/// Kahan summation with Neumaier's improvement (promql/functions.go, `kahanSumInc`).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KahanSum {
    pub(super) sum: f64,
    pub(super) c: f64,
}

impl KahanSum {
    pub(super) fn add(&mut self, value: f64) {
        let t = self.sum + value;
        if t.is_infinite() {
            self.c = 0.0;
        } else if self.sum.abs() >= value.abs() {
            self.c += (self.sum - t) + value;
        } else {
            self.c += (value - t) + self.sum;
        }
        self.sum = t;
    }

    pub(super) fn total(self) -> f64 {
        self.sum + self.c
    }

    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> f64 {
        let mut sum = Self::default();
        values.into_iter().for_each(|v| sum.add(v));
        sum.total()
    }
}

/// A mean that sums as long as the sum does not overflow, and goes on incrementally from there.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mean {
    count: f64,
    sum: KahanSum,
    /// Set once the sum would have overflowed; `sum` then holds the mean.
    incremental: bool,
}

impl Mean {
    pub(super) fn add(&mut self, value: f64) {
        self.count += 1.0;
        if !self.incremental {
            let mut next = self.sum;
            next.add(value);
            if self.count <= 1.0 || !next.sum.is_infinite() {
                self.sum = next;
                return;
            }
            self.incremental = true;
            self.sum.sum /= self.count - 1.0;
            self.sum.c /= self.count - 1.0;
        }
        let q = (self.count - 1.0) / self.count;
        self.sum = KahanSum { sum: q * self.sum.sum, c: q * self.sum.c };
        self.sum.add(value / self.count);
    }

    pub(super) fn get(self) -> f64 {
        if self.incremental { self.sum.total() } else { self.sum.sum / self.count + self.sum.c / self.count }
    }
}

/// Population variance by Welford's method with compensated sums.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Variance {
    count: f64,
    mean: KahanSum,
    aux: KahanSum,
}

impl Variance {
    pub(super) fn add(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - self.mean.total();
        self.mean.add(delta / self.count);
        self.aux.add(delta * (value - self.mean.total()));
    }

    pub(super) fn get(self) -> f64 {
        self.aux.total() / self.count
    }
}

/// The φ-quantile with linear interpolation; NaN sorts lowest. NaN without values. Sorts the values.
pub(super) fn quantile(q: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    values.sort_by(|a, b| nan_first(*a, *b));
    let rank = q * (values.len() as f64 - 1.0);
    let lower = rank.floor().max(0.0) as usize;
    let upper = (lower + 1).min(values.len() - 1);
    let weight = rank - rank.floor();
    match (values.get(lower), values.get(upper)) {
        (Some(low), Some(high)) => low * (1.0 - weight) + high * weight,
        _ => f64::NAN,
    }
}

/// Ascending, NaN before everything.
fn nan_first(a: f64, b: f64) -> std::cmp::Ordering {
    b.is_nan().cmp(&a.is_nan()).then(a.partial_cmp(&b).unwrap_or(std::cmp::Ordering::Equal))
}

/// Ascending, NaN after everything.
pub(super) fn nan_last(a: f64, b: f64) -> std::cmp::Ordering {
    a.is_nan().cmp(&b.is_nan()).then(a.partial_cmp(&b).unwrap_or(std::cmp::Ordering::Equal))
}

/// Descending, NaN after everything.
pub(super) fn descending(a: f64, b: f64) -> std::cmp::Ordering {
    a.is_nan().cmp(&b.is_nan()).then(b.partial_cmp(&a).unwrap_or(std::cmp::Ordering::Equal))
}

/// A number as Prometheus writes it into a label: shortest digits, no exponent, `+Inf`, `-Inf`, `NaN`.
pub(super) fn label_text(value: f64) -> String {
    if value.is_nan() {
        "NaN".into()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf".into() } else { "-Inf".into() }
    } else {
        value.to_string()
    }
}

/// A number as Prometheus writes it into messages (Go's `%g`): shortest digits, an exponent from 10^21 and below 10^-4.
pub(super) fn short(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && size.is_finite() && !(1e-4..1e21).contains(&size) {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, power) = exponent.strip_prefix('-').map_or(('+', exponent), |power| ('-', power));
        return format!("{digits}e{sign}{power:0>2}");
    }
    label_text(value)
}

/// A number as OpenMetrics writes it: [`short`], with a fraction where there is none.
pub(super) fn open_metrics(value: f64) -> String {
    let text = short(value);
    if value.is_finite() && !text.contains(['.', 'e']) { format!("{text}.0") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_keep_small_terms_and_means_survive_overflow() {
        assert_eq!(KahanSum::of([2.0, 8.0, 1e100, -1e100]), 10.0);
        let mut mean = Mean::default();
        for v in [1.5e308; 3] {
            mean.add(v);
        }
        assert_eq!(mean.get(), 1.5e308);
        let mut variance = Variance::default();
        for v in [1e9 + 1.0, 1e9 + 3.0] {
            variance.add(v);
        }
        assert_eq!(variance.get(), 1.0);
    }

    #[test]
    fn numbers_are_written_as_go_writes_them() {
        for (value, text) in
            [(1.5, "1.5"), (1e21, "1e+21"), (1e20, "100000000000000000000"), (-1.5e-7, "-1.5e-07")]
        {
            assert_eq!(short(value), text);
        }
        assert_eq!(short(f64::INFINITY), "+Inf");
        assert_eq!([open_metrics(1.0), open_metrics(0.9), open_metrics(f64::NAN)], ["1.0", "0.9", "NaN"]);
    }

    #[test]
    fn quantiles_interpolate_and_bound() {
        assert_eq!(quantile(0.5, &mut [3.0, 1.0]), 2.0);
        assert_eq!(quantile(-0.1, &mut [1.0]), f64::NEG_INFINITY);
        assert_eq!(quantile(1.1, &mut [1.0]), f64::INFINITY);
        assert!(quantile(0.2, &mut [f64::NAN, 0.0, 1.0]).is_nan());
        assert!(quantile(0.5, &mut []).is_nan());
    }
}
