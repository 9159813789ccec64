//! The wheel: while somebody has it, they alone decide; the others point, stop things, and turn second keys.

use std::time::Duration;

use crate::clock::Monotonic;
use crate::view::{Command, Role};

/// After this long without an answer whoever asked may take the wheel.
const PATIENCE: Duration = Duration::from_secs(20);
/// People who may ask at once.
const ASKING: usize = 40;

/// Who has the wheel, and who asks for it, by number of their screens.
#[derive(Debug, Default)]
pub struct Wheel {
    driver: Option<u64>,
    asked: Vec<(u64, Monotonic)>,
}

/// What came of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nobody had it.
    Taken,
    /// Somebody else has it, and is asked.
    Asked(u64),
    /// Somebody else had it and did not answer.
    TakenFrom(u64),
    /// It goes to who asked first.
    HandedTo(u64),
    /// Nobody asked: everybody decides again.
    LetGo,
}

impl Wheel {
    /// Takes the wheel, asks for it, hands it over or lets go, as it stands.
    pub fn turn(&mut self, screen: u64, now: Monotonic) -> Turn {
        match self.driver {
            None => {
                self.give(Some(screen));
                Turn::Taken
            }
            Some(driver) if driver == screen => {
                let next = self.asked.first().map(|(screen, _)| *screen);
                self.give(next);
                next.map_or(Turn::LetGo, Turn::HandedTo)
            }
            Some(driver) => {
                let asked = self.asked.iter().find(|(s, _)| *s == screen).map(|(_, at)| *at);
                if asked.is_some_and(|at| now.since(at) >= PATIENCE) {
                    self.give(Some(screen));
                    return Turn::TakenFrom(driver);
                }
                if asked.is_none() && self.asked.len() < ASKING {
                    self.asked.push((screen, now));
                }
                Turn::Asked(driver)
            }
        }
    }

    fn give(&mut self, to: Option<u64>) {
        self.driver = to;
        self.asked.retain(|(screen, _)| Some(*screen) != to);
        if to.is_none() {
            self.asked.clear();
        }
    }

    /// A screen is gone; says whether it had the wheel, which nobody has then.
    pub fn left(&mut self, screen: u64) -> bool {
        self.asked.retain(|(s, _)| *s != screen);
        let drove = self.driver == Some(screen);
        if drove {
            self.give(None);
        }
        drove
    }

    /// Who has it.
    pub const fn driver(&self) -> Option<u64> {
        self.driver
    }

    /// Whether a screen asks for it.
    pub fn asks(&self, screen: u64) -> bool {
        self.asked.iter().any(|(s, _)| *s == screen)
    }

    /// What a screen may do.
    pub fn role(&self, screen: u64) -> Role {
        match self.driver {
            None => Role::Partner,
            Some(driver) if driver == screen => Role::Driver,
            Some(_) => Role::Navigator,
        }
    }
}

/// Whether a wish decides something, so that it takes the wheel. Who does not have it may stop things all the same.
pub const fn decides(command: &Command) -> bool {
    matches!(
        command,
        Command::Approve { .. }
            | Command::Reject { .. }
            | Command::Snooze { .. }
            | Command::Edit { .. }
            | Command::Resume(_)
            | Command::Release(_)
            | Command::Lesson { .. }
    )
}

/// What a learner's wish becomes: what they would decide is recorded, what only looks or notes is done, and nothing else.
pub fn in_shadow(command: Command) -> Result<Command, &'static str> {
    match command {
        Command::Approve { proposal, hash, .. } => Ok(Command::Shadow { proposal, hash, reject: None }),
        Command::Reject { proposal, reason } => {
            Ok(Command::Shadow { proposal, hash: String::new(), reject: Some(reason) })
        }
        Command::Note { .. } | Command::PollNow | Command::Shadow { .. } => Ok(command),
        _ => Err(
            "you learn along: approving and rejecting are recorded, notes are taken, nothing else is done",
        ),
    }
}

#[cfg(test)]
mod tests {
    use crate::view::{OperationId, ProposalId, RejectReason};

    use super::*;

    fn at(seconds: u64) -> Monotonic {
        Monotonic::default().plus(Duration::from_secs(seconds))
    }

    #[test]
    fn it_is_taken_asked_for_handed_over_and_let_go() {
        let mut wheel = Wheel::default();
        assert_eq!(wheel.role(1), Role::Partner);
        assert_eq!(wheel.turn(1, at(0)), Turn::Taken);
        assert_eq!((wheel.role(1), wheel.role(2)), (Role::Driver, Role::Navigator));
        assert_eq!(wheel.turn(2, at(1)), Turn::Asked(1));
        assert_eq!(wheel.turn(3, at(2)), Turn::Asked(1));
        assert!(wheel.asks(2) && wheel.asks(3) && !wheel.asks(1));
        assert_eq!(wheel.turn(1, at(3)), Turn::HandedTo(2), "who asked first");
        assert!(!wheel.asks(2) && wheel.asks(3));
        assert_eq!(wheel.turn(2, at(4)), Turn::HandedTo(3));
        assert_eq!(wheel.turn(3, at(5)), Turn::LetGo);
        assert_eq!(wheel.role(3), Role::Partner);
    }

    #[test]
    fn whoever_does_not_answer_or_leaves_loses_it() {
        let mut wheel = Wheel::default();
        wheel.turn(1, at(0));
        assert_eq!(wheel.turn(2, at(1)), Turn::Asked(1));
        assert_eq!(wheel.turn(2, at(20)), Turn::Asked(1), "19 s are no long time");
        assert_eq!(wheel.turn(2, at(21)), Turn::TakenFrom(1));
        wheel.turn(1, at(30));
        assert!(!wheel.left(1) && !wheel.asks(1));
        assert!(wheel.left(2));
        assert_eq!(wheel.driver(), None);
    }

    #[test]
    fn a_learner_decides_nothing_and_a_navigator_may_stop() {
        let id = ProposalId::new("p-1");
        let approve = Command::Approve { proposal: id.clone(), hash: "h".into(), typed: Some("prod".into()) };
        let shadow = Command::Shadow { proposal: id.clone(), hash: "h".into(), reject: None };
        assert_eq!(in_shadow(approve.clone()), Ok(shadow));
        let reject = Command::Reject { proposal: id.clone(), reason: RejectReason::BadTime };
        assert!(matches!(in_shadow(reject), Ok(Command::Shadow { reject: Some(RejectReason::BadTime), .. })));
        for writes in [
            Command::Abort(OperationId::new("op-1")),
            Command::Release(OperationId::new("op-1")),
            Command::HandOver("x".into()),
            Command::Edit { proposal: id, to: 9 },
            Command::ImportLessons { text: String::new(), trust: None },
        ] {
            assert!(in_shadow(writes.clone()).is_err(), "{writes:?}");
        }
        assert!(decides(&approve));
        assert!(!decides(&Command::Abort(OperationId::new("op-1"))) && !decides(&Command::PollNow));
    }
}
