//! Sources against a server that misbehaves on purpose.

mod endpoint;
mod fixture;
mod groups;
mod server;
mod supervision;
mod wires;
