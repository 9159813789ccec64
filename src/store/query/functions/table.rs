//! Which name is which function.

use super::extrapolation::Change;
use super::window::{Compute, RangeFn};
use super::{math, over_time, rate, regression, time};

/// How a function is evaluated.
#[derive(Clone, Copy)]
pub(in super::super) enum Func {
    /// Applied to each value of a vector.
    Math(fn(f64) -> f64),
    /// Applied to each series' window.
    Range(RangeFn),
    /// Applied to each value as a date, by default to the evaluation time.
    Calendar(fn(&jiff::civil::DateTime) -> f64),
    Absent,
    AbsentOverTime,
    Scalar,
    Vector,
    Time,
    Pi,
    Timestamp,
    Start,
    End,
    Step,
    Span,
    MinOf,
    MaxOf,
    Clamp,
    ClampMin,
    ClampMax,
    Round,
    HistogramQuantile,
    HistogramQuantiles,
    HistogramFraction,
    /// Defined on native histograms only: without any, the result is empty.
    NativeOnly,
    Info,
    LabelReplace,
    LabelJoin,
    Sort {
        descending: bool,
    },
    SortByLabel {
        descending: bool,
    },
}

impl std::fmt::Debug for Func {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Math(_) => "Math",
            Self::Range(_) => "Range",
            Self::Calendar(_) => "Calendar",
            _ => "Function",
        })
    }
}

impl Func {
    /// The function called `name`, if it is here.
    pub(in super::super) fn named(name: &str) -> Option<Self> {
        math::named(name)
            .map(Self::Math)
            .or_else(|| time::named(name).map(Self::Calendar))
            .or_else(|| range_function(name).map(|compute| Self::Range(described(name, compute))))
            .or_else(|| special(name))
    }
}

fn described(name: &str, compute: Compute) -> RangeFn {
    RangeFn {
        compute,
        keeps_name: matches!(name, "last_over_time" | "first_over_time"),
        counter: matches!(name, "rate" | "increase"),
        change: match name {
            "rate" => Some(Change { counter: true, per_second: true }),
            "increase" => Some(Change { counter: true, per_second: false }),
            "delta" => Some(Change { counter: false, per_second: false }),
            _ => None,
        },
        check: matches!(name, "holt_winters" | "double_exponential_smoothing")
            .then_some(regression::check_factors),
        quantile: name == "quantile_over_time",
        depends_on_time: name == "predict_linear",
    }
}

fn range_function(name: &str) -> Option<Compute> {
    Some(match name {
        "rate" => rate::rate,
        "increase" => rate::increase,
        "delta" => rate::delta,
        "irate" => rate::irate,
        "idelta" => rate::idelta,
        "resets" => rate::resets,
        "changes" => rate::changes,
        "deriv" => regression::deriv,
        "predict_linear" => regression::predict_linear,
        "holt_winters" | "double_exponential_smoothing" => regression::double_exponential_smoothing,
        _ => return over_time::named(name),
    })
}

fn special(name: &str) -> Option<Func> {
    Some(match name {
        "absent" => Func::Absent,
        "absent_over_time" => Func::AbsentOverTime,
        "scalar" => Func::Scalar,
        "vector" => Func::Vector,
        "time" => Func::Time,
        "pi" => Func::Pi,
        "timestamp" => Func::Timestamp,
        "start" => Func::Start,
        "end" => Func::End,
        "step" => Func::Step,
        "range" => Func::Span,
        "min_of" => Func::MinOf,
        "max_of" => Func::MaxOf,
        "clamp" => Func::Clamp,
        "clamp_min" => Func::ClampMin,
        "clamp_max" => Func::ClampMax,
        "round" => Func::Round,
        "histogram_quantile" => Func::HistogramQuantile,
        "histogram_quantiles" => Func::HistogramQuantiles,
        "histogram_fraction" => Func::HistogramFraction,
        "histogram_avg" | "histogram_count" | "histogram_sum" | "histogram_stddev" | "histogram_stdvar" => {
            Func::NativeOnly
        }
        "info" => Func::Info,
        "label_replace" => Func::LabelReplace,
        "label_join" => Func::LabelJoin,
        "sort" => Func::Sort { descending: false },
        "sort_desc" => Func::Sort { descending: true },
        "sort_by_label" => Func::SortByLabel { descending: false },
        "sort_by_label_desc" => Func::SortByLabel { descending: true },
        _ => return None,
    })
}
