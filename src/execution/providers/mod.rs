//! One file per platform that can be scaled.

pub mod contract;
