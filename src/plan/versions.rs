//! What each version of the code costs a request: the control group that a rollout brings along.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::series::Timestamp;

/// Versions remembered of one workload.
const KEPT: usize = 6;
/// Requests a version must have served before its cost counts.
const REQUESTS: f64 = 500.0;
/// What was seen longer ago than this is no control group any more.
const MEMORY: Duration = Duration::from_secs(3 * 86_400);
/// Readings further apart than this are not joined.
const GAP: Duration = Duration::from_secs(300);
/// Where no version was seen for this long nothing is known of deploys in between.
const BREAK: Duration = Duration::from_secs(1800);

/// What one version used.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cost {
    first: Timestamp,
    last: Timestamp,
    requests: f64,
    cpu: f64,
}

/// CPU and requests by version of one workload, since weescale watches.
#[derive(Clone, Debug, Default)]
pub struct Versions {
    of: BTreeMap<Arc<str>, Cost>,
    taken: Option<Timestamp>,
    /// Since when some version was seen without a long break, and when last.
    seen: Option<(Timestamp, Timestamp)>,
}

/// The newest version against the one before it.
#[derive(Clone, Debug, PartialEq)]
pub struct VersionChange {
    /// The newest.
    pub version: Arc<str>,
    /// The one it is compared with.
    pub before: Arc<str>,
    /// CPU seconds a request of the newest and of the one before.
    pub cost: (f64, f64),
    /// When the newest was first seen.
    pub since: Timestamp,
    /// Requests behind the newest's cost.
    pub requests: f64,
}

impl VersionChange {
    /// Cost of the newest over cost of the one before.
    pub fn ratio(&self) -> f64 {
        self.cost.0 / self.cost.1
    }
}

impl Versions {
    /// Takes requests a second and cores by version in.
    pub fn observe(&mut self, at: Timestamp, demand: &[(Arc<str>, f64)], cpu: &[(Arc<str>, f64)]) {
        let span = match self.taken.replace(at) {
            Some(before) if at > before && at.since(before) <= GAP => at.since(before).as_secs_f64(),
            _ => 0.0,
        };
        for (version, rate) in demand {
            let Some((_, cores)) = cpu.iter().find(|(v, _)| v == version) else { continue };
            if !(*rate > 0.0 && *cores > 0.0) {
                continue;
            }
            let cost = self.of.entry(Arc::clone(version)).or_insert(Cost {
                first: at,
                last: at,
                requests: 0.0,
                cpu: 0.0,
            });
            cost.last = at;
            self.seen = match self.seen {
                Some((since, last)) if at.since(last) <= BREAK => Some((since.min(at), at)),
                _ => Some((at, at)),
            };
            cost.requests += rate * span;
            cost.cpu += cores * span;
        }
        self.of.retain(|_, c| at.since(c.last) <= MEMORY);
        while self.of.len() > KEPT {
            let Some(oldest) = self.of.iter().min_by_key(|(_, c)| c.last).map(|(v, _)| Arc::clone(v)) else {
                break;
            };
            self.of.remove(&oldest);
        }
    }

    /// Versions seen.
    pub fn len(&self) -> usize {
        self.of.len()
    }

    /// Whether no version was seen.
    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// For how long versions are watched at `now`, without a long break; `None` if they are not. It begins anew with every
    /// start of weescale: what was deployed before is not known.
    pub fn watched(&self, now: Timestamp) -> Option<Duration> {
        let (since, last) = self.seen?;
        (now.since(last) <= BREAK).then(|| now.since(since))
    }

    /// When the newest version was first seen beside or after another; `None` if none came since weescale watches. What
    /// was there from the start is no deploy.
    pub fn deployed(&self) -> Option<Timestamp> {
        let first = || self.of.values().map(|c| c.first);
        let (oldest, newest) = (first().min()?, first().max()?);
        (newest > oldest).then_some(newest)
    }

    /// The newest version against the last one before it, once both have served enough and the newest still serves.
    pub fn change(&self, now: Timestamp) -> Option<VersionChange> {
        let enough = |(_, c): &(&Arc<str>, &Cost)| c.requests >= REQUESTS;
        let (version, new) = self.of.iter().filter(enough).max_by_key(|(_, c)| c.first)?;
        let older = self.of.iter().filter(enough).filter(|(_, c)| c.first < new.first);
        let (before, old) = older.max_by_key(|(_, c)| c.last)?;
        let per = |c: &Cost| c.cpu / c.requests;
        (now.since(new.last) <= GAP && per(old) > 0.0).then(|| VersionChange {
            version: Arc::clone(version),
            before: Arc::clone(before),
            cost: (per(new), per(old)),
            since: new.first,
            requests: new.requests,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: i64) -> Timestamp {
        Timestamp::from_secs(1_780_000_000 + s)
    }

    fn parts(values: &[(&str, f64)]) -> Vec<(Arc<str>, f64)> {
        values.iter().map(|(n, v)| (Arc::from(*n), *v)).collect()
    }

    #[test]
    fn a_dearer_version_shows_while_both_serve_and_after() {
        let mut versions = Versions::default();
        for s in 0..10 {
            versions.observe(at(s * 10), &parts(&[("v141", 100.0)]), &parts(&[("v141", 5.0)]));
        }
        assert_eq!(versions.change(at(100)), None, "one version is no comparison");
        assert_eq!(versions.deployed(), None);
        assert_eq!(versions.watched(at(990)), Some(Duration::from_secs(990)));
        assert_eq!(versions.watched(at(990 + 3600)), None, "nobody knows what came since");
        for s in 10..30 {
            let demand = parts(&[("v141", 50.0), ("v142", 50.0)]);
            versions.observe(at(s * 10), &demand, &parts(&[("v141", 2.5), ("v142", 3.45)]));
        }
        let change = versions.change(at(300)).unwrap();
        assert_eq!((&*change.version, &*change.before), ("v142", "v141"));
        assert_eq!(versions.deployed(), Some(at(100)));
        assert!((change.ratio() - 1.38).abs() < 1e-9, "{}", change.ratio());
        versions.observe(at(310), &parts(&[("v142", 100.0)]), &parts(&[("v142", 6.9)]));
        assert!(versions.change(at(320)).is_some(), "the old one is remembered");
        assert_eq!(versions.change(at(2000)), None, "the new one does not serve any more");
    }

    #[test]
    fn gaps_are_not_joined_and_few_requests_say_nothing() {
        let mut versions = Versions::default();
        versions.observe(at(0), &parts(&[("a", 100.0)]), &parts(&[("a", 5.0)]));
        versions.observe(at(10_000), &parts(&[("a", 100.0)]), &parts(&[("a", 5.0)]));
        versions.observe(
            at(10_004),
            &parts(&[("a", 100.0), ("b", 100.0)]),
            &parts(&[("a", 5.0), ("b", 9.0)]),
        );
        assert_eq!(versions.change(at(10_005)), None);
    }
}
