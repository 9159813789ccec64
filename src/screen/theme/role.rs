//! What a colour means.

use ratatui::style::Modifier;

/// A meaning that a theme gives a look. A role that a theme leaves out looks like its [`Role::fallback`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Ordinary text, and the background of everything.
    Text,
    /// Units, labels, what may be overlooked.
    Dim,
    /// What can be pressed or is chosen.
    Accent,
    /// Lines between widgets.
    Border,
    /// Lines around what has the focus.
    BorderFocus,
    /// Titles in borders.
    Title,
    /// The selected row.
    Selection,
    /// The header line.
    Header,
    /// A protected context.
    Protected,
    /// Mark of a simulated fleet.
    Simulated,
    /// Good.
    Ok,
    /// Needs a look.
    Warn,
    /// Needs a person.
    Bad,
    /// For information.
    Info,
    /// Old, suspect or missing data.
    Stale,
    /// A key in hints and help.
    Key,
    /// A text field.
    Input,
    /// A sheet over the panels.
    Sheet,
    /// A button that writes.
    Danger,
    /// Measured values.
    ChartLine,
    /// Axes and ticks.
    ChartAxis,
    /// The line at now.
    ChartNow,
    /// Declared events in a chart.
    Event,
    /// 90 % band.
    FanOuter,
    /// 80 % band.
    FanMid,
    /// 50 % band.
    FanInner,
    /// Median.
    FanMedian,
    /// What can be held now.
    Capacity,
    /// What could be held after a change.
    CapacityAfter,
    /// Where demand crosses capacity.
    Crossing,
    /// Heat ramp, lowest.
    Heat0,
    /// Heat ramp.
    Heat1,
    /// Heat ramp.
    Heat2,
    /// Heat ramp.
    Heat3,
    /// Heat ramp.
    Heat4,
    /// Heat ramp, highest.
    Heat5,
}

impl Role {
    /// Every role, its key in a theme file, and the role it looks like when left out.
    pub const ALL: [(Self, &'static str, Self); 36] = [
        (Self::Text, "text", Self::Text),
        (Self::Dim, "dim", Self::Text),
        (Self::Accent, "accent", Self::Text),
        (Self::Border, "border", Self::Dim),
        (Self::BorderFocus, "border.focus", Self::Accent),
        (Self::Title, "title", Self::Text),
        (Self::Selection, "selection", Self::Text),
        (Self::Header, "header", Self::Text),
        (Self::Protected, "protected", Self::Bad),
        (Self::Simulated, "simulated", Self::Info),
        (Self::Ok, "ok", Self::Text),
        (Self::Warn, "warn", Self::Accent),
        (Self::Bad, "bad", Self::Warn),
        (Self::Info, "info", Self::Dim),
        (Self::Stale, "stale", Self::Dim),
        (Self::Key, "key", Self::Accent),
        (Self::Input, "input", Self::Text),
        (Self::Sheet, "sheet", Self::Text),
        (Self::Danger, "danger", Self::Bad),
        (Self::ChartLine, "chart.line", Self::Accent),
        (Self::ChartAxis, "chart.axis", Self::Dim),
        (Self::ChartNow, "chart.now", Self::Dim),
        (Self::Event, "chart.event", Self::Info),
        (Self::FanOuter, "fan.outer", Self::Dim),
        (Self::FanMid, "fan.mid", Self::FanOuter),
        (Self::FanInner, "fan.inner", Self::FanMid),
        (Self::FanMedian, "fan.median", Self::FanInner),
        (Self::Capacity, "capacity", Self::Warn),
        (Self::CapacityAfter, "capacity.after", Self::Ok),
        (Self::Crossing, "crossing", Self::Bad),
        (Self::Heat0, "heat.0", Self::Dim),
        (Self::Heat1, "heat.1", Self::Heat0),
        (Self::Heat2, "heat.2", Self::Heat1),
        (Self::Heat3, "heat.3", Self::Heat2),
        (Self::Heat4, "heat.4", Self::Heat3),
        (Self::Heat5, "heat.5", Self::Heat4),
    ];

    /// The heat ramp, lowest first.
    pub const HEAT: [Self; 6] =
        [Self::Heat0, Self::Heat1, Self::Heat2, Self::Heat3, Self::Heat4, Self::Heat5];

    /// The heat role for a share `0..=1` of the highest value.
    pub fn heat(share: f64) -> Self {
        let index = (share.clamp(0.0, 1.0) * 5.0).round() as usize;
        Self::HEAT.get(index).copied().unwrap_or(Self::Heat0)
    }

    /// Its key in a theme file.
    pub fn key(self) -> &'static str {
        Self::ALL.iter().find(|(r, ..)| *r == self).map_or("text", |(_, key, _)| key)
    }

    /// The role it looks like when a theme leaves it out; `Text` is its own.
    #[must_use]
    pub fn fallback(self) -> Self {
        Self::ALL.iter().find(|(r, ..)| *r == self).map_or(Self::Text, |(.., fallback)| *fallback)
    }

    /// The role with this key.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, k, _)| *k == key).map(|(r, ..)| *r)
    }

    /// Attributes that carry the meaning when there is no colour at all.
    pub(super) const fn mono(self) -> Modifier {
        match self {
            Self::Selection => Modifier::REVERSED,
            Self::Protected | Self::Danger => Modifier::REVERSED.union(Modifier::BOLD),
            Self::Bad | Self::Crossing | Self::Warn | Self::Title | Self::Key | Self::FanMedian => {
                Modifier::BOLD
            }
            Self::Accent | Self::BorderFocus => Modifier::BOLD,
            Self::Input | Self::Simulated => Modifier::UNDERLINED,
            Self::Dim | Self::Border | Self::Stale | Self::Info | Self::ChartAxis | Self::ChartNow => {
                Modifier::DIM
            }
            _ => Modifier::empty(),
        }
    }
}
