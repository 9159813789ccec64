//! The terminal: event loop, state, update, draw.
//!
//! Drawing takes a [`crate::view::View`] and a [`ScreenState`], changes nothing and never fails. What a person
//! wishes leaves as a [`crate::view::Command`]; every guard is in the engine.

pub mod canvas;
mod context;
#[cfg(test)]
pub(crate) mod fixture;
pub mod glyphs;
mod overlays;
mod panels;
mod rows;
mod state;
pub mod theme;
mod widgets;

pub use context::{PanelContext, SizeClass};
pub use state::{PanelId, RowId, ScreenState, Sort, SortKey};
