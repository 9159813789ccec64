//! Stage 4, look ahead: quantile forecasts (fans) from a pool of models, calibrated on their own past.
//!
//! A history becomes a regular [`grid`] of demand, glitches and failed scrapes are masked ([`clean`]), every
//! model of the pool ([`models`]) is tried at past origins ([`pool`]), the losses give weights per lead time
//! ([`weights`]), and the residuals of the weighted pool give the quantiles ([`conformal`]). [`Forecaster`]
//! ties these together: a full [`Forecaster::refit`] now and then, a cheap [`Forecaster::issue`] often.
//! A lasting change of level is found by [`level`], a running burst by [`spike`], and both are followed.
//! [`IssuedLedger`] keeps fans as they were issued and scores them when the actual values are known.

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
mod outlook;
mod spike;
mod ledger;
mod seasons;
mod forecaster;
mod batch;
pub mod anomaly;

pub use batch::Batch;
pub use fan::{Fan, FanPoint, ForecastState, LEVELS, ModelShare, Season};
pub use forecaster::Forecaster;
pub use ledger::{BANDS, IssuedLedger, LeadScore};
pub use settings::Settings;
pub use spike::{Spike, SpikeClass};
