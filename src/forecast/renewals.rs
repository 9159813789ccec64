//! Which forecast is renewed next: the one that is oldest.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::series::Timestamp;

/// Series by the time their fan was last asked for; those that never had one come first.
#[derive(Clone, Debug)]
pub struct Renewals<K> {
    asked: BTreeMap<K, Option<Timestamp>>,
    order: BTreeSet<(Option<Timestamp>, K)>,
}

impl<K> Default for Renewals<K> {
    fn default() -> Self {
        Self { asked: BTreeMap::new(), order: BTreeSet::new() }
    }
}

impl<K: Ord + Clone> Renewals<K> {
    /// Keeps exactly `all`: new ones enter, others are forgotten.
    pub fn keep_to<'a>(&mut self, all: impl ExactSizeIterator<Item = &'a K> + Clone)
    where
        K: 'a,
    {
        let wanted = all.len();
        for key in all.clone().filter(|k| !self.asked.contains_key(k)).collect::<Vec<_>>() {
            self.asked.insert(key.clone(), None);
            self.order.insert((None, key.clone()));
        }
        if self.asked.len() > wanted {
            let all: BTreeSet<&K> = all.collect();
            self.asked.retain(|key, _| all.contains(key));
            self.order.retain(|(_, key)| all.contains(key));
        }
    }

    /// The stalest that was last asked for at least `every` ago, if any. A clock that went back makes all due.
    pub fn due(&self, now: Timestamp, every: Duration) -> Option<&K> {
        let (first, last) = (self.order.first()?, self.order.last()?);
        let is_due = |at: Option<Timestamp>| at.is_none_or(|at| now < at || now.since(at) >= every);
        [first, last].into_iter().find(|(at, _)| is_due(*at)).map(|(_, key)| key)
    }

    /// `key` was asked for at `now`.
    pub fn asked(&mut self, key: &K, now: Timestamp) {
        if let Some(at) = self.asked.get_mut(key) {
            self.order.remove(&(*at, key.clone()));
            *at = Some(now);
            self.order.insert((Some(now), key.clone()));
        }
    }

    /// How many are due at `now`.
    pub fn waiting(&self, now: Timestamp, every: Duration) -> usize {
        self.order.iter().take_while(|(at, _)| at.is_none_or(|at| now.since(at) >= every)).count()
    }

    /// Everything is due again.
    pub fn forget(&mut self) {
        self.asked.values_mut().for_each(|at| *at = None);
        self.order = self.asked.keys().map(|key| (None, key.clone())).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(60);

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(1_000_000 + secs)
    }

    fn take(renewals: &mut Renewals<&'static str>, now: Timestamp) -> Vec<&'static str> {
        let mut taken = Vec::new();
        while let Some(key) = renewals.due(now, EVERY).copied() {
            renewals.asked(&key, now);
            taken.push(key);
        }
        taken
    }

    #[test]
    fn the_stalest_first_and_none_before_its_time() {
        let mut renewals = Renewals::default();
        renewals.keep_to(["c", "a"].iter());
        assert_eq!(take(&mut renewals, at(0)), ["a", "c"]);
        renewals.keep_to(["a", "b", "c"].iter());
        assert_eq!(take(&mut renewals, at(10)), ["b"], "who has none is served at once");
        assert_eq!((renewals.waiting(at(59), EVERY), renewals.waiting(at(60), EVERY)), (0, 2));
        assert_eq!(take(&mut renewals, at(59)), [""; 0]);
        renewals.asked(&"a", at(60));
        assert_eq!(take(&mut renewals, at(90)), ["c", "b"]);
        assert_eq!(take(&mut renewals, at(120)), ["a"]);
        renewals.keep_to(["b"].iter());
        renewals.forget();
        assert_eq!(take(&mut renewals, at(121)), ["b"], "who is gone is not asked for");
        assert_eq!(take(&mut renewals, at(-1000)), ["b"], "the clock went back");
    }
}
