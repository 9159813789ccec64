//! Numbers and columns as they are printed.

use unicode_width::UnicodeWidthStr;

/// The quantiles that are printed.
pub const QUANTILES: [f64; 6] = [0.025, 0.1, 0.5, 0.9, 0.95, 0.975];

/// Six significant digits, for machines.
pub fn six(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return "0".into();
    }
    let magnitude = value.abs().log10().floor();
    if !(-5.0..15.0).contains(&magnitude) {
        return format!("{value:.5e}");
    }
    let decimals = (5.0 - magnitude).max(0.0) as usize;
    let text = format!("{value:.decimals$}");
    if decimals == 0 { text } else { text.trim_end_matches('0').trim_end_matches('.').to_owned() }
}

/// Columns under their heads, the first flush left, the others flush right.
pub fn columns(head: &[String], rows: &[Vec<String>]) -> String {
    let all = || std::iter::once(head).chain(rows.iter().map(Vec::as_slice));
    let widths: Vec<usize> = (0..head.len())
        .map(|i| all().filter_map(|r| r.get(i)).map(|c| c.width()).max().unwrap_or(0))
        .collect();
    let mut out = String::new();
    for row in all() {
        let mut line = String::new();
        for (i, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let pad = " ".repeat(width.saturating_sub(cell.width()));
            line.push_str(&if i == 0 { format!("{cell}{pad}") } else { format!("  {pad}{cell}") });
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_digits_that_count() {
        for (value, text) in [
            (0.0, "0"),
            (123_456.789, "123457"),
            (12_345_678.0, "12345678"),
            (0.012_345_678, "0.0123457"),
            (-1.5, "-1.5"),
            (100.0, "100"),
            (1.0e-9, "1.00000e-9"),
        ] {
            assert_eq!(six(value), text);
        }
    }

    #[test]
    fn columns_line_up() {
        let head = ["ahead", "50 %"].map(String::from);
        let rows = [vec!["5m".to_owned(), "1".to_owned()], vec!["24h".to_owned(), "1200".to_owned()]];
        assert_eq!(columns(&head, &rows), "ahead  50 %\n5m        1\n24h    1200\n");
    }
}
