//! Limits on the number of replicas, and which of them binds.

use serde::{Deserialize, Serialize};

use crate::fleet::Owner;
use crate::signals::SignalKind;

use super::PlanInput;

/// A limit on the number of replicas that work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ceiling {
    /// Its name: `quota team-a requests.cpu`, `the autoscaler's maximum`.
    pub name: String,
    /// Replicas it allows.
    pub allows: u32,
    /// What is known of it, or who can move it and how; one sentence, may be empty.
    pub why: String,
    /// Whether more replicas are refused or cannot start; otherwise they would start and stand idle or wait.
    pub hard: bool,
}

/// A limit that lets in fewer replicas than are needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// The limit.
    pub ceiling: Ceiling,
    /// Replicas needed.
    pub needed: u32,
    /// Replicas that run.
    pub running: u32,
}

impl Binding {
    /// Replicas asked for beyond those that run, and how many of these fit.
    pub fn more(&self) -> (u32, u32) {
        let asked = self.needed.saturating_sub(self.running);
        (asked, self.ceiling.allows.saturating_sub(self.running).min(asked))
    }

    /// `quota team-a requests.cpu binds: 3 of the 11 more asked for fit`.
    pub fn sentence(&self) -> String {
        let (asked, fit) = self.more();
        format!("{} binds: {fit} of the {asked} more asked for fit", self.ceiling.name)
    }
}

/// Name of the limit that partitions are.
pub const PARTITIONS: &str = "partitions";
/// Name of the limit that connections are.
pub const CONNECTIONS: &str = "database connections";
/// Name of the owner's limit.
pub const MAXIMUM: &str = "the autoscaler's maximum";

/// Every limit that is known from the platform, the owner, the rules and the signals.
pub fn ceilings(input: &PlanInput<'_>) -> Vec<Ceiling> {
    let mut all: Vec<Ceiling> = input.around.highest.iter().cloned().collect();
    let replicas = input.workload.replicas;
    if let Some(max) = replicas.and_then(|r| r.max) {
        let name = match &input.workload.owner {
            Owner::Autoscaler { name } => format!("{name}'s maximum"),
            _ => MAXIMUM.to_owned(),
        };
        all.push(hard(name, max, "its owner raises spec.maxReplicas"));
    }
    if !all.iter().any(|c| c.allows <= input.limits.max) {
        all.push(hard("the configured maximum".into(), input.limits.max, "service.max in the configuration"));
    }
    let running = replicas.map_or(0, |r| super::horizontal::running(&r));
    all.extend(of_data(|kind| input.signals.fresh(kind), running));
    all
}

fn hard(name: String, allows: u32, why: &str) -> Ceiling {
    Ceiling { name, allows, why: why.to_owned(), hard: true }
}

/// Partitions and connections: more replicas than these start, and then stand idle or wait.
pub fn of_data(fresh: impl Fn(SignalKind) -> Option<f64>, running: u32) -> Vec<Ceiling> {
    let mut all = Vec::new();
    let mut add = |name: &str, allows: f64, why: &str| {
        if allows.is_finite() && allows >= 0.0 {
            let allows = allows.min(1e9).floor() as u32;
            all.push(Ceiling { name: name.to_owned(), allows, why: why.to_owned(), hard: false });
        }
    };
    if let Some(partitions) = fresh(SignalKind::Partitions) {
        add(PARTITIONS, partitions, "the topic's owner adds some");
    }
    // Every replica holds its part of the connections in use; more replicas of the same work hold more.
    let pool = fresh(SignalKind::PoolUsed).zip(fresh(SignalKind::PoolMax));
    if let Some((used, max)) = pool.filter(|(u, m)| *u > 0.0 && *m > 0.0) {
        let allows = f64::from(running) * max / used;
        add(CONNECTIONS, allows, "a pooler, or a higher limit of the database");
    }
    all
}

/// The lowest hard limit.
pub fn highest(input: &PlanInput<'_>) -> Option<Ceiling> {
    ceilings(input).into_iter().filter(|c| c.hard).min_by_key(|c| c.allows)
}

/// The limit that lets in the fewest of `needed` replicas, if one lets in too few.
pub fn binding(input: &PlanInput<'_>, running: u32, needed: u32) -> Option<Binding> {
    let lowest = ceilings(input).into_iter().min_by_key(|c| c.allows)?;
    // Fewer than run already is no limit that was seen to hold.
    (needed > running && needed > lowest.allows).then_some(Binding { ceiling: lowest, needed, running })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_how_many_of_those_asked_for_fit() {
        let ceiling = hard("quota team-a requests.cpu".into(), 9, "");
        let b = Binding { ceiling, needed: 17, running: 6 };
        assert_eq!(b.sentence(), "quota team-a requests.cpu binds: 3 of the 11 more asked for fit");
        let full = Binding { running: 12, ..b };
        assert_eq!(full.more(), (5, 0));
    }
}
