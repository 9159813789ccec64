//! One alarm for one event.

use std::collections::VecDeque;

/// Share of the rows so far during which an alarm stands for what follows it, and the least and most rows.
const SHARE: f64 = 0.04;
const ROWS: (f64, f64) = (50.0, 4096.0);
/// How many times greater than the last alarm another one is.
const GREATER: f64 = 1.1;
/// What is left of evidence that is none of its own.
const REST: f64 = 0.3;

/// The greatest evidence of late.
#[derive(Clone, Debug, Default)]
pub(super) struct Rest {
    row: u64,
    /// Descending, so that the front is the greatest.
    late: VecDeque<(u64, f64)>,
}

impl Rest {
    /// The evidence, if it is clearly the greatest of late, else what is left of it. What comes late in a long
    /// history must be new for longer: otherwise the number of alarms would grow with the history alone.
    pub fn fresh(&mut self, evidence: f64) -> f64 {
        let rows = (SHARE * self.row as f64).clamp(ROWS.0, ROWS.1) as u64;
        while self.late.front().is_some_and(|l| l.0 + rows < self.row) {
            self.late.pop_front();
        }
        let known = self.late.front().is_some_and(|l| l.1 * GREATER >= evidence);
        while self.late.back().is_some_and(|l| l.1 <= evidence) {
            self.late.pop_back();
        }
        self.late.push_back((self.row, evidence));
        self.row += 1;
        if known { evidence * REST } else { evidence }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_told_once_and_a_greater_one_again() {
        let mut rest = Rest::default();
        assert_eq!(rest.fresh(5.0), 5.0);
        assert_eq!(rest.fresh(5.0), 1.5);
        assert_eq!(rest.fresh(5.4), 5.4 * REST);
        assert_eq!(rest.fresh(8.0), 8.0);
        for _ in 0..49 {
            rest.fresh(0.0);
        }
        assert_eq!(rest.fresh(7.0), 7.0 * REST);
        assert_eq!(rest.fresh(0.0), 0.0);
        for _ in 0..60 {
            rest.fresh(0.0);
        }
        assert_eq!(rest.fresh(5.0), 5.0);
        for i in 0..200_000 {
            rest.fresh(f64::from(200_000 - i));
        }
        assert!(rest.late.len() <= ROWS.1 as usize + 2);
    }
}
