//! The panels, one file each, and the list of them.

mod list;
mod logs;

pub use list::{ALL, Panel, draw};
