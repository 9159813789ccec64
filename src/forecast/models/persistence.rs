//! Tomorrow is like now.

use super::Model;
use crate::forecast::grid::Past;

/// The latest value, for every lead.
#[derive(Debug)]
pub(crate) struct Persistence;

impl Model for Persistence {
    fn name(&self) -> &'static str {
        "persistence"
    }

    fn predict(&self, past: Past<'_>, leads: &[usize]) -> Option<Vec<f64>> {
        let last = past.last()?;
        Some(vec![last; leads.len()])
    }
}
