//! A person who decides: so many times a day, after a while.

use std::time::Duration;

use crate::backtest::Trace;

/// Decisions of one person on one workload.
#[derive(Debug)]
pub(super) struct Approvals {
    /// Slots of a day, and the first slot of the test, from which days are counted.
    day: usize,
    origin: usize,
    /// Slots until a question is answered.
    delay: usize,
    most: usize,
    today: (usize, usize),
    /// The question that waits, and when it was put.
    asked: Option<usize>,
    /// Slots of decisions.
    pub made: Vec<usize>,
}

impl Approvals {
    /// At most `most` decisions a day, each `delay` after the question.
    pub fn new(trace: &Trace, most: usize, delay: Duration) -> Self {
        let (day, origin) = (trace.day(), trace.test % trace.day());
        let delay = (delay.as_secs_f64() / trace.window.step().as_secs_f64()).ceil() as usize;
        Self { day, origin, delay, most, today: (0, 0), asked: None, made: Vec::new() }
    }

    /// Whether a day begins with `slot`; days are those of the test.
    pub fn day_begins(&self, slot: usize) -> bool {
        slot % self.day == self.origin
    }

    /// Slots of a day.
    pub fn day_slots(&self) -> usize {
        self.day
    }

    /// Slots since the day began.
    pub fn time_of_day(&self, slot: usize) -> usize {
        (slot + self.day - self.origin) % self.day
    }

    /// Counts `n` decisions at `slot`, which were put and approved before.
    pub fn count(&mut self, slot: usize, n: usize) {
        self.roll(slot);
        self.today.1 += n;
        self.made.extend(std::iter::repeat_n(slot, n));
    }

    /// Whether what is asked is approved at `slot`: once `delay` has passed since it was first asked, if the day has
    /// decisions left.
    pub fn approved(&mut self, slot: usize) -> bool {
        self.roll(slot);
        if self.today.1 >= self.most {
            self.asked = None;
            return false;
        }
        let since = *self.asked.get_or_insert(slot);
        let granted = slot >= since + self.delay;
        if granted {
            self.asked = None;
            self.count(slot, 1);
        }
        granted
    }

    /// Nothing is asked any more.
    pub fn withdraw(&mut self) {
        self.asked = None;
    }

    fn roll(&mut self, slot: usize) {
        let day = (slot + self.day - self.origin) / self.day;
        if self.today.0 != day {
            self.today = (day, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::{Timestamp, Window};

    #[test]
    fn answers_take_a_while_and_a_day_has_so_many() {
        let minute = Duration::from_secs(60);
        let window = Window::new(Timestamp::from_secs(0), minute, (0..4000).map(|i| Some(f64::from(i % 7))));
        let trace = Trace::new(window, Some(1.0), minute * 3, 0.5).unwrap();
        let mut person = Approvals::new(&trace, 2, minute * 5);
        assert!(person.day_begins(trace.test) && person.time_of_day(trace.test + 7) == 7);
        assert!(!person.approved(2000) && !person.approved(2004));
        assert!(person.approved(2005));
        assert!(!person.approved(2006));
        person.withdraw();
        assert!(!person.approved(2012), "asked anew");
        person.count(2013, 1);
        assert!(!person.approved(2030) && !person.approved(2100), "two a day");
        assert!(!person.approved(2000 + 1440) && person.approved(2005 + 1440));
        assert_eq!(person.made, [2005, 2013, 3445]);
    }
}
