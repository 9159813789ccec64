//! Short leads on fine data: the distribution of demand a few minutes ahead, learned and issued a value at a time.
//!
//! An autoregression on recent means and peaks and on the same time of earlier days ([`features`]), fitted by
//! [`recursive`] least squares with forgetting; a second one for the size of the error; the standardised errors of the
//! last days give the tail ([`tail`]), apart for slots after or at the time of day of surprises ([`contexts`]), and
//! together with what demand reached lately and at this time of earlier days ([`pool`]). Every value costs the same few
//! microseconds, however long the history.

mod contexts;
mod features;
mod highest;
mod past;
mod pool;
mod recursive;
mod short_lead;
mod tail;

pub use short_lead::{Ahead, ShortLead};
