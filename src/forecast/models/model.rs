//! What every model of the pool can do.

use std::fmt::Debug;

use crate::forecast::grid::Past;

/// A forecasting model.
pub(crate) trait Model: Debug + Send + Sync {
    /// Its name, as shown to people.
    fn name(&self) -> &'static str;

    /// Whether [`Model::fit`] is expensive; such models are fitted at few cut-offs only.
    fn heavy(&self) -> bool {
        false
    }

    /// Learns what changes slowly. Models that read everything from the past when they predict need nothing.
    fn fit(&mut self, _past: Past<'_>) {}

    /// One value per lead (in slots after the origin), or `None` when the past is too short for this model.
    fn predict(&self, past: Past<'_>, leads: &[usize]) -> Option<Vec<f64>>;
}
