//! `HAProxy` as traffic manager, over its runtime (stats) socket.

mod manager;
mod parse;
mod several;
mod socket;

pub use manager::HaproxyManager;
pub use several::SeveralHaproxies;
pub use socket::{Address, BadAddress};
