//! Bursts of one series: when demand leaves what is usual, what kind of burst that is, how high it gets and how
//! long it lasts, all learned from the bursts that the same series had before.
//!
//! What is usual comes from the same time on recent days ([`usual`]); a CUSUM on the residuals raises the alarm at
//! a height that was calibrated on the series' own past to a stated number of alarms a day ([`alarm`]); past
//! bursts are measured ([`episode`]); and [`Bursts`] compares a running one with them.

mod alarm;
mod class;
mod dip;
mod episode;
mod learned;
mod usual;

pub use class::BurstClass;
pub use dip::Dip;
pub use learned::{Burst, Bursts, Range};
