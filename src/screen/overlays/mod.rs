//! What can lie over a panel: sheets, help, palette, evidence, prompts.

mod focus;

pub use focus::Focus;
