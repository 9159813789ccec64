//! The KPI board.
use crate::engine::State;
use crate::series::Timestamp;
use crate::view::Kpi;
/// placeholder
pub fn board(_state: &State, _now: Timestamp) -> Vec<Kpi> {
    Vec::new()
}
