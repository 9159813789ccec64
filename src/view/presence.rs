//! Who else looks, and at what.

use serde::{Deserialize, Serialize};

use crate::series::Timestamp;

/// Where somebody is on their screen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spot {
    /// Key of the panel: `1` to `9`, `0`.
    pub panel: String,
    /// Widget that fills the panel, if one does.
    #[serde(default)]
    pub zoomed: Option<u8>,
    /// Kind of the selected row: `proposal`, `operation`, …; empty if none is selected.
    #[serde(default)]
    pub kind: String,
    /// Identity of the selected row.
    #[serde(default)]
    pub id: String,
    /// Steps by which charts are moved in time.
    #[serde(default)]
    pub pan: i32,
    /// Zoom of charts in time.
    #[serde(default)]
    pub zoom: i32,
}

/// One screen that is attached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attached {
    /// Number of the screen, unique while the engine runs.
    pub screen: u64,
    /// User id, from the kernel.
    pub uid: u32,
    /// Login name, a label only.
    pub name: String,
    /// Terminal: `pts/3`; empty without one.
    pub tty: String,
    /// Since when.
    pub since: Timestamp,
    /// Where they look.
    pub spot: Spot,
}
