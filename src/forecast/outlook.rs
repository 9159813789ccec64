//! The answer at an origin: one value and the offsets of its quantiles per lead.

use super::blend::{Blend, Tracks, recent};
use super::conformal::{Offsets, scale};

/// The value and the offsets at one lead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ahead {
    /// Slots after the origin.
    pub lead: usize,
    /// The middle of the forecast.
    pub value: f64,
    /// Offsets of the quantiles, in scaled units.
    pub offsets: Offsets,
}

/// What `blend` says at slot `origin` of `tracks` about the leads `wanted`; `level` is that of the series there.
pub(crate) fn outlook(
    blend: &Blend,
    tracks: &Tracks,
    origin: usize,
    level: f64,
    wanted: impl Iterator<Item = usize>,
) -> Vec<Ahead> {
    let lately = recent(tracks, origin);
    let one = |lead: usize| {
        let told = blend.tell(tracks, origin, lead, &lately)?;
        let unit = scale(told.value, level);
        Some(Ahead { lead, value: told.value, offsets: told.offsets.map(|o| o / unit) })
    };
    wanted.filter_map(one).collect()
}
