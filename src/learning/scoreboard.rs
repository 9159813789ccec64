//! Every proposal, approved or not, scored later against what really happened.
//!
//! In the window a proposal was about (from its creation to the end of its lease), each minute of real demand is held
//! against the capacity there was, the capacity there would have been with the change, and without it. Rejected and
//! expired proposals are scored the same way: trust comes from that.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::proposal::{Proposal, ProposalId};
use crate::series::{Timestamp, Window};

use super::{Circumstances, Scoreboard, ScoredProposal};

/// A proposal without a lease is scored over this.
const DEFAULT_WINDOW: Duration = Duration::from_secs(3600);
/// A proposal whose window had no demand is scored no more after this.
const GIVE_UP: Duration = Duration::from_secs(3600);
/// Rows kept.
const KEEP: usize = 500;

/// What really happened to a workload: demand in requests a second and replicas that were ready, by the minute,
/// and what a replica holds.
#[derive(Clone, Debug)]
pub struct Reality {
    /// Demand.
    pub demand: Window,
    /// Ready replicas.
    pub ready: Window,
    /// Requests a second one replica holds within the objective.
    pub per_replica: f64,
    /// Price of a replica, $/h.
    pub price: Option<f64>,
    /// Time from decision to warm replicas: what a raise gives counts from then on.
    pub lead: Duration,
}

#[derive(Clone, Debug)]
struct Watched {
    row: ScoredProposal,
    until: Timestamp,
    /// Replicas there were when it was made.
    running: f64,
    executed: bool,
}

/// Keeps the scores.
#[derive(Debug, Default)]
pub struct ScoreKeeper {
    watched: BTreeMap<ProposalId, Watched>,
    order: Vec<ProposalId>,
}

impl ScoreKeeper {
    /// Begins to watch a proposal; `running` is the replica count when it was made, `circumstances` what surrounded it.
    pub fn watch(&mut self, proposal: &Proposal, running: u32, circumstances: Circumstances) {
        // A hold has no count to compare minutes short by.
        if self.watched.contains_key(&proposal.id) || proposal.change.count().is_none() {
            return;
        }
        let row = ScoredProposal {
            proposal: proposal.id.clone(),
            workload: proposal.workload.clone(),
            created: proposal.created,
            decision: "open".into(),
            from: proposal.change.from,
            to: proposal.change.to,
            minutes_short: None,
            minutes_short_with: None,
            minutes_short_without: None,
            cost: None,
            hours: None,
            settled: false,
            needed: None,
            circumstances,
        };
        let until = proposal.change.until.unwrap_or(proposal.created + DEFAULT_WINDOW);
        let watched = Watched { row, until, running: f64::from(running), executed: false };
        self.watched.insert(proposal.id.clone(), watched);
        self.order.push(proposal.id.clone());
        self.bound();
    }

    /// What surrounded a proposal when it was made, if that is known.
    pub fn circumstances(&self, id: &ProposalId) -> Option<Circumstances> {
        self.watched.get(id).map(|w| w.row.circumstances)
    }

    /// Whether a proposal whose window is over was needed, if that is known.
    pub fn needed(&self, id: &ProposalId) -> Option<bool> {
        self.watched.get(id).filter(|w| w.row.settled).and_then(|w| w.row.needed)
    }

    /// Notes what was decided: `approved`, `rejected: bad time`, `expired`.
    pub fn decided(&mut self, id: &ProposalId, decision: &str) {
        if let Some(w) = self.watched.get_mut(id) {
            decision.clone_into(&mut w.row.decision);
            w.executed = decision.starts_with("approved");
        }
    }

    /// Scores everything that is not settled. `reality` gives what happened in a span. Returns rows that have
    /// settled now, for the journal.
    pub fn score(
        &mut self,
        now: Timestamp,
        reality: impl Fn(&crate::fleet::WorkloadId, Timestamp, Timestamp) -> Option<Reality>,
    ) -> Vec<ScoredProposal> {
        let mut settled = Vec::new();
        for watched in self.watched.values_mut().filter(|w| !w.row.settled) {
            let end = watched.until.min(now);
            let Some(reality) = reality(&watched.row.workload, watched.row.created, end) else { continue };
            fill(watched, &reality);
            let said = watched.row.minutes_short.is_some();
            // Without any demand in its window nothing will ever be said; it is given up, not taken for zero.
            watched.row.settled = now >= watched.until + if said { Duration::ZERO } else { GIVE_UP };
            if watched.row.settled && said {
                settled.push(watched.row.clone());
            }
        }
        settled
    }

    /// Takes a row back that an earlier run has settled.
    pub fn restore(&mut self, row: ScoredProposal) {
        let id = row.proposal.clone();
        let until = row.created + DEFAULT_WINDOW;
        let executed = row.decision.starts_with("approved");
        let watched = Watched { until, row, running: 0.0, executed };
        if self.watched.insert(id.clone(), watched).is_none() {
            self.order.push(id);
        }
        self.bound();
    }

    fn bound(&mut self) {
        while self.order.len() > KEEP {
            let oldest = self.order.remove(0);
            self.watched.remove(&oldest);
        }
    }

    /// The board, latest first. Of one change proposed anew while the window of the last one was open, only the latest
    /// is on it, unless an earlier one was executed: the same minutes must not count twice.
    pub fn board(&self) -> Scoreboard {
        let mut rows: Vec<ScoredProposal> = Vec::new();
        for watched in self.order.iter().rev().filter_map(|id| self.watched.get(id)) {
            let row = &watched.row;
            let again = |later: &ScoredProposal| {
                later.workload == row.workload
                    && (later.from, later.to) == (row.from, row.to)
                    && later.created < watched.until
            };
            if watched.executed || !rows.iter().any(again) {
                rows.push(row.clone());
            }
        }
        Scoreboard { summary: summary(&rows), rows }
    }
}

/// Minutes with demand above capacity, with `replicas(slot)` replicas. Minutes without a demand value are not counted.
fn minutes_short(reality: &Reality, replicas: impl Fn(Timestamp) -> Option<f64>) -> f64 {
    let minutes = reality.demand.step().as_secs_f64() / 60.0;
    let short =
        reality.demand.points().filter(|(at, d)| replicas(*at).is_some_and(|n| *d > n * reality.per_replica));
    short.count() as f64 * minutes
}

fn fill(watched: &mut Watched, reality: &Reality) {
    if reality.demand.present() == 0 {
        return;
    }
    let (from, to) = (f64::from(watched.row.from), f64::from(watched.row.to));
    let there = |at| reality.ready.value_at(at);
    let row = &mut watched.row;
    row.minutes_short = Some(minutes_short(reality, there));
    // What an executed floor added is taken out again to ask what would have been without it.
    let lift = (to - watched.running.max(from)).max(0.0);
    let without =
        |at| there(at).map(|n| if watched.executed { (n - lift).max(watched.running.min(n)) } else { n });
    let with = |at| there(at).map(|n| if to >= from { n.max(to) } else { n.min(to) });
    // A raise is paid from the start and helps once it is warm.
    let warm = row.created + if to >= from { reality.lead } else { Duration::ZERO };
    let helping = |at| if at < warm { there(at) } else { with(at) };
    row.minutes_short_with = Some(minutes_short(reality, helping));
    row.minutes_short_without = Some(minutes_short(reality, without));
    let hours = reality.demand.step().as_secs_f64() / 3600.0;
    let extra: f64 = reality.demand.points().filter_map(|(at, _)| Some(with(at)? - without(at)?)).sum();
    row.hours = Some(extra * hours);
    row.cost = reality.price.map(|price| extra * hours * price);
    let helped = row.minutes_short_without.unwrap_or(0.0) - row.minutes_short_with.unwrap_or(0.0);
    row.needed =
        Some(if to >= from { helped > 0.0 } else { row.minutes_short_with <= row.minutes_short_without });
}

fn summary(rows: &[ScoredProposal]) -> String {
    let scored: Vec<&ScoredProposal> = rows.iter().filter(|r| r.minutes_short.is_some()).collect();
    if scored.is_empty() {
        return String::new();
    }
    let sum = |f: fn(&ScoredProposal) -> Option<f64>| scored.iter().filter_map(|r| f(r)).sum::<f64>();
    let cost = if scored.iter().any(|r| r.cost.is_some()) {
        format!(", {}${:.2}", if sum(|r| r.cost) < 0.0 { "−" } else { "+" }, sum(|r| r.cost).abs())
    } else {
        String::new()
    };
    format!(
        "If you had approved all {}: {:.0} min short (you had {:.0}){cost}.",
        scored.len(),
        sum(|r| r.minutes_short_with),
        sum(|r| r.minutes_short),
    )
}

#[cfg(test)]
mod tests {
    use crate::fleet::WorkloadId;

    use super::*;

    fn proposal(to: u32) -> Proposal {
        let created = Timestamp::from_secs(0);
        let mut p = Proposal::example(&WorkloadId::new("", "a", ""), to, created);
        p.change.until = Some(created + Duration::from_secs(600));
        p
    }

    /// Ten minutes of 250 rps, one of them a gap, on `ready` replicas of 100 rps at $6/h.
    fn reality(ready: f64) -> Reality {
        let minute = Duration::from_secs(60);
        let start = Timestamp::from_secs(0);
        let demand = Window::new(start, minute, (0..10).map(|i| (i != 4).then_some(250.0)));
        let ready = Window::new(start, minute, [Some(ready); 10]);
        Reality { demand, ready, per_replica: 100.0, price: Some(6.0), lead: Duration::ZERO }
    }

    #[test]
    fn a_rejected_proposal_is_scored_like_an_approved_one() {
        let mut keeper = ScoreKeeper::default();
        keeper.watch(&proposal(3), 2, Circumstances::default());
        keeper.decided(&ProposalId::new("p-1"), "rejected: bad time");
        let settled = keeper.score(Timestamp::from_secs(600), |_, _, _| Some(reality(2.0)));
        let [row] = settled.as_slice() else { panic!("{settled:?}") };
        assert_eq!(
            (row.minutes_short, row.minutes_short_with),
            (Some(9.0), Some(0.0)),
            "the gap is not counted"
        );
        assert_eq!(row.needed, Some(true));
        assert!((row.cost.unwrap() - 9.0 / 60.0 * 6.0).abs() < 1e-9);
        assert!(
            keeper.board().summary.starts_with("If you had approved all 1: 0 min short (you had 9), +$0.90")
        );
        assert!(
            keeper.score(Timestamp::from_secs(700), |_, _, _| Some(reality(2.0))).is_empty(),
            "settles once"
        );
    }

    #[test]
    fn a_raise_helps_once_it_is_warm_and_a_window_without_data_says_nothing() {
        let mut keeper = ScoreKeeper::default();
        keeper.watch(&proposal(3), 2, Circumstances::default());
        let lead = Duration::from_secs(180);
        keeper.score(Timestamp::from_secs(600), |_, _, _| Some(Reality { lead, ..reality(2.0) }));
        let row = &keeper.board().rows[0];
        assert_eq!((row.minutes_short_with, row.minutes_short_without), (Some(3.0), Some(9.0)));
        assert!((row.cost.unwrap() - 0.9).abs() < 1e-9, "paid from the start");

        let mut keeper = ScoreKeeper::default();
        keeper.watch(&proposal(3), 2, Circumstances::default());
        let silent = || {
            let r = reality(2.0);
            let none = Window::new(r.demand.start(), r.demand.step(), [None; 10]);
            Some(Reality { demand: none, ..r })
        };
        assert!(keeper.score(Timestamp::from_secs(600), |_, _, _| silent()).is_empty());
        assert!(!keeper.board().rows[0].settled, "data may still come");
        assert!(keeper.score(Timestamp::from_secs(600 + 3600), |_, _, _| silent()).is_empty());
        let row = &keeper.board().rows[0];
        assert!(row.settled && row.minutes_short.is_none() && row.needed.is_none());
        assert_eq!(keeper.board().summary, "");
    }

    #[test]
    fn a_change_proposed_anew_counts_once() {
        let mut keeper = ScoreKeeper::default();
        for (id, at) in [("p-1", 0), ("p-2", 300), ("p-3", 1200)] {
            let created = Timestamp::from_secs(at);
            let mut p = Proposal { id: ProposalId::new(id), created, ..proposal(3) };
            p.change.until = Some(created + Duration::from_secs(600));
            keeper.watch(&p, 2, Circumstances::default());
        }
        let ids = |k: &ScoreKeeper| k.board().rows.iter().map(|r| r.proposal.to_string()).collect::<Vec<_>>();
        assert_eq!(ids(&keeper), ["p-3", "p-2"], "p-2 came in the window of p-1, p-3 after that of p-2");
        keeper.decided(&ProposalId::new("p-1"), "approved by ann");
        assert_eq!(ids(&keeper), ["p-3", "p-2", "p-1"], "what was executed stays");
    }

    #[test]
    fn an_approved_one_is_compared_with_what_would_have_been() {
        let mut keeper = ScoreKeeper::default();
        keeper.watch(&proposal(3), 2, Circumstances::default());
        keeper.decided(&ProposalId::new("p-1"), "approved by ann");
        keeper.score(Timestamp::from_secs(600), |_, _, _| Some(reality(3.0)));
        let row = &keeper.board().rows[0];
        assert_eq!((row.minutes_short, row.minutes_short_without), (Some(0.0), Some(9.0)));
        assert_eq!(row.needed, Some(true));
    }
}
