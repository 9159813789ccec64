//! Vocabulary of measurements: time, labels, samples, windows with explicit gaps, units.
//!
//! Non-finite values stop at [`Finite`] and [`Window`]: whatever is computed after the store works on
//! finite numbers or on an explicit absence. Text from outside stops at [`text::clean`].

mod labels;
mod number;
mod sample;
pub mod patch;
pub mod text;
mod time;
mod unit;
mod window;

pub use labels::{Labels, LabelsBuilder, METRIC_NAME};
pub use number::{Finite, Ratio};
pub use sample::{Sample, is_stale_marker, stale_marker};
pub use time::Timestamp;
pub use unit::{Quantity, Unit, dollars};
pub use window::Window;
