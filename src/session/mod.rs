//! Serve and attach: one engine, many screens, over a unix socket.
//!
//! ```text
//! engine ──watch<Arc<View>>──▶ publisher ──watch<Arc<Picture>>──▶ one writer a client ──▶ screen
//! screen ──frames──▶ one reader a client ──mpsc<Wish>──▶ engine ──oneshot<Answer>──▶ the same reader
//! ```
//!
//! What goes over the wire is the view as [`crate::view::slim`] makes it: little of it changes from one moment to the next.
//! The publisher makes each picture and its difference to the one before once for each panel at which somebody looks, however
//! many do: what a panel does not show is sent with it once an hour, and at once when somebody goes where it is shown. Where
//! nothing but clock and age moved, that alone is sent, in a frame of its own kind.
//! Nothing is made while nobody looks. A writer whose client does not read waits alone: it keeps the picture it sent last and, when
//! the client reads again, sends one difference from there to the newest. Who asks is what the kernel says of the
//! socket's peer, never what the peer says of itself.

mod ask;
mod error;
mod first;
mod folder;
mod hub;
mod link;
mod pace;
mod pack;
mod parts;
mod peer;
mod picture;
mod places;
mod serve;
mod sight;
#[cfg(test)]
mod still;
mod turning;
mod wheel;
mod wire;

pub use ask::Desk;
pub use error::SessionError;
pub use link::{Link, attach, attach_as};
pub use serve::{Service, ServiceOptions, serve};
pub use wire::{MOST_CLIENTS, PROTOCOL};
