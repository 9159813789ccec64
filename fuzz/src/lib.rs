//! What is fuzzed, and nothing else: the readers of what comes from outside, as they are in the program's own folders.
//!
//! To build all of weescale once more, instrumented, takes longer than to fuzz it.

#![allow(dead_code, unused_imports, reason = "a part of a program")]

#[path = "../../src/series/mod.rs"]
pub mod series;

pub mod scrape;
pub mod store;
