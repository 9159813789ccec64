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

/// Coefficients of `samples`, shrunk towards `prior` that counts as `trust` observations. `rounds` of
/// reweighting make it robust; with 0 it is least squares.
pub(crate) fn fit<const N: usize>(
    samples: &[Sample<N>],
    prior: &[f64; N],
    trust: f64,
    rounds: usize,
) -> [f64; N] {
    let mut b = *prior;
    for _ in 0..rounds.max(1) {
        let mut errors: Vec<f64> = samples.iter().map(|s| s.y - dot(&s.x, &b)).collect();
        let mean = errors.iter().map(|e| e.abs()).sum::<f64>() / errors.len().max(1) as f64;
        let floor = (0.3 * mean).max(1e-9);
        let mut gram = [[0.0; N]; N];
        let mut rhs = [0.0; N];
        let mut total = 0.0;
        for (s, e) in samples.iter().zip(&mut errors) {
            let w = if rounds == 0 { s.weight } else { s.weight * floor / e.abs().max(floor) };
            let gap = s.y - dot(&s.x, prior);
            total += w;
            for (i, (line, r)) in gram.iter_mut().zip(&mut rhs).enumerate() {
                let wx = w * s.x.get(i).copied().unwrap_or(0.0);
                *r += wx * gap;
                for (cell, x) in line.iter_mut().zip(&s.x).take(i + 1) {
                    *cell += wx * x;
                }
            }
        }
        if total <= 0.0 {
            return *prior;
        }
        for (i, line) in gram.iter_mut().enumerate() {
            if let Some(cell) = line.get_mut(i) {
                *cell += trust * (*cell / total).min(CAP) + 1e-6 * total;
            }
        }
        let Some(delta) = solve(&gram, &rhs) else { return *prior };
        for ((b, p), d) in b.iter_mut().zip(prior).zip(&delta) {
            *b = p + d;
        }
    }
    b
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
