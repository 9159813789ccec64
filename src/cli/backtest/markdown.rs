//! For a page.

use crate::backtest::Report;

use super::words;

/// Tables in Markdown.
pub fn markdown(name: &str, report: &Report) -> String {
    let rows = report.families.iter().filter_map(|f| Some(words::row(f, words::shown(f)?)));
    let levels = report.comparisons.iter().map(words::level);
    format!(
        "{}\n\n{}\nPod-hours over the oracle's, at equal minutes short:\n\n{}\n{}\n",
        escaped(&words::setting(name, report)),
        grid(&words::HEADS, rows),
        grid(&words::LEVEL_HEADS, levels),
        words::notes(report)
    )
}

fn grid(heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let heads: Vec<String> = heads.iter().map(|h| (*h).to_owned()).collect();
    let rule = format!("|---|{}\n", "---:|".repeat(heads.len().saturating_sub(1)));
    let rows: String = rows.map(|r| line(&r.iter().map(|c| escaped(c)).collect::<Vec<_>>())).collect();
    format!("{}{rule}{rows}", line(&heads))
}

/// Text from outside in a cell: no bar ends it, nothing is markup.
fn escaped(text: &str) -> String {
    text.chars().flat_map(|c| "\\|*_`<>[]".contains(c).then_some('\\').into_iter().chain([c])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_hold_what_they_are_given() {
        let rows = [vec!["a|b".to_owned(), "1".to_owned()]];
        assert_eq!(grid(&["x", "y"], rows.into_iter()), "| x | y |\n|---|---:|\n| a\\|b | 1 |\n");
    }
}
