//! AWS: against moto's server with signatures and rights checked, and against a strict fake written from AWS's
//! documentation for what moto does not refuse. The fake's behaviour is **unverified against AWS**.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests fail loudly, and say what they lack"
)]

#[path = "support/approved.rs"]
mod approved;
#[path = "aws/cloudwatch.rs"]
mod cloudwatch;
#[path = "aws/ecs.rs"]
mod ecs;
#[path = "aws/fake.rs"]
mod fake;
#[path = "aws/fake_ecs.rs"]
mod fake_ecs;
#[path = "aws/groups.rs"]
mod groups;
#[path = "aws/lease.rs"]
mod lease;
#[path = "aws/moto.rs"]
mod moto;
#[path = "aws/orders.rs"]
mod orders;
#[path = "aws/prices.rs"]
mod prices;
#[path = "aws/refusals.rs"]
mod refusals;
#[path = "support/peer.rs"]
#[expect(dead_code, reason = "other tests also restart and ask their peers")]
mod support;
