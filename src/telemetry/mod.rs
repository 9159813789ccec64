//! Our own logs: to the logs panel, and to a file that only the user can read.

mod log;

pub use log::{LogError, init, init_or_panel};
