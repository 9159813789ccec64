//! One tail from several: how likely a level is exceeded, by what the regression expects and by what demand reached
//! lately, in one.
//!
//! A regression tells the middle; how far demand may go is often better told by how far it just went: an hour's highest,
//! four hours', yesterday's at this time. Each such *view* keeps the distribution of demand's distance from it, and the
//! log-odds of all are added with weights that are learned by their logarithmic loss (logarithmic opinion pool: Genest
//! and Zidek 1986; Satopää et al. 2014), by Newton steps on the diagonal.

use super::tail::Tail;

/// Views beside the regression.
pub(super) const VIEWS: usize = 5;
/// Inputs: the regression's log-odds, one, and by how much every view's differ from the regression's.
const INPUTS: usize = VIEWS + 2;
/// Levels learned at, in expected sizes of the error above the middle.
const LEVELS: [f64; 7] = [0.7, 1.5, 3.0, 5.0, 8.0, 13.0, 21.0];
/// What the first guess counts for, in units of the loss's curvature.
const FIRM: f64 = 20.0;
/// Errors that must have been seen before anything is learned.
const FEWEST: usize = 500;
/// Bounds of a weight, and of the constant.
const WEIGHT: (f64, f64) = (0.0, 1.3);
const CONSTANT: f64 = 1.0;

/// Where a view expects demand, and the unit in which it counts distances.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct View {
    pub place: f64,
    pub unit: f64,
}

/// What was said of one slot: the regression's middle and size, and the views.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Said {
    pub value: f64,
    pub scale: f64,
    pub views: [View; VIEWS],
}

/// The views' tails and the weights of all.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    tails: [Tail; VIEWS],
    weights: [f64; INPUTS],
    curvature: [f64; INPUTS],
    keep: f64,
}

impl Pool {
    /// The regression alone, with a memory of `memory` slots.
    pub fn new(memory: f64) -> Self {
        Self {
            tails: std::array::from_fn(|_| Tail::new(memory)),
            weights: std::array::from_fn(|i| if i == 0 { 1.0 } else { 0.0 }),
            curvature: [0.0; INPUTS],
            keep: 1.0 - 1.0 / memory.max(2.0),
        }
    }

    /// Probability that demand is above `level`, where the regression's tail says `alone`.
    pub fn above(&self, level: f64, alone: f64, views: &[View; VIEWS]) -> f64 {
        probability(dot(&self.weights, &self.inputs(level, alone, views)))
    }

    /// Learns that `said` was said of a slot whose demand was `value`; `alone` gives the regression's own probability of
    /// an error above so many expected sizes.
    pub fn learn(&mut self, said: &Said, value: f64, alone: impl Fn(f64) -> f64) {
        let error = (value - said.value) / said.scale;
        let known = self.tails.first().is_some_and(|t| t.seen() >= FEWEST);
        if known && error.is_finite() {
            self.step(said, error, alone);
        }
        for (tail, view) in self.tails.iter_mut().zip(&said.views) {
            tail.add((value - view.place) / view.unit);
        }
    }

    fn step(&mut self, said: &Said, error: f64, alone: impl Fn(f64) -> f64) {
        let (mut slope, mut bend) = ([0.0; INPUTS], [0.0; INPUTS]);
        for level in LEVELS {
            let inputs = self.inputs(said.value + level * said.scale, alone(level), &said.views);
            let told = probability(dot(&self.weights, &inputs));
            let missed = told - f64::from(u8::from(error > level));
            for ((slope, bend), x) in slope.iter_mut().zip(&mut bend).zip(inputs) {
                *slope += missed * x;
                *bend += told * (1.0 - told) * x * x;
            }
        }
        let pace = 1.0 / (VIEWS as f64).sqrt();
        let each = self.weights.iter_mut().zip(&mut self.curvature).zip(slope.iter().zip(&bend));
        for (i, ((weight, curvature), (slope, bend))) in each.enumerate() {
            *curvature = *curvature * self.keep + bend;
            let (low, high) = if i == 1 { (-CONSTANT, CONSTANT) } else { WEIGHT };
            *weight = (*weight - pace * slope / (*curvature + FIRM)).clamp(low, high);
        }
        self.bound();
    }

    /// The views together weigh no more than the regression is left with: a higher level is never the likelier one.
    fn bound(&mut self) {
        let [own, _, views @ ..] = &mut self.weights;
        let sum: f64 = views.iter().sum();
        if sum > *own {
            for weight in views {
                *weight *= *own / sum;
            }
        }
    }

    fn inputs(&self, level: f64, alone: f64, views: &[View; VIEWS]) -> [f64; INPUTS] {
        let own = odds(alone);
        let mut inputs = [0.0; INPUTS];
        let [first, one, rest @ ..] = &mut inputs;
        (*first, *one) = (own, 1.0);
        for ((input, view), tail) in rest.iter_mut().zip(views).zip(&self.tails) {
            *input = odds(tail.above((level - view.place) / view.unit)) - own;
        }
        inputs
    }
}

fn dot(a: &[f64; INPUTS], b: &[f64; INPUTS]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Log-odds.
fn odds(probability: f64) -> f64 {
    let p = probability.clamp(1e-9, 1.0 - 1e-9);
    (p / (1.0 - p)).ln()
}

/// The inverse of [`odds`].
fn probability(odds: f64) -> f64 {
    1.0 / (1.0 + (-odds).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Demand is anywhere below a height that changes by the hour. The first view knows the height; nothing else does.
    fn learned(knows: bool) -> (Pool, Tail) {
        let (mut pool, mut alone) = (Pool::new(5000.0), Tail::new(5000.0));
        let mut rng = fastrand::Rng::with_seed(7);
        for t in 0..20_000 {
            let height = if (t / 60) % 2 == 0 { 3.0 } else { 12.0 };
            let value = height * rng.f64().powi(2);
            let mut views = [View { place: 0.0, unit: 1.0 }; VIEWS];
            views[0].place = if knows { height } else { 0.0 };
            let said = Said { value: 0.0, scale: 1.0, views };
            pool.learn(&said, value, |z| alone.above(z));
            alone.add(value);
        }
        (pool, alone)
    }

    fn at(pool: &Pool, alone: &Tail, level: f64, height: f64) -> f64 {
        let mut views = [View { place: 0.0, unit: 1.0 }; VIEWS];
        views[0].place = height;
        pool.above(level, alone.above(level), &views)
    }

    #[test]
    fn a_view_that_knows_is_listened_to() {
        let (pool, alone) = learned(true);
        let (low, high) = (at(&pool, &alone, 6.0, 3.0), at(&pool, &alone, 6.0, 12.0));
        // Never from 3, 29 times of 100 from 12: about 15 of 100 whatever the height.
        assert!((0.12..0.18).contains(&alone.above(6.0)), "{}", alone.above(6.0));
        assert!(low < 0.03 && high > 0.2, "{low} {high} {:?}", pool.weights);
    }

    #[test]
    fn views_that_know_nothing_change_nothing() {
        let (pool, alone) = learned(false);
        for level in [0.5, 2.0, 6.0] {
            let (own, all) = (alone.above(level), at(&pool, &alone, level, 0.0));
            assert!((odds(own) - odds(all)).abs() < 0.35, "{own} {all}");
        }
    }

    #[test]
    fn higher_is_never_likelier_whatever_was_learned() {
        let (mut pool, alone) = learned(true);
        pool.weights = [0.4, -1.0, 1.3, 1.3, 1.3, 1.3, 1.3];
        pool.bound();
        let told: Vec<f64> = (0..200).map(|i| at(&pool, &alone, f64::from(i) * 0.1, 8.0)).collect();
        assert!(told.windows(2).all(|w| w[1] <= w[0] + 1e-12));
        assert!(told.iter().all(|p| (0.0..=1.0).contains(p)));
    }
}
