//! The KPI board.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::series::Unit;

/// How a KPI stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KpiState {
    /// Meets its target.
    Ok,
    /// Misses it by less than a tenth of the target.
    Warn,
    /// Misses it by more.
    Bad,
    /// Not enough observations: `n=…, not enough`, no colour.
    NoData,
}

/// One of the sixteen KPIs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kpi {
    /// 1 to 16, as in the specification.
    pub number: u8,
    /// The specification's name: `scaling_response_time`.
    pub name: Cow<'static, str>,
    /// In plain words.
    pub title: Cow<'static, str>,
    /// The target.
    pub target: f64,
    /// Whether more is better.
    pub higher_is_better: bool,
    /// Unit of value, target and interval.
    pub unit: Unit,
    /// The value; `None` below `n_min`.
    pub value: Option<f64>,
    /// 90 % interval.
    pub interval: Option<(f64, f64)>,
    /// Change against the window before; positive is up.
    pub trend: Option<f64>,
    /// Observations.
    pub n: usize,
    /// Observations needed.
    pub n_min: usize,
    /// The window: `30 d`, `24 h`.
    pub window: Cow<'static, str>,
    /// How it stands.
    pub state: KpiState,
    /// What is missing, or what to know about the value.
    pub note: String,
}
