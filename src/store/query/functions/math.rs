//! Functions of one number.

/// The function called `name`.
pub(super) fn named(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "abs" => f64::abs,
        "ceil" => f64::ceil,
        "floor" => f64::floor,
        "exp" => f64::exp,
        "sqrt" => f64::sqrt,
        "ln" => f64::ln,
        "log2" => f64::log2,
        "log10" => f64::log10,
        "sgn" => sign,
        "sin" => f64::sin,
        "cos" => f64::cos,
        "tan" => f64::tan,
        "asin" => f64::asin,
        "acos" => f64::acos,
        "atan" => f64::atan,
        "sinh" => f64::sinh,
        "cosh" => f64::cosh,
        "tanh" => f64::tanh,
        "asinh" => f64::asinh,
        "acosh" => f64::acosh,
        "atanh" => f64::atanh,
        "deg" => |v| v * 180.0 / std::f64::consts::PI,
        "rad" => |v| v * std::f64::consts::PI / 180.0,
        _ => return None,
    })
}

/// -1, 1, or the value itself for zero and NaN.
fn sign(value: f64) -> f64 {
    if value < 0.0 {
        -1.0
    } else if value > 0.0 {
        1.0
    } else {
        value
    }
}

/// Into `min..=max`; NaN if any of the three is.
pub(super) fn clamp(value: f64, min: f64, max: f64) -> f64 {
    if value.is_nan() || min.is_nan() || max.is_nan() { f64::NAN } else { value.min(max).max(min) }
}

/// The larger of the two as Go's `math.Max` has it: infinity against anything, NaN against all else.
pub(super) fn larger(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        f64::INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else {
        a.max(b)
    }
}

/// The smaller of the two as Go's `math.Min` has it: minus infinity against anything, NaN against all else.
pub(super) fn smaller(a: f64, b: f64) -> f64 {
    -larger(-a, -b)
}

/// To the nearest multiple of `to_nearest`, halves up. Multiplies by the inverse, as Prometheus does, to
/// keep precision.
pub(super) fn round(value: f64, to_nearest: f64) -> f64 {
    let inverse = 1.0 / to_nearest;
    (value * inverse + 0.5).floor() / inverse
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn infinity_wins_against_nan() {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        assert_eq!(
            [larger(nan, inf), larger(inf, nan), larger(1.0, 2.0), larger(-inf, 1.0)],
            [inf, inf, 2.0, 1.0]
        );
        assert_eq!([smaller(nan, -inf), smaller(-inf, nan), smaller(1.0, 2.0)], [-inf, -inf, 1.0]);
        assert!(larger(nan, -inf).is_nan() && larger(1.0, nan).is_nan());
        assert!(smaller(nan, inf).is_nan() && smaller(1.0, nan).is_nan());
        assert!(clamp(inf, nan, inf).is_nan());
    }
}
