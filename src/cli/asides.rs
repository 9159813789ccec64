//! `weescale gone` and `weescale claim`: what bars others, and only a person can know to be over.

use clap::Args;

use crate::view::Command;

use super::args::{Live, Shape};
use super::exit::Outcome;
use super::{named, wish};

/// `weescale gone`.
#[derive(Clone, Debug, Args)]
pub struct GoneArgs {
    /// A region: eu-west, or a service in one: shop/checkout@eu-west
    pub what: String,
    /// Why, for those who come after you
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Take it back: it is waited for again
    #[arg(long)]
    pub undo: bool,
    /// Output
    #[command(flatten)]
    pub shape: Shape,
}

/// `weescale claim`.
#[derive(Clone, Debug, Args)]
pub struct ClaimArgs {
    /// The service on whose object the lease is noted: shop/checkout
    pub service: String,
    /// Whose it is, as the card shows it; without it nothing is changed and owners are told
    #[arg(long, value_name = "OWNER", default_value = "")]
    pub owner: String,
    /// Why, for those who come after you
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Output
    #[command(flatten)]
    pub shape: Shape,
}

/// Says that something is gone.
pub async fn gone(live: &Live, args: &GoneArgs) -> Outcome {
    // No name is completed: what is gone is in no table.
    let command = Command::Gone { what: args.what.clone(), reason: args.reason.clone(), back: args.undo };
    wish::send(live, args.shape, command).await
}

/// Says that a lease of another weescale binds nobody.
pub async fn claim(live: &Live, args: &ClaimArgs) -> Outcome {
    let workload = named::running(live, &args.service).await?;
    let (owner, reason) = (args.owner.clone(), args.reason.clone());
    wish::send(live, args.shape, Command::Claim { workload, owner, reason }).await
}
