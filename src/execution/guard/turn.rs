//! The last check before a turn of a load balancer. Small on purpose, as for writes.

use std::time::Duration;

use crate::approval::{MandateRecord, Setting, TurnOrder, Way};
use crate::clock::Monotonic;
use crate::execution::traffic::Server;

use super::{FleetHealth, Guard, Stop, refuse};

/// What the guard is shown of one turn.
#[derive(Debug)]
pub struct TurnAttempt<'a> {
    /// The order.
    pub order: &'a TurnOrder,
    /// The approval behind it.
    pub record: &'a MandateRecord,
    /// The server as the load balancer has just listed it.
    pub server: &'a Server,
    /// Whether it took traffic before the operation wrote anything.
    pub old: bool,
    /// Whether it gives back what was there.
    pub home: bool,
    /// Servers that take traffic now.
    pub serving: usize,
    /// Servers that must go on taking it.
    pub least: usize,
    /// Which way the write goes that this belongs to.
    pub way: Way,
    /// The fleet.
    pub fleet: FleetHealth,
    /// Monotonic time.
    pub now: Monotonic,
}

impl Guard {
    /// Checks one turn and, if it may go out, counts it. Called in the function that sends, and nowhere else.
    pub fn check_turn(&mut self, a: &TurnAttempt<'_>) -> Result<(), Stop> {
        check_server(a)?;
        match a.order.set() {
            Setting::Weight(weight) => check_weight(a, weight)?,
            Setting::Drain => self.check_drain(a)?,
            Setting::Ready if !a.home => return refuse("it was not drained by this operation".into()),
            Setting::Ready => {}
        }
        let minute = Duration::from_secs(60);
        while self.turns.front().is_some_and(|at| a.now.since(*at) >= minute) {
            self.turns.pop_front();
        }
        // Giving back is never held up by it.
        if !a.home && self.turns.len() >= self.policy.turns_a_minute {
            return Err(Stop::Look(format!("more than {} turns a minute", self.policy.turns_a_minute)));
        }
        if self.turns.len() < super::MEMORY {
            self.turns.push_back(a.now);
        }
        Ok(())
    }

    /// Draining takes capacity away, as lowering does.
    fn check_drain(&self, a: &TurnAttempt<'_>) -> Result<(), Stop> {
        if !a.server.up {
            return refuse("it is not up: draining it would bring it up".into());
        }
        if !a.server.checked {
            return refuse("it has no health check and would get traffic again once it is gone".into());
        }
        let left = a.serving.saturating_sub(usize::from(a.server.serves()));
        if left < a.least.max(1) {
            return refuse(format!("{left} servers would be left, {} are needed", a.least.max(1)));
        }
        if a.way == Way::Back {
            return Ok(());
        }
        let unready = a.fleet.unready.filter(|s| s.is_finite());
        let fresh = a.fleet.fresh.filter(|s| s.is_finite());
        match (unready, fresh) {
            (Some(unready), Some(fresh))
                if unready <= self.policy.unready && fresh >= self.policy.fresh_to_lower =>
            {
                Ok(())
            }
            (None, _) | (_, None) => refuse("how the fleet fares is not known".into()),
            _ => refuse("the fleet is unhealthy or cannot be seen".into()),
        }
    }
}

fn check_server(a: &TurnAttempt<'_>) -> Result<(), Stop> {
    let (order, server) = (a.order, a.server);
    if order.operation() != &a.record.operation || order.server() != server.name {
        return refuse("the turn does not belong to this approval".into());
    }
    // `ready` ends maintenance as well, and that is somebody else's.
    if server.maintenance && !matches!(order.set(), Setting::Weight(_)) {
        return refuse("somebody has put it into maintenance".into());
    }
    if server.shows(order.expect()) {
        return Ok(());
    }
    let is = server.setting(order.expect()).words();
    refuse(format!("it is at {is}, expected {}", order.expect().words()))
}

fn check_weight(a: &TurnAttempt<'_>, weight: u32) -> Result<(), Stop> {
    if weight == 0 || weight > a.server.base {
        return refuse(format!("weight {weight} is outside 1..={}", a.server.base));
    }
    if weight < a.server.weight && a.old {
        return refuse("it took traffic before: its weight is not lowered".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::GuardPolicy;
    use super::*;
    use crate::approval::{Gate, Mandate, Mode};
    use crate::execution::tests::world;
    use crate::fleet::{Context, Field};

    fn mandate() -> Mandate {
        let proposal = world::proposal("p-1", Field::Replicas, 6, 4, None);
        let mut gate = Gate::new(Mode::Ask, Context { name: "t".into(), protected: false });
        let facts = world::facts("op-1", proposal.owner.clone());
        let now = Monotonic::default();
        let permit = gate.approve(&proposal, &proposal.hash(), None, &world::person(), now, facts).unwrap();
        permit.redeem(now).unwrap()
    }

    fn server() -> Server {
        let (name, base, weight) = ("a".to_owned(), 100, 100);
        Server { name, base, weight, up: true, checked: true, ..Server::default() }
    }

    fn stop(server: &Server, set: Setting, change: impl FnOnce(&mut TurnAttempt<'_>)) -> Option<String> {
        let mut m = mandate();
        let order = m.turn("haproxy shop", "a", server.setting(set), set).unwrap();
        let fleet = FleetHealth { unready: Some(0.0), fresh: Some(1.0) };
        let record = m.record().clone();
        let mut attempt = TurnAttempt {
            order: &order,
            record: &record,
            server,
            old: false,
            home: false,
            serving: 6,
            least: 4,
            way: Way::Forward,
            fleet,
            now: Monotonic::default(),
        };
        change(&mut attempt);
        let mut guard = Guard::new(GuardPolicy { turns_a_minute: 0, ..GuardPolicy::default() });
        // Only the last rule is left to refuse it.
        match guard.check_turn(&attempt) {
            Err(Stop::Look(why)) if why.contains("turns a minute") => None,
            Err(Stop::Refuse(why) | Stop::Look(why)) => Some(why),
            Ok(()) => None,
        }
    }

    #[test]
    fn each_rule_stops_what_it_is_for() {
        let refused = |found: Option<String>, said: &str| {
            assert!(found.as_ref().is_some_and(|w| w.contains(said)), "{found:?}, wanted {said}");
        };
        let (low, drain) = (Setting::Weight(20), Setting::Drain);
        assert_eq!(stop(&server(), low, |_| {}), None);
        assert_eq!(stop(&server(), drain, |_| {}), None);
        refused(stop(&server(), low, |a| a.old = true), "took traffic before");
        refused(stop(&server(), Setting::Weight(101), |_| {}), "outside 1..=100");
        refused(stop(&server(), drain, |a| a.serving = 4), "3 servers would be left, 4");
        refused(stop(&server(), drain, |a| (a.serving, a.least) = (1, 0)), "0 servers would be left, 1");
        refused(stop(&Server { up: false, ..server() }, drain, |_| {}), "not up");
        refused(stop(&Server { checked: false, ..server() }, drain, |_| {}), "health check");
        refused(stop(&Server { maintenance: true, ..server() }, drain, |_| {}), "maintenance");
        let drained = Server { draining: true, ..server() };
        refused(stop(&drained, Setting::Ready, |_| {}), "not drained by this operation");
        assert_eq!(stop(&drained, Setting::Ready, |a| a.home = true), None);
        refused(stop(&server(), drain, |a| a.fleet.unready = Some(0.6)), "unhealthy");
        refused(stop(&server(), drain, |a| a.fleet.fresh = None), "not known");
        assert_eq!(stop(&server(), drain, |a| (a.fleet.fresh, a.way) = (None, Way::Back)), None);
    }

    #[test]
    fn what_is_there_now_must_be_what_was_listed() {
        let mut m = mandate();
        let order = m.turn("haproxy shop", "a", Setting::Weight(100), Setting::Weight(20)).unwrap();
        let record = m.record().clone();
        let moved = Server { weight: 50, ..server() };
        let attempt = |server| TurnAttempt {
            order: &order,
            record: &record,
            server,
            old: false,
            home: false,
            serving: 6,
            least: 4,
            way: Way::Forward,
            fleet: FleetHealth::default(),
            now: Monotonic::default(),
        };
        let mut guard = Guard::new(GuardPolicy::default());
        assert!(
            matches!(guard.check_turn(&attempt(&moved)), Err(Stop::Refuse(why)) if why.contains("weight 50"))
        );
        let other = Server { name: "b".into(), ..server() };
        assert!(guard.check_turn(&attempt(&other)).is_err());
        let most = GuardPolicy::default().turns_a_minute;
        let same = server();
        let sent = (0..most + 5).filter(|_| guard.check_turn(&attempt(&same)).is_ok()).count();
        assert_eq!(sent, most);
    }
}
