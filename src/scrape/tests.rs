//! Sources against a server that misbehaves on purpose.

mod endpoint;
mod fixture;
mod server;
mod supervision;
