//! The terminal: event loop, state, update, draw.
//!
//! Drawing takes a [`crate::view::View`] and a [`ScreenState`], changes nothing and never fails. What a person
//! wishes leaves as a [`crate::view::Command`]; every guard is in the engine.

mod action;
mod app;
pub mod canvas;
mod clipboard;
mod codes;
mod context;
mod decode;
mod draw;
mod event;
#[cfg(test)]
pub(crate) mod fixture;
pub mod glyphs;
mod header;
mod hints;
mod input;
mod key;
mod keymap;
#[cfg(test)]
mod long_tests;
mod looping;
mod overlays;
mod panels;
mod rows;
mod signals;
mod spot;
mod state;
mod strip;
mod terminal;
#[cfg(test)]
mod tests;
pub mod theme;
mod update;
mod what_if;
mod widgets;

pub use action::{ACTIONS, Action, ActionInfo, Place};
pub use app::{Exit, Pictures, Saved, ScreenOptions, run};
pub use context::{PanelContext, SizeClass};
pub use draw::draw;
pub use event::{Effect, Event};
pub use key::Key;
pub use keymap::{Bindings, Keymap, KeymapError, keys_markdown};
pub use state::{PanelId, RowId, ScreenState, Sort, SortKey};
pub use terminal::{ScreenError, restore};
pub use update::update;
