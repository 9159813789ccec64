//! What happens to the screen, and what it asks for.

use crate::clock::Monotonic;
use crate::view::Command;

use super::key::Key;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A key was pressed (never released, never pasted).
    Key {
        /// Which.
        key: Key,
        /// When it was read.
        at: Monotonic,
    },
    /// Text was pasted: goes to a search field or nowhere.
    Paste(String),
    /// The terminal has this many columns and rows.
    Resize(u16, u16),
    /// There is a new view.
    View,
    /// A frame is on the screen.
    Painted(Monotonic),
}

/// Something the screen asks its surroundings for.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send a wish to the engine.
    Send(Command),
    /// Draw, because something changed.
    Draw,
    /// Clear and draw everything again.
    Redraw,
    /// Put text on the clipboard.
    Copy(String),
    /// Save the picture.
    Save,
    /// Write a patch of a manifest: name of the file and its text.
    Patch(String, String),
    /// Give the terminal back to the shell until continued.
    Suspend,
    /// End.
    Quit,
}
