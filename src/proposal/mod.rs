//! Stage 6, put it to a human: the card, its life, the queue.

pub mod card;
mod queue;
mod size_card;
#[cfg(test)]
mod tests;
mod types;

pub use queue::{Lifetimes, Moment, Queue, QueueEvent};
pub use types::{Proposal, ProposalId, ProposalState, RejectReason, Target};
