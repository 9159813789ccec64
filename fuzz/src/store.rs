//! The stage that keeps, without its queries.

#[path = "../../src/store/bits.rs"]
mod bits;
#[path = "../../src/store/codec.rs"]
mod codec;
#[path = "../../src/store/fuzzing.rs"]
pub mod fuzzing;
