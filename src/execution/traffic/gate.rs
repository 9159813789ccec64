//! What the load balancer says to the gates of the stages.

use crate::clock::Monotonic;
use crate::execution::gates::{self, Verdict};
use crate::execution::observation::Readings;
use crate::execution::providers::contract::PodPhase;
use crate::execution::stages::{Moment, OperationRun};
use crate::execution::task::Task;
use crate::execution::{Gate, GateState};
use crate::series::{Quantity, Unit};

use super::continuity::Continuity;
use super::look::place;
use super::shift::Shift;
use super::steps;

/// Gates that a load balancer adds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::execution) struct TrafficGates {
    /// Of the warm-up stage: whether new servers have their whole weight.
    pub slow_start: Option<Gate>,
    /// How long the slow start may take at most once the pods are warm.
    pub patience: std::time::Duration,
    /// Of the validate stage: what became of sessions.
    pub continuity: Option<Gate>,
}

/// Name of the gate of sessions.
const SESSIONS: &str = "session continuity";

type Judged = (Vec<Gate>, Verdict);

/// The warm-up stage also waits for the slow start.
pub(in crate::execution) fn at_warm_up(
    run: &OperationRun,
    (mut gates, verdict): Judged,
    now: Monotonic,
) -> Judged {
    let Some(mut gate) = run.traffic.slow_start.clone() else { return (gates, verdict) };
    let running = gate.state == GateState::Running;
    let over = now.since(run.since) >= run.traffic.patience;
    let verdict = match verdict {
        Verdict::Pass if running && over => {
            gate.state = GateState::Inconclusive;
            Verdict::Unsure(format!("{} {}", gate.name, gate.detail))
        }
        Verdict::Pass if running => Verdict::Wait,
        verdict => verdict,
    };
    gates.push(gate);
    (gates, verdict)
}

/// The validate stage also shows sessions, and asks when clearly more of them fail than before.
pub(in crate::execution) fn at_validate(
    run: &mut OperationRun,
    reading: Option<&Readings>,
    now: Moment,
) -> Judged {
    // The gates of the last look are judged again where no reading is new; this one is not among them.
    if let Some(stage) = run.operation.stages.get_mut(run.current) {
        stage.gates.retain(|g| g.name != SESSIONS);
    }
    let (mut gates, verdict) = gates::validate(run, reading, now);
    let Some(gate) = run.traffic.continuity.clone() else { return (gates, verdict) };
    let verdict = match verdict {
        Verdict::Pass if gate.state == GateState::Failed => {
            Verdict::Unsure(format!("{}: {}", gate.name, gate.detail))
        }
        verdict => verdict,
    };
    gates.push(gate);
    (gates, verdict)
}

impl Task {
    /// Makes the gates anew from what is known of the load balancer.
    pub(super) fn refresh_gates(&mut self) {
        let Some(shift) = &self.shift else { return };
        let expected = match &self.live {
            Some(live) if self.run.is_up() => {
                self.run.new_pods(live).filter(|p| p.phase == PodPhase::Ready).count()
            }
            _ => 0,
        };
        let counts = self.run.operation.change.field.is_count();
        let slow = self.run.is_up() && counts && !shift.traffic.rules.slow_start.is_zero();
        self.run.traffic = TrafficGates {
            slow_start: slow.then(|| slow_start(shift, expected)),
            patience: shift.traffic.rules.slow_start
                + steps::pace(&shift.traffic.rules)
                + self.shared.pacing.shift,
            continuity: shift.continuity.as_ref().filter(|_| counts).map(|c| sessions(shift, c)),
        };
    }
}

fn slow_start(shift: &Shift, expected: usize) -> Gate {
    let (up, whole, share) = shift.progress();
    // The pods of which one load balancer has no server up take nothing from its clients.
    let behind = shift.traffic.manager.fronts().into_iter().find_map(|front| {
        let (up, left) = shift.up_on(&front);
        (up.saturating_add(left) < expected).then(|| (place(&front), up))
    });
    let name = shift.name();
    let (state, detail) = if let Some(why) = &shift.trouble {
        (GateState::Running, format!("{name}: {why}"))
    } else if shift.before.is_none() {
        (GateState::Running, format!("{name} has not answered yet"))
    } else if let Some((at, up)) = behind {
        (GateState::Running, format!("{name}{at} has {up} new servers up, {expected} new pods are ready"))
    } else if whole < up {
        (GateState::Running, format!("{name}: {up} new servers at {:.0} % of their weight", share * 100.0))
    } else {
        (GateState::Passed, format!("{name}: {whole} new servers at their whole weight"))
    };
    let aside = shift.left_alone.iter().next();
    let aside = aside.map(|(server, why)| format!("; {server}: {why}")).unwrap_or_default();
    Gate {
        name: "slow start".into(),
        state,
        value: (up > 0).then(|| Quantity::new(share, Unit::Ratio)),
        limit: Some(Quantity::new(1.0, Unit::Ratio)),
        detail: format!("{detail}{aside}"),
    }
}

fn sessions(shift: &Shift, continuity: &Continuity) -> Gate {
    let state = match continuity.is_worse() {
        Some(true) => GateState::Failed,
        Some(false) => GateState::Passed,
        None => GateState::Pending,
    };
    Gate {
        name: SESSIONS.into(),
        state,
        value: continuity.broken().map(|n| Quantity::new(n as f64, Unit::Count)),
        limit: None,
        detail: format!("{}: {}", shift.name(), continuity.words()),
    }
}
