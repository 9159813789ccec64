//! The view as text and JSON, for scripts and for people without a terminal.

mod json;
mod text;

pub use json::{proposals, status};
pub use text::status as status_text;
