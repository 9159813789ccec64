//! The only place where what a person chose changes: `update(state, keymap, event, view) -> effects`.

mod act;
mod decide;
mod fresh;
mod mute;
mod overlay;
mod people;
mod replay;
mod root;
mod select;
#[cfg(test)]
mod people_tests;
#[cfg(test)]
mod tests;

pub use root::update;
