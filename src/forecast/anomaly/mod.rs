//! Anomaly scores of a stream: how unlikely the latest value is, in the light of all values before it.
//!
//! Three questions are asked of each value: is the step to it unusual ([`detector`]), is its distance from the
//! middle of the history unusual ([`middle`]), and is it unlike every recent day at this time ([`daily`])? Each
//! answer is a distance, and each distance becomes a probability by the tail of the series' own earlier
//! distances ([`tail`]), so that nothing depends on units or on the shape of the distribution. The evidence is
//! added up, and after an alarm only a clearly greater one is another ([`rest`]).

mod daily;
mod detector;
mod middle;
mod rest;
mod tail;

pub use detector::{ALARM, Detector, Evidence, Reason};
