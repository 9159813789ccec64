//! Stage 4, look ahead: quantile forecasts (fans) from a pool of models, calibrated on their own past.
//!
//! A history becomes a regular [`grid`] of demand, glitches and failed scrapes are masked ([`clean`]), every
//! model of the pool ([`models`]) is tried at past origins ([`pool`]), the losses give weights per lead time
//! ([`weights`]), and the residuals of the weighted pool give the quantiles ([`conformal`]). [`Forecaster`]
//! ties these together: a full [`Forecaster::refit`] now and then, a cheap [`Forecaster::issue`] often.

mod fan;
mod settings;
mod grid;
mod clean;
mod level;
mod models;
mod leads;
mod pool;
mod weights;
mod conformal;
pub mod score;
mod calibrate;
mod seasons;
mod forecaster;

pub use fan::{Fan, FanPoint, ForecastState, LEVELS, ModelShare, Season};
pub use forecaster::Forecaster;
pub use settings::Settings;
