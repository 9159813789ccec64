//! The last days of the test, drawn with characters.

use crate::backtest::Report;

const ROWS: usize = 12;
const COLUMNS: usize = 96;

/// Need, day plan and autoscaler over time; empty if there is nothing to draw.
pub fn picture(report: &Report) -> String {
    let stretches = &report.picture;
    let size = stretches.len().div_ceil(COLUMNS).max(1);
    let columns: Vec<(Option<f64>, f64, f64)> = stretches
        .chunks(size)
        .map(|c| {
            let n = c.len().max(1) as f64;
            let need = c.iter().filter_map(|s| s.need).max().map(f64::from);
            (need, c.iter().map(|s| s.plan).sum::<f64>() / n, c.iter().map(|s| s.hpa).sum::<f64>() / n)
        })
        .collect();
    let top =
        columns.iter().map(|(need, plan, hpa)| need.unwrap_or(0.0).max(*plan).max(*hpa)).fold(0.0, f64::max);
    if columns.is_empty() || top <= 0.0 {
        return String::new();
    }
    let mut text = String::from("Pods over the last days of the test: # needed, * day plan, o best HPA\n\n");
    for row in (0..ROWS).rev() {
        let (low, high) = (top * row as f64 / ROWS as f64, top * (row + 1) as f64 / ROWS as f64);
        let within = |v: f64| v > low && v <= high;
        text.push_str(&format!("{high:7.1} |"));
        for (need, plan, hpa) in &columns {
            text.push(match need {
                _ if within(*plan) => '*',
                _ if within(*hpa) => 'o',
                Some(need) if *need > low => '#',
                _ => ' ',
            });
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}
