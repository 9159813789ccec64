//! What targets say of their metric families.

use super::Format;

/// What `# TYPE` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MetricKind {
    /// Not said.
    #[default]
    Unknown,
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Cumulative buckets.
    Histogram,
    /// Buckets that go up and down.
    GaugeHistogram,
    /// Quantiles computed by the target.
    Summary,
    /// Facts as labels.
    Info,
    /// States as labels.
    StateSet,
}

impl MetricKind {
    /// From the word in the line. Text has `untyped` where `OpenMetrics` has `unknown`; the types that only
    /// `OpenMetrics` knows are taken in text too, as clients write them there.
    pub(super) fn of(word: &str, format: Format) -> Option<Self> {
        Some(match word {
            "counter" => Self::Counter,
            "gauge" => Self::Gauge,
            "histogram" => Self::Histogram,
            "gaugehistogram" => Self::GaugeHistogram,
            "summary" => Self::Summary,
            "info" => Self::Info,
            "stateset" => Self::StateSet,
            "unknown" => Self::Unknown,
            "untyped" if format == Format::Text => Self::Unknown,
            _ => return None,
        })
    }

    /// From the word of an API; a word that is none stands for what is not known.
    pub fn from_word(word: &str) -> Self {
        Self::of(word, Format::OpenMetrics).unwrap_or_default()
    }

    /// The word for people; empty where nothing is known.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "",
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::GaugeHistogram => "gauge histogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "state set",
        }
    }

    /// Whether `OpenMetrics` lets the family have a `_created` series.
    pub(super) const fn has_created(self) -> bool {
        matches!(self, Self::Counter | Self::Histogram | Self::Summary)
    }
}

/// One thing that a target said of a family, when it was new. The last word counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// `# TYPE`.
    Kind(MetricKind),
    /// `# HELP`, unescaped, cleaned and cut.
    Help(String),
    /// `# UNIT`, cleaned and cut.
    Unit(String),
}
