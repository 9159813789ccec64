//! What the person at the screen chose. Holds no data: identities, positions and texts only.

use crate::fleet::WorkloadId;
use crate::view::{OperationId, ProposalId, SourceId};

use super::action::Action;
use super::overlays::Focus;
use super::what_if::Asked;

/// The panels, in the order of their keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PanelId {
    /// `1`
    #[default]
    Status,
    /// `2`
    Predictive,
    /// `3`
    Experience,
    /// `4`
    Intelligence,
    /// `5`
    Kpis,
    /// `6`
    Proposals,
    /// `7`
    Operations,
    /// `8`
    Journal,
    /// `9`
    Sources,
    /// `0`
    Logs,
}

impl PanelId {
    /// In the order of their keys, with key and title.
    pub const ALL: [(Self, char, &'static str); 10] = [
        (Self::Status, '1', "Status"),
        (Self::Predictive, '2', "Predictive"),
        (Self::Experience, '3', "Experience"),
        (Self::Intelligence, '4', "Intelligence"),
        (Self::Kpis, '5', "KPIs"),
        (Self::Proposals, '6', "Proposals"),
        (Self::Operations, '7', "Operations and leases"),
        (Self::Journal, '8', "Journal"),
        (Self::Sources, '9', "Sources"),
        (Self::Logs, '0', "Logs"),
    ];

    /// Its title.
    pub fn title(self) -> &'static str {
        Self::ALL.iter().find(|(p, ..)| *p == self).map_or("", |(.., title)| *title)
    }

    /// The panel `by` places further on, around the end.
    #[must_use]
    pub fn step(self, by: isize) -> Self {
        let at = Self::ALL.iter().position(|(p, ..)| *p == self).unwrap_or(0) as isize;
        let next = (at + by).rem_euclid(Self::ALL.len() as isize) as usize;
        Self::ALL.get(next).map_or(self, |(p, ..)| *p)
    }
}

/// Identity of a row: the selection holds on to it whatever the order becomes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RowId {
    /// A service.
    Workload(WorkloadId),
    /// A proposal.
    Proposal(ProposalId),
    /// An operation.
    Operation(OperationId),
    /// The lease of an operation.
    Lease(OperationId),
    /// A KPI by number.
    Kpi(u8),
    /// A journal record by sequence number.
    Journal(u64),
    /// A source.
    Source(SourceId),
    /// An advice, by what stays the same while its numbers move.
    Advice(String),
    /// A lesson, by identity.
    Lesson(String),
}

/// What services are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortKey {
    /// Soonest to run out first.
    #[default]
    Exhaustion,
    /// By name.
    Name,
    /// Highest demand first.
    Demand,
    /// Least headroom first.
    Headroom,
    /// Slowest first.
    P95,
    /// Dearest first.
    Cost,
}

impl SortKey {
    /// In the order `s` goes through them, with the column's name.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Exhaustion, "runs out in"),
        (Self::Name, "name"),
        (Self::Demand, "demand"),
        (Self::Headroom, "headroom"),
        (Self::P95, "p95"),
        (Self::Cost, "cost"),
    ];
}

/// How services are sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sort {
    /// By what.
    pub key: SortKey,
    /// The other way round.
    pub reversed: bool,
}

/// One place a person went to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Route {
    /// Panel shown.
    pub panel: PanelId,
    /// Row selected, by identity.
    pub selected: Option<RowId>,
    /// Where that row was last, to go on from if it disappears.
    pub hint: usize,
    /// The widget that fills the panel, `0..4`, if one does.
    pub zoomed: Option<u8>,
    /// A person chose the row; until then the first service is selected, whichever that is.
    pub chosen: bool,
}

/// Everything a person chose.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScreenState {
    pub(super) route: Route,
    pub(super) back: Vec<Route>,
    pub(super) focus: Focus,
    pub(super) filter: String,
    pub(super) sort: Sort,
    pub(super) frozen: bool,
    pub(super) pan: i32,
    pub(super) zoom: i32,
    pub(super) notice_seen: u64,
    pub(super) toast: Option<String>,
    pub(super) size: (u16, u16),
    /// Number of the screen that is followed.
    pub(super) following: Option<u64>,
    /// What is asked of every service.
    pub(super) asked: Option<Asked>,
    /// How often this person pointed at something.
    pub(super) pointed: u32,
    /// How often the others did, as far as was told.
    pub(super) told: Vec<(u64, u32)>,
    /// What is done as soon as all of the view is of now.
    pub(super) wanted: Option<Action>,
}

impl ScreenState {
    /// The panel shown.
    pub const fn panel(&self) -> PanelId {
        self.route.panel
    }

    /// The selected row, by identity.
    pub const fn selected(&self) -> Option<&RowId> {
        self.route.selected.as_ref()
    }

    /// The widget that fills the panel, `0..4` in reading order, if one does.
    pub const fn zoomed(&self) -> Option<u8> {
        self.route.zoomed
    }

    /// What is typed into the filter; empty if nothing is filtered.
    pub fn filter(&self) -> &str {
        &self.filter
    }

    /// How services are sorted.
    pub const fn sort(&self) -> Sort {
        self.sort
    }

    /// Whether the picture stands still (collection goes on).
    pub const fn is_frozen(&self) -> bool {
        self.frozen
    }

    /// Charts are moved by this many steps of a tenth of their width; negative is into the past, 0 is live.
    pub const fn pan(&self) -> i32 {
        self.pan
    }

    /// Charts are zoomed by `2^zoom` in time; positive shows less time. `-3..=3`.
    pub const fn zoom(&self) -> i32 {
        self.zoom
    }

    /// The what-if question that capacity answers instead of what is.
    pub const fn asked(&self) -> Option<Asked> {
        self.asked
    }

    /// What has the keys.
    pub const fn focus(&self) -> &Focus {
        &self.focus
    }
}
