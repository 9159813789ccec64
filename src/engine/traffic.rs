//! Load balancers as configured.

use std::sync::Arc;

use crate::config::HaproxySettings;
use crate::execution::providers::HaproxyManager;
use crate::execution::{SlowStart, Traffic, TrafficManagers};

use super::EngineError;

/// Makes a traffic manager of each `[[haproxy]]`.
pub fn managers(settings: &[HaproxySettings]) -> Result<TrafficManagers, EngineError> {
    let mut managers = TrafficManagers::default();
    for h in settings {
        let fail = |why: String| EngineError::Provider { name: format!("haproxy {}", h.backend), why };
        let address = h.socket.parse().map_err(|e| fail(format!("{e}")))?;
        let manager = HaproxyManager::new(address, &h.backend).map_err(|e| fail(e.to_string()))?;
        let slow_start = SlowStart { window: h.slow_start, drain: h.drain, ..SlowStart::default() };
        managers.0.insert(h.workload.clone(), Traffic { manager: Arc::new(manager), slow_start });
    }
    Ok(managers)
}
