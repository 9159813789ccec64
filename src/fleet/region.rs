//! Regions: where a workload runs, with local time.

use serde::{Deserialize, Serialize};

/// A place with its own local time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// As in labels: `eu-west`.
    pub name: String,
    /// IANA time zone: `Europe/Dublin`.
    pub time_zone: String,
    /// Degrees north, -90..=90.
    pub latitude: f64,
    /// Degrees east, -180..=180.
    pub longitude: f64,
}
