//! A day approved at once: floors that may be raised within it without another decision.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::fleet::{Field, WorkloadId};
use crate::plan::{DaySchedule, DayStep};
use crate::proposal::{Proposal, Target};
use crate::series::Timestamp;

use super::Person;

/// A day is approved for so long at most, whatever its steps say.
pub const LONGEST: Duration = Duration::from_secs(26 * 3600);
/// Corridors a day may have: more is not what a person looked at.
const MOST_CORRIDORS: usize = 12;

/// A floor that may be raised between two moments, up to a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Corridor {
    /// Not before: the step's begin less the lead time.
    pub opens: Timestamp,
    /// The step's first moment.
    pub from: Timestamp,
    /// First moment after.
    pub to: Timestamp,
    /// Never more replicas.
    pub most: u32,
}

/// What a person approved of a workload's coming day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayApproval {
    /// Of which workload.
    pub workload: WorkloadId,
    /// The object and the field as they were then: another object of the same name was not looked at.
    pub target: Target,
    /// The field of the floor.
    pub field: Field,
    /// Name of the context it was given in.
    pub context: String,
    /// In order of time.
    pub corridors: Vec<Corridor>,
    /// Who.
    pub by: Person,
    /// When.
    pub at: Timestamp,
    /// The context's name as typed, where it is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typed: Option<String>,
}

/// How long before a step its floor may be raised: the lead time in whole minutes, as it is shown.
pub fn early(step: &DayStep) -> Duration {
    let seconds = step.from.since(step.decide_by).as_secs_f64();
    Duration::from_secs((seconds / 60.0).ceil() as u64 * 60)
}

/// The corridors of a plan: its steps that take a decision and are not over.
pub fn corridors(day: &DaySchedule, now: Timestamp) -> Vec<Corridor> {
    let steps = day.steps.iter().filter(|s| s.decision && s.to > now && s.from < now + LONGEST);
    let corridor = |s: &DayStep| Corridor {
        opens: s.from - early(s),
        from: s.from,
        to: s.to.min(now + LONGEST),
        most: s.replicas,
    };
    steps.map(corridor).take(MOST_CORRIDORS).collect()
}

/// Hash of a plan as shown: of its workload and of each step that takes a decision.
pub fn day_hash(day: &DaySchedule) -> String {
    let mut hasher = Sha256::new();
    let name = day.workload.to_string();
    hasher.update((name.len() as u64).to_be_bytes());
    hasher.update(name.as_bytes());
    for step in day.steps.iter().filter(|s| s.decision) {
        hasher.update(early(step).as_secs().to_be_bytes());
        hasher.update(step.from.as_millis().to_be_bytes());
        hasher.update(step.to.as_millis().to_be_bytes());
        hasher.update(step.replicas.to_be_bytes());
    }
    format!("{:x}", hasher.finalize())
}

impl DayApproval {
    /// When nothing of it is left.
    pub fn ends(&self) -> Timestamp {
        self.corridors.iter().map(|c| c.to).max().unwrap_or(self.at)
    }

    /// Whether `proposal` lies within it at `now`: a raise of the floor, given back within corridors that follow each
    /// other without a gap and that all allow as much. The text says what stands against it.
    ///
    /// # Errors
    /// Why it does not.
    pub fn covers(&self, proposal: &Proposal, now: Timestamp) -> Result<(), &'static str> {
        let change = &proposal.change;
        if proposal.workload != self.workload {
            return Err("another workload's day was approved");
        }
        if proposal.target.as_ref() != Some(&self.target) || change.field != self.field {
            return Err("it is about another object or field than then");
        }
        if proposal.owner.floor_field() != Some(change.field) || change.to <= change.from {
            return Err("an approved day only raises floors");
        }
        let Some(until) = change.until else { return Err("it is not given back by itself") };
        let mut at = now;
        for corridor in &self.corridors {
            let opens = if at == now { corridor.opens } else { corridor.from };
            if opens <= at && at < corridor.to && change.to <= corridor.most {
                at = corridor.to;
            }
        }
        if at == now {
            Err("no step of the approved day allows it now")
        } else if at < until {
            Err("it lasts longer than the approved day allows as much")
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::approval::gate::tests::proposal;
    use crate::fleet::Field;

    use super::*;

    const MINUTE: i64 = 60;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_secs(minutes * MINUTE)
    }

    fn corridor(from: i64, to: i64, most: u32) -> Corridor {
        Corridor { opens: at(from - 5), from: at(from), to: at(to), most }
    }

    fn approved() -> DayApproval {
        let shown = proposal(1, 2);
        DayApproval {
            workload: shown.workload,
            target: shown.target.unwrap(),
            field: Field::MinReplicas,
            context: "prod-eu".into(),
            corridors: vec![corridor(100, 160, 10), corridor(160, 220, 8), corridor(300, 330, 12)],
            by: Person { uid: 1, name: "ann".into() },
            at: at(0),
            typed: None,
        }
    }

    fn raise(from: u32, to: u32, until: i64) -> Proposal {
        let mut raise = proposal(from, to);
        raise.change.until = Some(at(until));
        raise
    }

    #[test]
    fn only_raises_within_its_steps_are_covered() {
        let day = approved();
        let asked = |to, until, now| day.covers(&raise(4, to, until), at(now));
        assert_eq!(asked(10, 160, 100), Ok(()));
        assert_eq!(asked(10, 150, 95), Ok(()), "as early as the lead time asks for");
        assert!(asked(10, 150, 94).is_err(), "not a minute before");
        assert!(asked(11, 150, 100).is_err(), "nor one replica more");
        assert_eq!(asked(8, 220, 120), Ok(()), "both steps allow it");
        assert!(asked(9, 220, 120).is_err(), "the second does not");
        assert!(asked(8, 310, 150).is_err(), "there is a gap");
        assert!(asked(8, 260, 240).is_err(), "between steps");
        assert_eq!(asked(12, 330, 296), Ok(()));
        assert!(asked(12, 331, 296).is_err());
        assert_eq!(day.ends(), at(330));
        assert!(day.covers(&raise(10, 4, 160), at(100)).is_err(), "it lowers");
        let mut other = raise(4, 6, 160);
        other.workload = WorkloadId::new("shop", "cart", "");
        assert!(day.covers(&other, at(100)).is_err());
        let mut made_anew = raise(4, 6, 160);
        made_anew.target = Some(Target { provider: "p".into(), uid: "u-2".into() });
        assert!(day.covers(&made_anew, at(100)).is_err(), "an object of the same name");
        let mut kept = raise(4, 6, 160);
        kept.change.until = None;
        assert!(day.covers(&kept, at(100)).is_err());
        let mut top = raise(4, 6, 160);
        top.change.field = Field::MaxReplicas;
        assert!(day.covers(&top, at(100)).is_err(), "a ceiling is no floor");
    }
}
