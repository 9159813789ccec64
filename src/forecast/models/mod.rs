//! The pool's models, one file each. All are causal: they see a [`super::grid::Past`] and nothing after it.

mod model;
mod curve;
mod persistence;
mod level_slope;
mod seasonal_naive;
mod phase_median;
mod holt_winters;
mod ets;
mod mstl;

pub(crate) use ets::Ets;
pub(crate) use holt_winters::HoltWinters;
pub(crate) use level_slope::LevelSlope;
pub(crate) use model::Model;
pub(crate) use mstl::Mstl;
pub(crate) use persistence::Persistence;
pub(crate) use phase_median::{PhaseMedian, PhaseTable, SeasonLevel};
pub(crate) use seasonal_naive::SeasonalNaive;
