//! Time travel: recorded frames shown as the views they were.
//!
//! There is no engine behind a replay. Wishes that would execute something are answered by
//! [`NOTHING_EXECUTES`]; the file is opened for reading only.

mod came;
mod deck;
mod error;
#[cfg(test)]
mod growth;
mod issued;
mod jump;
mod other;
mod player;
mod recording;
#[cfg(test)]
mod tests;
mod what_if;

pub use deck::{Deck, NOTHING_EXECUTES};
pub use error::ReplayError;
pub use jump::{Goal, goal};
pub use player::{Replay, play};
pub use recording::Recording;
