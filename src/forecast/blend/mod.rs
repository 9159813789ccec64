//! One forecast from many: candidate forecasts are the inputs of a regression per range of lead times. Its
//! coefficients start from what holds for services in general ([`prior`]) and move as far as the history has
//! evidence ([`learn`]); a second regression tells how far off the first is likely to be ([`inputs`]). Into the fan
//! they make goes as much of the bare distributions of recent demand ([`seen`]) as would have lost less ([`mix`]).

mod recurring;
mod tracks;
mod inputs;
mod ridge;
mod prior;
mod learn;
mod seen;
mod mix;
mod regress;
mod scored;

pub(crate) use regress::{Blend, NAMES};
pub(crate) use scored::Scored;
pub(in crate::forecast) use scored::is_beatable;
pub(crate) use seen::recent;
pub(crate) use tracks::Tracks;

#[cfg(test)]
mod tests;
