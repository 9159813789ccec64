//! `HAProxy` as traffic manager, over its runtime (stats) socket.

mod manager;
mod parse;
mod socket;

pub use manager::HaproxyManager;
pub use socket::{Address, BadAddress};
