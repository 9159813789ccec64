//! The normal-inverse-gamma posterior of a mean of which the spread is not known either (Murphy 2007, "Conjugate Bayesian
//! analysis of the Gaussian distribution", §3): its interval, and draws from it.

use std::f64::consts::TAU;

use fastrand::Rng;

/// What is believed of a mean and of the spread around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normal {
    /// Expected mean.
    pub mean: f64,
    /// Observations that the mean rests on, with those that the prior is worth.
    pub strength: f64,
    /// Shape of the inverse gamma distribution of the variance.
    pub shape: f64,
    /// Scale of it.
    pub scale: f64,
}

impl Normal {
    /// A prior worth one observation of `mean`, with a spread of about `spread` in the unit of what is observed.
    pub fn prior(mean: f64, spread: f64) -> Self {
        Self { mean, strength: 1.0, shape: 1.0, scale: spread * spread }
    }

    /// After `values`: the equations 86 to 89 of the source. Values that are not finite are none.
    #[must_use]
    pub fn after(self, values: &[f64]) -> Self {
        let values: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
        if values.is_empty() {
            return self;
        }
        let n = values.len() as f64;
        let average = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|v| (v - average).powi(2)).sum();
        let strength = self.strength + n;
        let off = self.strength * n * (average - self.mean).powi(2) / (2.0 * strength);
        Self {
            mean: (self.strength * self.mean + n * average) / strength,
            strength,
            shape: self.shape + n / 2.0,
            scale: self.scale + squares / 2.0 + off,
        }
    }

    /// 90 % interval of the mean: a Student t distribution of `2·shape` degrees of freedom (equation 95 of the source).
    pub fn interval(&self) -> (f64, f64) {
        let half = student_95(2.0 * self.shape) * (self.scale / (self.shape * self.strength)).sqrt();
        (self.mean - half, self.mean + half)
    }

    /// A mean drawn from what is believed, with `random` as the only chance there is.
    pub fn draw(&self, random: &mut Rng) -> f64 {
        let variance = self.scale / gamma(self.shape, random);
        self.mean + (variance / self.strength).sqrt() * standard(random)
    }
}

/// 95 % quantile of Student's t distribution (Abramowitz and Stegun 1964, 26.7.5): to a thousandth from 4 degrees of freedom.
fn student_95(freedom: f64) -> f64 {
    let z = 1.644_853_626_951_472_2_f64;
    let v = freedom.max(1.0);
    let first = (z.powi(3) + z) / 4.0;
    let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    let third = (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0;
    let fourth = (79.0 * z.powi(9) + 776.0 * z.powi(7) + 1482.0 * z.powi(5) - 1920.0 * z.powi(3) - 945.0 * z)
        / 92_160.0;
    z + first / v + second / v.powi(2) + third / v.powi(3) + fourth / v.powi(4)
}

/// A standard normal value (Box and Muller 1958).
fn standard(random: &mut Rng) -> f64 {
    let (u, v) = (1.0 - random.f64(), random.f64());
    (-2.0 * u.ln()).sqrt() * (TAU * v).cos()
}

/// A gamma value of a shape of at least 1 and scale 1 (Marsaglia and Tsang 2000).
fn gamma(shape: f64, random: &mut Rng) -> f64 {
    let d = shape.max(1.0) - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    // One in twenty is turned down at most; a hundred in a row are not.
    for _ in 0..100 {
        let x = standard(random);
        let v = (1.0 + c * x).powi(3);
        let u = 1.0 - random.f64();
        if v > 0.0 && u.ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return d * v;
        }
    }
    d
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_numbers() {
        // Prior 0, worth one, spread 2; 4, 6 and 8 were seen: the mean is 18/4, strength 4, shape 2.5,
        // scale 4 + 8/2 + 1·3·36/8 = 21.5.
        let seen = Normal::prior(0.0, 2.0).after(&[4.0, 6.0, f64::NAN, 8.0]);
        assert_eq!((seen.mean, seen.strength, seen.shape), (4.5, 4.0, 2.5));
        assert!((seen.scale - 21.5).abs() < 1e-12, "{seen:?}");
        // t of five degrees: 2.015; half the width 2.015·√(21.5/10) = 2.955.
        let (low, high) = seen.interval();
        assert!((low - 1.545).abs() < 2e-3 && (high - 7.455).abs() < 2e-3, "{low} {high}");
        let twice = Normal::prior(0.0, 2.0).after(&[4.0]).after(&[6.0, 8.0]);
        assert!(
            (twice.mean - seen.mean).abs() < 1e-12 && (twice.scale - seen.scale).abs() < 1e-9,
            "in any order"
        );
        assert_eq!(Normal::prior(1.0, 1.0).after(&[]), Normal::prior(1.0, 1.0));
    }

    #[test]
    fn quantiles_of_student_are_those_of_the_tables() {
        for (freedom, quantile) in [(4.0, 2.132), (7.0, 1.895), (12.0, 1.782), (30.0, 1.697), (1e6, 1.645)] {
            assert!((student_95(freedom) - quantile).abs() < 2e-3, "{freedom}: {}", student_95(freedom));
        }
    }

    #[test]
    fn draws_are_spread_as_the_interval_says_and_the_same_for_the_same_seed() {
        let seen = Normal::prior(0.0, 2.0).after(&[4.0, 6.0, 8.0, 5.0, 7.0, 6.5]);
        let (low, high) = seen.interval();
        let mut random = Rng::with_seed(7);
        let draws: Vec<f64> = (0..20_000).map(|_| seen.draw(&mut random)).collect();
        let within = draws.iter().filter(|d| (low..=high).contains(*d)).count() as f64 / 20_000.0;
        assert!((within - 0.9).abs() < 0.01, "{within}");
        let average = draws.iter().sum::<f64>() / 20_000.0;
        assert!((average - seen.mean).abs() < 0.05, "{average}");
        let again = |seed| seen.draw(&mut Rng::with_seed(seed));
        assert!(again(3) == again(3) && again(3) != again(4));
    }
}
