//! Who else looks, and at what.

use serde::{Deserialize, Serialize};

use crate::series::Timestamp;

/// What an attached person may do about what they see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Whatever everybody may.
    #[default]
    Partner,
    /// Decides, while they have the wheel.
    Driver,
    /// Points while somebody else drives; may stop things and turn a second key.
    Navigator,
    /// Learns: what they decide is recorded beside the decision that counts, and does nothing.
    Learner,
}

impl Role {
    /// As a word; empty for a partner.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Partner => "",
            Self::Driver => "driver",
            Self::Navigator => "navigator",
            Self::Learner => "learner",
        }
    }
}

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
    /// How often they pointed at what is selected.
    #[serde(default)]
    pub pointed: u32,
    /// Whether they look at where the selected row's numbers come from, or at a sheet that asks: both show what no panel does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub evidence: bool,
    /// The member of a service by whose numbers the rows are sorted; empty where they are by urgency or name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sorted: String,
    /// Whether the terminal is so small that it shows one line alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tiny: bool,
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
    /// What they may do.
    #[serde(default)]
    pub role: Role,
    /// Whether they ask for the wheel.
    #[serde(default)]
    pub asks: bool,
}
