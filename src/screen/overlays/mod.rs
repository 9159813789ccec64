//! What can lie over a panel: sheets, help, palette, evidence, prompts.

mod approve;
mod day_sheet;
mod draw;
mod evidence;
mod focus;
mod hold_sheet;
mod menu;
mod mute;
mod note;
mod sheet;
mod subject;

pub use approve::{approve_sheet, operation_sheet, release_sheet};
pub use day_sheet::day_sheet;
pub use draw::draw;
pub use evidence::evidence_lines;
pub use focus::{Edit, Evidence, Focus, Menu, Reject};
pub use hold_sheet::{adjusted, hold_sheet};
pub use menu::entries;
pub use mute::MuteAsk;
pub use note::Note;
pub use sheet::{Line, Sheet};
pub use subject::Subject;
