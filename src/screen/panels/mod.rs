//! The panels, one file each, and the list of them.

mod card;
mod experience;
mod four;
mod intelligence;
mod journal;
mod kpis;
mod list;
mod logs;
mod operations;
mod predictive;
mod proposals;
mod sources;
mod status;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub use list::ALL;
#[cfg(test)]
use list::Panel;
pub use list::{draw, zooms};
