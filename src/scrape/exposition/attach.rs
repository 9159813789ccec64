//! Joins scraped labels with the target's.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};

use crate::scrape::Born;
use crate::scrape::inert::inert;
use crate::series::METRIC_NAME;

/// Labels as they are written in a line.
type Scraped<'a> = [(Cow<'a, str>, Cow<'a, str>)];

/// The labels every series of a target carries.
#[derive(Clone, Debug)]
pub(super) struct TargetLabels(Vec<(String, String)>);

/// Label sets while they are made, one after the other. Neighbours have most labels in common, and the same names in
/// the same order: what is known of the one before is not worked out again.
#[derive(Debug, Default)]
pub(super) struct Births {
    /// All labels, and the series that are announced.
    pub(super) born: Born,
    /// Hashes of the labels, as far as they were asked for.
    hashes: Vec<u64>,
    /// Labels of the series before in the order in which they were scraped; the metric name is the first.
    before: Vec<u32>,
    /// The target's own labels.
    own: Vec<u32>,
    /// How many were scraped when `order` was made.
    scraped: usize,
    /// Which of `before`, and of `own` behind them, are the labels in the order of their names.
    order: Vec<usize>,
    /// The labels of the series made last, in the order of their names.
    set: Vec<u32>,
}

impl TargetLabels {
    pub(super) fn new(labels: &BTreeMap<String, String>) -> Self {
        Self(labels.iter().map(|(n, v)| (n.clone(), v.clone())).collect())
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(own, _)| own == name)
    }

    /// Under which name a scraped label is kept.
    fn exported<'n>(&self, name: &'n str, scraped: &Scraped<'_>) -> Cow<'n, str> {
        if !self.has(name) {
            return Cow::Borrowed(name);
        }
        let mut renamed = format!("exported_{name}");
        while self.has(&renamed) || scraped.iter().any(|(n, v)| *n == renamed && !v.is_empty()) {
            renamed.insert_str(0, "exported_");
        }
        Cow::Owned(renamed)
    }
}

fn safe(text: &str, plain: bool) -> Cow<'_, str> {
    if plain { Cow::Borrowed(text) } else { inert(text) }
}

impl Births {
    /// Makes the labels of a series. `honor_labels: false`: the target's labels win, and a scraped label of the same
    /// name is kept as `exported_NAME` (prefixed again while that is taken too), as in Prometheus.
    ///
    /// `plain`: the texts are known to be what a terminal shows as they are.
    pub(super) fn attach(&mut self, target: &TargetLabels, name: &str, scraped: &Scraped<'_>, plain: bool) {
        if self.own.is_empty() {
            self.own.extend(target.0.iter().map(|(name, value)| self.born.enter(name, value)));
        }
        let mut as_before = self.put(0, METRIC_NAME, &safe(name, plain));
        let mut count = 1;
        for (name, value) in scraped.iter().filter(|(_, v)| !v.is_empty()) {
            let name = target.exported(name, scraped);
            as_before &= self.put(count, &safe(&name, plain), &safe(value, plain));
            count += 1;
        }
        if !as_before || self.scraped != count {
            self.sort(count);
        }
        let all = |place: &usize| match place.checked_sub(count) {
            None => self.before.get(*place),
            Some(own) => self.own.get(own),
        };
        self.set.clear();
        self.set.extend(self.order.iter().filter_map(all));
    }

    /// Notes the label in one place of the line; whether its name is that of the series before.
    fn put(&mut self, place: usize, name: &str, value: &str) -> bool {
        let Some(number) = self.before.get_mut(place) else {
            self.before.push(self.born.enter(name, value));
            return false;
        };
        let known = self.born.label(*number);
        let same = known.0 == name;
        if !same || known.1 != value {
            *number = self.born.enter(name, value);
        }
        same
    }

    /// Puts the names in order; of equal ones the last counts.
    fn sort(&mut self, count: usize) {
        let all = self.before.iter().take(count).chain(&self.own);
        let mut names: Vec<(&str, usize)> =
            all.enumerate().map(|(place, number)| (self.born.label(*number).0, place)).collect();
        names.sort_unstable_by(|a, b| a.0.cmp(b.0).then(b.1.cmp(&a.1)));
        names.dedup_by(|later, kept| later.0 == kept.0);
        self.scraped = count;
        self.order = names.into_iter().map(|(_, place)| place).collect();
    }

    /// Hash of the series made last.
    pub(super) fn hash(&mut self, hasher: &RandomState) -> u64 {
        let new = self.born.labels_from(self.hashes.len());
        self.hashes.extend(new.map(|label| hasher.hash_one(label)));
        let hashes = self.set.iter().filter_map(|number| self.hashes.get(*number as usize));
        hashes.fold(0, |all: u64, hash| (all.rotate_left(5) ^ hash).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// Announces the series made last.
    pub(super) fn announce(&mut self, slot: u32) {
        self.born.add(slot, &self.set);
    }

    /// Whether the series made last has the labels of the one that `other` made last.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.set.len() == other.set.len()
            && self.set.iter().zip(&other.set).all(|(a, b)| self.born.label(*a) == other.born.label(*b))
    }

    /// The labels of the series made last.
    pub(super) fn made(&self) -> crate::series::Labels {
        self.born.set(&self.set)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::series::Labels;

    fn names() -> impl Strategy<Value = Vec<(String, String)>> {
        let name = prop::sample::select(vec!["a", "b", "job", "exported_job", "instance", "__name__", "z"]);
        prop::collection::vec((name.prop_map(str::to_owned), "[xy]?"), 0..5)
    }

    proptest! {
        /// As if each were made alone: neighbours that share names, values, both or nothing.
        #[test]
        fn one_after_the_other_is_as_each_alone(all in prop::collection::vec(names(), 1..20)) {
            let own = BTreeMap::from([("job".to_owned(), "j".to_owned()), ("instance".to_owned(), "i".to_owned())]);
            let target = TargetLabels::new(&own);
            let (mut births, hasher) = (Births::default(), RandomState::new());
            for labels in &all {
                let scraped: Vec<_> =
                    labels.iter().map(|(n, v)| (Cow::Borrowed(n.as_str()), Cow::Borrowed(v.as_str()))).collect();
                births.attach(&target, "m", &scraped, true);
                let mut want = vec![("__name__".to_owned(), "m".to_owned())];
                for (name, value) in labels.iter().filter(|(_, v)| !v.is_empty()) {
                    let mut name = name.clone();
                    if own.contains_key(&name) {
                        name.insert_str(0, "exported_");
                        while labels.iter().any(|(n, v)| *n == name && !v.is_empty()) {
                            name.insert_str(0, "exported_");
                        }
                    }
                    want.push((name, value.clone()));
                }
                want.extend(own.clone());
                prop_assert_eq!(births.made(), Labels::from_pairs(want));
                let mut alone = Births::default();
                alone.attach(&target, "m", &scraped, false);
                prop_assert!(alone.is_like(&births) && births.is_like(&alone));
                prop_assert_eq!(alone.hash(&hasher), births.hash(&hasher));
            }
        }
    }
}
