//! How many wishes one person may have: a bucket each, so that nobody can keep the engine from its work.

use std::collections::BTreeMap;

use crate::clock::Monotonic;
use crate::view::Command;

/// Wishes a second.
const RATE: f64 = 5.0;
/// Wishes at once.
const BURST: f64 = 20.0;
/// People remembered; those idle the longest are forgotten first.
const PEOPLE: usize = 256;

/// What is left to each person, and since when it fills.
#[derive(Debug, Default)]
pub struct Pace(BTreeMap<u32, (f64, Monotonic)>);

impl Pace {
    /// Whether a wish may be carried out now. What stops something always may.
    pub fn allows(&mut self, uid: u32, command: &Command, now: Monotonic) -> bool {
        if matches!(command, Command::Abort(_) | Command::Pause(_)) {
            return true;
        }
        if self.0.len() >= PEOPLE && !self.0.contains_key(&uid) {
            let idle = self.0.iter().min_by_key(|(_, (_, at))| *at).map(|(uid, _)| *uid);
            idle.map(|uid| self.0.remove(&uid));
        }
        let (left, at) = self.0.entry(uid).or_insert((BURST, now));
        *left = (*left + now.since(*at).as_secs_f64() * RATE).min(BURST);
        *at = now;
        let enough = *left >= 1.0;
        *left -= f64::from(u8::from(enough));
        enough
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::view::OperationId;

    use super::*;

    #[test]
    fn a_flood_is_slowed_and_stopping_never_is() {
        let mut pace = Pace::default();
        let start = Monotonic::default();
        let poll = Command::PollNow;
        assert_eq!((0..100).filter(|_| pace.allows(7, &poll, start)).count(), 20);
        assert!(pace.allows(8, &poll, start), "another person has a bucket of their own");
        let later = start.plus(Duration::from_secs(2));
        assert_eq!((0..100).filter(|_| pace.allows(7, &poll, later)).count(), 10);
        let abort = Command::Abort(OperationId::new("op-1"));
        let pause = Command::Pause(OperationId::new("op-1"));
        assert!((0..100).all(|_| pace.allows(7, &abort, later) && pace.allows(7, &pause, later)));
        for uid in 0..2000 {
            pace.allows(uid, &poll, later);
        }
        assert!(pace.0.len() <= PEOPLE, "{}", pace.0.len());
    }
}
