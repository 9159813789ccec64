//! The designed states of a widget, and a number with its freshness.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::scrape::Progress;
use crate::series::{Quantity, Unit};
use crate::signals::{Freshness, Provenance};

/// Where a widget is: each of these is drawn on purpose.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum WidgetState {
    /// Waiting for something that is on its way.
    Loading {
        /// What it waits for.
        waiting_for: String,
        /// How far that is.
        progress: Option<Progress>,
    },
    /// The data does not exist.
    Empty {
        /// Which metric it lacks.
        lacks: String,
        /// The exact line that would provide it.
        provide: String,
    },
    /// Fresh.
    #[default]
    Live,
    /// The latest data is old.
    Stale {
        /// How old.
        age: Duration,
    },
    /// Some inputs are missing.
    Degraded {
        /// Which.
        missing: Vec<String>,
    },
    /// Getting the data failed.
    Error {
        /// What failed.
        what: String,
        /// When it is tried again.
        next_try: Option<Duration>,
    },
}

impl WidgetState {
    /// Whether the widget's data can be drawn (possibly marked).
    pub const fn has_data(&self) -> bool {
        matches!(self, Self::Live | Self::Stale { .. } | Self::Degraded { .. })
    }
}

/// A widget's data with its state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Widget<T> {
    /// Where it is.
    pub state: WidgetState,
    /// What it shows; empty unless [`WidgetState::has_data`].
    pub data: T,
}

impl<T> Widget<T> {
    /// Live data.
    pub const fn live(data: T) -> Self {
        Self { state: WidgetState::Live, data }
    }
}

/// A number on the screen, with everything `?` shows of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// The value; `None` is drawn as `–`.
    pub value: Option<f64>,
    /// Its unit.
    pub unit: Unit,
    /// Whether it may be trusted; anything but fresh is drawn grey with `~`.
    pub freshness: Freshness,
    /// How old it is.
    pub age: Duration,
    /// Why it is not fresh; empty when fresh.
    pub note: String,
    /// Where it came from; `None` for derived or missing values.
    pub provenance: Option<Provenance>,
}

impl Reading {
    /// Whether it is of now and may be trusted.
    pub fn is_fresh(&self) -> bool {
        self.freshness == Freshness::Fresh
    }

    /// A missing value.
    pub fn missing(unit: Unit, note: &str) -> Self {
        Self {
            value: None,
            unit,
            freshness: Freshness::Missing,
            age: Duration::ZERO,
            note: note.to_owned(),
            provenance: None,
        }
    }

    /// A fresh derived value.
    pub const fn derived(value: f64, unit: Unit) -> Self {
        Self {
            value: Some(value),
            unit,
            freshness: Freshness::Fresh,
            age: Duration::ZERO,
            note: String::new(),
            provenance: None,
        }
    }

    /// Value with unit, if there is one.
    pub fn quantity(&self) -> Option<Quantity> {
        self.value.map(|v| Quantity::new(v, self.unit))
    }
}
