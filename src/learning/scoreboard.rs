//! Every proposal, approved or not, scored later against what really happened.
//!
//! In the window a proposal was about (from its creation to the end of its lease), each minute of real demand is held
//! against the capacity there was, the capacity there would have been with the change, and without it. Rejected and
//! expired proposals are scored the same way: trust comes from that.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::fleet::WorkloadId;
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
    /// What its window was like so far.
    minutes: Vec<Minute>,
    /// Length of one of these, hours.
    step: f64,
    /// Price of a replica, $/h.
    price: Option<f64>,
}

/// A minute with a demand and a replica count.
#[derive(Clone, Copy, Debug)]
struct Minute {
    at: Timestamp,
    /// Whether it was short, would have been without the change, and with it.
    short: bool,
    without: bool,
    with: bool,
    /// Whether the change could have helped by then.
    warm: bool,
    /// Replicas that the change adds, negative if it gives back.
    extra: f64,
}

/// Keeps the scores.
#[derive(Debug, Default)]
pub struct ScoreKeeper {
    watched: BTreeMap<ProposalId, Watched>,
    order: Vec<ProposalId>,
    /// What all together would have made, as of the last scoring: it takes a look at every minute of every window.
    summary: String,
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
        let watched = Watched::new(row, until, f64::from(running));
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
        reality: impl Fn(&WorkloadId, Timestamp, Timestamp) -> Option<Reality>,
    ) -> Vec<ScoredProposal> {
        let mut settled = Vec::new();
        for watched in self.watched.values_mut().filter(|w| !w.row.settled) {
            let end = watched.until.min(now);
            let Some(reality) = reality(&watched.row.workload, watched.row.created, end) else { continue };
            fill(watched, &reality, now >= watched.until);
            let said = watched.row.minutes_short.is_some();
            // Without any demand in its window nothing will ever be said; it is given up, not taken for zero.
            watched.row.settled = now >= watched.until + if said { Duration::ZERO } else { GIVE_UP };
            if watched.row.settled && said {
                settled.push(watched.row.clone());
            }
        }
        self.summary = summary(&self.shown());
        settled
    }

    /// Takes a row back that an earlier run has settled.
    pub fn restore(&mut self, row: ScoredProposal) {
        let id = row.proposal.clone();
        let until = row.created + DEFAULT_WINDOW;
        let executed = row.decision.starts_with("approved");
        let watched = Watched { executed, ..Watched::new(row, until, 0.0) };
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

    /// The board, with the rows of [`Self::rows`].
    pub fn board(&self) -> Scoreboard {
        Scoreboard { summary: self.summary.clone(), rows: self.rows().cloned().collect() }
    }

    /// Rows, latest first. Of one change proposed anew while the window of the last one was open, only the latest is among
    /// them, unless an earlier one was executed.
    pub fn rows(&self) -> impl Iterator<Item = &ScoredProposal> {
        self.shown().into_iter().map(|watched| &watched.row)
    }

    fn shown(&self) -> Vec<&Watched> {
        let mut shown: Vec<&Watched> = Vec::new();
        for watched in self.order.iter().rev().filter_map(|id| self.watched.get(id)) {
            let row = &watched.row;
            let again = |later: &&Watched| {
                later.row.workload == row.workload
                    && (later.row.from, later.row.to) == (row.from, row.to)
                    && later.row.created < watched.until
            };
            if watched.executed || !shown.iter().any(again) {
                shown.push(watched);
            }
        }
        shown
    }
}

impl Watched {
    fn new(row: ScoredProposal, until: Timestamp, running: f64) -> Self {
        Self { row, until, running, executed: false, minutes: Vec::new(), step: 0.0, price: None }
    }
}

/// The minutes of a window that say something: one without a demand or a replica count does not.
fn minutes(watched: &Watched, reality: &Reality) -> Vec<Minute> {
    let (from, to) = (f64::from(watched.row.from), f64::from(watched.row.to));
    // What an executed floor added is taken out again to ask what would have been without it.
    let lift = (to - watched.running.max(from)).max(0.0);
    // A raise is paid from the start and helps once it is warm.
    let warm_at = watched.row.created + if to >= from { reality.lead } else { Duration::ZERO };
    let minute = |(at, demand): (Timestamp, f64)| {
        let there = reality.ready.value_at(at)?;
        let without = if watched.executed { (there - lift).max(watched.running.min(there)) } else { there };
        let with = if to >= from { there.max(to) } else { there.min(to) };
        let short = |replicas: f64| demand > replicas * reality.per_replica;
        let warm = at >= warm_at;
        Some(Minute {
            at,
            short: short(there),
            without: short(without),
            with: short(if warm { with } else { there }),
            warm,
            extra: with - without,
        })
    };
    reality.demand.points().filter_map(minute).collect()
}

/// Fills the numbers in. `over`: the window is; until then a raise may still turn out to be needed.
fn fill(watched: &mut Watched, reality: &Reality, over: bool) {
    let all = minutes(watched, reality);
    if all.is_empty() {
        return;
    }
    let step = reality.demand.step().as_secs_f64() / 3600.0;
    let count = |which: fn(&Minute) -> bool| all.iter().filter(|m| which(m)).count() as f64 * step * 60.0;
    let (with, without) = (count(|m| m.with), count(|m| m.without));
    let row = &mut watched.row;
    (row.minutes_short, row.minutes_short_with, row.minutes_short_without) =
        (Some(count(|m| m.short)), Some(with), Some(without));
    let hours = all.iter().map(|m| m.extra).sum::<f64>() * step;
    row.hours = Some(hours);
    row.cost = reality.price.map(|price| hours * price);
    row.needed = if row.to < row.from {
        // A lowering is safe once its window is over, and falls short with the first minute that does.
        (over || with > without).then_some(with <= without)
    } else if with < without {
        Some(true)
    } else if !over {
        None
    } else if without > 0.0 {
        // Short although it was warm: more was needed. Short before that only: nobody knows whether it would have done.
        all.iter().any(|m| m.without && m.warm).then_some(true)
    } else {
        Some(false)
    };
    (watched.minutes, watched.step, watched.price) = (all, step, reality.price);
}

/// What all proposals together would have made of one minute.
#[derive(Clone, Copy, Debug, Default)]
struct Together {
    short: bool,
    with: bool,
    saved: bool,
    /// Replicas of the largest raise and of the largest lowering.
    extra: (f64, f64),
    step: f64,
    price: Option<f64>,
}

/// Proposals that supersede each other are about the same minutes and the same replicas: each counts once.
fn summary(shown: &[&Watched]) -> String {
    let scored: Vec<&&Watched> = shown.iter().filter(|w| w.row.minutes_short.is_some()).collect();
    if scored.is_empty() {
        return String::new();
    }
    let mut slots: BTreeMap<(&WorkloadId, Timestamp), Together> = BTreeMap::new();
    let (mut had, mut with, mut cost): (f64, f64, Option<f64>) = (0.0, 0.0, None);
    for watched in &scored {
        // Of one that an earlier run has settled only the sums are known.
        if watched.minutes.is_empty() {
            had += watched.row.minutes_short.unwrap_or(0.0);
            with += watched.row.minutes_short_with.unwrap_or(0.0);
            cost = watched.row.cost.map(|c| c + cost.unwrap_or(0.0)).or(cost);
        }
        for minute in &watched.minutes {
            let slot = slots.entry((&watched.row.workload, minute.at)).or_default();
            slot.short |= minute.short;
            slot.with |= minute.with;
            slot.saved |= minute.short && !minute.with;
            slot.extra = (slot.extra.0.max(minute.extra), slot.extra.1.min(minute.extra));
            slot.step = watched.step;
            slot.price = watched.price.or(slot.price);
        }
    }
    for slot in slots.values() {
        had += if slot.short { slot.step * 60.0 } else { 0.0 };
        with += if (slot.short || slot.with) && !slot.saved { slot.step * 60.0 } else { 0.0 };
        let paid = slot.price.map(|price| (slot.extra.0 + slot.extra.1) * slot.step * price);
        cost = paid.map(|p| p + cost.unwrap_or(0.0)).or(cost);
    }
    let cost =
        cost.map_or_else(String::new, |c| format!(", {}${:.2}", if c < 0.0 { "−" } else { "+" }, c.abs()));
    format!("If you had approved all {}: {with:.0} min short (you had {had:.0}){cost}.", scored.len())
}

#[cfg(test)]
mod tests {
    use super::super::Hindsight;
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
    fn all_are_summed_when_they_are_scored_and_not_at_every_look() {
        let mut keeper = ScoreKeeper::default();
        keeper.watch(&proposal(3), 2, Circumstances::default());
        assert_eq!(keeper.board().summary, "", "nothing is scored yet");
        keeper.score(Timestamp::from_secs(600), |_, _, _| Some(reality(2.0)));
        let said = keeper.board().summary;
        assert!(said.starts_with("If you had approved all 1:"), "{said}");
        // A row that comes back is on the board at once, and in the sum with the next scoring.
        let row = keeper.board().rows[0].clone();
        let other = ScoredProposal { proposal: ProposalId::new("p-9"), to: 4, ..row };
        keeper.restore(other);
        assert_eq!((keeper.board().rows.len(), keeper.board().summary), (2, said));
        keeper.score(Timestamp::from_secs(700), |_, _, _| Some(reality(2.0)));
        assert!(
            keeper.board().summary.starts_with("If you had approved all 2:"),
            "{}",
            keeper.board().summary
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

    /// What is said of a raise from 2 to `to` at minute `now`, warm after `lead` seconds.
    fn said(to: u32, lead: u64, now: i64, ready: f64) -> Hindsight {
        let mut keeper = ScoreKeeper::default();
        keeper.watch(&proposal(to), 2, Circumstances::default());
        let real = || Reality { lead: Duration::from_secs(lead), ..reality(ready) };
        keeper.score(Timestamp::from_secs(now * 60), |_, _, _| Some(real()));
        keeper.board().rows[0].hindsight()
    }

    #[test]
    fn a_raise_in_a_shortage_is_never_called_unneeded() {
        // 250 rps on two replicas of 100 each; the window ends at minute 10.
        assert_eq!(said(3, 0, 10, 2.0), Hindsight::Needed);
        assert_eq!(said(3, 0, 5, 2.0), Hindsight::Needed, "it helps already");
        assert_eq!(said(3, 3600, 5, 2.0), Hindsight::Open, "it may be warm before its window is over");
        assert_eq!(said(3, 3600, 10, 2.0), Hindsight::TooLate);
        assert_eq!(said(3, 0, 10, 1.0), Hindsight::Needed);
        let mut small = proposal(2);
        small.change.from = 1;
        let mut keeper = ScoreKeeper::default();
        keeper.watch(&small, 1, Circumstances::default());
        keeper.score(Timestamp::from_secs(600), |_, _, _| Some(reality(1.0)));
        assert_eq!(keeper.board().rows[0].hindsight(), Hindsight::TooSmall);
        assert_eq!(said(4, 0, 5, 3.0), Hindsight::Open, "nothing is short yet");
        assert_eq!(said(4, 0, 10, 3.0), Hindsight::NotNeeded);
    }

    #[test]
    fn minutes_of_proposals_that_supersede_each_other_count_once() {
        let mut keeper = ScoreKeeper::default();
        for (id, to) in [("p-1", 3), ("p-2", 4), ("p-3", 5)] {
            let p = Proposal { id: ProposalId::new(id), ..proposal(to) };
            keeper.watch(&p, 2, Circumstances::default());
        }
        keeper.score(Timestamp::from_secs(600), |_, _, _| {
            Some(Reality { lead: Duration::from_secs(120), ..reality(2.0) })
        });
        // Nine minutes short, two of them before any is warm; three replicas more for nine minutes at $6/h.
        assert_eq!(keeper.board().summary, "If you had approved all 3: 2 min short (you had 9), +$2.70.");
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
