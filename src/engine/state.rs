//! Everything the engine knows. One owner; the view is made from it and from nothing else.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::approval::Person;
use crate::config::Settings;
use crate::execution::providers::contract::WorkloadState as PlatformState;
use crate::execution::{Lease, Operation, OperationId, PastMove};
use crate::fleet::{Workload, WorkloadId};
use crate::forecast::burst::{Burst, Dip};
use crate::forecast::{ForecastState, Load, Structure};
use crate::outcome::Outcome;
use crate::plan::{
    Advice, Around, CapacityModel, DaySchedule, Limits, Plan, Report, Scaling, ScalingModel, Sight, Swings,
    Usage, Usual, Versions,
};
use crate::proposal::{ProposalId, Queue, Target};
use crate::scrape::{SourceId, SourceKind, SourceStatus};
use crate::series::Timestamp;
use crate::signals::{Catalogue, History, LatencyHistogram, Resolver, SignalSet};
use crate::store::{Appended, Metadata, Store};
use crate::view::{JournalLine, Notice, NoticeLevel};

use super::Tuning;
use super::lead::Starts;

/// Operations remembered, beside those that are not over.
const OPERATIONS: usize = 1000;
/// Proposals remembered, beside the live ones.
const PROPOSALS: usize = 4096;

/// What is known of one source.
#[derive(Clone, Debug)]
pub struct SourceFacts {
    /// As its task reports it.
    pub status: SourceStatus,
    /// Metric names it has, for PromQL servers.
    pub names: BTreeSet<Arc<str>>,
    /// What it says of the metrics that recipes read, by metric, for PromQL servers.
    pub described: BTreeMap<String, Metadata>,
    /// Asked only for history.
    pub history_only: bool,
    /// Whether history was asked for.
    pub backfill_asked: bool,
    /// Since when values arrive of series that the store refused.
    pub refused: Option<Timestamp>,
    /// What the store refused of its samples, all batches together.
    pub kept_out: Appended,
}

impl SourceFacts {
    /// Of a source that has not said anything yet.
    pub fn of(status: SourceStatus, history_only: bool) -> Self {
        Self {
            status,
            names: BTreeSet::new(),
            described: BTreeMap::new(),
            history_only,
            backfill_asked: false,
            refused: None,
            kept_out: Appended::default(),
        }
    }

    /// The status as the source's task reports it, with what the store refused of its samples.
    pub fn shown(&self) -> SourceStatus {
        let mut status = self.status.clone();
        let refused = &self.kept_out;
        status.dropped.series += refused.refused_series + refused.refused_memory;
        status.dropped.samples += refused.duplicate + refused.out_of_order + refused.out_of_bounds;
        // By the names of the store's own bounds.
        let bounds = [("max_series", refused.refused_series), ("max_bytes", refused.refused_memory)];
        for (name, _) in bounds.into_iter().filter(|(_, count)| *count > 0) {
            status.limits_hit.push(name.to_owned());
        }
        status
    }
}

/// What a platform says of a workload.
#[derive(Clone, Debug)]
pub struct PlatformFacts {
    /// The object.
    pub target: Target,
    /// Its state.
    pub state: PlatformState,
    /// When it was read.
    pub seen: Timestamp,
}

/// Provider and uid of an object.
pub type Claim = (String, String);

/// Everything known of one workload.
#[derive(Clone, Debug)]
pub struct WorkloadFacts {
    /// As merged from signals, platform and configuration.
    pub workload: Workload,
    /// Signals at the last tick.
    pub signals: SignalSet,
    /// What a platform says, if one manages it.
    pub platform: Option<PlatformFacts>,
    /// Every object that goes by this workload's name, and when it was last listed. More than one is a conflict:
    /// nothing is written.
    pub claims: BTreeMap<Claim, Timestamp>,
    /// What was learned of its capacity.
    pub capacity: CapacityModel,
    /// When capacity was last learned.
    pub observed: Option<Timestamp>,
    /// Its demand forecast.
    pub forecast: ForecastState,
    /// The burst that runs, if one does.
    pub burst: Option<Burst>,
    /// Whether enough is known of its demand to tell a burst: without one it is calm, otherwise it is not known.
    pub bursts_known: bool,
    /// The dip that runs, if one does.
    pub dip: Option<Dip>,
    /// What its demand is made of.
    pub structure: Arc<Structure>,
    /// Whether its forecast's fit is older than it should be, for want of CPU time.
    pub refit_overdue: bool,
    /// What the plan says.
    pub plan: Option<Plan>,
    /// Latency histograms by minute, oldest first.
    pub heat: VecDeque<(Timestamp, LatencyHistogram)>,
    /// What is known of it, and what was.
    pub sight: Sight,
    /// When its inputs were last not fresh.
    pub last_outage: Option<Timestamp>,
    /// What is usual, and when that was looked up.
    pub usual: Option<(Timestamp, Usual)>,
    /// What its replicas used.
    pub usage: Usage,
    /// What its versions cost a request.
    pub versions: Versions,
    /// How its count went up and down.
    pub swings: Swings,
    /// Its pods as they come up.
    pub starts: Starts,
    /// Full loads by replica count, and what they say.
    pub scaling: (ScalingModel, Option<Scaling>),
    /// What surrounds it.
    pub around: Around,
    /// The plan of its day, and when that was made.
    pub day: Option<(Timestamp, Option<DaySchedule>)>,
}

/// What the planners of the whole fleet said last.
#[derive(Clone, Debug, Default)]
pub struct Advised {
    /// When.
    pub at: Option<Timestamp>,
    /// What each of them found.
    pub reports: Vec<Report>,
    /// All advice, ranked.
    pub advice: Vec<Advice>,
    /// What keeping forecasts fresh takes.
    pub forecasting: Load,
}

/// Everything the engine knows.
pub struct State {
    /// Settings in force.
    pub settings: Arc<Settings>,
    /// Times and sizes.
    pub tuning: Tuning,
    /// The person at the keyboard.
    pub person: Person,
    /// What is simulated; empty if nothing is.
    pub simulated: String,
    /// When the engine started.
    pub started: Timestamp,
    /// Scraped series.
    pub store: Store,
    /// Recipes.
    pub catalogue: Catalogue,
    /// Answers to signals.
    pub resolver: Resolver,
    /// Signals by the minute.
    pub history: History,
    /// Sources.
    pub sources: BTreeMap<SourceId, SourceFacts>,
    /// Workloads.
    pub fleet: BTreeMap<WorkloadId, WorkloadFacts>,
    /// Workloads that nothing speaks of any more.
    pub absent: super::absent::Absentees,
    /// What endpoints gave that do not answer.
    pub partial: super::partial::Partial,
    /// Proposals.
    pub queue: Queue,
    /// Freezes that people asked for, until they are decided.
    pub freezes: super::freezes::Freezes,
    /// First of two keys, by proposal, as shown; the gate has its own.
    pub first_keys: BTreeMap<ProposalId, Person>,
    /// Operations of earlier runs that were halted: shown, and nothing else.
    pub left: Vec<Operation>,
    /// Moves of earlier runs that still count, as old as they were at the start.
    pub moved: Vec<PastMove>,
    /// Keys of operations of ours.
    pub keys: super::noted::Keys,
    /// Proposals that nobody was called for: muted, or put off.
    pub silent: BTreeSet<ProposalId>,
    /// Workloads for which somebody was called all the same, and when their need was last seen.
    pub called: BTreeMap<WorkloadId, Timestamp>,
    /// Operations, all since start and those adopted.
    pub operations: BTreeMap<OperationId, Operation>,
    /// Leases by operation.
    pub leases: BTreeMap<OperationId, Lease>,
    /// Outcomes, oldest first.
    pub outcomes: VecDeque<Outcome>,
    /// What was learned.
    pub learned: super::learn::Learned,
    /// Journal lines, oldest first.
    pub journal: VecDeque<JournalLine>,
    /// What is wrong with the journal; empty if nothing is.
    pub journal_error: String,
    /// Notices, oldest first.
    pub notices: VecDeque<Notice>,
    /// Notices so far.
    pub notice_count: u64,
    /// Platforms that do not answer: name and why.
    pub platform_errors: BTreeMap<String, String>,
    /// Platforms that answered: when last, and with how many workloads.
    pub platforms_heard: BTreeMap<String, (Timestamp, usize)>,
    /// What stopped weescale from acting.
    pub halted: Option<String>,
    /// Ticks so far.
    pub ticks: u64,
    /// Advice of the planners that look at the whole fleet.
    pub advised: Advised,
}

impl State {
    /// Tells people something.
    pub fn notify(&mut self, at: Timestamp, level: NoticeLevel, text: impl Into<String>) {
        self.notice_count += 1;
        while self.notices.len() >= self.tuning.notices {
            self.notices.pop_front();
        }
        self.notices.push_back(Notice { seq: self.notice_count, at, level, text: text.into() });
    }

    /// Adds a line to the journal as shown.
    pub fn journal_line(&mut self, line: JournalLine) {
        while self.journal.len() >= self.tuning.journal_lines {
            self.journal.pop_front();
        }
        self.journal.push_back(line);
    }

    /// Share of sources that should be live and are, `0..=1`; 1 without any.
    pub fn fresh_sources(&self, now: Timestamp) -> f64 {
        let live: Vec<bool> = self
            .sources
            .values()
            .filter(|s| !s.history_only)
            .map(|s| {
                s.status
                    .last_success
                    .is_some_and(|at| now.since(at) <= s.status.interval * 2 + s.status.interval)
            })
            .collect();
        if live.is_empty() { 1.0 } else { live.iter().filter(|l| **l).count() as f64 / live.len() as f64 }
    }

    /// Share of replicas that are not ready, `0..=1`; `None` if no replica count is known.
    pub fn unready(&self) -> Option<f64> {
        let (desired, ready) =
            self.fleet.values().filter_map(|w| w.workload.replicas).fold((0u64, 0u64), |(d, r), x| {
                (d + u64::from(x.desired), r + u64::from(x.ready.min(x.desired)))
            });
        (desired > 0).then(|| 1.0 - ready as f64 / desired as f64)
    }

    /// The operation of a workload that is not final, if any.
    pub fn in_flight(&self, workload: &WorkloadId) -> Option<&Operation> {
        self.operations.values().find(|o| o.workload == *workload && !o.state.is_final())
    }

    /// The floor held on a workload, if any: held scale-in is a lease of no count.
    pub fn held_lease(&self, workload: &WorkloadId) -> Option<&Lease> {
        use crate::execution::LeaseState::{Failing, Held, Restoring};
        self.leases
            .values()
            .filter(|l| l.workload == *workload && l.field.is_count())
            .find(|l| matches!(l.state, Held | Restoring | Failing { .. }))
    }

    /// Bounds of a workload, by every rule about it.
    pub fn limits_of(&self, id: &WorkloadId) -> Limits {
        let service = self.fleet.get(id).map(|f| Arc::clone(&f.workload.service));
        self.settings.rule_for(id, service.as_deref().unwrap_or_default()).limits()
    }

    /// Forgets the oldest of what is over, so that a long run does not grow.
    pub fn forget(&mut self) {
        use crate::execution::LeaseState::{Foreign, Restored};
        let over = self.operations.len().saturating_sub(OPERATIONS);
        if over > 0 {
            let given_back =
                |id| self.leases.get(id).is_none_or(|l| matches!(l.state, Restored { .. } | Foreign { .. }));
            let done = self.operations.values().filter(|o| o.state.is_final() && given_back(&o.id));
            let mut done: Vec<(Timestamp, OperationId)> = done.map(|o| (o.started, o.id.clone())).collect();
            done.sort();
            for (_, id) in done.into_iter().take(over) {
                self.operations.remove(&id);
                self.leases.remove(&id);
            }
        }
        let proposals = &mut self.learned.proposals;
        // With slack, so that it is sorted seldom.
        if proposals.len() > PROPOSALS + PROPOSALS / 8 {
            let mut closed: Vec<(Timestamp, ProposalId)> = proposals
                .values()
                .filter(|p| !p.state.is_live())
                .map(|p| (p.created, p.id.clone()))
                .collect();
            closed.sort();
            for (_, id) in closed.into_iter().take(proposals.len() - PROPOSALS) {
                proposals.remove(&id);
            }
        }
    }

    /// Kinds of sources in use, live ones only.
    pub fn has_kind(&self, kind: SourceKind) -> bool {
        self.sources.values().any(|s| s.status.kind == kind && !s.history_only)
    }
}
