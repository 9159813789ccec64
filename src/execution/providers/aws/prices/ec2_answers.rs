//! Answers of EC2, as far as they are used. Query protocol, API version 2016-11-15.

use serde::Deserialize;

/// `<item>…</item>` any number of times.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Items<T> {
    #[serde(default = "Vec::new")]
    pub item: Vec<T>,
}

impl<T> Default for Items<T> {
    fn default() -> Self {
        Self { item: Vec::new() }
    }
}

/// `DescribeInstances`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Reservations {
    pub reservation_set: Items<Reservation>,
    pub next_token: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Reservation {
    pub instances_set: Items<Instance>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Instance {
    #[serde(rename = "instanceId")]
    pub id: String,
    /// `m5.large`.
    #[serde(rename = "instanceType")]
    pub kind: String,
    pub placement: Placement,
    /// `spot`, `scheduled`; absent of one on demand.
    #[serde(rename = "instanceLifecycle")]
    pub lifecycle: String,
    /// `Linux/UNIX`, `Windows`, …: what Spot prices are listed by.
    pub platform_details: String,
    /// `RunInstances`, `RunInstances:0002`, …: what list prices are listed by.
    pub usage_operation: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Placement {
    pub availability_zone: String,
    /// `default`, `dedicated`, `host`.
    pub tenancy: String,
}

/// `DescribeSpotPriceHistory`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct SpotPrices {
    pub spot_price_history_set: Items<SpotPrice>,
    pub next_token: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct SpotPrice {
    pub instance_type: String,
    pub product_description: String,
    /// $/h.
    #[serde(rename = "spotPrice")]
    pub price: String,
    /// ISO 8601.
    pub timestamp: String,
    pub availability_zone: String,
}
