//! What is said about bursts: those that were, and the one that runs.

use std::time::Duration;

use crate::forecast::burst::{Burst, Bursts, Dip, Range};
use crate::series::{Unit, Window};

/// Alarms a day that are wanted at most.
const PER_DAY: f64 = 0.5;

/// What is known about the bursts of a history.
pub struct Known {
    learned: Option<Bursts>,
    running: Option<Burst>,
    dip: Option<Dip>,
    step: Duration,
}

impl Known {
    /// Learns from the whole history, and looks at its end.
    pub fn of(history: &Window) -> Self {
        let now = history.end() - history.step();
        let learned = Bursts::learn(history, now, PER_DAY);
        let running = learned.as_ref().and_then(|b| b.running(history, now, None));
        let dip = learned.as_ref().and_then(|b| b.dip(history, now));
        Self { learned, running, dip, step: history.step() }
    }

    /// For people: two lines at most.
    pub fn text(&self) -> String {
        let Some(learned) = &self.learned else {
            return "bursts   not learned: that takes a day of values at most 15 minutes apart\n".into();
        };
        let decay = learned.decay_minutes(self.step);
        let mut out = format!("bursts   {} in this history", learned.past());
        if let Some(decay) = decay {
            out.push_str(&format!(", which fall to 1/e in {}", minutes(decay)));
        }
        out.push_str(&format!("; at most {:.2} false alarms a day\n", learned.alarms_per_day()));
        if let Some(burst) = &self.running {
            out.push_str(&running(burst));
        }
        if let Some(dip) = &self.dip {
            let down = (1.0 - dip.factor) * 100.0;
            out.push_str(&format!("dip      {down:.0} % below what is usual since {}\n", dip.since));
        }
        out
    }

    /// For scripts; `null` where nothing could be learned.
    pub fn json(&self) -> serde_json::Value {
        self.learned.as_ref().map_or(serde_json::Value::Null, |learned| {
            serde_json::json!({
                "past": learned.past(),
                "alarms_per_day": learned.alarms_per_day(),
                "decay_minutes": learned.decay_minutes(self.step),
                "running": self.running,
                "dip": self.dip,
            })
        })
    }
}

fn running(burst: &Burst) -> String {
    let kinds: Vec<String> = burst
        .classes
        .iter()
        .filter(|c| c.1 >= 0.05)
        .map(|(class, p)| format!("{} {:.0} %", class.name(), p * 100.0))
        .collect();
    let mut out = format!(
        "now      {}: {:.1} times what is usual since {}",
        kinds.join(", "),
        burst.factor,
        burst.since.to_jiff().strftime("%H:%M UTC")
    );
    let short = |v: f64| Unit::Count.split(v).0;
    match (burst.peak, burst.minutes_left) {
        (Some(peak), Some(left)) => out.push_str(&format!(
            "; peak {} ({} to {}), over in {}\n",
            short(peak.middle),
            short(peak.low),
            short(peak.high),
            minutes(left)
        )),
        _ => out.push_str("; too few bursts before it to say how high and how long\n"),
    }
    out
}

/// `15 min (12 to 20)`.
fn minutes(range: Range) -> String {
    format!("{:.0} min ({:.0} to {:.0})", range.middle, range.low, range.high)
}
