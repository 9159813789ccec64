//! Looks at every view and remembers what was concluded.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use weescale::execution::{Operation, OperationState};
use weescale::plan;
use weescale::sandbox::{Expectation, Verdict};
use weescale::signals::{Freshness, SignalKind};
use weescale::view::{Command, ProposalView, View};

use super::rig::Rig;

/// What was seen in a run, by workload.
#[derive(Debug, Default)]
pub struct Watch {
    /// Verdicts in words, with the first and the last second they were seen.
    verdicts: BTreeMap<(String, String), (i64, i64)>,
    /// `from → to` of live proposals, with the second they were first seen.
    proposed: BTreeMap<String, Vec<(i64, u32, u32, String)>>,
    /// Advice by subject, with the second it was first seen.
    advised: BTreeMap<String, Vec<(i64, String)>>,
    known: BTreeSet<String>,
    second: i64,
}

/// Whether an expectation can be judged without a decision.
pub fn is_watched(e: &Expectation) -> bool {
    e.verdict != Verdict::RolledBack
}

impl Watch {
    /// Takes a view in. A target is never lowered on absent, stale or suspect data, in any view.
    pub fn look(&mut self, view: &View, second: i64) {
        self.second = second;
        for row in &view.services.data {
            let word = match &row.verdict {
                plan::Verdict::NotScaling { cause, .. } => cause.clone(),
                plan::Verdict::Change(c) if !c.field.is_count() => "hold scale-in".into(),
                plan::Verdict::Change(c) if c.to < c.from => "scale in".into(),
                plan::Verdict::Change(_) => "scale out".into(),
                plan::Verdict::Blocked { .. } => "blocked".into(),
                plan::Verdict::Hold { .. } => "hold".into(),
                plan::Verdict::NoData { .. } => "no data".into(),
            };
            let lowers = matches!(&row.verdict, plan::Verdict::Change(c) if c.to < c.from);
            if lowers {
                for kind in [SignalKind::Demand, SignalKind::LatencyP95] {
                    let freshness = row.signals.iter().find(|s| s.kind == kind).map(|s| s.freshness);
                    assert_eq!(
                        freshness,
                        Some(Freshness::Fresh),
                        "{second}: {} of {}",
                        kind.name(),
                        row.workload
                    );
                }
            }
            let seen = self.verdicts.entry((row.workload.to_string(), word)).or_insert((second, second));
            seen.1 = second;
        }
        for p in view.proposals.data.iter().map(|p| &p.proposal) {
            if self.known.insert(p.id.to_string()) {
                let entry = (second, p.change.from, p.change.to, p.sentence.clone());
                self.proposed.entry(p.workload.to_string()).or_default().push(entry);
            }
        }
        for advice in &view.advice {
            if self.known.insert(advice.key()) {
                let entry = (second, advice.what.clone());
                self.advised.entry(advice.subject.clone()).or_default().push(entry);
            }
        }
        for operation in &view.operations.data {
            assert!(operation.change.to > operation.change.from, "nothing here was approved to shrink");
        }
    }

    fn outs(&self, workload: &str) -> Vec<i64> {
        let all = self.proposed.get(workload).into_iter().flatten();
        all.filter(|(_, from, to, _)| to > from).map(|(at, ..)| *at).collect()
    }

    fn ins(&self, workload: &str) -> Vec<i64> {
        let all = self.proposed.get(workload).into_iter().flatten();
        all.filter(|(_, from, to, _)| to < from).map(|(at, ..)| *at).collect()
    }

    /// Whether a conclusion was reached within its time. Absences are known at the end only.
    fn holds(&self, e: &Expectation) -> bool {
        let within = |at: &i64| (e.from..=e.by).contains(at);
        match e.verdict {
            Verdict::Propose => self.outs(e.workload).iter().any(within),
            Verdict::NotScaling(cause) => {
                let seen = self.verdicts.get(&(e.workload.to_owned(), cause.to_owned()));
                seen.is_some_and(|(first, last)| *first <= e.by && *last >= e.from)
            }
            Verdict::NoScaleIn => !self.ins(e.workload).iter().any(within),
            Verdict::Nothing => !self.ins(e.workload).iter().chain(&self.outs(e.workload)).any(within),
            Verdict::RolledBack => true,
            Verdict::Advise(what) => {
                let mut given = self.advised.get(e.workload).into_iter().flatten();
                given.any(|(at, said)| *at <= e.by && said.contains(what))
            }
        }
    }

    /// Whether everything that can be reached early was.
    pub fn has_all(&self, expected: &[Expectation]) -> bool {
        let reached = |e: &Expectation| match e.verdict {
            Verdict::Propose | Verdict::NotScaling(_) | Verdict::Advise(_) => self.holds(e),
            Verdict::NoScaleIn | Verdict::Nothing => self.second > e.by,
            Verdict::RolledBack => true,
        };
        expected.iter().all(reached)
    }

    /// Fails with all that was seen if a conclusion is missing or wrong.
    pub fn judge(&self, name: &str, expected: &[Expectation]) {
        let missing: Vec<&Expectation> = expected.iter().filter(|e| !self.holds(e)).collect();
        assert!(missing.is_empty(), "{name}: not so: {missing:#?}\nseen: {self:#?}");
        for e in expected.iter().filter(|e| matches!(e.verdict, Verdict::NotScaling(_))) {
            let during = self.outs(e.workload).into_iter().filter(|at| *at >= e.from && *at <= e.by);
            assert_eq!(during.count(), 0, "{name}: proposed all the same: {self:#?}");
        }
    }

    /// Looks on until `done`, for at most `seconds` of simulated time.
    pub async fn until(&mut self, rig: &mut Rig, seconds: i64, done: impl Fn(&View) -> bool) -> Arc<View> {
        let mut began = None;
        loop {
            let view = rig.next().await;
            let second = rig.second(&view);
            self.look(&view, second);
            if done(&view) {
                return view;
            }
            let began = *began.get_or_insert(second);
            assert!(
                second - began <= seconds,
                "not within {seconds} s: {self:#?}\n{:#?}\n{:#?}",
                view.operations.data,
                view.notices
            );
        }
    }

    /// A live, approvable proposal for `workload` that satisfies `wanted`.
    pub async fn live(
        &mut self,
        rig: &mut Rig,
        workload: &str,
        seconds: i64,
        wanted: impl Fn(&ProposalView) -> bool,
    ) -> ProposalView {
        let find = |v: &View| {
            let mut all = v.proposals.data.iter().filter(|p| p.proposal.state.is_live());
            all.find(|p| {
                p.proposal.workload.to_string() == workload && p.not_approvable.is_none() && wanted(p)
            })
            .cloned()
        };
        let view = self.until(rig, seconds, |v| find(v).is_some()).await;
        find(&view).unwrap()
    }

    /// Any live, approvable proposal for `workload`.
    pub async fn proposal(&mut self, rig: &mut Rig, workload: &str, seconds: i64) -> ProposalView {
        self.live(rig, workload, seconds, |_| true).await
    }

    /// Approves what is shown.
    pub async fn approve(&self, rig: &Rig, p: &ProposalView) {
        let (proposal, hash) = (p.proposal.id.clone(), p.hash.clone());
        rig.engine.commands.send(Command::Approve { proposal, hash, typed: None }).await.unwrap();
    }

    /// The operation on `workload` once it is over.
    pub async fn ended(&mut self, rig: &mut Rig, workload: &str, seconds: i64) -> Operation {
        let find = |v: &View| {
            let all = v.operations.data.iter();
            let over =
                |o: &&Operation| o.state.is_final() || matches!(o.state, OperationState::Paused { .. });
            all.filter(|o| o.workload.to_string() == workload).find(over).cloned()
        };
        let view = self.until(rig, seconds, |v| find(v).is_some()).await;
        find(&view).unwrap()
    }
}
