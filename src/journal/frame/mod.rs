//! What was shown, moment by moment: pictures of the whole view, kept for a bounded time within a bounded size.
//!
//! A frame is opaque here: a JSON value. Every so often one is kept whole (a key), those after it as what differs from
//! it; both are deflated. So every frame is found with two reads, and any frame that is no key can be thinned out.

mod bundle;
mod bundle_open;
mod codec;
mod cut;
mod encode;
mod error;
mod file;
mod issued;
mod older;
mod redact;
mod store;
mod text;
mod thin;

pub use bundle::Cut;
pub(super) use codec::{deflated, inflated};
pub use encode::{Encoded, Encoder, Rank};
pub use error::FrameError;
pub use file::{FrameFile, FrameInfo, Line};
pub use issued::ISSUED_BEFORE;
pub use redact::redacted;
pub use store::{Keep, NewFrame, is_decision};
