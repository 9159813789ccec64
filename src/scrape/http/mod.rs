//! The only place of this stage that speaks HTTP: deadlines, bounds, redirects, credentials, connections.

mod body;
pub mod certificate;
mod fetch;
mod headers;
mod link;
mod origin;
mod redirect;
#[cfg(test)]
mod tests;
mod trouble;
mod wires;

pub(super) use fetch::{Fetched, Http};
pub use wires::Wires;
