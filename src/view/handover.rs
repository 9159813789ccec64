//! The hand-over card: what the next person must know.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::approval::Person;
use crate::proposal::ProposalState;
use crate::series::Timestamp;

use super::{Exhaustion, LeaseState, Mute, Operation, OperationState, Stance, View};

/// What the next person must know, one sentence a line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handover {
    /// The moment it is of.
    pub at: Timestamp,
    /// Operations that are not over.
    pub in_flight: Vec<String>,
    /// Operations that stopped half-way: a person must look.
    #[serde(default)]
    pub halted: Vec<String>,
    /// Floors held, with owner and expiry.
    pub leases: Vec<String>,
    /// Proposals that wait, are snoozed, or were rejected within the hour.
    pub proposals: Vec<String>,
    /// Workloads whose capacity is expected to run out.
    pub risks: Vec<String>,
    /// Days that were approved at once, by whom and until when.
    #[serde(default)]
    pub days: Vec<String>,
    /// What people noted in the last twelve hours.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Lessons that bear on proposals, and who adopted them.
    #[serde(default)]
    pub adopted: Vec<String>,
    /// Lessons that somebody muted.
    #[serde(default)]
    pub muted: Vec<String>,
    /// Proposals that somebody muted: what, until when, by whom and why.
    #[serde(default)]
    pub muted_proposals: Vec<String>,
}

/// A shift that was handed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handed {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Person,
    /// To whom, by name; empty: to whoever comes next.
    #[serde(default)]
    pub to: String,
    /// What was open, in one sentence.
    pub summary: String,
}

impl Handed {
    /// Whether who has this uid and name may take it over: somebody else gave it, to them or to whoever comes next.
    pub fn waits_for(&self, uid: u32, name: &str) -> bool {
        self.by.uid != uid && (self.to.is_empty() || self.to == name)
    }
}

/// Hand-overs, and the one that waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shift {
    /// The one that waits for somebody to take it over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<Handed>,
    /// Given in the last thirty days.
    #[serde(default)]
    pub given: usize,
    /// Taken over by somebody else.
    #[serde(default)]
    pub taken: usize,
}

/// How far back notes go.
const SHIFT: Duration = Duration::from_secs(12 * 3600);

/// Days approved at once.
fn days(view: &View) -> Vec<String> {
    let approved = view.forecasts.data.iter().filter_map(|f| f.approved_day.as_ref());
    let told = approved.map(|d| {
        let most = d.corridors.iter().map(|c| c.most).max().unwrap_or_default();
        format!("{} up to {most} until {}, approved by {} at {}", d.workload, d.ends(), d.by, d.at)
    });
    told.collect()
}

/// Operations that stopped half-way. Where a later one on the same workload went its way, somebody has seen to it.
fn halted(view: &View) -> Vec<String> {
    let all = &view.operations.data;
    let seen_to = |halted: &Operation| {
        let ended =
            |o: &&Operation| matches!(o.state, OperationState::Kept | OperationState::RolledBack { .. });
        all.iter().filter(ended).any(|o| o.workload == halted.workload && o.started > halted.started)
    };
    let told = all.iter().filter_map(|o| match &o.state {
        OperationState::Halted { why } if !seen_to(o) => {
            let (id, w, c) = (&o.id, &o.workload, &o.change);
            Some(format!(
                "{id} {w} {}: halted, needs a person: {why}; approved by {}",
                c.words("→"),
                o.approved_by
            ))
        }
        _ => None,
    });
    told.collect()
}

/// Floors that are held.
fn leases(view: &View) -> Vec<String> {
    let held = view
        .leases
        .iter()
        .filter(|l| !matches!(l.state, LeaseState::Restored { .. } | LeaseState::Foreign { .. }));
    let told = held.map(|l| {
        let failing = if let LeaseState::Failing { why } = &l.state {
            format!("; giving it back fails: {why}")
        } else {
            String::new()
        };
        format!(
            "{} {} {} until {} (then {}), owner {}: {}{failing}",
            l.workload,
            if l.field.is_count() { "floor" } else { "scale-in" },
            l.field.word(l.floor),
            l.expires,
            l.field.word(l.restore),
            l.owner,
            l.reason
        )
    });
    told.collect()
}

impl Handover {
    /// The card of a view.
    pub fn of(view: &View) -> Self {
        let open = view.operations.data.iter().filter(|o| !o.state.is_final());
        let in_flight = open.map(|o| {
            let (id, w, c) = (&o.id, &o.workload, &o.change);
            format!("{id} {w} {}: {}, approved by {}", c.words("→"), o.state.label(), o.approved_by)
        });
        let proposals = view.proposals.data.iter().filter_map(|p| {
            let state = match &p.proposal.state {
                ProposalState::Open if p.routed.is_muted() => "is muted".to_owned(),
                ProposalState::Open => "waits".to_owned(),
                ProposalState::Snoozed { until } => format!("snoozed until {until}"),
                ProposalState::Rejected { by, reason, .. } => {
                    format!("rejected by {by}: {}", reason.phrase())
                }
                _ => return None,
            };
            Some(format!("{} {state}. {}", p.proposal.id, p.proposal.sentence))
        });
        let risks = view.services.data.iter().filter_map(|s| {
            let when = match &s.exhaustion {
                Exhaustion::Now => "is short of capacity now".to_owned(),
                Exhaustion::In { earliest, median } => {
                    let at = view.at + median.unwrap_or(*earliest);
                    format!("is expected to run out of capacity at {at}")
                }
                Exhaustion::Beyond { .. } | Exhaustion::Unknown => return None,
            };
            Some(format!("{} {when}", s.workload))
        });
        let lately = view.notes.iter().filter(|n| view.at.since(n.at) < SHIFT);
        let notes = lately.map(|n| {
            let about = if n.about.is_empty() { String::new() } else { format!("{}: ", n.about) };
            format!("{about}{} ({}, {})", n.text, n.by, n.at)
        });
        let said = |stance, word| {
            let of = view.lessons.data.iter().filter(move |l| l.stance == stance);
            of.map(move |l| {
                let by = l.said.as_ref().map_or("", |(by, _)| by.as_str());
                format!("{} ({word} by {by})", l.rule)
            })
        };
        let (adopted, muted) = (said(Stance::Adopted, "adopted"), said(Stance::Muted, "muted"));
        Self {
            days: days(view),
            notes: notes.collect(),
            adopted: adopted.collect(),
            muted: muted.collect(),
            muted_proposals: view.mutes.iter().map(Mute::words).collect(),
            at: view.at,
            in_flight: in_flight.collect(),
            halted: halted(view),
            leases: leases(view),
            proposals: proposals.collect(),
            risks: risks.collect(),
        }
    }

    /// Counts, as one sentence.
    pub fn summary(&self) -> String {
        let halted = match self.halted.len() {
            0 => String::new(),
            n => format!("{n} halted, "),
        };
        format!(
            "{} in flight, {halted}{} leases, {} proposals, {} workloads at risk",
            self.in_flight.len(),
            self.leases.len(),
            self.proposals.len(),
            self.risks.len()
        )
    }

    /// The card as Markdown, which reads as plain text too.
    pub fn markdown(&self) -> String {
        let mut out = format!("# Hand-over at {}\n\n{}\n", self.at, self.summary());
        let parts = [
            ("Operations in flight", &self.in_flight),
            ("Halted, a person must look", &self.halted),
            ("Leases", &self.leases),
            ("Proposals", &self.proposals),
            ("At risk", &self.risks),
            ("Days approved at once", &self.days),
            ("Notes", &self.notes),
            ("Adopted lessons", &self.adopted),
            ("Muted lessons", &self.muted),
            ("Muted proposals", &self.muted_proposals),
        ];
        for (title, lines) in parts {
            out.push_str(&format!("\n## {title}\n\n"));
            if lines.is_empty() {
                out.push_str("none\n");
            }
            for line in lines {
                out.push_str(&format!("- {line}\n"));
            }
        }
        out
    }
}
