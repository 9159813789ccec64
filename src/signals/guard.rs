//! Suspicion: a zero that comes from broken telemetry must not pass for an idle service.
//!
//! A value that falls at once to exactly zero, or stops being a number, is suspect until it recovers for a few
//! samples, or until a living witness has confirmed the zero for minutes (`safety.md` Y3). So is a value that rises at
//! once beyond all traffic, as a changed unit or one broken counter makes it (`safety.md` MO-03).

use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::Duration;

use super::SignalKind;
use crate::series::Timestamp;

/// "The last minutes" in which a value was clearly above zero.
const RECENT: Duration = Duration::from_secs(600);
/// Samples kept of those minutes.
const RECENT_SAMPLES: usize = 64;
/// Samples above zero in a row that end a suspicion.
const RECOVERY_SAMPLES: u8 = 3;
/// From this share of what it was before its fall on, a value is whole again.
const FILLED: f64 = 0.7;
/// How long a witness must confirm a zero.
const CONFIRMATION: Duration = Duration::from_secs(180);

/// From this many times the most of the last minutes on, a rise at once is an outlier until something else confirms it.
const OUTLIER: f64 = 50.0;
/// A flood that is real takes at least this many times the CPU that there was.
const ROSE: f64 = 1.5;

/// What else is known of the workload when a sample is judged. `None`: not known or not fresh.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Witnesses {
    /// The platform was asked for no replicas at all, so that a zero is what was wanted.
    pub scaled_to_zero: bool,
    /// CPU used, cores.
    pub cpu: Option<f64>,
    /// Measured requests in flight.
    pub in_flight: Option<f64>,
    /// The same kind from another source or recipe.
    pub other: Option<f64>,
    /// Trusted demand (for the other kinds).
    pub demand: Option<f64>,
}

#[derive(Clone, Debug, Default, PartialEq)]
enum Trust {
    #[default]
    Trusted,
    Suspect {
        reason: Cow<'static, str>,
        good: u8,
        confirmed_since: Option<Timestamp>,
        /// When and how much it was before it fell; `None` if it did not fall.
        whole: Option<(Timestamp, f64)>,
        /// First sample above zero since.
        back: Option<Timestamp>,
    },
}

/// The memory behind one observed value.
#[derive(Clone, Debug, Default)]
pub(super) struct Guard {
    recent: VecDeque<(Timestamp, f64)>,
    /// The last sample before those that were each lower than the one before; `None` after a rise.
    fall: Option<(Timestamp, f64)>,
    /// CPU use when the value was last clearly there.
    cpu_then: Option<f64>,
    judged: Option<Timestamp>,
    trust: Trust,
}

/// The kinds for which a sudden zero is suspicious, with the level from which a fall is "substantial".
pub(super) fn threshold(kind: SignalKind) -> Option<f64> {
    match kind {
        SignalKind::Demand => Some(1.0),
        SignalKind::CpuUsed => Some(0.05),
        SignalKind::MemoryUsed => Some(1024.0 * 1024.0),
        _ => None,
    }
}

impl Guard {
    /// What the value was before this process began, so that a zero as the first sample is judged too.
    pub fn remember(&mut self, at: Timestamp, value: f64) {
        if self.judged.is_none() && self.recent.is_empty() && value > 0.0 {
            self.recent.push_back((at, value));
        }
    }

    /// Why the value is suspect; `None` if it may be trusted.
    pub fn suspicion(&self) -> Option<String> {
        let Trust::Suspect { reason, good, .. } = &self.trust else { return None };
        Some(match *good {
            0 => reason.to_string(),
            good if good < RECOVERY_SAMPLES => {
                format!("{reason}; {good} of {RECOVERY_SAMPLES} good samples since")
            }
            _ => format!("{reason}; it comes back, and the window of its rate is not full yet"),
        })
    }

    /// Whether a value that fell is coming back: while it is not whole again, at least the newest is there.
    pub const fn is_returning(&self) -> bool {
        matches!(self.trust, Trust::Suspect { good, whole: Some(_), .. } if good > 0)
    }

    /// What a suspect value was before it fell. A rate shrinks for the length of its window before it is zero: what it
    /// was on the way is of no moment.
    pub fn whole(&self) -> Option<(Timestamp, f64)> {
        match self.trust {
            Trust::Suspect { whole, .. } => whole,
            Trust::Trusted => None,
        }
    }

    /// The sample before the fall that goes on, if one does; else the newest. A fall of longer than a rate's window is
    /// one of demand.
    fn before_fall(&self) -> Option<(Timestamp, f64)> {
        let newest = self.recent.back().copied()?;
        Some(self.fall.filter(|(at, _)| newest.0.since(*at) <= RECENT).unwrap_or(newest))
    }

    /// Judges the sample `value` (any `f64`) evaluated at `at`; each instant is judged once.
    pub fn judge(&mut self, kind: SignalKind, at: Timestamp, value: f64, w: &Witnesses) {
        let Some(substantial) = threshold(kind) else { return };
        if self.judged.is_some_and(|j| at <= j) {
            return;
        }
        self.judged = Some(at);
        if !value.is_finite() {
            if !self.recent.is_empty() || self.trust != Trust::Trusted {
                self.suspect("the source answers something that is not a number");
            }
        } else if value > 0.0 {
            if !self.is_outlier(kind, substantial, at, value, w) {
                self.above_zero(at, value, w);
            }
        } else {
            self.zero(kind, substantial, at, w);
        }
    }

    fn suspect(&mut self, reason: &'static str) {
        // Suspect for longer, it still is what it was before the fall.
        let whole = self.whole().or_else(|| self.before_fall());
        self.trust =
            Trust::Suspect { reason: reason.into(), good: 0, confirmed_since: None, whole, back: None };
    }

    /// Whether `value` is far beyond everything of the last minutes and nothing confirms it; then it is suspect. Where
    /// no witness is there to ask, it is believed once it has stood for minutes.
    fn is_outlier(
        &mut self,
        kind: SignalKind,
        substantial: f64,
        at: Timestamp,
        value: f64,
        w: &Witnesses,
    ) -> bool {
        let peak = self.recent.iter().map(|(_, v)| *v).fold(0.0, f64::max);
        if peak < substantial || value <= peak * OUTLIER {
            return false;
        }
        let since = match &self.trust {
            Trust::Suspect { confirmed_since, .. } => confirmed_since.unwrap_or(at),
            Trust::Trusted => at,
        };
        let real = rose(kind, self.cpu_then, value, w);
        if real == Some(true) || real.is_none() && at.since(since) >= CONFIRMATION {
            self.trust = Trust::Trusted;
            self.recent.clear();
            return false;
        }
        let reason =
            format!("outlier: rose at once to {:.0} times the most of the last 10 min", value / peak);
        let confirmed_since = real.is_none().then_some(since);
        self.trust =
            Trust::Suspect { reason: reason.into(), good: 0, confirmed_since, whole: None, back: None };
        true
    }

    fn above_zero(&mut self, at: Timestamp, value: f64, w: &Witnesses) {
        if let Trust::Suspect { good, confirmed_since, whole, back, .. } = &mut self.trust {
            *good = good.saturating_add(1).min(RECOVERY_SAMPLES);
            *confirmed_since = None;
            // A rate grows for the length of its window: it is back once it is near what it was, or stands for minutes.
            // What it was long ago says nothing of its window any more: a quiet service has zeros for ever.
            let since = at.since(*back.get_or_insert(at));
            let near = |(then, whole): (Timestamp, f64)| value < whole * FILLED && at.since(then) <= RECENT;
            let filling = whole.is_some_and(near) && since < CONFIRMATION;
            if *good < RECOVERY_SAMPLES || filling {
                return;
            }
            self.trust = Trust::Trusted;
        }
        match self.recent.back() {
            Some(last) if value < last.1 => self.fall = self.fall.or(Some(*last)),
            Some(last) if value == last.1 => {}
            _ => self.fall = None,
        }
        // The newest entry stays however old it grows: after an outage it is what a zero is compared with.
        self.recent.push_back((at, value));
        while self.recent.len() > RECENT_SAMPLES
            || self.recent.front().is_some_and(|(t, _)| at.since(*t) > RECENT)
        {
            self.recent.pop_front();
        }
        if w.cpu.is_some() {
            self.cpu_then = w.cpu;
        }
    }

    fn zero(&mut self, kind: SignalKind, substantial: f64, at: Timestamp, w: &Witnesses) {
        let peak = self.recent.iter().map(|(_, v)| *v).fold(0.0, f64::max);
        if w.scaled_to_zero {
            self.trust = Trust::Trusted;
            return;
        }
        let Trust::Suspect { good, confirmed_since, back, .. } = &mut self.trust else {
            if peak >= substantial {
                self.suspect("fell at once to exactly zero while replicas should be serving");
            } else if w.other.is_some_and(|o| o >= substantial) || peak > 0.0 && contradicted(kind, w) {
                self.suspect("is exactly zero while another signal of the workload is not");
            }
            return;
        };
        (*good, *back) = (0, None);
        if contradicted(kind, w) || !confirmed(kind, self.cpu_then, w) {
            *confirmed_since = None;
        } else if at.since(*confirmed_since.get_or_insert(at)) >= CONFIRMATION {
            self.trust = Trust::Trusted;
            self.recent.clear();
        }
    }
}

/// Whether another source, or the CPU that serving takes, rose as well; `None` if there is nothing to ask.
fn rose(kind: SignalKind, cpu_then: Option<f64>, value: f64, w: &Witnesses) -> Option<bool> {
    if let Some(other) = w.other {
        return Some(other >= value / OUTLIER);
    }
    let cpu = w.cpu.zip(cpu_then).filter(|_| kind == SignalKind::Demand)?;
    Some(cpu.0 >= cpu.1 * ROSE)
}

/// Whether something fresh says that the workload is busy.
fn contradicted(kind: SignalKind, w: &Witnesses) -> bool {
    let busy = |v: Option<f64>| v.is_some_and(|x| x > 0.0);
    match kind {
        SignalKind::Demand => busy(w.other) || busy(w.in_flight),
        _ => busy(w.other) || busy(w.demand),
    }
}

/// Whether a witness that is itself alive (CPU use above zero: its telemetry works) says that nothing arrives:
/// CPU fell by a third or more, nothing is in flight, or another source says zero as well.
/// A running process always holds memory and some CPU, so those zeros nothing confirms.
fn confirmed(kind: SignalKind, cpu_then: Option<f64>, w: &Witnesses) -> bool {
    let Some(cpu) = w.cpu.filter(|c| *c > 0.0) else { return false };
    let fell = cpu_then.is_some_and(|then| cpu <= then * 2.0 / 3.0);
    kind == SignalKind::Demand && (fell || w.in_flight == Some(0.0) || w.other == Some(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Run(Guard, i64);

    impl Run {
        /// Judges `value` 15 s after the last one; whether it is suspect.
        fn next(&mut self, value: f64, w: Witnesses) -> bool {
            self.1 += 15;
            self.0.judge(SignalKind::Demand, Timestamp::from_secs(self.1), value, &w);
            self.0.suspicion().is_some()
        }
    }

    fn busy(cpu: f64) -> Witnesses {
        Witnesses { cpu: Some(cpu), ..Witnesses::default() }
    }

    #[test]
    fn a_sudden_zero_is_suspect_and_recovers_after_three_good_samples() {
        let mut run = Run(Guard::default(), 0);
        assert!(!run.next(100.0, busy(2.0)));
        assert!(run.next(0.0, busy(2.0)));
        assert!(run.next(0.0, busy(2.0)));
        assert!(run.next(90.0, busy(2.0)));
        assert!(run.0.suspicion().unwrap().contains("1 of 3"));
        assert!(run.next(90.0, busy(2.0)));
        assert!(!run.next(90.0, busy(2.0)));
    }

    #[test]
    fn a_zero_is_believed_after_a_living_witness_confirmed_it_for_minutes() {
        let mut run = Run(Guard::default(), 0);
        run.next(100.0, busy(2.0));
        let suspect = (0..14).filter(|_| run.next(0.0, busy(0.1))).count();
        assert_eq!(suspect, 13, "fell at once, then three minutes of confirmation");
    }

    #[test]
    fn a_dead_or_silent_witness_confirms_nothing() {
        for w in [
            busy(0.0),
            Witnesses { cpu: None, in_flight: Some(0.0), ..busy(0.0) },
            Witnesses::default(),
            busy(1.9),
        ] {
            let mut run = Run(Guard::default(), 0);
            run.next(100.0, busy(2.0));
            assert!((0..500).all(|_| run.next(0.0, w)), "{w:?}");
        }
    }

    #[test]
    fn zero_after_an_outage_is_compared_with_the_last_known_value() {
        let mut run = Run(Guard::default(), 0);
        run.next(100.0, busy(2.0));
        run.1 += 7200;
        assert!(run.next(0.0, busy(2.0)));
    }

    #[test]
    fn nan_is_suspect_and_low_or_decaying_demand_is_not() {
        let mut run = Run(Guard::default(), 0);
        assert!(!run.next(f64::NAN, busy(2.0)), "nothing was ever known");
        run.next(5.0, busy(2.0));
        assert!(run.next(f64::NAN, busy(2.0)));
        assert!(run.next(f64::INFINITY, busy(2.0)));

        let mut low = Run(Guard::default(), 0);
        assert!(!low.next(0.3, busy(0.1)));
        assert!(!low.next(0.0, busy(0.1)), "a quiet service is allowed its zeros");
        assert!(!low.next(0.2, busy(0.1)));
        assert!(low.next(0.0, Witnesses { in_flight: Some(4.0), ..busy(0.1) }));
        assert!(!low.next(0.0, Witnesses { scaled_to_zero: true, ..busy(0.1) }), "scaled to zero");
    }

    #[test]
    fn a_thousandfold_rise_is_named_and_not_believed_while_cpu_says_otherwise() {
        let mut run = Run(Guard::default(), 0);
        run.next(100.0, busy(2.0));
        assert!(run.next(100_000.0, busy(2.1)));
        assert!(run.0.suspicion().unwrap().contains("1000 times"), "{:?}", run.0.suspicion());
        assert!((0..200).all(|_| run.next(1e300, busy(2.1))), "it lasts, and CPU still says no");
        assert!(run.next(110.0, busy(2.1)));
        run.next(110.0, busy(2.1));
        assert!(!run.next(110.0, busy(2.1)), "three good samples");
    }

    #[test]
    fn a_flood_that_cpu_or_another_source_confirms_is_believed_at_once() {
        let mut run = Run(Guard::default(), 0);
        run.next(10.0, busy(0.2));
        assert!(!run.next(900.0, busy(4.0)));
        let mut run = Run(Guard::default(), 0);
        run.next(10.0, busy(0.2));
        assert!(!run.next(900.0, Witnesses { other: Some(800.0), ..Witnesses::default() }));
        assert!(!run.next(5_000.0, busy(0.1)), "not fifty times");
    }

    #[test]
    fn where_nothing_can_be_asked_a_rise_is_believed_after_minutes() {
        let mut run = Run(Guard::default(), 0);
        run.next(10.0, Witnesses::default());
        let suspect = (0..40).filter(|_| run.next(9000.0, Witnesses::default())).count();
        assert_eq!(suspect, 12, "three minutes");
        let mut quiet = Run(Guard::default(), 0);
        quiet.next(0.2, Witnesses::default());
        assert!(!quiet.next(40.0, Witnesses::default()), "a quiet service wakes up");
    }

    #[test]
    fn decay_of_a_rate_window_does_not_hide_the_fall() {
        let mut run = Run(Guard::default(), 0);
        for value in [100.0, 75.0, 50.0, 25.0, 0.5] {
            assert!(!run.next(value, busy(2.0)));
        }
        assert!(run.next(0.0, busy(2.0)));
        assert_eq!(run.0.whole().map(|(_, v)| v), Some(100.0), "what it was before its window emptied");
        assert!(run.next(0.0, busy(2.0)));
        assert_eq!(run.0.whole().map(|(_, v)| v), Some(100.0));
    }

    #[test]
    fn a_rate_window_that_fills_again_is_not_the_demand_yet() {
        let fall = || {
            let mut run = Run(Guard::default(), 0);
            for value in [97.0, 100.0, 50.0, 0.0] {
                run.next(value, busy(2.0));
            }
            run
        };
        let mut run = fall();
        for value in [10.0, 20.0, 30.0, 40.0, 69.0] {
            assert!(run.next(value, busy(2.0)), "{value}");
        }
        assert!(!run.next(80.0, busy(2.0)));
        let mut lower = fall();
        let suspect = (0..40).filter(|_| lower.next(30.0, busy(2.0))).count();
        assert_eq!(suspect, 12, "what stands for three minutes is believed");
        assert_eq!(lower.0.suspicion(), None);
        let mut filling = fall();
        assert!((0..5).all(|_| filling.next(30.0, busy(2.0))));
        let why = filling.0.suspicion().unwrap();
        assert!(why.contains("window of its rate is not full") && !why.contains("3 of 3"), "{why}");
        assert!(filling.0.is_returning());
        filling.next(0.0, busy(2.0));
        assert!(!filling.0.is_returning(), "a zero is at least nothing");
    }

    #[test]
    fn a_lower_demand_with_a_zero_now_and_then_is_believed_again() {
        let mut run = Run(Guard::default(), 0);
        assert!(!(0..8).any(|_| run.next(50.0, busy(2.0))));
        run.next(0.0, busy(2.0));
        // One zero every two and a half minutes, for an hour.
        let suspect: Vec<bool> =
            (1..=240).map(|i| run.next(if i % 10 == 0 { 0.0 } else { 20.0 }, busy(2.0))).collect();
        let (first, later) = suspect.split_at(50);
        assert!(first.iter().take(9).all(|s| *s), "it may be a window that fills");
        let share = later.iter().filter(|s| !**s).count() as f64 / later.len() as f64;
        assert!(share > 0.6, "trusted in {share} of the time");
        assert!(run.next(0.0, busy(2.0)));
        assert_eq!(run.0.whole().map(|(_, v)| v), Some(20.0), "shown as what it is now, not as it was");
    }
}
