//! Stage 7, authorise: mode, challenge, decision, one-use permit.

mod types;

pub use types::{Mode, Person};
