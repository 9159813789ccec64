//! What has the keys.

use crate::clock::Monotonic;
use crate::view::ProposalId;

use super::super::state::RowId;
use super::{MuteAsk, Note, Sheet};

/// What has the keys: exactly one thing.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Focus {
    /// The panel.
    #[default]
    Panel,
    /// The filter prompt.
    Filter,
    /// Help or palette.
    Menu(Menu),
    /// Where numbers come from.
    Evidence(Evidence),
    /// A sheet that asks before something is written.
    Confirm(Box<Sheet>),
    /// The sheet that asks why a proposal is rejected.
    Reject(Reject),
    /// The prompt for another value.
    Edit(Edit),
    /// The prompt for a time or text to jump to in a replay.
    Jump(String),
    /// The prompt for a note.
    Note(Note),
    /// The prompt for muting proposals.
    Mute(MuteAsk),
}

/// Help or palette: the actions, searchable.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Menu {
    /// Whether it was opened as help (with what is always true above the list).
    pub help: bool,
    /// What is searched for.
    pub query: String,
    /// The chosen entry.
    pub at: usize,
}

/// Evidence of one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// Of which row.
    pub row: RowId,
    /// First line shown.
    pub top: usize,
}

/// Why a proposal is rejected.
#[derive(Clone, Debug, PartialEq)]
pub struct Reject {
    /// Which proposal.
    pub id: ProposalId,
    /// What it says.
    pub sentence: String,
    /// When the sheet was first on the screen.
    pub painted: Option<Monotonic>,
}

/// Another value for a proposal.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    /// Which proposal.
    pub id: ProposalId,
    /// What it is about: `checkout min_replicas 6`.
    pub subject: String,
    /// Digits typed.
    pub text: String,
}
