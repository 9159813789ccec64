//! Demand against forecast and capacity, as a picture for a page.

use crate::series::Timestamp;

use super::track::Track;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 340.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 56.0;
const BOTTOM: f64 = 40.0;
/// Points of a line at most: more cannot be told apart.
const POINTS: usize = 800;

/// A plane: instants across, values upwards from zero.
struct Plane {
    from: Timestamp,
    span: f64,
    top: f64,
}

impl Plane {
    fn x(&self, at: Timestamp) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * (at.millis_since(self.from) as f64 / self.span).clamp(0.0, 1.0)
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (value / self.top).clamp(0.0, 1.0)
    }

    fn line(&self, points: impl Iterator<Item = (Timestamp, f64)>, colour: &str, dashes: &str) -> String {
        let all: Vec<(Timestamp, f64)> = points.collect();
        let every = all.len().div_ceil(POINTS).max(1);
        let text: Vec<String> =
            all.iter().step_by(every).map(|(t, v)| format!("{:.1},{:.1}", self.x(*t), self.y(*v))).collect();
        format!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{dashes}/>\n",
            text.join(" ")
        )
    }
}

/// Demand of one workload against what was forecast and against its capacity, with the decisions.
pub fn demand(name: &str, track: &Track, from: Timestamp, to: Timestamp) -> String {
    let within = |t: &Timestamp| *t >= from && *t <= to;
    let highest = track
        .demand
        .iter()
        .chain(&track.capacity)
        .map(|(_, v)| *v)
        .chain(track.known.iter().filter(|(t, ..)| within(t)).map(|(_, _, _, high)| *high))
        .fold(0.0, f64::max);
    let plane = Plane {
        from,
        span: (to.millis_since(from) as f64).max(1.0),
        top: if highest > 0.0 { highest * 1.08 } else { 1.0 },
    };
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\" role=\"img\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"{LEFT}\" y=\"20\" \
         font-size=\"14\">{}: demand, forecast and capacity, requests a second</text>\n",
        escaped(name)
    );
    out.push_str(&grid(&plane, from, to));
    let band: Vec<_> = track.known.iter().filter(|(t, ..)| within(t)).collect();
    if !band.is_empty() {
        let edge = |(t, v): (Timestamp, f64)| format!("{:.1},{:.1}", plane.x(t), plane.y(v));
        let upper = band.iter().map(|(t, _, _, high)| edge((*t, *high)));
        let lower = band.iter().rev().map(|(t, low, _, _)| edge((*t, *low)));
        let points: Vec<String> = upper.chain(lower).collect();
        out.push_str(&format!(
            "<polygon points=\"{}\" fill=\"#56b4e9\" fill-opacity=\"0.25\"/>\n",
            points.join(" ")
        ));
        out.push_str(&plane.line(band.iter().map(|(t, _, mid, _)| (*t, *mid)), "#56b4e9", ""));
    }
    let ahead = track.ahead.iter().filter(|(t, _)| within(t)).map(|(t, v)| (*t, *v));
    out.push_str(&plane.line(ahead, "#0072b2", " stroke-dasharray=\"4 3\""));
    out.push_str(&plane.line(track.capacity.iter().copied(), "#d55e00", ""));
    out.push_str(&plane.line(track.demand.iter().copied(), "#222", ""));
    for at in track.decisions.iter().filter(|t| within(t)) {
        let x = plane.x(*at);
        let bottom = HEIGHT - BOTTOM;
        out.push_str(&format!(
            "<line x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\" stroke=\"#009e73\" stroke-width=\"2\"/>\n"
        ));
    }
    out.push_str(&legend());
    out.push_str("</svg>\n");
    out
}

fn grid(plane: &Plane, from: Timestamp, to: Timestamp) -> String {
    let mut out = String::new();
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    for i in 0..=4 {
        let value = plane.top * f64::from(i) / 4.0;
        let y = plane.y(value);
        out.push_str(&format!(
            "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\" stroke=\"#ddd\"/>\n<text x=\"{:.0}\" y=\"{:.1}\" \
             text-anchor=\"end\">{value:.0}</text>\n",
            LEFT - 6.0,
            y + 4.0
        ));
    }
    let span = to.since(from);
    for i in 0..=4u32 {
        let at = from + span * i / 4;
        let x = plane.x(at);
        out.push_str(&format!(
            "<text x=\"{x:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{}</text>\n",
            bottom + 18.0,
            at.to_jiff().strftime("%H:%M")
        ));
    }
    out
}

fn legend() -> String {
    let entries = [
        ("#222", "demand"),
        ("#d55e00", "capacity"),
        ("#0072b2", "forecast one hour before"),
        ("#56b4e9", "forecast known at the first decision, 5 to 95 %"),
        ("#009e73", "decision"),
    ];
    let mut out = String::new();
    let mut x = LEFT;
    for (colour, text) in entries {
        out.push_str(&format!(
            "<rect x=\"{x:.0}\" y=\"32\" width=\"12\" height=\"4\" fill=\"{colour}\"/>\n<text x=\"{:.0}\" y=\"38\">{text}</text>\n",
            x + 16.0
        ));
        x += 34.0 + 6.3 * text.len() as f64;
    }
    out
}

/// Text that means itself in HTML and SVG.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
