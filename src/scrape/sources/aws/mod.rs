//! The wire to AWS: credentials, signatures, one request at a time. Sources and providers share it.
//!
//! [`Credentials`] come from the environment, from the shared files, from a `credential_process`, from a role that a
//! profile asks for, and from metadata services only where that is switched on. [`AwsClient`] signs with `aws-sigv4` and sends with `reqwest`: no
//! redirect, a deadline of its own, bounded answers. Reads that were throttled are asked again a few times; writes
//! are sent once.

mod client;
mod credentials;
mod error;
mod keys;
mod metadata;
mod process;
mod profile;
mod role;
mod sign;
mod words;

pub use client::{AwsClient, AwsSetup, AwsSetupError, Call, Effect, MAX_ANSWER, Service};
pub use credentials::{Access, Credentials, Files};
pub use error::AwsError;
pub use keys::Keys;
pub use metadata::Metadata;
pub use words::transport;
