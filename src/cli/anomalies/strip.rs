//! A series and its scores in three lines.

use crate::cli::printed::Look;

use super::one::Scored;

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const PLAIN: [char; 8] = ['_', '.', ':', '-', '=', '+', '*', '#'];

/// The values, the greatest scores, and a mark below each anomaly, in as many columns as `look` has.
pub fn strip(scored: &[Scored], look: Look) -> String {
    let width = look.width.saturating_sub(8).max(10);
    let values: Vec<f64> = scored.iter().filter_map(|s| s.row.value).collect();
    let low = values.iter().copied().fold(f64::MAX, f64::min);
    let high = values.iter().copied().fold(f64::MIN, f64::max);
    let glyphs = if look.blocks { BLOCKS } else { PLAIN };
    let glyph = |share: f64| glyphs.get((share * 8.0).clamp(0.0, 7.0) as usize).copied().unwrap_or(' ');
    let (mut top, mut middle, mut bottom) = (String::new(), String::new(), String::new());
    for i in 0..width {
        let part = scored.len() * i / width..(scored.len() * (i + 1)).div_ceil(width);
        let part = scored.get(part).unwrap_or_default();
        let greatest = |f: &dyn Fn(&Scored) -> Option<f64>| part.iter().filter_map(f).max_by(f64::total_cmp);
        let value = greatest(&|s| s.row.value);
        let span = if high > low { high - low } else { 1.0 };
        top.push(value.map_or(' ', |v| glyph((v - low) / span)));
        middle.push(greatest(&|s| Some(s.evidence.score)).map_or(' ', glyph));
        bottom.push(if part.iter().any(|s| s.anomaly) { '^' } else { ' ' });
    }
    let bottom = bottom.trim_end();
    format!("values  {top}\nscores  {middle}\n        {bottom}\n")
}
