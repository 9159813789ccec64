//! The immutable read model for people: everything the screen and the reports show.
//!
//! The engine builds a [`View`] every tick and publishes it as `watch<Arc<View>>`. Whoever draws or prints it
//! decides nothing and changes nothing; wishes go back as [`Command`].

mod alarm;
mod command;
mod experience;
mod handover;
mod intelligence;
mod kpi;
mod metric;
mod predictive;
mod platform;
mod presence;
mod record;
mod replay;
mod root;
mod slim;
mod state;
mod status;
mod team;
mod what_if;
mod wish;

pub use crate::approval::{Corridor, DayApproval, Mode, Person, corridors, day_hash, early};
pub use crate::execution::{
    Checkpoint, Gate, GateState, Lease, LeaseState, Operation, OperationId, OperationState, Stage, StageKind,
};
pub use crate::fleet::WorkloadId;
pub use crate::forecast::burst::{Burst, BurstClass, Dip, Range};
pub use crate::forecast::{
    Fan, FanPoint, ForecastState, LEVELS, LevelChange, Load, ModelShare, Season, Structure,
};
pub use crate::learning::{
    Agreement, DecisionPace, Effect, Expected, HorizonSkill, Learnt, Mute, Muted, Scoreboard, ScoredProposal,
    Stance, Utility, Votes, Waits,
};
pub use crate::outcome::{Comparison, Outcome, OutcomeVerdict};
pub use crate::plan::lead_time::{LeadTold, Part};
pub use crate::plan::{
    Advice, Binding, Capacity, CapacityMethod, CostDelta, DaySchedule, DayStep, Dimension, Exhaustion,
    ExperienceDelta, Fact, GuardrailResult, Lack, Plan, PlannedChange, Report, Urgency, Verdict,
};
pub use crate::proposal::{Proposal, ProposalId, ProposalState, RejectReason, Target};
pub use crate::scrape::{Dropped, Health, Progress, Refresh, SourceId, SourceKind, SourceStatus};
pub use crate::signals::{Freshness, LatencyHistogram, Provenance, Signal, SignalKind, SignalSet};
pub use alarm::{Alarm, alarm};
pub use command::{Command, in_shadow};
pub use experience::{Continuity, Dark, Heatmap, RegionView, Satisfaction};
pub use handover::{Handed, Handover, Shift};
pub use intelligence::{DecisionStats, Growth, Knowledge, LearningView, Lesson, RejectStat};
pub use kpi::{Kpi, KpiState};
pub use metric::MetricView;
pub use platform::PlatformView;
pub use predictive::{CostProjection, ForecastView, ManifestPatch, ProposalView, ResourceRow, TwoKeys};
pub use presence::{Attached, Role, Spot};
pub use record::{JournalLine, Notice, NoticeLevel};
pub use replay::{ReplayState, ReplayWish};
pub use root::{Header, KpiCounts, OLD, View};
pub use slim::{Turn, fans, in_turn, same_turn, slim, slim_part, steady, ticks, whole, whole_part};
pub use state::{Reading, Widget, WidgetState};
pub use status::{
    AutoscalerState, Burn, CapacityRow, CostView, PerformanceRow, ServiceRow, beyond_seen, urgent,
};
pub use team::{Conformance, Decided, MutedBy, NoteLine, Routed, TeamView, TeamsView};
pub use what_if::{Question, WhatIfAnswer, what_if};
pub use wish::{Answer, Caller, Company, Wish};
