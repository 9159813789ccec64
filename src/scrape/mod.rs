//! Stage 1, collect: sources, pollers, limits, health.
//!
//! Each source runs in one supervised task, all of them on the thread of a [`Poller`], and sends [`Delivery`] values over a bounded channel to the engine.
//! [`spawn_exposition`] scrapes an endpoint, [`spawn_promql`] asks a PromQL server; both return a [`Handle`].
//! Whatever comes from outside is bounded by [`Limits`] and counted in [`Dropped`] where it goes over them.

pub mod answers;
mod block;
mod bodies;
mod born;
mod delivery;
mod error;
pub mod exposition;
mod extras;
#[doc(hidden)]
pub mod fuzzing;
mod handle;
mod http;
mod inert;
mod inflate;
mod limits;
mod plain_file;
mod poller;
mod reporter;
mod schedule;
mod secret;
mod source;
mod sources;
mod status;
mod supervisor;
mod target;
#[cfg(test)]
mod tests;

pub use block::ScrapeBlock;
pub use born::Born;
pub use delivery::{Answer, BackfillRequest, Delivery, QuerySpec, RangeAnswer};
pub use error::ScrapeError;
pub use extras::{check_header, check_param};
pub use handle::{Handle, HandleError};
pub use http::{Wires, certificate};
pub use inflate::{DecodeError, gunzip};
pub use limits::Limits;
pub use plain_file::{PEM_BYTES, open_plain, read_bounded, read_plain, read_plain_text};
pub use poller::Poller;
pub use reporter::STANDING as GIVEN_UP;
pub use secret::{Auth, Credential, Secret};
pub use source::{Polled, Source};
pub use sources::aws;
pub use sources::{
    CloudWatch, CloudWatchMetric, PromqlClient, Spent, Told, spawn_cloudwatch, spawn_exposition,
    spawn_exposition_over, spawn_promql,
};
pub use status::{Dropped, Health, Progress, Refresh, SourceId, SourceKind, SourceStatus};
pub use target::{DEFAULT_INTERVAL, Encoding, Target, Tls};
