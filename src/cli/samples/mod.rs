//! Series in files: CSV of a time and a value, plain or gzip, bounded.

mod file;
mod rows;
mod slots;
mod when;

pub use file::read;
pub use rows::{Row, rows, split};
pub use slots::{apart, samples, slots};
pub use when::parse as instant;
