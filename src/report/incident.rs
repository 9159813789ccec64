//! An incident, gathered from recorded views: what was known, what was decided, what came of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::fleet::WorkloadId;
use crate::series::{Timestamp, text};
use crate::view::{
    JournalLine, Kpi, Lesson, NoteLine, Operation, OperationState, Outcome, Proposal, ProposalState,
    ScoredProposal, View,
};

use super::track::Track;

/// Kinds of records that tell the story; the others are bookkeeping.
const TOLD: [&str; 22] = [
    "start", "stop", "propose", "approve", "reject", "snooze", "edit", "refuse", "begin", "rollback", "end",
    "abort", "restore", "outcome", "handover", "step", "note", "key", "lesson", "import", "shadow", "wheel",
];
/// Lines of the timeline at most.
const LINES: usize = 200;
/// Workloads drawn at most.
const DRAWN: usize = 4;

/// An incident.
#[derive(Clone, Debug)]
pub struct Incident {
    wanted: Option<String>,
    records: Vec<JournalLine>,
    frames: usize,
    ends: Option<(Timestamp, Timestamp)>,
    tracks: BTreeMap<WorkloadId, Track>,
    proposals: BTreeMap<String, Proposal>,
    operations: BTreeMap<String, Operation>,
    outcomes: BTreeMap<String, Outcome>,
    last: Option<Arc<View>>,
}

impl Incident {
    /// Of nothing yet; `operation` limits it to one operation and its workload.
    pub fn new(records: Vec<JournalLine>, operation: Option<String>) -> Self {
        Self {
            wanted: operation,
            records,
            frames: 0,
            ends: None,
            tracks: BTreeMap::new(),
            proposals: BTreeMap::new(),
            operations: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            last: None,
        }
    }

    /// What people noted in its time, in order.
    pub fn notes(&self) -> Vec<NoteLine> {
        let (from, to) = self.ends.unwrap_or_default();
        let all = self.last.iter().flat_map(|v| v.notes.iter().rev());
        all.filter(|n| from <= n.at && n.at <= to).cloned().collect()
    }

    /// Takes in the next frame.
    pub fn frame(&mut self, view: &Arc<View>) {
        self.frames += 1;
        self.ends = Some((self.ends.map_or(view.at, |(first, _)| first), view.at));
        for row in &view.services.data {
            let satisfaction = view.satisfaction.data.iter().find(|s| s.workload == row.workload);
            self.tracks.entry(row.workload.clone()).or_default().row(view.at, row, satisfaction);
        }
        for forecast in &view.forecasts.data {
            self.tracks.entry(forecast.workload.clone()).or_default().forecast(forecast);
        }
        for p in view.proposals.data.iter().map(|p| &p.proposal) {
            if matches!(p.state, ProposalState::Approved { .. } | ProposalState::Rejected { .. })
                && self.proposals.get(p.id.as_str()).is_none_or(|before| before.state.is_live())
            {
                let fan = view.forecasts.data.iter().find(|f| f.workload == p.workload);
                self.tracks.entry(p.workload.clone()).or_default().decided(view.at, fan);
            }
            self.proposals.insert(p.id.as_str().to_owned(), p.clone());
        }
        for o in &view.operations.data {
            self.operations.insert(o.id.to_string(), o.clone());
        }
        for o in &view.outcomes {
            self.outcomes.insert(o.operation.to_string(), o.clone());
        }
        self.last = Some(Arc::clone(view));
    }

    /// Limits it to what was asked for; a sentence if that is not there.
    pub fn finish(mut self) -> Result<Self, String> {
        let Some(wanted) = self.wanted.clone() else { return Ok(self) };
        let Some(operation) = self.operations.get(&wanted).cloned() else {
            let known: Vec<&str> = self.operations.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let wanted = text::clean(&wanted, 40);
            return Err(format!("--operation {wanted}: not in this recording, which has {known}"));
        };
        self.operations.retain(|id, _| *id == wanted);
        self.outcomes.retain(|id, _| *id == wanted);
        self.proposals.retain(|id, _| id == operation.proposal.as_str());
        self.tracks.retain(|id, _| *id == operation.workload);
        let name = operation.workload.to_string();
        self.records.retain(|r| r.text.contains(&name) || r.text.contains(&wanted));
        Ok(self)
    }

    /// First and last moment.
    pub fn ends(&self) -> (Timestamp, Timestamp) {
        self.ends.unwrap_or_default()
    }

    /// Frames it is made of.
    pub const fn frames(&self) -> usize {
        self.frames
    }

    /// The latest view.
    pub fn last(&self) -> Option<&View> {
        self.last.as_deref()
    }

    /// `demo (SIMULATED: demo flash-crowd ×20)`.
    pub fn place(&self) -> String {
        let Some(view) = &self.last else { return String::new() };
        let h = &view.header;
        if h.simulated.is_empty() {
            h.context.name.clone()
        } else {
            format!("{} (simulated: {})", h.context.name, h.simulated)
        }
    }

    /// The records that tell the story, with how many were left out.
    pub fn timeline(&self) -> (Vec<&JournalLine>, usize) {
        let told: Vec<&JournalLine> =
            self.records.iter().filter(|r| TOLD.contains(&r.kind.as_str())).collect();
        let out = told.len().saturating_sub(LINES);
        (told.into_iter().take(LINES).collect(), out)
    }

    /// Proposals that somebody decided on, by time.
    pub fn decisions(&self) -> Vec<&Proposal> {
        let mut decided: Vec<&Proposal> = self
            .proposals
            .values()
            .filter(|p| matches!(p.state, ProposalState::Approved { .. } | ProposalState::Rejected { .. }))
            .collect();
        decided.sort_by_key(|p| decided_at(p));
        decided
    }

    /// Proposals nobody decided on in time.
    pub fn expired(&self) -> usize {
        self.proposals.values().filter(|p| matches!(p.state, ProposalState::Expired { .. })).count()
    }

    /// The operations, by time.
    pub fn operations(&self) -> Vec<&Operation> {
        let mut operations: Vec<&Operation> = self.operations.values().collect();
        operations.sort_by_key(|o| o.started);
        operations
    }

    /// What an operation did.
    pub fn outcome(&self, operation: &Operation) -> Option<&Outcome> {
        self.outcomes.get(&operation.id.to_string())
    }

    /// The workloads it is about: those decided on, else the one nearest to its capacity.
    pub fn subjects(&self) -> Vec<(&WorkloadId, &Track)> {
        let decided: Vec<&WorkloadId> = self.decisions().iter().map(|p| &p.workload).collect();
        let mut subjects: Vec<(&WorkloadId, &Track)> =
            self.tracks.iter().filter(|(id, _)| decided.contains(id)).collect();
        if subjects.is_empty() {
            subjects = self.tracks.iter().collect();
        }
        subjects.sort_by(|(_, a), (_, b)| a.least_headroom().total_cmp(&b.least_headroom()));
        subjects.truncate(if decided.is_empty() { 1 } else { DRAWN });
        subjects
    }

    /// Lessons, as of the end.
    pub fn lessons(&self) -> &[Lesson] {
        self.last.as_ref().map_or(&[], |v| v.lessons.data.as_slice())
    }

    /// KPIs, as of the end.
    pub fn kpis(&self) -> &[Kpi] {
        self.last.as_ref().map_or(&[], |v| v.kpis.as_slice())
    }

    /// The scoreboard's rows about this interval.
    pub fn scores(&self) -> Vec<&ScoredProposal> {
        let Some(view) = &self.last else { return Vec::new() };
        let rows = view.learning.data.scoreboard.rows.iter();
        rows.filter(|r| self.proposals.contains_key(r.proposal.as_str())).collect()
    }

    /// What is left to do, each a sentence.
    pub fn actions(&self) -> Vec<String> {
        let mut out = Vec::new();
        for o in self.operations() {
            match &o.state {
                OperationState::Halted { why } => {
                    out.push(format!("{} stopped on {} and waits for a person: {why}", o.id, o.workload));
                }
                OperationState::RolledBack { why } => {
                    out.push(format!("find out why {} on {} was rolled back: {why}", o.id, o.workload));
                }
                _ if self.outcome(o).is_none_or(|r| !r.settled) => {
                    out.push(format!(
                        "look at {} on {} again: its outcome was not settled yet",
                        o.id, o.workload
                    ));
                }
                _ => {}
            }
        }
        if self.expired() > 0 {
            out.push(format!(
                "{} proposals expired without a decision: who should have seen them?",
                self.expired()
            ));
        }
        out
    }

    /// Pictures, one a subject.
    pub fn pictures(&self) -> Vec<String> {
        let (from, to) = self.ends();
        self.subjects()
            .iter()
            .map(|(id, track)| super::svg::demand(&id.to_string(), track, from, to))
            .collect()
    }
}

/// When a proposal was decided on.
pub fn decided_at(p: &Proposal) -> Option<Timestamp> {
    match p.state {
        ProposalState::Approved { at, .. } | ProposalState::Rejected { at, .. } => Some(at),
        _ => None,
    }
}
