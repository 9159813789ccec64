//! Load balancers as configured: made for the executor, and asked whether they can be used.

use std::sync::Arc;

use crate::config::{HaproxySettings, Settings};
use crate::execution::providers::{HaproxyManager, SeveralHaproxies};
use crate::execution::{Backend, Traffic, TrafficManager, TrafficManagers};

use super::EngineError;

/// Weights below this cannot be given in steps.
const LEAST_WEIGHT: u32 = 10;

/// What is said of a load balancer: what works, then what does not or only in part; or why it cannot be used.
pub type Answer = Result<(String, Vec<String>), String>;

/// Makes a traffic manager of each `[[haproxy]]`.
pub(super) fn managers(settings: &[HaproxySettings]) -> Result<TrafficManagers, EngineError> {
    let mut managers = TrafficManagers::default();
    for h in settings {
        let mut all = each(h)?;
        let one = if all.len() == 1 { all.pop() } else { None };
        let manager: Arc<dyn TrafficManager> = match one {
            Some(one) => Arc::new(one),
            None => Arc::new(SeveralHaproxies::new(all)),
        };
        managers.0.insert(h.workload.clone(), Traffic { manager, rules: h.rules });
    }
    Ok(managers)
}

/// The load balancers of one workload, one a socket.
fn each(h: &HaproxySettings) -> Result<Vec<HaproxyManager>, EngineError> {
    let made = h.sockets.iter().map(|socket| HaproxyManager::new(socket.clone(), &h.backend));
    made.collect::<Result<_, _>>()
        .map_err(|e| EngineError::Provider { name: format!("haproxy {}", h.backend), why: e.to_string() })
}

/// Asks every load balancer whether its servers may be turned and what they are. Changes nothing.
pub async fn ask_load_balancers(settings: &Settings) -> Result<Vec<(String, Answer)>, EngineError> {
    let mut answers = Vec::new();
    for h in &settings.haproxy {
        for (manager, socket) in each(h)?.iter().zip(&h.sockets) {
            let at = if h.sockets.len() > 1 { format!(" at {socket}") } else { String::new() };
            answers.push((format!("{}{at}", manager.name()), answer(manager, h).await));
        }
    }
    Ok(answers)
}

async fn answer(manager: &HaproxyManager, h: &HaproxySettings) -> Answer {
    let backend = manager.look().await.map_err(|e| e.to_string())?;
    let serving = backend.servers.iter().filter(|s| s.serves()).count();
    let text = format!("{serving} of {} servers take traffic, for {}", backend.servers.len(), h.workload);
    let mut notes = notes(&backend, h);
    if let Err(error) = manager.allowed().await {
        notes.insert(0, error.to_string());
    }
    Ok((text, notes))
}

fn notes(backend: &Backend, h: &HaproxySettings) -> Vec<String> {
    let mut notes = Vec::new();
    let few: Vec<&str> =
        backend.servers.iter().filter(|s| s.base < LEAST_WEIGHT).take(3).map(|s| s.name.as_str()).collect();
    if !h.rules.slow_start.is_zero() && !few.is_empty() {
        notes.push(format!(
            "{}: a weight below {LEAST_WEIGHT} cannot be given in steps; write `default-server weight 100`",
            few.join(", ")
        ));
    }
    let blind: Vec<&str> =
        backend.servers.iter().filter(|s| !s.checked).take(3).map(|s| s.name.as_str()).collect();
    if !h.rules.drain.is_zero() && !blind.is_empty() {
        notes.push(format!(
            "{}: without a health check it would get traffic again once it is gone; add `check`",
            blind.join(", ")
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execution::{Server, TrafficRules};

    #[test]
    fn what_cannot_be_done_is_named_with_its_fix() {
        let rules = TrafficRules::default();
        let sockets = vec!["/run/haproxy.sock".parse().unwrap()];
        let h = HaproxySettings { sockets, backend: "shop".into(), workload: "checkout".into(), rules };
        let good = Server { name: "a".into(), base: 100, checked: true, ..Server::default() };
        let poor = Server { name: "b".into(), base: 1, checked: false, ..Server::default() };
        let backend = Backend { servers: vec![good, poor], ..Backend::default() };
        let said = notes(&backend, &h);
        assert!(said[0].starts_with("b: a weight below 10") && said[0].contains("weight 100"), "{said:?}");
        assert!(said[1].starts_with("b: without") && said[1].contains("`check`"), "{said:?}");
        let off =
            TrafficRules { slow_start: std::time::Duration::ZERO, drain: std::time::Duration::ZERO, ..rules };
        assert!(notes(&backend, &HaproxySettings { rules: off, ..h }).is_empty());
    }
}
