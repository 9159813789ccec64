//! Sessions since an operation began, from the load balancer's own counters. A counter it lacks is named, never zero.

use std::collections::BTreeMap;

use super::types::Counters;

/// Share of failed requests that counts as worse, above what it was before.
const WORSE: f64 = 0.01;
/// Fewer requests than this say nothing.
const FEW: u64 = 100;

/// What became of sessions and requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::execution) struct Continuity {
    since: Counters,
    /// Failed share of requests before, since the load balancer started.
    before: Option<f64>,
    /// Sessions cut by us when the wait for them was over; `None` if how many is not known.
    given_up: Option<u64>,
    /// Counters that went back: it was restarted.
    reset: bool,
}

impl Continuity {
    /// Between two looks, of each load balancer by itself: in a sum the others hide that one began anew.
    pub fn between(
        began: &BTreeMap<String, Counters>,
        now: &BTreeMap<String, Counters>,
        given_up: Option<u64>,
    ) -> Self {
        let mut reset = false;
        let mut since = |then: Option<u64>, now: Option<u64>| {
            let (then, now) = (then?, now?);
            reset |= now < then;
            now.checked_sub(then)
        };
        let mut of_one =
            |(front, then): (&String, &Counters)| then.with(now.get(front).unwrap_or(&NOTHING), &mut since);
        let each: Vec<Counters> = began.iter().map(&mut of_one).collect();
        let before = sum(began.values());
        let share = |c: &Counters| share(c.failed?, c.total?);
        Self { since: sum(each.iter()), before: share(&before), given_up, reset }
    }

    /// Whether more requests fail than before, beyond doubt; `None` if that is not told.
    pub fn is_worse(&self) -> Option<bool> {
        let now = share(self.since.failed?, self.since.total?)?;
        Some(now > self.before.unwrap_or(0.0) * 2.0 + WORSE)
    }

    /// Sessions broken: by servers, by failing, by us.
    pub fn broken(&self) -> Option<u64> {
        Some(self.since.cut?.saturating_add(self.since.failed?).saturating_add(self.given_up?))
    }

    /// For people, with figures.
    pub fn words(&self) -> String {
        if self.reset {
            return "its counters began anew: haproxy was restarted meanwhile".to_owned();
        }
        let figures = [
            (self.since.total, "requests"),
            (self.since.moved, "moved to another server"),
            (self.since.retried, "tried again"),
            (self.since.failed, "failed (5xx)"),
            (self.since.cut, "broken off by servers"),
            (self.since.left, "broken off by clients"),
        ];
        let told: Vec<String> =
            figures.iter().filter_map(|(n, what)| Some(format!("{} {what}", (*n)?))).collect();
        let missing: Vec<&str> = figures.iter().filter(|(n, _)| n.is_none()).map(|(_, what)| *what).collect();
        let mut text = told.join(", ");
        match self.given_up {
            Some(0) => {}
            Some(n) => text.push_str(&format!(", {n} cut at the end of the wait")),
            None => text.push_str(", an unknown number cut at the end of the wait"),
        }
        if !missing.is_empty() {
            let gap = if text.is_empty() { "" } else { "; " };
            text.push_str(&format!("{gap}not told: {}", missing.join(", ")));
        }
        text
    }
}

/// Of one that tells nothing.
const NOTHING: Counters =
    Counters { total: None, failed: None, cut: None, left: None, retried: None, moved: None };

/// All together; what one does not tell is not known of all.
fn sum<'a>(mut all: impl Iterator<Item = &'a Counters>) -> Counters {
    let first = all.next().copied().unwrap_or(NOTHING);
    let mut add = |a: Option<u64>, b: Option<u64>| a.zip(b).map(|(a, b)| a.saturating_add(b));
    all.fold(first, |sum, one| sum.with(one, &mut add))
}

impl Counters {
    /// Each counter with the same one of `other`.
    fn with(&self, other: &Self, f: &mut impl FnMut(Option<u64>, Option<u64>) -> Option<u64>) -> Self {
        Self {
            total: f(self.total, other.total),
            failed: f(self.failed, other.failed),
            cut: f(self.cut, other.cut),
            left: f(self.left, other.left),
            retried: f(self.retried, other.retried),
            moved: f(self.moved, other.moved),
        }
    }
}

fn share(failed: u64, all: u64) -> Option<f64> {
    (all >= FEW).then(|| failed as f64 / all as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(total: u64, failed: u64) -> Counters {
        Counters {
            total: Some(total),
            failed: Some(failed),
            cut: Some(0),
            left: Some(2),
            retried: Some(1),
            moved: Some(1),
        }
    }

    /// Of one load balancer alone.
    fn between(began: &Counters, now: &Counters, given_up: Option<u64>) -> Continuity {
        let alone = |c: &Counters| BTreeMap::from([(String::new(), *c)]);
        Continuity::between(&alone(began), &alone(now), given_up)
    }

    #[test]
    fn figures_are_differences_and_missing_ones_are_named() {
        let now = Counters { moved: Some(4), retried: None, ..counters(1500, 12) };
        let c = between(&counters(1000, 10), &now, Some(3));
        let words = c.words();
        assert_eq!(
            words,
            "500 requests, 3 moved to another server, 2 failed (5xx), 0 broken off by servers, \
             0 broken off by clients, 3 cut at the end of the wait; not told: tried again"
        );
        assert_eq!((c.broken(), c.is_worse()), (Some(5), Some(false)));
        let blind = between(&Counters::default(), &counters(9, 9), Some(0));
        assert!(blind.words().starts_with("not told: requests"), "{}", blind.words());
        assert_eq!((blind.broken(), blind.is_worse()), (None, None), "missing is not zero");
        let cut = between(&counters(1000, 10), &counters(1500, 12), None);
        assert!(cut.words().contains("an unknown number cut") && cut.broken().is_none(), "{}", cut.words());
    }

    #[test]
    fn worse_is_clearly_more_than_before() {
        let worse = |before: (u64, u64), since: (u64, u64)| {
            let began = counters(before.0, before.1);
            let now = counters(before.0 + since.0, before.1 + since.1);
            between(&began, &now, Some(0)).is_worse()
        };
        assert_eq!(worse((10_000, 10), (1000, 50)), Some(true));
        assert_eq!(worse((10_000, 400), (1000, 50)), Some(false), "it was bad before");
        assert_eq!(worse((10_000, 10), (50, 50)), None, "too few to tell");
        let reset = between(&counters(500, 5), &counters(10, 0), Some(0));
        assert!(reset.words().contains("restarted"));
        assert_eq!(reset.is_worse(), None);
    }

    #[test]
    fn one_of_several_that_began_anew_is_not_hidden_by_the_others() {
        let both = |a, b| BTreeMap::from([("a".to_owned(), a), ("b".to_owned(), b)]);
        let began = both(counters(1000, 10), counters(300, 3));
        let fine = Continuity::between(&began, &both(counters(1500, 12), counters(400, 4)), Some(0));
        assert!(
            fine.words().starts_with("600 requests") && fine.words().contains("3 failed"),
            "{}",
            fine.words()
        );
        let anew = Continuity::between(&began, &both(counters(2000, 40), counters(20, 0)), Some(0));
        assert!(anew.words().contains("restarted"), "{}", anew.words());
        assert_eq!((anew.broken(), anew.is_worse()), (None, None));
        let unheard = BTreeMap::from([("a".to_owned(), counters(1500, 12))]);
        let unheard = Continuity::between(&began, &unheard, Some(0));
        assert!(unheard.words().starts_with("not told: requests"), "{}", unheard.words());
        let blind = Counters { total: Some(4), cut: Some(2), ..Counters::default() };
        let told = sum([counters(3, 1), blind].iter());
        assert_eq!(told, Counters { total: Some(7), cut: Some(2), ..Counters::default() });
    }
}
