//! Workloads whose pods are read with them, as a watch may be behind what was just written to a pod.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::Monotonic;

/// Workloads followed at once; the one that was not asked for the longest makes place.
const MOST: usize = 1000;
/// Who was not asked for within this has no operation any more, and watches are not that far behind.
const OVER: Duration = Duration::from_secs(600);

/// When each was last asked for, by uid.
#[derive(Debug, Default)]
pub(super) struct Followed(BTreeMap<String, Monotonic>);

impl Followed {
    /// From now on its pods are read with it.
    pub(super) fn follow(&mut self, uid: &str, now: Monotonic) {
        self.0.retain(|_, asked| now.since(*asked) < OVER);
        if self.0.len() >= MOST && !self.0.contains_key(uid) {
            let oldest = self.0.iter().min_by_key(|(_, asked)| **asked).map(|(uid, _)| uid.clone());
            oldest.and_then(|uid| self.0.remove(&uid));
        }
        self.0.insert(uid.to_owned(), now);
    }

    /// Whether its pods are read with it; asking keeps it so.
    pub(super) fn has(&mut self, uid: &str, now: Monotonic) -> bool {
        let Some(asked) = self.0.get_mut(uid) else { return false };
        let still = now.since(*asked) < OVER;
        *asked = now;
        if !still {
            self.0.remove(uid);
        }
        still
    }

    /// It is gone.
    pub(super) fn forget(&mut self, uid: &str) {
        self.0.remove(uid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Monotonic {
        Monotonic::from_duration(Duration::from_secs(seconds))
    }

    #[test]
    fn what_is_over_or_gone_is_forgotten_and_the_newest_is_always_followed() {
        let mut followed = Followed::default();
        followed.follow("a", at(0));
        assert!(followed.has("a", at(599)) && followed.has("a", at(1198)), "asked for again and again");
        assert!(!followed.has("a", at(1798)) && !followed.has("a", at(1799)), "its operation is over");
        followed.follow("b", at(2000));
        followed.forget("b");
        assert!(!followed.has("b", at(2001)) && followed.0.is_empty());
        for i in 0..=MOST {
            followed.follow(&format!("u-{i}"), at(3000 + u64::from(i == 0)));
        }
        assert_eq!(followed.0.len(), MOST);
        assert!(followed.has(&format!("u-{MOST}"), at(3001)) && followed.has("u-0", at(3001)));
    }
}
