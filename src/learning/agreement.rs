//! How far learners agree with those who decide: Cohen's kappa of what they said before the decision was known.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::proposal::ProposalId;

/// Verdicts of learners that are remembered.
const MOST: usize = 20_000;

/// Agreement of one learner with the decisions that followed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Whose.
    pub person: String,
    /// Proposals that both decided.
    pub n: usize,
    /// Of those, how many the same way.
    pub agreed: usize,
    /// Cohen's kappa (1960); `None` while everything was decided one way, which leaves nothing to tell from chance.
    pub kappa: Option<f64>,
    /// Its 90 % interval, by the large-sample error of Fleiss, Cohen and Everitt (1969).
    pub interval: Option<(f64, f64)>,
    /// Proposals that only the learner decided so far.
    pub open: usize,
}

/// What learners said, and what was decided.
#[derive(Clone, Debug, Default)]
pub struct Shadows {
    said: BTreeMap<(String, ProposalId), bool>,
    decided: BTreeMap<ProposalId, bool>,
}

impl Shadows {
    /// Notes what a learner would do: approve, or reject. `false` once the proposal is decided: that is no verdict of
    /// their own any more. Until then they may change their mind.
    pub fn say(&mut self, person: &str, proposal: &ProposalId, approve: bool) -> bool {
        let key = (person.to_owned(), proposal.clone());
        if self.decided.contains_key(proposal) || (self.said.len() >= MOST && !self.said.contains_key(&key)) {
            return false;
        }
        self.said.insert(key, approve);
        true
    }

    /// Notes what `by` decided, who may. Decisions that no learner said anything of are not kept; nor what the same person
    /// said before: that they agree with themselves tells nothing.
    pub fn decide(&mut self, proposal: &ProposalId, by: &str, approved: bool) {
        self.said.remove(&(by.to_owned(), proposal.clone()));
        if self.said.keys().any(|(_, id)| id == proposal) {
            self.decided.insert(proposal.clone(), approved);
        }
    }

    /// Forgets what was said of a proposal that closed undecided: there is nothing to compare it with.
    pub fn forget(&mut self, proposal: &ProposalId) {
        if !self.decided.contains_key(proposal) {
            self.said.retain(|(_, id), _| id != proposal);
        }
    }

    /// Learners who said something of a proposal.
    pub fn of(&self, proposal: &ProposalId) -> impl Iterator<Item = &str> {
        self.said.keys().filter(move |(_, id)| id == proposal).map(|(person, _)| person.as_str())
    }

    /// What a learner said of a proposal.
    pub fn verdict(&self, person: &str, proposal: &ProposalId) -> Option<bool> {
        self.said.get(&(person.to_owned(), proposal.clone())).copied()
    }

    /// Every learner's agreement, by name.
    pub fn agreements(&self) -> Vec<Agreement> {
        let mut tables: BTreeMap<&str, ([[usize; 2]; 2], usize)> = BTreeMap::new();
        for ((person, proposal), approve) in &self.said {
            let (table, open) = tables.entry(person).or_default();
            match self.decided.get(proposal) {
                Some(approved) => {
                    let row = table.get_mut(usize::from(*approve));
                    row.and_then(|r| r.get_mut(usize::from(*approved))).into_iter().for_each(|c| *c += 1);
                }
                None => *open += 1,
            }
        }
        tables.into_iter().map(|(person, (table, open))| agreement(person, table, open)).collect()
    }
}

fn agreement(person: &str, [[rr, ra], [ar, aa]]: [[usize; 2]; 2], open: usize) -> Agreement {
    let n = rr + ra + ar + aa;
    let (kappa, interval) = kappa([[rr, ra], [ar, aa]]);
    Agreement { person: person.to_owned(), n, agreed: rr + aa, kappa, interval, open }
}

/// Kappa and its 90 % interval of a table of two verdicts by two people: `[learner][owner]`.
fn kappa(table: [[usize; 2]; 2]) -> (Option<f64>, Option<(f64, f64)>) {
    let n: usize = table.iter().flatten().sum();
    if n == 0 {
        return (None, None);
    }
    let total = n as f64;
    let [[a, b], [c, d]] = table.map(|row| row.map(|count| count as f64 / total));
    let (rows, columns) = ([a + b, c + d], [a + c, b + d]);
    let [r0, r1] = rows;
    let [c0, c1] = columns;
    let (observed, chance) = (a + d, r0 * c0 + r1 * c1);
    if 1.0 - chance < 1e-9 {
        return (None, None);
    }
    let kappa = (observed - chance) / (1.0 - chance);
    let diagonal: f64 = [(a, r0 + c0), (d, r1 + c1)]
        .iter()
        .map(|(p, margin)| p * (1.0 - margin * (1.0 - kappa)).powi(2))
        .sum();
    // Off the diagonal the column's margin of the learner's row and the other way round.
    let off = (1.0 - kappa).powi(2) * (b * (c0 + r1).powi(2) + c * (c1 + r0).powi(2));
    let rest = (kappa - chance * (1.0 - kappa)).powi(2);
    let variance = (diagonal + off - rest).max(0.0) / (total * (1.0 - chance).powi(2));
    // The 95 % quantile of the standard normal distribution.
    let half = 1.644_853_626_951_472_2 * variance.sqrt();
    (Some(kappa), Some(((kappa - half).max(-1.0), (kappa + half).min(1.0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(i: usize) -> ProposalId {
        ProposalId::new(&format!("p-{i}"))
    }

    #[test]
    fn a_worked_table() {
        // 20 both yes, 5 and 10 apart, 15 both no of 50: observed 0.7, chance 0.5, kappa 0.4.
        let (kappa, interval) = kappa([[15, 10], [5, 20]]);
        assert!((kappa.unwrap() - 0.4).abs() < 1e-12);
        // Fleiss, Cohen, Everitt: a = 0.3·(1−1.1·0.6... by hand: standard error 0.1266.
        let (low, high) = interval.unwrap();
        assert!(((high - low) / 2.0 - 1.6449 * 0.127).abs() < 5e-3, "{low} {high}");
        assert_eq!(super::kappa([[0, 0], [0, 9]]), (None, None), "nothing to tell from chance");
        assert_eq!(super::kappa([[0, 0], [0, 0]]), (None, None));
        let (perfect, interval) = super::kappa([[5, 0], [0, 5]]);
        assert_eq!((perfect, interval), (Some(1.0), Some((1.0, 1.0))));
    }

    #[test]
    fn only_what_was_said_before_the_decision_counts() {
        let mut shadows = Shadows::default();
        assert!(shadows.say("lea", &id(1), false));
        assert!(shadows.say("lea", &id(1), true), "a mind may change");
        assert!(shadows.say("lea", &id(2), true));
        assert!(shadows.say("lea", &id(3), true));
        shadows.decide(&id(1), "ann", true);
        shadows.decide(&id(2), "ann", false);
        shadows.decide(&id(9), "ann", true);
        assert!(!shadows.say("lea", &id(1), false), "decided already");
        let all = shadows.agreements();
        let [lea] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!((lea.n, lea.agreed, lea.open), (2, 1, 1));
        assert_eq!(lea.kappa, Some(0.0), "always yes agrees no better than chance");
        assert_eq!(shadows.verdict("lea", &id(3)), Some(true));
    }

    #[test]
    fn who_decides_is_not_compared_with_themselves_and_what_nobody_decided_is_forgotten() {
        let mut shadows = Shadows::default();
        for person in ["lea", "ann"] {
            assert!(shadows.say(person, &id(1), true) && shadows.say(person, &id(2), true));
        }
        shadows.decide(&id(1), "ann", true);
        shadows.forget(&id(1));
        shadows.forget(&id(2));
        let all = shadows.agreements();
        let [lea] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!((lea.person.as_str(), lea.n, lea.open), ("lea", 1, 0));
    }
}
