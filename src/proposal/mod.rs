//! Stage 6, put it to a human: the card, its life, the queue.

mod types;

pub use types::{Proposal, ProposalId, ProposalState, RejectReason, Target};
