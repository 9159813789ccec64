//! The view itself.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::approval::Mode;
use crate::execution::{Lease, Operation};
use crate::fleet::Context;
use crate::forecast::Load;
use crate::outcome::Outcome;
use crate::plan::{Advice, Report};
use crate::scrape::{Progress, SourceStatus};
use crate::series::Timestamp;

use super::{
    Alarm, Attached, CapacityRow, Continuity, CostProjection, CostView, ForecastView, Growth, Heatmap,
    JournalLine, Knowledge, Kpi, LearningView, Lesson, MetricView, Mute, NoteLine, Notice, PerformanceRow,
    PlatformView, ProposalView, RegionView, ReplayState, ResourceRow, Role, Satisfaction, ServiceRow,
    TeamsView, Widget,
};

/// KPI counts for the header: `16 KPIs: 11 ok 2 warn 1 bad 2 no data`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KpiCounts {
    /// On target.
    pub ok: u8,
    /// Just off target.
    pub warn: u8,
    /// Off target.
    pub bad: u8,
    /// Not enough observations.
    pub no_data: u8,
}

/// What is always visible.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Where we are.
    pub context: Context,
    /// What can be written.
    pub mode: Mode,
    /// Person at the keyboard.
    pub person: String,
    /// `demo morning-ramp ×10` when the fleet is simulated; empty otherwise.
    pub simulated: String,
    /// Age of the oldest source that should be fresh; `None` before any data.
    pub data_age: Option<Duration>,
    /// Sources and platforms that work, and all of them.
    pub sources: (usize, usize),
    /// KPI counts.
    pub kpis: KpiCounts,
    /// Proposals waiting for a person.
    pub waiting: usize,
    /// Live proposals that somebody muted.
    #[serde(default)]
    pub muted: usize,
    /// Live proposals that somebody hid for a while.
    #[serde(default)]
    pub snoozed: usize,
    /// Services whose demand was known and cannot be seen now; 0 in records of earlier versions.
    #[serde(default)]
    pub blind: usize,
    /// Of `sources`, those without an answer for longer than three of their intervals and [`OLD`]; 0 in records of earlier versions.
    #[serde(default)]
    pub stale: usize,
    /// Of `sources`, those that are polled, which platforms are not; 0 in records of earlier versions.
    #[serde(default)]
    pub live: usize,
    /// The most urgent service and when it runs short, for terminals that show nothing else; empty in records of earlier versions.
    #[serde(default)]
    pub urgent: String,
    /// What a person must do now that is no approval.
    #[serde(default)]
    pub alarm: Alarm,
    /// Operations that are not final.
    pub in_flight: usize,
    /// Backfill of history, while one runs.
    pub backfill: Option<Progress>,
    /// `ok`, or what is wrong with the journal.
    pub journal: String,
    /// What stopped weescale from acting (a violated invariant, an unwritable journal); `None` if nothing did.
    pub halted: Option<String>,
    /// Number of this screen among `people`; 0 where engine and screen are one process.
    #[serde(default)]
    pub screen: u64,
    /// What is wrong between this screen and the engine; empty if nothing is.
    #[serde(default)]
    pub link: String,
    /// Where the replay is; `None` for anything live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<ReplayState>,
}

/// Older answers are no picture of now: three of the usual intervals.
pub const OLD: Duration = Duration::from_secs(45);

/// Everything shown, at one tick.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// When.
    pub at: Timestamp,
    /// Counts views.
    pub tick: u64,
    /// What is always visible.
    pub header: Header,
    /// The service table, most urgent first.
    pub services: Widget<Vec<ServiceRow>>,

    /// Widget 1: operations, latest first.
    pub operations: Widget<Vec<Operation>>,
    /// Widget 2: capacity and headroom.
    pub capacity: Widget<Vec<CapacityRow>>,
    /// Widget 3: performance.
    pub performance: Widget<Vec<PerformanceRow>>,
    /// Widget 4: cost now.
    pub cost: Widget<CostView>,

    /// Widget 5: forecasts, one per workload, in the order of `services`.
    pub forecasts: Widget<Vec<ForecastView>>,
    /// Widget 6: proposals, highest rank first; decided ones of the last hour after the live ones.
    pub proposals: Widget<Vec<ProposalView>>,
    /// Widget 6 too: what planners advise that nobody can approve here, most urgent first.
    pub advice: Vec<Advice>,
    /// What each planner of the whole fleet found, in the specification's order.
    pub reports: Vec<Report>,
    /// Widget 7: resources.
    pub resources: Widget<Vec<ResourceRow>>,
    /// Widget 8: cost projection.
    pub projection: Widget<CostProjection>,

    /// Widget 9: satisfaction, worst first.
    pub satisfaction: Widget<Vec<Satisfaction>>,
    /// Widget 10: session continuity and personal caches.
    pub continuity: Widget<Vec<Continuity>>,
    /// Widget 11: response times, one per workload with a histogram.
    pub heatmaps: Widget<Vec<Heatmap>>,
    /// Widget 12: regions.
    pub regions: Widget<Vec<RegionView>>,

    /// Widget 13: learning.
    pub learning: Widget<LearningView>,
    /// Widget 14: knowledge.
    pub knowledge: Widget<Vec<Knowledge>>,
    /// Widget 15: collective growth.
    pub growth: Widget<Growth>,
    /// Widget 16: lessons.
    pub lessons: Widget<Vec<Lesson>>,

    /// The KPI board, 16 entries in the specification's order.
    pub kpis: Vec<Kpi>,
    /// Leases, soonest expiry first.
    pub leases: Vec<Lease>,
    /// Outcomes, latest first.
    pub outcomes: Vec<Outcome>,
    /// Journal, latest first, bounded.
    pub journal: Vec<JournalLine>,
    /// Sources.
    pub sources: Vec<SourceStatus>,
    /// Platforms, by name.
    #[serde(default)]
    pub platforms: Vec<PlatformView>,
    /// What targets say of the metrics that recipes read, by name.
    #[serde(default)]
    pub metrics: Vec<MetricView>,
    /// What keeping forecasts fresh takes.
    #[serde(default)]
    pub forecasting: Load,
    /// Notices, latest last, bounded.
    pub notices: Vec<Notice>,
    /// Screens that are attached, the longest first; empty where engine and screen are one process.
    #[serde(default)]
    pub people: Vec<Attached>,
    /// What people noted, latest first, bounded.
    #[serde(default)]
    pub notes: Vec<NoteLine>,
    /// Mutes that stand, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mutes: Vec<Mute>,
    /// Who owns what, and who decides how much.
    #[serde(default)]
    pub teams: TeamsView,
}

impl View {
    /// The person at this screen among those attached; `None` where engine and screen are one process.
    pub fn me(&self) -> Option<&Attached> {
        self.people.iter().find(|a| a.screen == self.header.screen)
    }

    /// What the person at this screen may do.
    pub fn role(&self) -> Role {
        self.me().map_or(Role::Partner, |me| me.role)
    }
}
