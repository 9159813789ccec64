//! weescale
fn main() {}
