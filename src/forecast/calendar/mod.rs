//! Days that are not like others: public holidays by region, the end of a month, declared events.
//!
//! A calendar only says which day is special. What that means for demand is measured ([`effect`]), and a day of a
//! kind without evidence changes nothing.

mod holidays;
mod day;
mod effect;
mod running;

pub use day::{Calendar, DayKind, Event};
pub(crate) use effect::{Effects, effects};
pub use holidays::Region;
pub(crate) use running::{Running, take_out};
