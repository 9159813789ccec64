//! Recursive least squares with forgetting (Haykin, Adaptive Filter Theory, ch. 10).

/// Above this the gain matrix has lost its grip (nothing new was learned for long): no further forgetting.
const LOOSEST: f64 = 1e6;

/// A linear model that learns one example at a time.
#[derive(Clone, Debug)]
pub(super) struct Recursive {
    keep: f64,
    weights: Vec<f64>,
    /// Row by row.
    gain: Vec<f64>,
}

impl Recursive {
    /// A model of `inputs` inputs whose memory fades with a time constant of `memory` examples.
    pub fn new(inputs: usize, memory: f64) -> Self {
        let mut gain = vec![0.0; inputs * inputs];
        gain.iter_mut().step_by(inputs + 1).for_each(|g| *g = 1.0);
        Self { keep: 1.0 - 1.0 / memory.max(2.0), weights: vec![0.0; inputs], gain }
    }

    /// The model's answer.
    pub fn answer(&self, input: &[f64]) -> f64 {
        dot(&self.weights, input)
    }

    /// Learns that `input` led to `target`; an example of `weight` 2 counts as two.
    pub fn learn(&mut self, input: &[f64], target: f64, weight: f64) {
        let n = self.weights.len().max(1);
        let moved: Vec<f64> = self.gain.chunks_exact(n).map(|row| dot(row, input)).collect();
        let scale = self.keep / weight + dot(&moved, input);
        let error = target - self.answer(input);
        if !(scale > 0.0 && scale.is_finite() && error.is_finite()) {
            return;
        }
        for (w, m) in self.weights.iter_mut().zip(&moved) {
            *w += m / scale * error;
        }
        let trace: f64 = self.gain.iter().step_by(n + 1).sum();
        let keep = if trace > LOOSEST { 1.0 } else { self.keep };
        for (row, left) in self.gain.chunks_exact_mut(n).zip(&moved) {
            for (g, right) in row.iter_mut().zip(&moved) {
                *g = (*g - left * right / scale) / keep;
            }
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_line_and_follows_it_when_it_moves() {
        let mut model = Recursive::new(2, 50.0);
        let x = |i: usize| [1.0, (i % 7) as f64];
        for i in 0..200 {
            model.learn(&x(i), 3.0 + 2.0 * x(i)[1], 1.0);
        }
        assert!((model.answer(&[1.0, 10.0]) - 23.0).abs() < 0.05);
        for i in 0..600 {
            model.learn(&x(i), 5.0 - x(i)[1], 1.0);
        }
        assert!((model.answer(&[1.0, 10.0]) + 5.0).abs() < 0.05);
    }

    #[test]
    fn what_is_not_finite_is_not_learned() {
        let mut model = Recursive::new(1, 10.0);
        model.learn(&[1.0], f64::NAN, 1.0);
        model.learn(&[f64::INFINITY], 1.0, 1.0);
        model.learn(&[1.0], 4.0, 1e6);
        assert!((model.answer(&[1.0]) - 4.0).abs() < 1e-3);
    }
}
