//! Stage 6, put it to a human: the card, its life, the queue.

pub mod card;
mod queue;
mod size_card;
mod staging;
#[cfg(test)]
mod tests;
mod types;

pub use queue::{Lifetimes, Moment, Queue, QueueEvent};
pub use staging::{Chosen, LONGEST_WAIT, MOST_STEPS, Staging};
pub use types::{Proposal, ProposalId, ProposalState, RejectReason, Target};
