//! The one table of what a person can do: keymap, help, palette, hints and documentation derive from it.

use super::state::PanelId;

/// Something a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is described by its line in ACTIONS")]
pub enum Action {
    Down,
    Up,
    Top,
    Bottom,
    PageDown,
    PageUp,
    HalfDown,
    HalfUp,
    NextPanel,
    PreviousPanel,
    Go(PanelId),
    Open,
    Back,
    Zoom,
    PanLeft,
    PanRight,
    ZoomIn,
    ZoomOut,
    Live,
    Freeze,
    Filter,
    Sort,
    SortReverse,
    WhatIf,
    Approve,
    Reject,
    Edit,
    Snooze,
    Day,
    Hold,
    Pause,
    Resume,
    Abort,
    Release,
    Evidence,
    Help,
    Palette,
    Yank,
    Save,
    PollNow,
    Follow,
    Here,
    Redraw,
    Suspend,
    NextMark,
    PreviousMark,
    Faster,
    Slower,
    Jump,
    HandOver,
    Note,
    Adopt,
    Mute,
    MuteProposals,
    Wheel,
    Point,
    Quit,
    Interrupt,
}

/// Where an action can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In every panel.
    Everywhere,
    /// In the panels whose rows are services.
    Services,
    /// In the proposals panel.
    Proposals,
    /// In the operations panel.
    Operations,
    /// In the intelligence panel.
    Intelligence,
}

impl Place {
    /// Whether a panel is in this place.
    pub const fn holds(self, panel: PanelId) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Services => matches!(
                panel,
                PanelId::Status | PanelId::Predictive | PanelId::Experience | PanelId::Intelligence
            ),
            Self::Proposals => matches!(panel, PanelId::Proposals),
            Self::Operations => matches!(panel, PanelId::Operations),
            Self::Intelligence => matches!(panel, PanelId::Intelligence),
        }
    }

    /// Whether some panel is in both places.
    pub const fn overlaps(self, other: Self) -> bool {
        matches!(self, Self::Everywhere)
            || matches!(other, Self::Everywhere)
            || matches!(
                (self, other),
                (Self::Services, Self::Intelligence) | (Self::Intelligence, Self::Services)
            )
            || self as u8 == other as u8
    }

    /// As in help and documentation.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Everywhere => "everywhere",
            Self::Services => "panels 1 to 4",
            Self::Proposals => "proposals",
            Self::Operations => "operations",
            Self::Intelligence => "intelligence",
        }
    }
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct ActionInfo {
    /// The action.
    pub action: Action,
    /// Its name in the configuration.
    pub name: &'static str,
    /// Default keys.
    pub keys: &'static [&'static str],
    /// One line of help.
    pub help: &'static str,
    /// One word for the hint bar; empty if it is not hinted.
    pub hint: &'static str,
    /// Where it can be done.
    pub place: Place,
    /// Whether it leads to a write; such a thing always opens a sheet first and never sits on a Control key.
    pub danger: bool,
}

const fn line(
    action: Action,
    name: &'static str,
    keys: &'static [&'static str],
    help: &'static str,
    hint: &'static str,
) -> ActionInfo {
    ActionInfo { action, name, keys, help, hint, place: Place::Everywhere, danger: false }
}

const fn at(place: Place, info: ActionInfo) -> ActionInfo {
    ActionInfo { place, ..info }
}

const fn danger(info: ActionInfo) -> ActionInfo {
    ActionInfo { danger: true, ..info }
}

/// Everything a person can do, in the order of help.
#[rustfmt::skip]
pub const ACTIONS: &[ActionInfo] = &[
    danger(line(Action::Approve, "approve", &["a"], "approve the proposal: opens the sheet, never acts by itself", "approve")),
    line(Action::Reject, "reject", &["r"], "reject the proposal: asks for a one-key reason", "reject"),
    line(Action::Edit, "edit", &["e"], "ask for another value; in a replay, what it would bring", "edit"),
    at(Place::Proposals, line(Action::Snooze, "snooze", &["s"], "hide the proposal for 15 minutes", "snooze")),
    at(Place::Proposals, line(Action::MuteProposals, "mute-proposals", &["M"], "mute proposals like it, with a reason; again hears them", "mute")),
    at(Place::Services, danger(line(Action::Day, "day", &["b"], "approve the coming day of the service as planned: opens a sheet; again ends it", "day"))),
    at(Place::Services, danger(line(Action::Hold, "hold", &["K"], "hold the autoscaler's scale-in for a time, or pin its count: opens a sheet; a proposal follows", ""))),
    at(Place::Operations, line(Action::Pause, "pause", &["p"], "stop the operation before its next stage", "pause")),
    at(Place::Operations, danger(line(Action::Resume, "resume", &["c"], "let a paused operation go on: opens a sheet", "resume"))),
    at(Place::Operations, danger(line(Action::Abort, "abort", &["x"], "stop the operation and roll it back: opens a sheet", "abort"))),
    at(Place::Operations, danger(line(Action::Release, "release", &["R"], "give the floor back now: opens a sheet", "release"))),
    line(Action::Evidence, "evidence", &["?", "i"], "where the selected row's numbers come from; ? again for help", "evidence"),
    line(Action::Open, "open", &["enter"], "open the selected row", ""),
    line(Action::Back, "back", &["esc"], "back, clear, close", ""),
    line(Action::Help, "help", &["F1"], "what every key does here, searchable", "help"),
    line(Action::Palette, "palette", &[":"], "find an action by name", "find"),
    line(Action::Filter, "filter", &["/"], "filter the rows: fuzzy, !word leaves out", "filter"),
    at(Place::Services, line(Action::Sort, "sort", &["s"], "sort by the next column", "sort")),
    at(Place::Services, line(Action::SortReverse, "sort-reverse", &["S"], "sort the other way round", "")),
    at(Place::Services, line(Action::WhatIf, "what-if", &["W"], "capacity if demand were higher, a zone or replicas gone, caches cold: next question, then off", "")),
    line(Action::Zoom, "zoom", &["z"], "one widget fills the panel: next, then all again", "zoom"),
    line(Action::Freeze, "freeze", &["space"], "freeze the picture; collection goes on", "freeze"),
    line(Action::Down, "down", &["j", "down"], "next row", ""),
    line(Action::Up, "up", &["k", "up"], "previous row", ""),
    line(Action::Top, "top", &["g", "home"], "first row", ""),
    line(Action::Bottom, "bottom", &["G", "end"], "last row", ""),
    line(Action::PageDown, "page-down", &["pgdn"], "a page down", ""),
    line(Action::PageUp, "page-up", &["pgup"], "a page up", ""),
    line(Action::HalfDown, "half-down", &["ctrl-d"], "half a page down", ""),
    line(Action::HalfUp, "half-up", &["ctrl-u"], "half a page up", ""),
    line(Action::NextPanel, "next-panel", &["tab"], "next panel", ""),
    line(Action::PreviousPanel, "previous-panel", &["shift-tab"], "previous panel", ""),
    line(Action::Go(PanelId::Status), "panel-status", &["1"], "Status", ""),
    line(Action::Go(PanelId::Predictive), "panel-predictive", &["2"], "Predictive", ""),
    line(Action::Go(PanelId::Experience), "panel-experience", &["3"], "Experience", ""),
    line(Action::Go(PanelId::Intelligence), "panel-intelligence", &["4"], "Intelligence", ""),
    line(Action::Go(PanelId::Kpis), "panel-kpis", &["5"], "KPIs", ""),
    line(Action::Go(PanelId::Proposals), "panel-proposals", &["6"], "Proposals", ""),
    line(Action::Go(PanelId::Operations), "panel-operations", &["7"], "Operations and leases", ""),
    line(Action::Go(PanelId::Journal), "panel-journal", &["8"], "Journal", ""),
    line(Action::Go(PanelId::Sources), "panel-sources", &["9"], "Sources", ""),
    line(Action::Go(PanelId::Logs), "panel-logs", &["0", "L"], "Logs", ""),
    line(Action::PanLeft, "pan-left", &["h", "left"], "charts: back in time", ""),
    line(Action::PanRight, "pan-right", &["l", "right"], "charts: forward in time", ""),
    line(Action::ZoomIn, "zoom-in", &["+"], "charts: less time", ""),
    line(Action::ZoomOut, "zoom-out", &["-"], "charts: more time", ""),
    line(Action::Live, "live", &["="], "charts: back to live", ""),
    line(Action::Yank, "yank", &["y"], "copy the selected row as text", ""),
    line(Action::Save, "save", &["w"], "save the picture as weescale-TIME.txt in the current folder", ""),
    line(Action::PollNow, "poll-now", &["F5"], "poll every source now", ""),
    line(Action::Follow, "follow", &["F"], "follow the next attached person: their panel, row and time; any key of yours ends it", ""),
    line(Action::Here, "here", &["P"], "who is attached, and what they look at", ""),
    line(Action::Redraw, "redraw", &["ctrl-l"], "draw everything again", ""),
    line(Action::Suspend, "suspend", &["ctrl-z"], "suspend to the shell", ""),
    line(Action::HandOver, "hand-over", &["H"], "hand the shift over: what is open goes into the journal; or take over what another handed over", ""),
    line(Action::Note, "note", &["m"], "write a note about the selected row, its workload or this moment (tab) into the journal", "note"),
    at(Place::Intelligence, line(Action::Adopt, "adopt", &["T"], "adopt the selected lesson: it bears on proposals; again revokes", "adopt")),
    at(Place::Intelligence, line(Action::Mute, "mute", &["M"], "mute the selected lesson: it is silent; again revokes", "mute")),
    line(Action::Wheel, "wheel", &["D"], "take the wheel: only you decide, others point; ask for it, or hand it over", ""),
    line(Action::Point, "point", &["o"], "point at the selected row: everybody else who is attached is told", ""),
    line(Action::NextMark, "next-mark", &["n"], "replay: the next decision or gate", ""),
    line(Action::PreviousMark, "previous-mark", &["N"], "replay: the decision or gate before", ""),
    line(Action::Faster, "faster", &[">"], "replay: faster", ""),
    line(Action::Slower, "slower", &["<"], "replay: slower", ""),
    line(Action::Jump, "jump", &["t"], "replay: jump to a time (19:05, +10m, start, end) or a text", ""),
    line(Action::Quit, "quit", &["q"], "back; at the first panel, quit", "quit"),
    line(Action::Interrupt, "interrupt", &["ctrl-c"], "quit", ""),
];

/// The line of an action.
pub fn info(action: Action) -> Option<&'static ActionInfo> {
    ACTIONS.iter().find(|i| i.action == action)
}
