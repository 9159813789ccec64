//! Linear regression shrunk towards a prior, robust by reweighting: minimises the absolute error, as the median
//! does (Schlossmacher 1973), with as many pseudo-observations of the prior as it is trusted.

/// The prior counts for inputs of at most this mean square, in units: where the seasons are many times the noise,
/// the history knows better.
const CAP: f64 = 1.0;

/// One observation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample<const N: usize> {
    /// Inputs.
    pub x: [f64; N],
    /// What happened.
    pub y: f64,
    /// Weight.
    pub weight: f64,
}

/// `x · b`.
pub(crate) fn dot<const N: usize>(x: &[f64; N], b: &[f64; N]) -> f64 {
    x.iter().zip(b).map(|(x, b)| x * b).sum()
}

/// The sums a regression is solved from; a solution for another trust needs no look at the samples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sums<const N: usize> {
    gram: [[f64; N]; N],
    rhs: [f64; N],
    /// Sum of the weights.
    total: f64,
}

impl<const N: usize> Sums<N> {
    fn new() -> Self {
        Self { gram: [[0.0; N]; N], rhs: [0.0; N], total: 0.0 }
    }

    /// Adds inputs and what happened beyond the prior. Whole lines of fixed length: they become vector instructions.
    fn add(&mut self, x: &[f64; N], gap: f64, weight: f64) {
        self.total += weight;
        let weighed = x.map(|x| weight * x);
        for ((line, r), wx) in self.gram.iter_mut().zip(&mut self.rhs).zip(&weighed) {
            *r += wx * gap;
            for (cell, x) in line.iter_mut().zip(x) {
                *cell += wx * x;
            }
        }
    }

    fn plus(&self, other: &Self) -> Self {
        let mut sum = *self;
        let cells = sum.gram.iter_mut().flatten().chain(&mut sum.rhs).chain([&mut sum.total]);
        let others = other.gram.iter().flatten().chain(&other.rhs).chain([&other.total]);
        cells.zip(others).for_each(|(a, b)| *a += b);
        sum
    }

    /// The coefficients, shrunk towards `prior` that counts as `trust` observations.
    pub fn solve(&self, prior: &[f64; N], trust: f64) -> [f64; N] {
        if self.total <= 0.0 {
            return *prior;
        }
        let mut gram = self.gram;
        for (i, line) in gram.iter_mut().enumerate() {
            if let Some(cell) = line.get_mut(i) {
                *cell += trust * (*cell / self.total).min(CAP) + 1e-6 * self.total;
            }
        }
        let Some(delta) = solve(&gram, &self.rhs) else { return *prior };
        let mut b = *prior;
        b.iter_mut().zip(&delta).for_each(|(b, d)| *b += d);
        b
    }
}

/// The sums of all samples, and of each half of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Halves<const N: usize> {
    /// Of all.
    pub all: Sums<N>,
    /// Of those that are not newer.
    pub older: Sums<N>,
    /// Of the newer ones.
    pub newer: Sums<N>,
}

impl<const N: usize> Halves<N> {
    /// Of `samples`, each of which is `newer` or not. `rounds` of reweighting make them robust: a sample that the fit
    /// to all, shrunk towards `prior` by `trust`, misses by much counts less. With 0 it is least squares.
    pub fn new(samples: &[Sample<N>], newer: &[bool], prior: &[f64; N], trust: f64, rounds: usize) -> Self {
        let gaps: Vec<f64> = samples.iter().map(|s| s.y - dot(&s.x, prior)).collect();
        let mut b = *prior;
        let mut left = rounds.max(1);
        loop {
            let errors: Vec<f64> = samples.iter().map(|s| (s.y - dot(&s.x, &b)).abs()).collect();
            let mean = errors.iter().sum::<f64>() / errors.len().max(1) as f64;
            let floor = (0.3 * mean).max(1e-9);
            let (mut older, mut recent) = (Sums::new(), Sums::new());
            for (((s, gap), error), newer) in samples.iter().zip(&gaps).zip(&errors).zip(newer) {
                let weight = if rounds == 0 { s.weight } else { s.weight * floor / error.max(floor) };
                let half = if *newer { &mut recent } else { &mut older };
                half.add(&s.x, *gap, weight);
            }
            let all = older.plus(&recent);
            left -= 1;
            if left == 0 {
                return Self { all, older, newer: recent };
            }
            b = all.solve(prior, trust);
        }
    }
}

/// Coefficients of `samples`, shrunk towards `prior` that counts as `trust` observations. `rounds` of
/// reweighting make it robust; with 0 it is least squares.
pub(crate) fn fit<const N: usize>(
    samples: &[Sample<N>],
    prior: &[f64; N],
    trust: f64,
    rounds: usize,
) -> [f64; N] {
    Halves::new(samples, &vec![false; samples.len()], prior, trust, rounds).all.solve(prior, trust)
}

/// Solves `a x = b` for a symmetric positive `a` of which the lower half is given (Cholesky).
fn solve<const N: usize>(a: &[[f64; N]; N], b: &[f64; N]) -> Option<[f64; N]> {
    let cell =
        |l: &[[f64; N]; N], i: usize, j: usize| l.get(i).and_then(|r| r.get(j)).copied().unwrap_or(0.0);
    let mut l = [[0.0; N]; N];
    for i in 0..N {
        for j in 0..=i {
            let li = l.get(i)?;
            let lj = l.get(j)?;
            let sum: f64 = li.iter().zip(lj).take(j).map(|(x, y)| x * y).sum();
            let rest = cell(a, i, j) - sum;
            let value = if i == j { rest.max(0.0).sqrt() } else { rest / cell(&l, j, j) };
            if !(value.is_finite() && (i != j || value > 0.0)) {
                return None;
            }
            *l.get_mut(i)?.get_mut(j)? = value;
        }
    }
    let mut z = [0.0; N];
    for i in 0..N {
        let sum: f64 = l.get(i)?.iter().zip(&z).take(i).map(|(l, z)| l * z).sum();
        *z.get_mut(i)? = (b.get(i)? - sum) / cell(&l, i, i);
    }
    let mut x = [0.0; N];
    for i in (0..N).rev() {
        let sum: f64 = (i + 1..N).map(|k| cell(&l, k, i) * x.get(k).copied().unwrap_or(0.0)).sum();
        *x.get_mut(i)? = (z.get(i)? - sum) / cell(&l, i, i);
    }
    x.iter().all(|v| v.is_finite()).then_some(x)
}
