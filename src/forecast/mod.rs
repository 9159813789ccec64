//! Stage 4, look ahead: quantile forecasts (fans) from a blend of candidates, calibrated on its own past.
//!
//! A history becomes a regular [`grid`] of demand; glitches and failed scrapes are masked ([`clean`]) and a lasting
//! change of level is found and moved out of the way ([`level`]). Candidate forecasts (latest values, levels, the
//! same time yesterday and last week, usual days and weeks) are then combined by one regression per range of leads,
//! shrunk towards what holds for services in general; a second one gives the scale of its errors and so the
//! quantiles ([`blend`]). [`Forecaster`] ties these together: a full [`Forecaster::refit`] now and then, a cheap
//! [`Forecaster::issue`] often. A running burst is found by [`spike`] and followed. What special
//! days did before is expected of the next ([`calendar`]).
//! Minutes ahead on fine data are told by [`short`].
//! Renewing many of them is scheduled: the stalest first ([`Renewals`]), within an [`Allowance`] of CPU time.
//! [`IssuedLedger`] keeps fans as they were issued and scores them when the actual values are known.

mod allowance;
mod fan;
mod packed;
pub mod pooled;
pub mod reissued;
mod settings;
pub mod calendar;
mod grid;
mod clean;
mod phase;
mod edge;
mod level;
mod leads;
mod blend;
mod conformal;
pub mod score;
mod load;
mod outlook;
mod renewals;
mod spike;
mod ledger;
mod seasons;
mod forecaster;
mod batch;
mod structure;
mod named;
pub mod anomaly;
pub mod short;
pub mod burst;

pub use allowance::Allowance;
pub use batch::Batch;
pub use fan::{Fan, FanPoint, ForecastState, LEVELS, ModelShare, Season};
pub use forecaster::Forecaster;
pub use ledger::{BANDS, IssuedLedger, LeadScore};
pub use load::{Hourly, Load};
pub use renewals::Renewals;
pub use settings::Settings;
pub use spike::{Spike, SpikeClass};
pub use structure::{LevelChange, Structure, structure};
