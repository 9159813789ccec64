//! The frontiers as a picture for a page.

use crate::backtest::Report;
use crate::backtest::frontier::frontier;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 460.0;
const LEFT: f64 = 60.0;
const BOTTOM: f64 = 50.0;
const TOP: f64 = 50.0;
const RIGHT: f64 = 200.0;
/// Shares of minutes short between which is drawn.
const SHORT: (f64, f64) = (1e-4, 0.1);
/// Families with a line, and its colour (Okabe and Ito's palette, told apart by all).
const LINES: [(&str, &str); 5] = [
    ("day_plan", "#0072b2"),
    ("day_plan_unlimited", "#56b4e9"),
    ("hpa", "#d55e00"),
    ("keda", "#e69f00"),
    ("aws_predictive", "#009e73"),
];

/// Name, colour and points of a line.
type Line<'a> = (&'a str, &'a str, Vec<(f64, f64)>);

/// Pod-hours over the oracle's against minutes short, one line a policy.
pub fn svg(name: &str, report: &Report) -> String {
    let lines: Vec<Line<'_>> = LINES.iter().filter_map(|(id, colour)| line(report, id, colour)).collect();
    let all = || lines.iter().flat_map(|(_, _, points)| points).map(|(_, y)| *y);
    let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(0.0, f64::max));
    let (low, high) = if low < high { (low * 0.97, high * 1.03) } else { (0.0, 1.0) };
    let x = |short: f64| {
        let share = (short.clamp(SHORT.0, SHORT.1) / SHORT.0).ln() / (SHORT.1 / SHORT.0).ln();
        LEFT + (WIDTH - LEFT - RIGHT) * share
    };
    let y = |over: f64| HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (over - low) / (high - low);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"{LEFT}\" y=\"24\" \
         font-size=\"14\">{}</text>\n",
        escaped(name)
    );
    for short in [1e-4, 1e-3, 1e-2, 1e-1] {
        let (x, bottom) = (x(short), HEIGHT - BOTTOM);
        out.push_str(&format!(
            "<line x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\" stroke=\"#ddd\"/>\n<text x=\"{x:.1}\" y=\"{:.0}\" \
             text-anchor=\"middle\">{} %</text>\n",
            bottom + 18.0,
            short * 100.0
        ));
    }
    for i in 0..=4 {
        let over = low + (high - low) * f64::from(i) / 4.0;
        let (y, end) = (y(over), WIDTH - RIGHT);
        out.push_str(&format!(
            "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{end}\" y2=\"{y:.1}\" stroke=\"#eee\"/>\n<text x=\"{:.0}\" y=\"{:.1}\" \
             text-anchor=\"end\">{over:.2}</text>\n",
            LEFT - 6.0,
            y + 4.0
        ));
    }
    for (i, (label, colour, points)) in lines.iter().enumerate() {
        let path: Vec<String> = points.iter().map(|(s, o)| format!("{:.1},{:.1}", x(*s), y(*o))).collect();
        let text_y = TOP + 18.0 * i as f64;
        out.push_str(&format!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n<text x=\"{:.0}\" y=\"{text_y}\" \
             fill=\"{colour}\">{}</text>\n",
            path.join(" "),
            WIDTH - RIGHT + 10.0,
            escaped(label)
        ));
    }
    out.push_str(&format!(
        "<text x=\"{LEFT}\" y=\"{:.0}\">minutes short; upwards: pod-hours over the oracle's</text>\n</svg>\n",
        HEIGHT - 12.0
    ));
    out
}

/// Name, colour and frontier of a family.
fn line<'a>(report: &'a Report, id: &str, colour: &'a str) -> Option<Line<'a>> {
    let family = report.families.iter().find(|f| f.id == id)?;
    let points: Vec<((), _)> = family.runs.iter().map(|r| ((), r.figures)).collect();
    let kept = frontier(&points).into_iter().map(|((), f)| (f.short, f.over_oracle));
    Some((family.name, colour, kept.filter(|(s, _)| *s <= SHORT.1).collect()))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
