//! Lessons: rules mined from evidence, with support, interval and the last counter-example (`algorithms.md` §15).

use std::collections::BTreeMap;

use crate::series::Timestamp;

use super::wilson;

/// Observations a lesson needs.
pub const SUPPORT: usize = 5;

/// One thing that was observed, under one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// What is claimed, the same for all evidence of a rule: `raising the min replicas of shop/checkout`.
    pub rule: String,
    /// What success is called: `was kept and helped`.
    pub success: &'static str,
    /// Whether it was one.
    pub succeeded: bool,
    /// When.
    pub at: Timestamp,
    /// In words, if it counts against the rule.
    pub words: String,
}

/// A rule with enough support.
#[derive(Clone, Debug, PartialEq)]
pub struct Mined {
    /// As a sentence.
    pub rule: String,
    /// Observations.
    pub support: usize,
    /// Share that succeeded.
    pub success: f64,
    /// 90 % Wilson interval of it.
    pub interval: (f64, f64),
    /// Share of all evidence with the same kind of success.
    pub base: f64,
    /// Whether the interval lies clear of the base rate.
    pub stands_out: bool,
    /// The last counter-example, if any.
    pub counter_example: Option<String>,
}

/// Rules with at least [`SUPPORT`] observations, those that stand out first, then by support. Kinds of success with a
/// single rule have no base rate to stand out from.
pub fn mine(evidence: &[Evidence]) -> Vec<Mined> {
    let mut rules: BTreeMap<(&str, &str), Vec<&Evidence>> = BTreeMap::new();
    let mut bases: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for e in evidence {
        rules.entry((e.success, &e.rule)).or_default().push(e);
        let base = bases.entry(e.success).or_default();
        base.0 += usize::from(e.succeeded);
        base.1 += 1;
    }
    let mut mined: Vec<Mined> = rules
        .into_iter()
        .filter(|(_, of)| of.len() >= SUPPORT)
        .map(|((success, rule), of)| {
            lesson(rule, success, &of, bases.get(success).copied().unwrap_or((0, 0)))
        })
        .collect();
    mined.sort_by(|a, b| {
        b.stands_out.cmp(&a.stands_out).then(b.support.cmp(&a.support)).then_with(|| a.rule.cmp(&b.rule))
    });
    mined
}

fn lesson(rule: &str, success: &str, of: &[&Evidence], (good, all): (usize, usize)) -> Mined {
    let (k, n) = (of.iter().filter(|e| e.succeeded).count(), of.len());
    let base = if all > 0 { good as f64 / all as f64 } else { 0.0 };
    let interval = wilson(k, n);
    let against = of.iter().filter(|e| !e.succeeded).max_by_key(|e| e.at);
    Mined {
        rule: format!("{rule} {success} {k} of {n} times"),
        support: n,
        success: k as f64 / n as f64,
        interval,
        base,
        stands_out: all > n && (interval.0 > base || interval.1 < base),
        counter_example: against.map(|e| e.words.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(rule: &str, outcomes: &[bool]) -> Vec<Evidence> {
        outcomes
            .iter()
            .enumerate()
            .map(|(i, succeeded)| Evidence {
                rule: rule.into(),
                success: "was needed",
                succeeded: *succeeded,
                at: Timestamp::from_secs(i as i64),
                words: format!("{rule} number {i}"),
            })
            .collect()
    }

    #[test]
    fn support_interval_and_the_latest_counter_example() {
        let mut all = evidence("raising a", &[false, true, false, true, true]);
        all.extend(evidence("raising b", &[true; 4]));
        let mined = mine(&all);
        let [lesson] = mined.as_slice() else { panic!("{mined:?}") };
        assert_eq!(lesson.rule, "raising a was needed 3 of 5 times");
        assert_eq!((lesson.support, lesson.success, lesson.interval), (5, 0.6, wilson(3, 5)));
        assert_eq!(lesson.counter_example.as_deref(), Some("raising a number 2"));
        assert!((lesson.base - 7.0 / 9.0).abs() < 1e-12 && !lesson.stands_out);
    }

    #[test]
    fn what_differs_from_the_base_rate_stands_out() {
        let mut all = evidence("raising a", &[true; 20]);
        all.extend(evidence("raising b", &[false; 20]));
        let mined = mine(&all);
        assert!(mined.iter().all(|m| m.stands_out && m.base == 0.5));
        assert!(!mine(&evidence("raising a", &[true; 20]))[0].stands_out, "nothing to differ from");
        assert!(mine(&[]).is_empty());
    }
}
