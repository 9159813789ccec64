//! Chart primitives: axes with round ticks, lines with gaps, fans, bars, heat, a map, stages.
//!
//! Nothing here draws outside of its area, and no number, however odd, stops or breaks a drawing.

pub mod axis;
pub mod bar;
pub mod dots;
pub mod heat;
pub mod plot;
pub mod spark;
pub mod stages;
pub mod time;
pub mod map;
