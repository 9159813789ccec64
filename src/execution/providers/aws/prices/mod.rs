//! What a replica costs an hour by AWS's own lists: on demand from the Price List Query API, Spot from EC2's price history.
//!
//! Lists are public: what an account saves by reservations, Savings Plans or a contract is not in them. They are looked up
//! beside the listing and never hold it up; what has no single price has none.

mod ec2_answers;
mod fargate;
mod instances;
mod list;
mod look;

pub use fargate::FargatePrices;
pub use instances::InstancePrices;
pub use list::region_of_lists;

pub(super) use fargate::Shape;

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use crate::scrape::aws::{Access, AwsClient, AwsSetup, Credentials};

    /// One that nothing is sent with.
    pub fn client() -> AwsClient {
        let setup = AwsSetup {
            region: "eu-central-1".into(),
            endpoint: Some("http://127.0.0.1:9".into()),
            ca_file: None,
            timeout: Duration::from_secs(1),
        };
        AwsClient::new(&setup, Arc::new(Credentials::new(Access::new(None, false)))).unwrap()
    }
}
