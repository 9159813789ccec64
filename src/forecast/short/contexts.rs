//! Tails apart by what is known of a slot: whether it went far above what was told lately, or at this time of day.
//!
//! One tail for all makes quiet hours pay for the minute in which a job starts every day, and that minute too cheap.

use super::tail::Tail;

/// An error this many times its expected size is a surprise.
const SURPRISE: f64 = 8.0;
/// Days for which a surprise marks its time of day.
const DAYS: u64 = 7;
/// How far around that time it marks, seconds.
const AROUND: f64 = 120.0;
/// How long it marks what comes after it, seconds.
const AFTER: f64 = 3600.0;
/// Errors that the tail of all contexts counts for in each.
const SHARED: f64 = 300.0;

/// Which tail a slot belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Context(usize);

/// The tails, and where surprises were.
#[derive(Clone, Debug)]
pub(super) struct Contexts {
    all: Tail,
    own: [Tail; 4],
    /// By time of day, the slot after that of the latest surprise; 0 if there was none.
    marks: Vec<u64>,
    latest: u64,
    around: usize,
    after: u64,
}

impl Contexts {
    /// For slots of `step` seconds, `day` of them a day, with a memory of `memory` slots.
    pub fn new(step: f64, day: usize, memory: f64) -> Self {
        Self {
            all: Tail::new(memory),
            own: std::array::from_fn(|_| Tail::new(memory)),
            marks: vec![0; day.max(1)],
            latest: 0,
            around: (AROUND / step) as usize,
            after: (AFTER / step) as u64,
        }
    }

    /// The context of `slot` as far as is known now.
    pub fn of(&self, slot: u64) -> Context {
        let day = self.marks.len();
        let middle = (slot % day as u64) as usize;
        let around = self.around.min(day - 1);
        let marked = (0..=2 * around).any(|k| {
            let time = (middle + day - around + k) % day;
            self.marks.get(time).is_some_and(|mark| *mark > 0 && *mark + DAYS * day as u64 > slot)
        });
        let lately = self.latest > 0 && self.latest + self.after > slot;
        Context(usize::from(marked) + 2 * usize::from(lately))
    }

    /// Learns that a slot of `context` was `z` expected sizes above what was told.
    pub fn add(&mut self, slot: u64, context: Context, z: f64) {
        self.all.add(z);
        if let Some(own) = self.own.get_mut(context.0) {
            own.add(z);
        }
        if z > SURPRISE {
            let time = (slot % self.marks.len() as u64) as usize;
            if let Some(mark) = self.marks.get_mut(time) {
                *mark = slot + 1;
            }
            self.latest = slot + 1;
        }
    }

    /// Errors seen.
    pub fn seen(&self) -> usize {
        self.all.seen()
    }

    /// Probability of an error above `z` in `context`: its own tail, as far as it has seen enough, and that of all.
    pub fn above(&self, context: Context, z: f64) -> f64 {
        let all = self.all.above(z);
        self.own.get(context.0).map_or(all, |own| {
            let n = own.weight();
            (own.above(z) * n + all * SHARED) / (n + SHARED)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_that_surprised_is_dearer_for_a_week_and_the_rest_cheaper() {
        let day = 1440;
        let mut contexts = Contexts::new(60.0, day, 7.0 * day as f64);
        let mut told = Vec::new();
        for slot in 0..6 * day as u64 {
            let time = slot % day as u64;
            let context = contexts.of(slot);
            told.push(context);
            contexts.add(slot, context, if time == 720 { 30.0 } else { 0.5 });
        }
        let slot = |day_of: u64, time: u64| day_of * day as u64 + time;
        assert_eq!(told[slot(0, 720) as usize], Context::default(), "nobody knows it yet");
        for near in [718, 720, 722] {
            assert_eq!(contexts.of(slot(6, near)), Context(1));
        }
        assert_eq!(contexts.of(slot(6, 717)), Context::default());
        assert_eq!(contexts.of(slot(5, 760)), Context(2), "it is less than an hour ago");
        let (quiet, marked) = (contexts.above(Context(0), 10.0), contexts.above(Context(1), 10.0));
        assert!(marked > 10.0 * quiet, "{marked} {quiet}");
        assert_eq!(contexts.of(slot(13, 720)), Context::default(), "a week later it is forgotten");
    }

    #[test]
    fn a_context_never_seen_has_the_tail_of_all() {
        let mut contexts = Contexts::new(300.0, 288, 2000.0);
        for slot in 0..500 {
            contexts.add(slot, Context(0), if slot % 10 == 0 { 3.0 } else { 0.0 });
        }
        let own = contexts.above(Context(3), 2.0);
        assert!((own - 0.1).abs() < 0.02, "{own}");
        assert_eq!(contexts.seen(), 500);
    }
}
