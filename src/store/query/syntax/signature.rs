//! What functions take and return.

use super::super::plan::Kind;
use Kind::{Matrix, Scalar, Text, Vector};

/// Arguments and result of a function. The last kind of argument repeats.
#[derive(Clone, Copy)]
pub(super) struct Signature {
    pub(super) args: &'static [Kind],
    /// Fewest and most arguments.
    pub(super) count: (usize, usize),
    pub(super) returns: Kind,
}

const fn exactly(args: &'static [Kind], returns: Kind) -> Signature {
    Signature { args, count: (args.len(), args.len()), returns }
}

const fn between(args: &'static [Kind], least: usize, most: usize, returns: Kind) -> Signature {
    Signature { args, count: (least, most), returns }
}

/// More arguments than an expression has room for.
const ANY: usize = usize::MAX;

/// The signature of the function called `name`, which exists.
pub(super) fn signature(name: &str) -> Signature {
    match name {
        "time" | "pi" | "start" | "end" | "step" | "range" => exactly(&[], Scalar),
        "scalar" => exactly(&[Vector], Scalar),
        "vector" => exactly(&[Scalar], Vector),
        "min_of" | "max_of" => exactly(&[Scalar, Scalar], Scalar),
        "minute" | "hour" | "day_of_week" | "day_of_month" | "day_of_year" | "days_in_month" | "month"
        | "year" => between(&[Vector], 0, 1, Vector),
        "round" => between(&[Vector, Scalar], 1, 2, Vector),
        "clamp" => exactly(&[Vector, Scalar, Scalar], Vector),
        "clamp_min" | "clamp_max" => exactly(&[Vector, Scalar], Vector),
        "label_replace" => exactly(&[Vector, Text, Text, Text, Text], Vector),
        "label_join" => between(&[Vector, Text, Text, Text], 3, ANY, Vector),
        "sort_by_label" | "sort_by_label_desc" => between(&[Vector, Text], 1, ANY, Vector),
        "histogram_quantile" => exactly(&[Scalar, Vector], Vector),
        "histogram_quantiles" => between(&[Vector, Text, Scalar], 3, 12, Vector),
        "histogram_fraction" => exactly(&[Scalar, Scalar, Vector], Vector),
        "info" => between(&[Vector, Vector], 1, 2, Vector),
        "predict_linear" => exactly(&[Matrix, Scalar], Vector),
        "quantile_over_time" => exactly(&[Scalar, Matrix], Vector),
        "double_exponential_smoothing" | "holt_winters" => exactly(&[Matrix, Scalar, Scalar], Vector),
        "rate" | "increase" | "delta" | "irate" | "idelta" | "resets" | "changes" | "deriv" => {
            exactly(&[Matrix], Vector)
        }
        _ if name.ends_with("_over_time") => exactly(&[Matrix], Vector),
        _ => exactly(&[Vector], Vector),
    }
}
