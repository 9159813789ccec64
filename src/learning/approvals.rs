//! How people decided on proposals like this one: a Beta distribution per service, action and reason, shrunk to the team's
//! and to everybody's (`algorithms.md` §15). It ranks and explains; nothing is ever hidden by it.
//!
//! Only what people decided counts. A proposal that expired, gave way or was withdrawn was not decided, and what an approved
//! day carries out was decided with the day.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::fleet::WorkloadId;
use crate::proposal::Proposal;
use crate::series::Timestamp;

/// Decisions that the level above is worth.
const KAPPA: f64 = 8.0;
/// Classes held; of more those that were decided on last.
const CLASSES: usize = 4_096;
/// A peak that is nearer than this when the proposal is made is one of now.
const NOW_SECONDS: u64 = 60;

/// What a proposal does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// More replicas.
    Raise,
    /// Fewer replicas.
    Lower,
    /// An autoscaler's scale-in is held, or let go.
    Hold,
    /// Larger replicas.
    Enlarge,
    /// Smaller replicas.
    Shrink,
}

impl Act {
    /// As in `raises for …`.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Raise => "raises",
            Self::Lower => "lowerings",
            Self::Hold => "holds of scale-in",
            Self::Enlarge => "larger replicas",
            Self::Shrink => "smaller replicas",
        }
    }
}

/// Why it is proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Demand needs it now.
    Present,
    /// A peak is expected.
    Peak,
    /// More is there than is needed.
    Spare,
    /// What replicas use.
    Use,
}

impl Why {
    /// As in `raises for demand of now`.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Present => "for demand of now",
            Self::Peak => "for a peak that is expected",
            Self::Spare => "because there is more than is needed",
            Self::Use => "by what replicas use",
        }
    }
}

/// Proposals that are alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class {
    /// The service: a workload in whatever region.
    pub service: WorkloadId,
    /// What is done.
    pub act: Act,
    /// Why.
    pub why: Why,
}

impl Class {
    /// The class of a proposal, by what it says itself: the same when it is read back from the journal.
    pub fn of(p: &Proposal) -> Self {
        let change = &p.change;
        let (size, more) = (change.field.is_size(), change.is_more());
        let act = match (change.field.is_count(), size, more) {
            (false, false, _) => Act::Hold,
            (_, true, true) => Act::Enlarge,
            (_, true, false) => Act::Shrink,
            (true, false, true) => Act::Raise,
            (true, false, false) => Act::Lower,
        };
        let peak = p.facts.iter().find(|f| f.label.starts_with("peak")).and_then(|f| f.at);
        let ahead = peak.is_some_and(|at| at.since(p.created).as_secs() > NOW_SECONDS);
        let why = match act {
            Act::Enlarge | Act::Shrink => Why::Use,
            Act::Lower => Why::Spare,
            Act::Raise | Act::Hold if ahead => Why::Peak,
            Act::Raise | Act::Hold => Why::Present,
        };
        Self { service: service_of(&p.workload), act, why }
    }
}

/// The service of a workload: its name without its region.
pub fn service_of(workload: &WorkloadId) -> WorkloadId {
    WorkloadId { region: "".into(), ..workload.clone() }
}

/// Approvals and rejections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Votes {
    /// Approved.
    pub yes: u32,
    /// Rejected.
    pub no: u32,
}

impl Votes {
    /// All of them.
    pub const fn n(self) -> u32 {
        self.yes.saturating_add(self.no)
    }

    const fn plus(self, other: Self) -> Self {
        Self { yes: self.yes.saturating_add(other.yes), no: self.no.saturating_add(other.no) }
    }

    const fn less(self, other: Self) -> Self {
        Self { yes: self.yes.saturating_sub(other.yes), no: self.no.saturating_sub(other.no) }
    }

    /// As a Beta distribution whose prior has mean `m` and the weight of `k` votes.
    fn beta(self, m: f64, k: f64) -> (f64, f64) {
        (f64::from(self.yes) + k * m, f64::from(self.no) + k * (1.0 - m))
    }
}

/// How people decided on proposals like one, and what is expected of the next.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    /// Of this service.
    pub here: Votes,
    /// Of its team, this service among them; nothing where no team owns it.
    pub team: Votes,
    /// Of everybody.
    pub all: Votes,
    /// First parameter of the Beta distribution: approvals, with what the levels above lend.
    pub alpha: f64,
    /// Second parameter: rejections.
    pub beta: f64,
}

impl Expected {
    /// The expected share of approvals, `0..=1`.
    pub fn mean(&self) -> f64 {
        self.alpha / (self.alpha + self.beta)
    }

    /// `people approved 7 of 9 like this here, 0.75 expected; team 12 of 15, all 40 of 60`.
    pub fn words(&self) -> String {
        let of = |v: Votes| format!("{} of {}", v.yes, v.n());
        let team = if self.team.n() > 0 { format!("team {}, ", of(self.team)) } else { String::new() };
        let expected = self.mean();
        format!(
            "people approved {} like this here, {expected:.2} expected; {team}all {}",
            of(self.here),
            of(self.all)
        )
    }
}

#[derive(Clone, Copy, Debug)]
struct Held {
    votes: Votes,
    last: Timestamp,
}

/// Decisions of people by class.
#[derive(Clone, Debug, Default)]
pub struct Approvals {
    held: BTreeMap<Class, Held>,
}

impl Approvals {
    /// Notes a decision of a person.
    pub fn note(&mut self, p: &Proposal, approved: bool, at: Timestamp) {
        let held = self.held.entry(Class::of(p)).or_insert(Held { votes: Votes::default(), last: at });
        let one = Votes { yes: u32::from(approved), no: u32::from(!approved) };
        held.votes = held.votes.plus(one);
        held.last = at.max(held.last);
        if self.held.len() > CLASSES
            && let Some(oldest) = self.held.iter().min_by_key(|(_, h)| h.last).map(|(class, _)| class.clone())
        {
            self.held.remove(&oldest);
        }
    }

    /// Sums by what is proposed and why, those with the most decisions first: `raises for a peak that is expected`.
    pub fn kinds(&self) -> Vec<(String, Votes)> {
        let all = self.levels(|_| String::new()).all;
        let mut kinds: Vec<(String, Votes)> = all
            .into_iter()
            .map(|((act, why), votes)| (format!("{} {}", act.words(), why.words()), votes))
            .collect();
        kinds.sort_by(|a, b| b.1.n().cmp(&a.1.n()).then_with(|| a.0.cmp(&b.0)));
        kinds
    }

    /// Sums by team, as services are owned now; `team_of` gives the team of a service, empty where nobody owns it.
    pub fn levels(&self, team_of: impl Fn(&WorkloadId) -> String) -> Levels<'_> {
        let mut levels = Levels { held: &self.held, teams: BTreeMap::new(), all: BTreeMap::new() };
        for (class, held) in &self.held {
            let all = levels.all.entry((class.act, class.why)).or_default();
            *all = all.plus(held.votes);
            let team = team_of(&class.service);
            if !team.is_empty() {
                let of_team = levels.teams.entry((team, class.act, class.why)).or_default();
                *of_team = of_team.plus(held.votes);
            }
        }
        levels
    }
}

/// Decisions summed by team and over all.
#[derive(Debug)]
pub struct Levels<'a> {
    held: &'a BTreeMap<Class, Held>,
    teams: BTreeMap<(String, Act, Why), Votes>,
    all: BTreeMap<(Act, Why), Votes>,
}

impl Levels<'_> {
    /// What is expected of a proposal whose service belongs to `team`; `None` while nobody decided on anything like it.
    ///
    /// Each level is a Beta distribution whose prior is the mean of the level above, worth [`KAPPA`] decisions; the highest
    /// starts from even odds worth two. What a level has decided itself is left out of the levels above, so that no
    /// decision counts twice.
    pub fn expected(&self, p: &Proposal, team: &str) -> Option<Expected> {
        let class = Class::of(p);
        let kind = (class.act, class.why);
        let all = self.all.get(&kind).copied().filter(|v| v.n() > 0)?;
        let here = self.held.get(&class).map(|h| h.votes).unwrap_or_default();
        let of_team = self.teams.get(&(team.to_owned(), kind.0, kind.1)).copied().unwrap_or_default();
        // The service counts for its team only where it is one of it.
        let inner = if of_team.n() >= here.n() && !team.is_empty() { of_team } else { here };
        let (a, b) = all.less(inner).beta(0.5, 2.0);
        let mean = |(a, b): (f64, f64)| a / (a + b);
        let of_all = mean((a, b));
        let of_others = mean(inner.less(here).beta(of_all, KAPPA));
        let (alpha, beta) = here.beta(of_others, KAPPA);
        Some(Expected { here, team: of_team, all, alpha, beta })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposal(service: &str, to: u32) -> Proposal {
        Proposal::example(&WorkloadId::new("shop", service, "eu"), to, Timestamp::from_secs(1_000))
    }

    fn decide(approvals: &mut Approvals, service: &str, yes: u32, no: u32) {
        for i in 0..yes + no {
            approvals.note(&proposal(service, 4), i < yes, Timestamp::from_secs(i64::from(i)));
        }
    }

    fn team_of(service: &WorkloadId) -> String {
        if service.name.starts_with("other") { String::new() } else { "shop".into() }
    }

    #[test]
    fn worked_numbers() {
        let mut approvals = Approvals::default();
        decide(&mut approvals, "cart", 7, 2);
        decide(&mut approvals, "pay", 5, 1);
        decide(&mut approvals, "other", 28, 17);
        let levels = approvals.levels(team_of);
        let expected = levels.expected(&proposal("cart", 6), "shop").unwrap();
        // All but the team: 28 of 45, (28+1)/(45+2) = 0.6170. The rest of the team: (5+8·0.6170)/(6+8) = 0.7097.
        // Here: Beta(7+8·0.7097, 2+8·0.2903), 12.678/17 = 0.7458.
        assert!(
            (expected.alpha - 12.6778).abs() < 1e-3 && (expected.beta - 4.3222).abs() < 1e-3,
            "{expected:?}"
        );
        assert_eq!(
            expected.words(),
            "people approved 7 of 9 like this here, 0.75 expected; team 12 of 15, all 40 of 60"
        );
        // A service of the team that nobody decided on yet: (12+8·0.6170)/(15+8) = 0.7364.
        let young = levels.expected(&proposal("young", 6), "shop").unwrap();
        assert!((young.mean() - 0.7364).abs() < 1e-3 && young.here.n() == 0, "{young:?}");
        // Without a team, all others speak: 40 of 60 is (40+1)/(60+2).
        let alone = levels.expected(&proposal("other2", 6), "").unwrap();
        assert!((alone.mean() - 41.0 / 62.0).abs() < 1e-9, "{alone:?}");
        assert_eq!(alone.words(), "people approved 0 of 0 like this here, 0.66 expected; all 40 of 60");
    }

    #[test]
    fn many_decisions_here_outweigh_everybody_else() {
        let mut approvals = Approvals::default();
        decide(&mut approvals, "cart", 0, 200);
        decide(&mut approvals, "other", 300, 0);
        let levels = approvals.levels(team_of);
        assert!(levels.expected(&proposal("cart", 6), "shop").unwrap().mean() < 0.05);
        assert!(levels.expected(&proposal("other", 6), "").unwrap().mean() > 0.95);
    }

    #[test]
    fn what_is_done_and_why_are_told_apart_and_regions_are_not() {
        let up = proposal("cart", 4);
        let down = proposal("cart", 1);
        assert_eq!((Class::of(&up).act, Class::of(&down).act), (Act::Raise, Act::Lower));
        assert_eq!((Class::of(&up).why, Class::of(&down).why), (Why::Present, Why::Spare));
        let mut peak = up.clone();
        peak.facts.push(crate::plan::Fact {
            label: "peak expected".into(),
            quantity: crate::series::Quantity::new(9.0, crate::series::Unit::RequestsPerSecond),
            at: Some(peak.created + std::time::Duration::from_secs(1800)),
        });
        assert_eq!(Class::of(&peak).why, Why::Peak);
        peak.change.field = crate::fleet::Field::ScaleIn;
        assert_eq!(Class::of(&peak).act, Act::Hold);
        peak.change.field = crate::fleet::Field::CpuRequest;
        assert_eq!((Class::of(&peak).act, Class::of(&peak).why), (Act::Enlarge, Why::Use));
        let elsewhere = Proposal { workload: WorkloadId::new("shop", "cart", "us"), ..up.clone() };
        assert_eq!(Class::of(&elsewhere), Class::of(&up));
        let mut approvals = Approvals::default();
        approvals.note(&up, true, up.created);
        assert_eq!(approvals.levels(team_of).expected(&down, "shop"), None, "nobody decided on a lowering");
    }

    #[test]
    fn classes_are_bounded_and_the_oldest_goes() {
        let mut approvals = Approvals::default();
        for i in 0..CLASSES + 3 {
            approvals.note(&proposal(&format!("s{i:05}"), 4), true, Timestamp::from_secs(i as i64));
        }
        assert_eq!(approvals.held.len(), CLASSES);
        assert_eq!(
            approvals.held.keys().next().map(|c| c.service.to_string()).as_deref(),
            Some("shop/s00003")
        );
    }
}
