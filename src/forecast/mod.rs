//! Stage 4, look ahead: quantile forecasts (fans) from a pool of models, calibrated on their own past.

mod fan;

pub use fan::{Fan, FanPoint, ForecastState, LEVELS, ModelShare, Season};
