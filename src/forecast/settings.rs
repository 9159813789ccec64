//! What a forecaster may be told.

use std::sync::Arc;
use std::time::Duration;

use super::calendar::Calendar;

/// Settings of a forecaster. The defaults suit services scraped every few seconds to minutes.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Distance between fan points. A history with a longer step sets its own.
    pub step: Duration,
    /// How far a fan reaches at most.
    pub horizon: Duration,
    /// How far a fan reaches at most, as a multiple of the history held: no day ahead from an hour behind.
    pub reach: f64,
    /// History below which nothing is forecast.
    pub need: Duration,
    /// History used at most; older values are ignored.
    pub keep: Duration,
    /// Age after which [`super::Forecaster::issue`] refits by itself.
    pub refit_every: Duration,
    /// Special days; none by default.
    pub calendar: Arc<Calendar>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            step: Duration::from_secs(300),
            horizon: Duration::from_secs(24 * 3600),
            reach: 1.0,
            need: Duration::from_secs(3600),
            keep: Duration::from_secs(28 * 86_400),
            refit_every: Duration::from_secs(3600),
            calendar: Arc::default(),
        }
    }
}
