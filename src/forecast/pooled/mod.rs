//! What other services say of a young one: shapes of days, from here or from other teams, as one more member of its forecast.
//!
//! The shapes nearest to what was seen of the service are averaged by how near they are, and scaled to its level (a
//! k-nearest-neighbours analogue: Green and Armstrong 2007, "Structured analogies for forecasting"). How much of that
//! goes into the fan begins with how well the shapes chosen by the older part of its history told the newer part, and is
//! then learned from the losses of both forecasts as issued. Nothing of after the moment of issue is looked at.

mod shape;
mod like;
mod beyond;
mod member;
mod pick;

pub use like::{Known, LEVEL, Like, like};
pub use member::{Losses, OURS, mix, share};
pub use pick::representatives;
pub use shape::{QUARTERS, Shape, Tally};

#[cfg(test)]
mod tests;
