//! The pool's models, one file each. All are causal: they see a [`super::grid::Past`] and nothing after it.

mod model;
mod persistence;
mod seasonal_naive;
mod phase_median;

pub(crate) use model::Model;
pub(crate) use persistence::Persistence;
pub(crate) use phase_median::{PhaseMedian, SeasonLevel};
pub(crate) use seasonal_naive::SeasonalNaive;
