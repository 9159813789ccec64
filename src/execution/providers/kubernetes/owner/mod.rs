//! Who decides a workload's replica count, and on which object the field is that its owner respects.
//!
//! Pure: objects in, a verdict out. The table it implements is in `resolve.rs`.

mod fight;
mod git;
mod resolve;
mod size;
#[cfg(test)]
mod tests;

pub(super) use fight::Change;
pub(super) use git::tool_of;
pub(super) use resolve::{Facts, Holder, Verdict, resolve};
pub(super) use size::size_owner;
