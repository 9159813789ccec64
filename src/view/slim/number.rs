//! Numbers with as many digits as anybody can read: screens and reports show three.

use serde_json::Number;

/// Digits kept of a number that is not whole.
const DIGITS: usize = 4;
/// Whole numbers below this are exact as fractions too.
const EXACT: f64 = 9.0e15;

/// Shortens a fraction; a whole number stays as it is, without `.0`.
pub(super) fn shortened(number: &mut Number) {
    let Some(value) = number.as_f64().filter(|_| number.is_f64()) else { return };
    let short = if value.fract() == 0.0 {
        value
    } else {
        let digits = DIGITS - 1;
        format!("{value:.digits$e}").parse().unwrap_or(value)
    };
    let whole = short.fract() == 0.0 && short.abs() < EXACT;
    let new = if whole { Some(Number::from(short as i64)) } else { Number::from_f64(short) };
    if let Some(new) = new {
        *number = new;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_digits_and_whole_numbers() {
        for (value, text) in [
            (1_234.567_89, "1235"),
            (0.000_012_345_678, "0.00001235"),
            (1310.0, "1310"),
            (-0.0, "0"),
            (123_456_789.0, "123456789"),
            (123_456.7, "123500"),
            (1e300, "1e300"),
            (0.3, "0.3"),
        ] {
            let mut number = Number::from_f64(value).unwrap();
            shortened(&mut number);
            let written = number.to_string();
            assert_eq!(written.parse::<f64>().unwrap(), text.parse::<f64>().unwrap(), "{value}");
            assert!(written.len() <= text.len() + 2, "{written}");
        }
        let mut exact = Number::from(1_700_000_000_123_i64);
        shortened(&mut exact);
        assert_eq!(exact, Number::from(1_700_000_000_123_i64));
    }
}
