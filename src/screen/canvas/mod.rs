//! What panels draw with: text that is cut to fit, frames with a widget's state, grids with shared borders,
//! dots for charts, and how numbers are written. Everything clips to the buffer; nothing can fail.

mod dots;
mod format;
mod frame;
mod grid;
mod text;

pub use dots::Dots;
pub use format::{ago, clock_minute, clock_second, duration, money_delta, percent, span};
pub use frame::{frame, framed, state_word};
pub use grid::{columns, grid, rows};
pub use text::{clause, fit, line, put, put_right, put_wrapped, width, wrap};
